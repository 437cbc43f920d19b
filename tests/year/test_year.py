"""A year in less than an hour: memory and tables stay bounded, and every post, alert and digest arrives once.

`DAYS=30 make test-year` is a short try. Each engine's figures go to `$FOLDER/year-ENGINE.txt`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
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

from bot.alerts.service import Alerts
from bot.club.service import Clubs
from bot.daily.service import Subscriptions
from bot.outbox.contents import DeliveryFactory
from storage import alerts as stored_alerts
from storage import archive, models, outbox, papers, shelf, tables, today
from storage import club as stored_club
from tests.fake_discord import model, process
from tests.fake_discord.fixtures import fake, fake_server, lift_rate_limits
from tests.support import alert_builders, origin_server
from tests.support.fake_arxiv import FakeArxiv
from tests.support.fault_harness import FaultHarness, open_fault_harness
from tests.year import publishing

__all__ = ["fake", "fake_server"]

pytestmark = [pytest.mark.year, pytest.mark.engines("sqlite", "postgresql")]

DAYS = int(os.environ.get("DAYS") or 365)
FOLDER = Path(os.environ.get("FOLDER") or ".year")
FIGURE_DAYS = (30, 180, 365)
EVERY = 5
"""How often the figures are written (days), in case the run does not end."""
MAX_GROWTH = 1.15

STOPS = ("02:35", "09:05", "14:05", "22:05")
"""The times (UTC) of each day at which the clock stops. The first is after the close of the list of the day before."""
EARLY_LIST, WHOLE_LIST = STOPS[2], STOPS[3]
REFUSAL, CLOSED_DM, OUTAGE = 2, 4, 6
"""The weekdays (of seven, from the first day) with a refused channel, a reader's closed messages, and an outage."""
KEPT = timedelta(days=8)
"""How long the fake keeps messages: a club's vote is read after days."""
MINUTE, DAY = timedelta(minutes=1, seconds=1), timedelta(days=1)

GUILDS, CHANNELS, READERS, WITH_TODAY, CLUBS = 6, 10, 300, 20, 3
FIRST_READER, MANAGER = 10_000, 9_000
TIMES = (
    ("09:30", "Asia/Seoul"),
    ("08:00", "Europe/Berlin"),
    ("09:00", "America/New_York"),
    ("07:00", "UTC"),
    ("", "Asia/Seoul"),
)
COMPACT = models.Style.COMPACT
STYLES = (
    *(COMPACT,) * 6,
    models.Style.CARDS,
    models.Style.THREAD,
    models.Style.FORUM,
    models.Style.ANNOUNCEMENT,
)
TYPES = {models.Style.FORUM: model.FORUM, models.Style.ANNOUNCEMENT: model.ANNOUNCEMENT}
FILTERED = 5
"""The channel of each server whose post has a topic, its own weekdays, or is weekly."""

BY_PAPERS = frozenset(
    (tables.digests, tables.entries, archive.sections, tables.papers, papers.authors, papers.paper_authors)
) | {papers.facts, stored_alerts.matches, shelf.saved_papers, stored_club.club_threads, today.feedback}
"""The tables that grow with the papers (`docs/storage.md`). All others are bounded by retention."""

_MARKER = re.compile(r'pr:d:([^/"]+):(\d+)/')
_ARXIV_ID = re.compile(r"\b\d{4}\.\d{5}\b")


@dataclass
class Figures:
    """What was measured on a day. Sizes are in bytes, times in seconds."""

    day: int
    rss: int
    index: int
    sizes: Mapping[str, tuple[int, int]]
    """Rows and bytes of each table, with its indexes."""
    seconds: Mapping[str, tuple[float, float]]
    """The median and the longest of the last days."""

    def rows(self, table: str) -> int:
        return self.sizes[table][0]


