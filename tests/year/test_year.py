"""A year in less than an hour: memory and tables stay bounded, and every post and alert arrives once.

`DAYS=30 make test-year` is a short try. Each engine's figures go to `$FOLDER/year-ENGINE.txt`, also on the way.
"""

import json
import os
import re
import statistics
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import psutil
import pytest
import sqlalchemy as sa
from simcord.backend.models import Channel

from bot.features.alerts.service import Alerts
from bot.features.club.service import Clubs
from bot.features.daily.service import Subscriptions
from bot.outbox.contents import DeliveryFactory
from storage import club as stored_club
from storage import models, tables, today
from tests.fake_discord import model, server
from tests.fake_discord.fixtures import fake
from tests.support import alert_builders, origin_server, outbox_builders
from tests.support.fake_arxiv import FakeArxiv
from tests.support.fault_harness import FaultHarness, open_fault_harness
from tests.support.promises import Arrivals, due_at, place_of
from tests.year import publishing

__all__ = ["fake"]

pytestmark = [pytest.mark.year, pytest.mark.engines("sqlite", "postgresql")]

DAYS = int(os.environ.get("DAYS") or 365)
FOLDER = Path(os.environ.get("FOLDER") or ".year")
FIGURE_DAYS, WRITE_EVERY = (30, 180, 365), 10
MAX_GROWTH = 1.15
STOPS = ("02:35", "09:05", "14:05", "22:05")
"""Where the clock stops each day (UTC). The first is after the close of the list of the day before."""
CLOSED, MORNING, EARLY_LIST, WHOLE_LIST = STOPS
REFUSAL, CLOSED_DM, OUTAGE = 2, 4, 6
"""The days of each week, from the first, with a refused channel, a reader's closed messages, and an outage."""
KEPT = timedelta(days=8)
"""How long the fake keeps messages: a club's vote is read after days."""
MINUTE, DAY = timedelta(minutes=1, seconds=1), timedelta(days=1)

GUILDS, READERS, WITH_TODAY, CLUBS = 6, 300, 20, 3
FIRST_READER, MANAGER = 10_000, 9_000
GUILD_STEP, FIRST_CHANNEL = 1_000_000, 1_000
TIMES = (
    ("09:30", "Asia/Seoul"),
    ("08:00", "Europe/Berlin"),
    ("09:00", "America/New_York"),
    ("07:00", "UTC"),
    ("", "Asia/Seoul"),
)
Style = models.Style
STYLES = (*(Style.COMPACT,) * 6, Style.CARDS, Style.THREAD, Style.FORUM, Style.ANNOUNCEMENT)
TYPES = {Style.FORUM: model.FORUM, Style.ANNOUNCEMENT: model.ANNOUNCEMENT}
FILTERED = 5
"""The place in each server of a post with a topic, or with its own weekdays, in the last two servers."""
BY_TOPIC: dict[str, Any] = {"topic": publishing.BENCHMARK}
FILTERS: tuple[dict[str, Any], ...] = (
    *(BY_TOPIC,) * (GUILDS - 2),
    {"days": (1, 2, 3, 4, 5)},
    {"days": (1,), "style": Style.WEEKLY},
)
GROWING = {"authors", "club_threads", "digests", "entries", "facts", "feedback", "matches"} | {
    *("paper_authors", "papers", "saved_papers", "sections", "source_pages")
}
"""Tables that grow with the papers (`docs/storage.md`). All others are bounded by retention.

`source_pages` has a row for each file of a folder as long as the file is there.
"""
_MARKER = re.compile(r'pr:d:([^/"]+):(\d+)/')
_ARXIV_ID = re.compile(r"\b\d{4}\.\d{5}\b")


@dataclass
class Figures:
    """What was measured on a day: bytes of memory and index, rows and bytes of tables, median and longest times."""

    day: int
    rss: int
    index: int
    sizes: Mapping[str, tuple[int, int]]
    seconds: Mapping[str, tuple[float, float]]


@dataclass
class Year:
    """A running bot with its readers, and what reached them."""

    harness: FaultHarness
    origin: origin_server.OriginServer
    arxiv: FakeArxiv
    metrics_url: str
    first: date
    bot: Any = None
    subscriptions: dict[int, models.Subscription] = field(default_factory=dict)
    measures: defaultdict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """When each tick, purge or `/topic` began (Unix seconds) and how long it took."""
    figures: list[Figures] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """The bot's resident bytes after each jump since the last figures: they rise and fall within a day."""
    jumps: list[tuple[float, float]] = field(default_factory=list)
    """The real time of each jump, and how far the clock is ahead from then on (seconds)."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    posts: dict[int, list[tuple[date, frozenset[str]]]] = field(default_factory=lambda: defaultdict(list))
    """The local dates and papers of each channel's daily posts."""
    alerted: set[tuple[int, str]] = field(default_factory=set)
    given: Counter[tuple[int, date]] = field(default_factory=Counter)
    """The papers of the day that each reader got, by date (UTC)."""
    saved: set[tuple[int, str]] = field(default_factory=set)
    looked_up: dict[str, int] = field(default_factory=dict)
    """The day on which each paper that nobody kept was looked up."""
    is_away: bool = False
    _read: int = 0
    _last_id: int = 0
    _ended: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    # Setting up.

    async def set_up(self) -> None:
        """Add the servers with their posts and clubs, and the readers with their alerts."""
        harness, db, now = self.harness, self.harness.db, self.harness.now
        subscriptions, alerts = Subscriptions(db, now), Alerts(db, now)
        clubs = Clubs(db, now, DeliveryFactory(lambda: NotImplemented), NotImplemented)
        for number in range(GUILDS):
            guild_id, locale = model.GUILD_ID + number * GUILD_STEP, (*models.Locale,)[number % 2]
            if number:  # the fake has the first one
                harness.fake.add_guild(guild_id)
            for place, style in enumerate(STYLES):
                kind = TYPES.get(style, model.TEXT)
                [channel_id] = harness.fake.add_channels(1, guild_id, first=place, kind=kind)
                at_time, zone = TIMES[0 if place == FILTERED else (number + place) % len(TIMES)]
                options: dict[str, Any] = {"at_time": at_time, "timezone": zone, "style": style}
                options |= FILTERS[number] if place == FILTERED else {}
                options |= {"guild_id": guild_id, "channel_id": channel_id, "top_n": 3, "locale": locale}
                draft = models.Subscription(created_by=MANAGER, **options)
                self.subscriptions[channel_id] = await subscriptions.add(draft)
            if number < CLUBS:
                options = {"guild_id": guild_id, "channel_id": guild_id + FIRST_CHANNEL, "locale": locale}
                options |= {"weekday": 6, "at_time": "15:00", "timezone": "UTC", "starts_at": now()}
                await clubs.set_up(stored_club.Club(created_by=MANAGER, **options))
        for number in range(READERS):
            topic = publishing.TOPICS[number % len(publishing.TOPICS)]
            timing = models.AlertTiming.DAILY if number % 10 == 0 else models.AlertTiming.AT_ONCE
            await alerts.add(alert_builders.draft(topic, user_id=FIRST_READER + number, timing=timing))
        async with db.transaction() as connection:
            for reader in range(FIRST_READER, FIRST_READER + WITH_TODAY):
                await today.add(connection, today.Profile(reader, at_time="09:00", timezone="UTC"))

    # Time.

    async def live(self, days: int) -> list[str]:
        """Let the days pass, and measure and judge on some of them. Returns the faults found."""
        faults: list[str] = []
        for number in range(days):
            for stop in STOPS:
                await self._stop_at(number, stop)
            await self._collect()
            if (number + 1) % WRITE_EVERY == 0 or number + 1 == days:
                newest = await self._measure(number + 1)
                faults = [*await self.find_faults(newest)]
                write_table(self, newest, faults)
                self.figures += [newest] if newest.day in FIGURE_DAYS else []
        return faults

    async def _stop_at(self, number: int, stop: str) -> None:
        day, fake, weekday = self.first + number * DAY, self.harness.fake, number % 7
        if stop == MORNING:
            await self._end_refusals()
        if stop == EARLY_LIST and self.is_away:
            await fake.set_outage(0, gateway=True)
            self.is_away = False
            await fake.wait_until_connected()
        if stop in (EARLY_LIST, WHOLE_LIST):
            count = publishing.EARLY if stop == EARLY_LIST else publishing.A_DAY
            publishing.publish(self.origin, self.harness.folder / "inbox", day, count)
        # Troubles begin before the jump, so that what is due then meets them.
        if stop == CLOSED and weekday == REFUSAL:
            refused = [*self.subscriptions][number % len(self.subscriptions)]
            fake.deny(refused, model.SEND_MESSAGES)
        if stop == CLOSED and weekday == CLOSED_DM:
            await self._close_messages(FIRST_READER + number % READERS)
        if stop == MORNING and weekday == OUTAGE:
            self.is_away = True
            await fake.set_outage(10**6, gateway=True, resets=number % 2 == 0)
        await self._advance(datetime.combine(day, time_of_day.fromisoformat(stop), UTC) - self.harness.now())
        for _ in range(3 if stop == EARLY_LIST else 1):  # several in one hour, for the log
            await self._advance(MINUTE)
        if not self.is_away:
            await self._ask(number, STOPS.index(stop))

    async def _advance(self, duration: timedelta) -> None:
        """Move the clock. Wait until ticks and sources have followed, and what is due is sent."""
        asked_at = self.harness.now() + duration
        await self.harness.advance_clock(duration)
        self.jumps.append((time.time(), self.harness.clock_offset.total_seconds()))

        def have_ticked() -> bool:
            assert self.bot.poll() is None, f"the bot has ended: {self.harness.read_log()[-1000:]}"
            self._read_measures()
            return all(self._ended[name] >= asked_at.timestamp() for name in ("tick", "alerts"))

        async def has_settled() -> bool:
            async with self.harness.db.read() as connection:
                times = {*await connection.scalars(sa.select(tables.sources.c.last_attempt_at))}
                if duration > MINUTE and not (times and all(at and at >= asked_at for at in times)):
                    return False
                states = {*await connection.scalars(sa.select(tables.parts.c.state).distinct())}
                due = await outbox_builders.list_due(connection, self.harness.now())
                return self.is_away or not (due or models.PartState.SENDING in states)

        await self.harness.wait_until(have_ticked)
        await self.harness.wait_until(has_settled)
        self.memory.append(psutil.Process(self.bot.pid).memory_info().rss)

    def _read_measures(self) -> None:
        """Read what the bot measured since the last call."""
        file = self.harness.folder / "measures"
        with file.open() as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith("\n"):
                    break
                self._read += len(line)
                name, began_at, seconds, running = line.split()
                self.measures[name].append((float(began_at), float(seconds)))
                if running == "0":
                    self._ended[name] = max(at for at, _ in self.measures[name][-5:])

    # Readers and troubles.

    async def _ask(self, number: int, stop: int) -> None:
        """Let a reader ask, save, list, and look up a paper that no digest has."""
        place, reader = [*self.subscriptions][stop], FIRST_READER + (7 * number + stop) % READERS
        terms = [*(publishing.TERMS, publishing.TERMS.values())[number % 2]]
        term = terms[(number + stop) % len(terms)]
        began_at, started = self.harness.now().timestamp(), time.perf_counter()
        await self._slash(place, reader, "topic", query=term)
        self.measures["topic"].append((began_at, time.perf_counter() - started))
        other = ("digest", "today", "saved", "trends", "status")[(number + stop) % 5]
        await self._slash(place, reader, other, **({"topic": term} if other == "trends" else {}))
        if number == 0:
            return
        papers = publishing.papers_of(self.first + (number - 1) * DAY)
        wanted = papers[(3 * number + stop) % len(papers)].arxiv_id
        if stop == 3:
            wanted = f"2401.{10_000 + number}"
            self.arxiv.add(wanted, f"An Old Paper {number}")
        card = await self._slash(place, reader, "paper", paper=wanted)
        if stop == 3 and number % 10:
            self.looked_up[wanted] = number
            return
        await self._press(place, reader, card, "save")
        self.saved.add((reader, wanted))
        if stop < CLUBS:
            place = model.GUILD_ID + stop * GUILD_STEP + FIRST_CHANNEL
            card = await self._slash(place, reader, "paper", paper=wanted)
            await self._press(place, reader, card, "list:")

    async def _slash(self, channel_id: int, reader: int, name: str, **options: str) -> model.Json:
        given = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        data = {"id": "1", "name": name, "type": 1, "options": given}
        record = await self.harness.fake.interact(channel_id, data, user_id=reader, answer=True)
        assert record.replies, (name, options, self.harness.read_log()[-3000:])
        return record.replies[0]

    async def _press(self, channel_id: int, reader: int, message: model.Json, verb: str) -> None:
        custom_id, *_ = re.findall(rf'"(pr:{verb}[^"]*)"', json.dumps(message))
        data = {"custom_id": custom_id, "component_type": 2}
        options: dict[str, Any] = {
            "kind": 3,
            "message_id": int(message["id"]),
            "user_id": reader,
            "answer": True,
        }
        record = await self.harness.fake.interact(channel_id, data, **options)
        assert record.record.responded

    async def _close_messages(self, reader: int) -> None:
        fault = {"kind": "status", "status": 403, "code": 50007, "message": "Cannot send messages"}
        channels = self.harness.fake.world.channels.values()
        ids = [channel.id for channel in channels if reader in channel.recipient_ids]
        self.harness.fake.set_faults(*({**fault, "path": f"/channels/{id_}/messages"} for id_ in ids))

    async def _end_refusals(self) -> None:
        self.harness.fake.set_faults()
        for channel in self.harness.fake.world.channels.values():
            if channel.overwrites:
                self.harness.fake.deny(channel.id, 0)

    # What arrived.

    async def _collect(self) -> None:
        """Take note of the day's messages, and let the fake forget old ones."""
        fake = self.harness.fake
        found = [row for rows in fake.all_messages(after=self._last_id).values() for row in rows]
        for message in sorted(found, key=lambda row: int(row["id"])):
            self._last_id = int(message["id"])
            self._note(fake.world.channels[int(message["channel_id"])], message)
        fake.forget(KEPT.total_seconds())
        self.origin.requests.clear()

    def _note(self, channel: Channel, message: model.Json) -> None:
        text = json.dumps(message)
        [(name, position)] = set(_MARKER.findall(text))
        kind, ids = name.partition(":")[0], frozenset(_ARXIV_ID.findall(text))
        at = datetime.fromisoformat(message["timestamp"])
        place: tuple[int | str, ...] | None = None
        if kind == "alert":
            place = tuple(channel.recipient_ids)
            self.alerted |= {(*channel.recipient_ids, id_) for id_ in ids}
        elif kind == "today":
            self.given[channel.recipient_ids[0], at.date()] += 1
        elif kind not in ("club", "notice"):
            row = self.subscriptions[channel.parent_id or channel.id]
            posts, on = self.posts[row.channel_id], at.astimezone(ZoneInfo(row.timezone)).date()
            place = place_of(row)
            if position != "0":
                on, former = posts.pop()
                ids |= former
            elif at < due_at(row, on)[0]:
                self.arrivals.faults.append(f"{name} came at {at}, before its time")
            posts.append((on, ids))
        marker = f"{name}:{position}"
        of_place = () if place is None else ids
        self.arrivals.add(marker, marker if kind == "alert" else name, place, of_place, at)

    # Figures.

    async def _measure(self, day: int) -> Figures:
        await self.harness.wait_until(self._is_index_current)
        self._read_measures()
        files = self.harness.folder.glob("**/*search*/**/*")
        index = sum(file.stat().st_size for file in files if file.is_file())
        since = (self.harness.now() - 20 * DAY).timestamp()
        recent = {name: [each for at, each in rows if at >= since] for name, rows in self.measures.items()}
        seconds = {name: (statistics.median(times), max(times)) for name, times in recent.items()}
        rss, self.memory = round(statistics.median(self.memory)), []
        return Figures(day, rss, index, await self._sizes(), seconds)

    async def _is_index_current(self) -> bool:
        async with aiohttp.ClientSession() as session, session.get(self.metrics_url) as response:
            return "paperround_index_behind 0.0" in await response.text()

    async def _sizes(self) -> Mapping[str, tuple[int, int]]:
        """Return the rows of each table, and its bytes with those of its indexes."""
        of_table = "(SELECT name FROM sqlite_schema WHERE tbl_name = '{0}')"
        query = f"SELECT sum(pgsize), (SELECT count(*) FROM {{0}}) FROM dbstat WHERE aggregate = 1 AND name IN {of_table}"
        if not self.harness.db.is_sqlite:
            query = "SELECT pg_total_relation_size('{0}'), (SELECT count(*) FROM {0})"
        sizes = {}
        async with self.harness.db.read() as connection:
            for table in tables.metadata.sorted_tables:
                size, rows = (await connection.execute(sa.text(query.format(table.name)))).one()
                sizes[table.name] = rows, size
        return sizes

    # Judging.

    async def find_faults(self, last: Figures) -> Iterable[str]:
        """Return what was lost, doubled or kept, grew without bound, or was logged too often."""
        days = last.day
        found = [
            *self.arrivals.faults,
            *self._find_missing_posts(days),
            *self._find_missing_messages(days),
            *self._find_growth(last),
        ]
        return [*found, *self._find_repeated_lines(), *await self._find_unpurged(days)]

    def _find_missing_posts(self, days: int) -> Iterable[str]:
        dates = [self.first + number * DAY for number in range(2, days)]
        for number, row in enumerate(self.subscriptions.values()):
            posts = self.posts[row.channel_id]
            got = Counter(on for on, _ in posts)
            name = f"{row.channel_id} ({row.style}, {row.at_time} {row.timezone})"
            yield from (
                f"{name}: {got[on]} posts on {on}" for on in dates if got[on] != (on.isoweekday() in row.days)
            )
            for on in dates[:-3] if number % len(STYLES) != FILTERED else ():
                count = sum(publishing.papers_of(on)[0].arxiv_id in ids for _, ids in posts)
                if count != 1:
                    yield f"{name}: the first paper of {on} {count} times"

    def _find_missing_messages(self, days: int) -> Iterable[str]:
        expected: set[tuple[int, str]] = set()
        for number in range(1, days - 3):
            for paper in publishing.papers_of(self.first + number * DAY):
                followers = range(
                    FIRST_READER + publishing.TOPICS.index(paper.topic), FIRST_READER + READERS, 100
                )
                expected |= {(reader, paper.arxiv_id) for reader in followers}
        yield from (f"alert {key} did not arrive" for key in sorted(expected - self.alerted))
        of_papers = {id_ for _, id_ in expected}
        wrong = [key for key in self.alerted if key[1] in of_papers and key not in expected]
        yield from (f"alert {key} was not wanted" for key in wrong)
        for reader in range(FIRST_READER, FIRST_READER + WITH_TODAY):
            for on in (self.first + number * DAY for number in range(2, days)):
                if self.given[reader, on] != 1:
                    yield f"{reader} got the papers of the day {self.given[reader, on]} times on {on}"

    def _find_growth(self, last: Figures) -> Iterable[str]:
        by_day = {row.day: row for row in self.figures}
        first, half = by_day.get(FIGURE_DAYS[0], last), by_day.get(FIGURE_DAYS[1], last)
        if last.rss > MAX_GROWTH * first.rss:
            yield f"memory grew from {first.rss} to {last.rss} bytes"
        for table in tables.metadata.sorted_tables:
            (before, _), (after, _) = half.sizes[table.name], last.sizes[table.name]
            growth = last.sizes["papers"][0] / half.sizes["papers"][0] if table.name in GROWING else 1.0
            of_readers = READERS + 1 if table.name in ("profiles", "readers") else 0
            if after > max(MAX_GROWTH * growth * before + 20, of_readers):
                yield f"{table.name} grew from {before} to {after} rows"

    def _find_repeated_lines(self) -> Iterable[str]:
        """Yield each line of the log that was repeated twice within an hour."""
        times: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        repeated: Counter[str] = Counter()
        starts = [at for at, _ in self.jumps]
        for text in self.harness.read_log().splitlines():
            line = json.loads(text)
            if line["logger"].startswith("discord"):
                continue  # discord.py's lines of each attempt to connect, which come faster than in life
            real_at = datetime.fromisoformat(line.pop("timestamp")).timestamp()
            at = real_at + self.jumps[max(0, bisect_right(starts, real_at) - 1)][1]
            if line["level"] in ("error", "critical"):
                yield f"an error was logged: {text[:3000]}"
            key = json.dumps(line, sort_keys=True)
            repeated[key] += at - times[key].pop(0) < 3600
            times[key].append(at)
        yield from (f"logged {count} times too often: {key}" for key, count in repeated.items() if count)

    async def _find_unpurged(self, days: int) -> Iterable[str]:
        """Return papers that were looked up long ago and are still stored, and saved ones that are not."""
        async with self.harness.db.read() as connection:
            stored = {*await connection.scalars(sa.select(tables.papers.c.key))}
        old = {id_ for id_, number in self.looked_up.items() if number < days - 33}
        found = [f"{id_} was only looked up and is still stored" for id_ in sorted(old & stored)]
        return found + [f"{id_} was saved and is gone" for _, id_ in self.saved if id_ not in stored]