@dataclass
class Year:
    """A running bot with its readers, and what reached them."""

    harness: FaultHarness
    press: publishing.Press
    arxiv: FakeArxiv
    metrics_url: str
    first: date
    bot: Any = None
    subscriptions: dict[int, models.Subscription] = field(default_factory=dict)
    measures: defaultdict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """When each tick, purge or `/topic` began (Unix seconds) and how long it took."""
    figures: list[Figures] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)
    """The real times of the jumps, and the offset of the clock after each (seconds)."""
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The messages of each part."""
    posts: dict[int, list[tuple[date, frozenset[str]]]] = field(default_factory=lambda: defaultdict(list))
    """The local dates and papers of each channel's daily posts."""
    alerted: Counter[tuple[int, str]] = field(default_factory=Counter)
    given: Counter[tuple[int, date]] = field(default_factory=Counter)
    """The papers of the day that each reader got, by date (UTC)."""
    saved: set[tuple[int, str]] = field(default_factory=set)
    looked_up: dict[str, int] = field(default_factory=dict)
    """The day on which each unknown paper was looked up and not kept."""
    is_away: bool = False
    _read: int = 0
    _last: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _last_id: int = 0

    # Setting up.

    async def set_up(self) -> None:
        """Add the servers with their posts and clubs, and the readers with their alerts."""
        harness, service = self.harness, Subscriptions(self.harness.db, self.harness.now)
        for number in range(GUILDS):
            guild_id = process.GUILD_ID + number * 1_000_000
            await harness.fake.add_guild(guild_id, locale="ko" if number % 2 else "en-US")
            for place, style in enumerate(STYLES):
                [channel_id] = await harness.fake.add_channels(
                    1, guild_id, first=place, type=TYPES.get(style, model.TEXT)
                )
                draft = self._draft(number, place, guild_id, channel_id, style)
                self.subscriptions[channel_id] = await service.add(draft)
        clubs = Clubs(harness.db, harness.now, DeliveryFactory(lambda: NotImplemented), self._request)
        for row in self._channels(lambda place: place == 0)[:CLUBS]:
            club = stored_club.Club(
                guild_id=row.guild_id,
                channel_id=row.channel_id,
                weekday=6,
                at_time="15:00",
                timezone="UTC",
                locale=row.locale,
                created_by=MANAGER,
                starts_at=harness.now(),
            )
            await clubs.set_up(club)
        alerts = Alerts(harness.db, harness.now)
        for number in range(READERS):
            topic = publishing.TOPICS[number % len(publishing.TOPICS)]
            timing = models.AlertTiming.DAILY if number % 10 == 0 else models.AlertTiming.AT_ONCE
            await alerts.add(alert_builders.draft(topic, user_id=FIRST_READER + number, timing=timing))
        async with harness.db.transaction() as connection:
            for number in range(WITH_TODAY):
                profile = today.Profile(FIRST_READER + number, at_time="09:00", timezone="UTC")
                await today.add(connection, profile)

    async def _request(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def _draft(
        self, number: int, place: int, guild_id: int, channel_id: int, style: models.Style
    ) -> models.Subscription:
        at_time, zone = TIMES[(number + place) % len(TIMES)]
        options: dict[str, Any] = {"at_time": at_time, "timezone": zone}
        if place == FILTERED:
            options = {"at_time": "09:30", "timezone": "Asia/Seoul"}
            match number:
                case 5:
                    options |= {"days": (1,)}
                    style = models.Style.WEEKLY
                case 4:
                    options |= {"days": (1, 2, 3, 4, 5)}
                case _:
                    options |= {"topic": publishing.BENCHMARK}
        locale = models.Locale.KO if number % 2 else models.Locale.EN
        return models.Subscription(
            guild_id=guild_id,
            channel_id=channel_id,
            top_n=3,
            locale=locale,
            style=style,
            created_by=MANAGER,
            **options,
        )

    def _channels(self, is_wanted: Callable[[int], bool]) -> list[models.Subscription]:
        rows = self.subscriptions.values()
        return [row for number, row in enumerate(rows) if is_wanted(number % CHANNELS)]

    # Time.

    async def live(self, days: int) -> None:
        """Let the days pass, and measure on some of them."""
        for number in range(days):
            for stop in STOPS:
                await self._stop_at(number, stop)
            await self._collect()
            if (number + 1) % EVERY == 0 or number + 1 == days:
                figures = await self._measure(number + 1)
                write_table(self, figures)
                if number + 1 in FIGURE_DAYS or number + 1 == days:
                    self.figures.append(figures)

    async def _stop_at(self, number: int, stop: str) -> None:
        day, fake = self.first + timedelta(days=number), self.harness.fake
        if stop == STOPS[1]:
            await self._end_trouble()
        if stop == STOPS[2] and self.is_away:
            await fake.run_action("set_outage", {"seconds": 0, "gateway": True})
            self.is_away = False
            await fake.wait_until_connected()
        if stop == EARLY_LIST:
            self.press.publish(day, publishing.EARLY)
        if stop == WHOLE_LIST:
            self.press.publish(day)
        await self._jump(datetime.combine(day, time_of_day.fromisoformat(stop), UTC) - self.harness.now())
        if stop == STOPS[0] and number % 7 == REFUSAL:
            rows = [*self.subscriptions.values()]
            refused = rows[number // 7 * 7 % len(rows)].channel_id
            await fake.change_channel(refused, denied=model.SEND_MESSAGES)
        if stop == STOPS[0] and number % 7 == CLOSED_DM:
            await self._close_messages(number)
        if stop == STOPS[1] and number % 7 == OUTAGE:
            self.is_away = True
            await fake.run_action(
                "set_outage", {"seconds": 10**6, "gateway": True, "resets": number % 2 == 0}
            )
        for _ in range(3 if stop == EARLY_LIST else 1):  # several in one hour, for the log
            await self._step()
        if not self.is_away:
            await self._ask(number, STOPS.index(stop))

    async def _jump(self, duration: timedelta) -> None:
        """Move the clock, and wait until the sources have been read."""
        asked_at = self.harness.now() + duration
        await self._advance(duration)

        async def are_read() -> bool:
            async with self.harness.db.read() as connection:
                times = (
                    (await connection.execute(sa.select(tables.sources.c.last_attempt_at))).scalars().all()
                )
            return len(times) > 1 and all(at is not None and at >= asked_at for at in times)

        await self.harness.wait_until(are_read)
        await self._wait_for_ticks(asked_at)

    async def _step(self) -> None:
        """Let a minute pass, and wait until its ticks have ended and what is due is sent."""
        asked_at = self.harness.now() + MINUTE
        await self._advance(MINUTE)
        await self._wait_for_ticks(asked_at)
        if not self.is_away:
            await self.harness.wait_until(self._is_idle)

    async def _wait_for_ticks(self, asked_at: datetime) -> None:
        """Wait until both ticks have run since a moment and none runs."""

        def have_ended() -> bool:
            return all(self._ended(name) >= asked_at.timestamp() for name in ("tick", "alerts"))

        await self.harness.wait_until(have_ended)

    async def _advance(self, duration: timedelta) -> None:
        await self.harness.advance_clock(duration)
        self.jumps.append((time.time(), self.harness.clock_offset.total_seconds()))

    def _ended(self, name: str) -> float:
        """Return when the last of the runs with this name began, if none runs now (Unix seconds)."""
        file = self.harness.folder / "measures"
        if file.exists():
            with file.open() as lines:
                lines.seek(self._read)
                for line in iter(lines.readline, ""):
                    if not line.endswith("\n"):
                        break
                    kind, began_at, seconds, running = line.split()
                    self.measures[kind].append((float(began_at), float(seconds)))
                    self._read += len(line)
                    if running == "0":
                        self._last[kind] = float(began_at)
        return self._last[name]

    async def _is_idle(self) -> bool:
        async with self.harness.db.read() as connection:
            sending = sa.select(sa.func.count()).where(tables.parts.c.state == models.PartState.SENDING)
            if (await connection.execute(sending)).scalar_one():
                return False
            return not await outbox.list_due(connection, self.harness.now(), limit=1)

    # Readers and troubles.

    async def _ask(self, number: int, stop: int) -> None:
        """Let some readers ask, save, nominate, and look up a paper that no digest has."""
        day = self.first + timedelta(days=number)
        channel_id = next(iter(self.subscriptions)) + stop
        reader = FIRST_READER + (7 * number + stop) % READERS
        term = (publishing.TERMS, publishing.KOREAN)[number % 2][(number + stop) % len(publishing.TERMS)]
        began_at, started = self.harness.now().timestamp(), time.perf_counter()
        await self._slash(channel_id, reader, "topic", query=term)
        self.measures["topic"].append((began_at, time.perf_counter() - started))
        other = ("digest", "today", "saved", "trends", "status")[(number + stop) % 5]
        await self._slash(channel_id, reader, other, **({"topic": term} if other == "trends" else {}))
        if number == 0:
            return
        wanted = publishing.papers_of(day - DAY, self.first)[(3 * number + stop) % publishing.A_DAY].arxiv_id
        if stop == 3:
            number_of_month = 10_000 + number
            wanted = f"2401.{number_of_month}"
            self.arxiv.add(wanted, f"An Old Paper {number}")
        card = await self._slash(channel_id, reader, "paper", paper=wanted)
        if stop == 3 and number % 10:
            self.looked_up[wanted] = number
            return
        await self._press(channel_id, reader, card, "save")
        self.saved.add((reader, wanted))
        if stop < CLUBS and stop != 3:
            club = self._channels(lambda place: place == 0)[stop].channel_id
            await self._press(
                club, reader, await self._slash(club, reader, "paper", paper=wanted), "clubp:nominate"
            )

    async def _slash(self, channel_id: int, reader: int, name: str, **options: str) -> Mapping[str, Any]:
        given = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        data = {"id": "1", "name": name, "type": 1, "options": given}
        record = await self.harness.fake.interact(channel_id, data, user_id=reader, answer=True)
        assert record["replies"], (name, options, record, self.harness.read_log()[-3000:])
        reply: Mapping[str, Any] = record["replies"][0]
        return reply

    async def _press(self, channel_id: int, reader: int, message: Mapping[str, Any], verb: str) -> None:
        custom_id = re.findall(rf'"(pr:{verb}[:"][^"]*)"?', json.dumps(message))
        assert custom_id, (verb, message)
        data = {"custom_id": custom_id[0], "component_type": 2}
        record = await self.harness.fake.interact(
            channel_id, data, type=3, message_id=message["id"], user_id=reader
        )
        assert record["callback"] is not None

    async def _close_messages(self, number: int) -> None:
        reader = FIRST_READER + number % READERS
        for channel in await self.harness.fake.run_action("list_channels"):
            if channel["recipient_id"] == reader:
                fault = {"kind": "status", "status": 403, "code": 50007, "message": "Cannot send messages"}
                await self.harness.fake.set_faults({**fault, "path": f"/channels/{channel['id']}/messages"})

    async def _end_trouble(self) -> None:
        """Open the channels and direct messages that were closed."""
        await self.harness.fake.set_faults()
        for channel in await self.harness.fake.run_action("list_channels"):
            if channel["denied"]:
                await self.harness.fake.change_channel(channel["id"], denied=0)

    # What arrived.

    async def _collect(self) -> None:
        """Take note of the day's messages, and let the fake forget old ones."""
        fake = self.harness.fake
        channels = {row["id"]: row for row in await fake.run_action("list_channels")}
        for channel_id, messages in (await fake.all_messages(after=self._last_id)).items():
            for message in messages:
                self._last_id = max(self._last_id, message["id"])
                self._note(channels[channel_id], message)
        await fake.run_action("forget", {"seconds": KEPT.total_seconds()})
        self.press.origin.requests.clear()

    def _note(self, channel: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        text = json.dumps(message["payload"], ensure_ascii=False)
        named = set(_MARKER.findall(text))
        assert len(named) == 1, text[:2000]
        [(name, position)] = named
        self.parts[name, position] += 1
        kind, ids = name.partition(":")[0], frozenset(_ARXIV_ID.findall(text))
        at = datetime.fromtimestamp(((message["id"] >> 22) + model.DISCORD_EPOCH_MS) / 1000, UTC)
        if kind == "alert" and channel["recipient_id"]:
            self.alerted.update((channel["recipient_id"], id_) for id_ in ids)
        elif kind == "today" and channel["recipient_id"]:
            self.given[channel["recipient_id"], at.date()] += 1
        elif kind not in ("club", "notice"):
            row = self.subscriptions[channel["parent_id"] or channel["id"]]
            if position == "0":
                self.posts[row.channel_id].append((at.astimezone(ZoneInfo(row.timezone)).date(), ids))
            else:
                on, former = self.posts[row.channel_id][-1]
                self.posts[row.channel_id][-1] = on, former | ids

    # Figures.

    async def _measure(self, day: int) -> Figures:
        self._ended("tick")
        await self.harness.wait_until(self._is_index_current)
        folder = self.harness.folder
        index = sum(file.stat().st_size for file in folder.glob("**/*.search/**/*") if file.is_file())
        recent = (self.harness.now() - timedelta(days=20)).timestamp()
        seconds = {}
        for name, rows in self.measures.items():
            times = [each for at, each in rows if at >= recent]
            seconds[name] = statistics.median(times), max(times)
        rss = psutil.Process(self.bot.pid).memory_info().rss
        return Figures(day, rss, index, await self._sizes(), seconds)

    async def _is_index_current(self) -> bool:
        async with aiohttp.ClientSession() as session, session.get(self.metrics_url) as response:
            return "paperround_index_behind 0.0" in await response.text()

    async def _sizes(self) -> Mapping[str, tuple[int, int]]:
        names = [table.name for table in tables.metadata.sorted_tables]
        sizes = {}
        async with self.harness.db.read() as connection:
            for name in names:
                rows = (await connection.execute(sa.text(f"SELECT count(*) FROM {name}"))).scalar_one()
                if self.harness.db.is_sqlite:
                    of = "SELECT name FROM sqlite_schema WHERE tbl_name = :name"
                    query = (
                        f"SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = 1 AND name IN ({of})"
                    )
                else:
                    query = "SELECT pg_total_relation_size(CAST(:name AS regclass))"
                sizes[name] = rows, (await connection.execute(sa.text(query), {"name": name})).scalar_one()
        return sizes

    # Judging.

    def find_faults(self, days: int) -> Iterable[str]:
        """Yield what was lost, doubled, or grew without bound."""
        yield from (f"{part} arrived {count} times" for part, count in self.parts.items() if count != 1)
        yield from self._find_missing_posts(days)
        yield from self._find_missing_messages(days)
        yield from self._find_growth()
        yield from self._find_repeated_lines()

    def _find_missing_posts(self, days: int) -> Iterable[str]:
        dates = [self.first + timedelta(days=number) for number in range(2, days)]
        for number, row in enumerate(self.subscriptions.values()):
            got = Counter(on for on, _ in self.posts[row.channel_id])
            expected = {on: int(on.isoweekday() in row.days) for on in dates}
            for on, count in expected.items():
                if got[on] != count:
                    yield f"{row.channel_id} ({row.style}, {row.at_time} {row.timezone}) has {got[on]} posts on {on}"
            if number % CHANNELS == FILTERED:
                continue
            for on in dates[:-3]:
                wanted = publishing.papers_of(on, self.first)[0].arxiv_id
                count = sum(wanted in ids for _, ids in self.posts[row.channel_id])
                if count != 1:
                    yield f"{row.channel_id} ({row.style}) has the first paper of {on} {count} times"

    def _find_missing_messages(self, days: int) -> Iterable[str]:
        count = len(publishing.TOPICS)
        expected: Counter[tuple[int, str]] = Counter()
        for number in range(1, days):
            for rank, paper in enumerate(
                publishing.papers_of(self.first + timedelta(days=number), self.first)
            ):
                topic = (publishing.A_DAY * number + rank) % count
                readers = range(FIRST_READER + topic, FIRST_READER + READERS, count)
                expected.update((reader, paper.arxiv_id) for reader in readers)
        recent = {
            paper.arxiv_id
            for number in range(max(0, days - 3), days)
            for paper in publishing.papers_of(self.first + timedelta(days=number), self.first)
        } | {paper.arxiv_id for paper in publishing.papers_of(self.first, self.first)}
        for key in sorted(expected.keys() | self.alerted.keys()):
            got = self.alerted[key]
            if got > 1 or (got != expected[key] and key[1] not in recent):
                yield f"alert {key} arrived {got} times, not {expected[key]}"
        for reader in range(FIRST_READER, FIRST_READER + WITH_TODAY):
            for number in range(2, days):
                on = self.first + timedelta(days=number)
                if self.given[reader, on] != 1:
                    yield f"{reader} got the papers of the day {self.given[reader, on]} times on {on}"

    def _find_growth(self) -> Iterable[str]:
        by_day = {row.day: row for row in self.figures}
        last = self.figures[-1]
        if last.day > FIGURE_DAYS[0] and last.rss > MAX_GROWTH * by_day[FIGURE_DAYS[0]].rss:
            yield f"memory grew from {by_day[FIGURE_DAYS[0]].rss} to {last.rss}"
        if last.day <= FIGURE_DAYS[1]:
            return
        half = by_day[FIGURE_DAYS[1]]
        for table in tables.metadata.sorted_tables:
            growth = last.rows("papers") / half.rows("papers") if table in BY_PAPERS else 1.0
            if last.rows(table.name) > MAX_GROWTH * growth * half.rows(table.name) + 20:
                yield f"{table.name} grew from {half.rows(table.name)} to {last.rows(table.name)} rows"

    def _find_repeated_lines(self) -> Iterable[str]:
        """Yield each line of the log that was repeated twice within an hour."""
        times: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        repeated: Counter[str] = Counter()
        starts = [at for at, _ in self.jumps]
        for text in self.harness.read_log().splitlines():
            if not text.startswith("{"):
                yield f"not a line of the log: {text[:300]}"
                continue
            line = json.loads(text)
            real = datetime.fromisoformat(line.pop("timestamp")).timestamp()
            at = real + self.jumps[max(0, bisect_right(starts, real) - 1)][1]
            if not line["logger"].startswith("discord") and line["level"] in ("error", "critical"):
                yield f"an error was logged: {text[:3000]}"
            key = json.dumps(line, sort_keys=True)
            repeated[key] += at - times[key].pop(0) < 3600
            times[key].append(at)
        yield from (f"logged {count} times too often: {key}" for key, count in repeated.items() if count)

    async def find_unpurged(self, days: int) -> Iterable[str]:
        """Return papers that were looked up long ago and are still stored, and kept ones that are not."""
        async with self.harness.db.read() as connection:
            stored = set((await connection.execute(sa.select(tables.papers.c.arxiv_id))).scalars())
            saved = (
                await connection.execute(sa.select(sa.func.count()).select_from(shelf.saved_papers))
            ).scalar()
        old = (id_ for id_, number in self.looked_up.items() if number < days - 33)
        found = [f"{id_} was only looked up and is still stored" for id_ in old if id_ in stored]
        found += [f"{id_} was saved and is gone" for _, id_ in self.saved if id_ not in stored]
        return found + [f"{saved} papers are saved, not {len(self.saved)}"] * (saved != len(self.saved))


def write_table(year: Year, newest: Figures) -> None:
    """Write the figures so far as a table with a column for each day."""

    def row(name: str, cells: Sequence[object]) -> str:
        return f"| {name} | {' | '.join(map(str, cells))} |"

    columns = [*year.figures, newest]
    lines = [row("", [f"day {each.day}" for each in columns]), row("---", ["---:"] * len(columns))]
    lines.append(row("memory (RSS, MB)", [f"{each.rss / 1e6:.1f}" for each in columns]))
    lines.append(row("search index (MB)", [f"{each.index / 1e6:.2f}" for each in columns]))
    for name in sorted(columns[-1].seconds):
        cells = [
            "{:.0f}, longest {:.0f}".format(*(1000 * each for each in column.seconds[name]))
            for column in columns
        ]
        lines.append(row(f"{name} (ms)", cells))
    for name in columns[-1].sizes:
        cells = [f"{column.rows(name):,} rows, {column.sizes[name][1] / 1e3:,.0f} kB" for column in columns]
        lines.append(row(name, cells))
    FOLDER.mkdir(parents=True, exist_ok=True)
    engine = "sqlite" if year.harness.db.is_sqlite else "postgres"
    sent = f"{sum(year.parts.values()):,} messages received by the fake Discord"
    (FOLDER / f"year-{engine}.txt").write_text("\n".join([*lines, "", sent, ""]))


async def test_a_year(fake: process.FakeDiscord, database_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        harness = await stack.enter_async_context(open_fault_harness(fake, database_url, tmp_path))
        origin = await stack.enter_async_context(origin_server.run_origin())
        await lift_rate_limits(fake)
        crosspost = "POST /channels/{channel_id}/messages/{message_id}/crosspost"
        routes = {"POST /users/@me/channels": [1000, 1.0], crosspost: [1000, 1.0]}
        await fake.run_action("set_limits", {"routes": routes})
        first = harness.now().date() + DAY
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        origin.pages["/api/daily_papers"] = "[]"
        address = f"127.0.0.1:{origin_server.find_free_port()}"
        year = Year(
            harness,
            publishing.Press(origin, inbox, first),
            FakeArxiv(origin),
            f"http://{address}/metrics",
            first,
        )
        await year._advance(datetime.combine(first, time_of_day(0, 30), UTC) - harness.now())
        await year.set_up()
        year.bot = harness.start_python(
            *("-m", "tests.year.child", str(harness._clock_file), str(tmp_path / "measures")),
            HF_ENDPOINT=origin.url,
            PAPERROUND_SOURCES="https://huggingface.co",
            PAPERROUND_INBOX=str(inbox),
            PAPERROUND_ARXIV_URL=f"{origin.url}/api/query",
            PAPERROUND_HTTP=address,
            XDG_CACHE_HOME=str(tmp_path),
        )
        await harness.wait_until(lambda: "commands synchronised" in harness.read_log())
        await year.live(DAYS)
        faults = [*year.find_faults(DAYS), *await year.find_unpurged(DAYS)]
        assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:60])