def write_table(year: Year, newest: Figures, faults: Sequence[str]) -> None:
    """Write the figures so far as a table with a column for each day, and the faults."""
    columns = [*year.figures, newest]
    cells = {"": [f"day {each.day}" for each in columns], "---": ["---:"] * len(columns)}
    cells["memory, RSS (MB)"] = [f"{each.rss / 1e6:.1f}" for each in columns]
    cells["search index (MB)"] = [f"{each.index / 1e6:.2f}" for each in columns]
    for name in newest.seconds:
        seconds = [each.seconds.get(name, (0.0, 0.0)) for each in columns]
        cells[f"{name} (ms)"] = [
            f"{1000 * median:.0f}, longest {1000 * most:.0f}" for median, most in seconds
        ]
    for name in newest.sizes:
        cells[name] = [
            f"{each.sizes[name][0]:,} rows, {each.sizes[name][1] / 1e3:,.0f} kB" for each in columns
        ]
    lines = [f"| {name} | {' | '.join(row)} |" for name, row in cells.items()]
    lines += [
        "",
        f"{len(year.arrivals.markers):,} messages received by the fake Discord, {len(faults)} faults",
        *faults,
        "",
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    engine = "sqlite" if year.harness.db.is_sqlite else "postgres"
    (FOLDER / f"year-{engine}.txt").write_text("\n".join(lines))


async def test_a_year(fake: server.FakeDiscord, database_url: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{origin_server.find_free_port()}"
    async with (
        open_fault_harness(fake, database_url, tmp_path) as harness,
        origin_server.run_origin() as origin,
    ):
        (tmp_path / "measures").touch()
        crosspost = "POST /channels/*/messages/*/crosspost"
        fake.lift_rate_limits(crosspost, "POST /users/@me/channels")
        origin.pages["/api/daily_papers"] = "[]"
        year = Year(
            harness, origin, FakeArxiv(origin), f"http://{address}/metrics", harness.now().date() + DAY
        )
        await harness.advance_clock(datetime.combine(year.first, time_of_day(0, 30), UTC) - harness.now())
        await year.set_up()
        settings = {
            "HF_ENDPOINT": origin.url,
            "PAPERROUND_SOURCES": "https://huggingface.co",
            "PAPERROUND_INBOX": str(tmp_path / "inbox"),
            "PAPERROUND_ARXIV_URL": f"{origin.url}/api/query",
            "PAPERROUND_HTTP": address,
            "XDG_CACHE_HOME": str(tmp_path),
        }
        arguments = ("-m", "tests.year.child", str(harness._clock_file), str(tmp_path / "measures"))
        year.bot = harness.start_python(*arguments, **settings)
        await harness.wait_until(lambda: "commands synchronised" in harness.read_log())
        faults = await year.live(DAYS)
        assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:60])
