"""Posts of complete days: weeks of listings around clock changes with late papers, and single days."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from aiohttp import web

from bot.archive import listing
from bot.archive.ingest import IngestService
from bot.core import day_close
from bot.daily import planner, schedule
from bot.search.index import SearchIndexer
from storage import daily, models, outbox, sources
from storage.database import Database
from tests.support import digest_builders, origin_server, source_payloads
from tests.support.planner_harness import DAY, HOUR, MINUTE, PlannerHarness, read_lists
from tests.support.polling_harness import PollingHarness

RULE = day_close.default()
URL = "https://huggingface.co"
ZONES = ("Asia/Seoul", "America/New_York")


class Replay:
    """The lists of a service over time, read as the poller reads them, and written digests."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.planning = PlannerHarness(database)
        self.random = random.Random(seed)
        self.arrivals: dict[date, dict[str, datetime]] = {}
        self.now = datetime.min.replace(tzinfo=UTC)
        self._known: dict[date, frozenset[str]] = {}
        self.written_count = 0
        self._written: list[tuple[datetime, date]] = []

    def publish(self, day: date) -> None:
        """Choose when the papers of a day arrive: most of them before midnight (UTC), 5 % from 00:10 to 02:25."""
        if day.isoweekday() > 5:
            return
        midnight = datetime.combine(day + DAY, time(0), UTC)
        times = {}
        for number in range(self.random.randint(5, 8)):
            if self.random.random() < 0.05:
                at = midnight + (10 + self.random.random() * 135) * MINUTE
            else:
                at = midnight - self.random.choice([20, 3]) * HOUR
            times[f"{day:%y%m}.{day.day:02}{number + 100}"] = at
        self.arrivals[day] = times
        if len(self.arrivals) % 2:
            self._written.append((midnight + self.random.uniform(-10, 24) * HOUR, day))

    async def advance(self, now: datetime) -> None:
        """Read the days whose lists may grow, and take in the written digests that have arrived by now."""
        reads = []
        for day in (now.date() - DAY, now.date()):
            if day == now.date() or RULE.is_list_growing(day, now):
                listed = frozenset(name for name, at in self.arrivals.get(day, {}).items() if at <= now)
                await self._ingest_list(day, listed, now)
                location = f"{URL}/api/daily_papers?date={day}"
                reads.append((1, models.PageState(location, now, models.FetchStatus.OK)))
        async with self.database.transaction() as connection:
            await sources.upsert_page_states(connection, reads)
        for at, day in [row for row in self._written if row[0] <= now]:
            self._written.remove((at, day))
            await self._ingest_written(day, now)

    async def _ingest_list(self, day: date, listed: frozenset[str], now: datetime) -> None:
        if not listed or listed == self._known.get(day):
            return
        self._known[day] = listed
        papers = [{"arxiv_id": name, "title": name, "votes": 5} for name in sorted(listed)]
        text = listing.build(day, papers).text
        await digest_builders.ingest_digest(self.database, text, at=now, location=f"{URL}/{day}")

    async def _ingest_written(self, day: date, now: datetime) -> None:
        self.written_count += 1
        papers = [(name, 5) for name, at in self.arrivals[day].items() if at <= now]
        text = digest_builders.newsletter(day, papers[::2])
        await digest_builders.ingest_digest(self.database, text, at=now, location=f"written/{day}")

    async def run(self, begin: datetime, end: datetime) -> None:
        """Read and plan from one moment to another, each at the next minute at which something is due."""
        next_read = now = begin
        while now < end:
            self.now = now
            if now >= next_read:
                await self.advance(now)
                # Every four hours instead of every half hour; around the close as the poller.
                next_read = RULE.next_read_at(now + 240 * MINUTE, now)
            await self.planning.tick(now)
            async with self.database.read() as connection:
                rows = await daily.list_rows(connection)
                calendar = await planner.load_calendar(connection, RULE, now)
            # What waits for a list is looked at when one is read, and at the end of the wait.
            moments = [calendar.following(row).at for row in rows]
            moments += [calendar.newest(row).at + schedule.WAIT for row in rows]
            following = min(at for at in (next_read, *moments) if at > now)
            now = max(following, now + timedelta(seconds=1)).replace(second=0, microsecond=0)
            if now < following or now <= self.now:
                now += MINUTE


@pytest.fixture
async def replay(sqlite_db: Database) -> Replay:
    await read_lists(sqlite_db, datetime(2025, 5, 1, tzinfo=UTC))
    return Replay(sqlite_db, 7)


@pytest.mark.parametrize(
    ("first", "count"),
    # The clocks of America change on November 2 and March 8, those of Europe on March 29.
    [(date(2025, 10, 27), 14), (date(2026, 3, 2), 33)],
    ids=["autumn", "spring"],
)
async def test_weeks_of_listings_are_posted_whole_after_each_close(
    replay: Replay, first: date, count: int
) -> None:
    begin = datetime.combine(first, time(0), UTC)
    zones = {}
    for channel_id, zone in enumerate(ZONES, 100):
        subscription_id = await replay.planning.subscribe(
            channel_id, begin, timezone=zone, at_time="", top_n=25
        )
        zones[subscription_id] = zone
    for number in range(count):
        replay.publish(first + number * DAY)
    await replay.run(begin, begin + (count + 7) * DAY)
    posts: dict[str, list[models.Delivery]] = defaultdict(list)
    async with replay.database.read() as connection:
        for delivery in await outbox.list_rows(connection):
            posts[zones[delivery.subscription_id or 0]].append(delivery)
    expected_late = Counter(
        name
        for day, times in replay.arrivals.items()
        for name, at in times.items()
        if at > RULE.closes_at(day)
    )
    assert expected_late
    delays = []
    for zone in ZONES:
        shown = [name for delivery in posts[zone] for name in delivery.post.papers]
        assert len(shown) == len(set(shown)), zone
        late_shown: Counter[str] = Counter()
        own: dict[date, set[str]] = {}
        for post in posts[zone]:
            assert post.digest_on is not None
            late_count = sum(count for _, count, _ in post.post.late)
            names = post.post.papers[: len(post.post.papers) - late_count]
            late_shown.update(post.post.papers[len(names) :])
            own[post.digest_on] = set(names)
            closes_at = RULE.closes_at(post.digest_on)
            assert post.planned_at >= closes_at, (zone, post.digest_on)
            delays.append(post.planned_at - max(closes_at, post.due_at))
        for day, times in replay.arrivals.items():
            assert {name for name, at in times.items() if at <= RULE.closes_at(day)} <= own[day], (zone, day)
        # Those of the last day would be in a post after the half year.
        assert set(expected_late) - set(replay.arrivals[max(replay.arrivals)]) <= set(shown), zone
        assert set(late_shown) <= set(expected_late), zone
    assert max(delays) <= 6 * MINUTE
    assert replay.written_count == (len(replay.arrivals) + 1) // 2


THURSDAY = date(2026, 7, 2)
CLOSE = RULE.closes_at(THURSDAY)


async def test_a_post_waits_for_a_source_that_is_down_at_the_close_and_then_takes_what_is_there(
    replay: Replay,
) -> None:
    begin = CLOSE - 8 * HOUR
    await replay.planning.subscribe(20, begin, at_time="")
    replay.arrivals[THURSDAY] = {"2607.00001": begin}
    replay.now = begin
    await replay.advance(begin)
    tick = replay.planning.planner.tick
    assert await tick(CLOSE - 90 * MINUTE) == 0
    assert await tick(CLOSE + 5 * MINUTE) == 0
    assert await tick(CLOSE + 12 * HOUR - MINUTE) == 0
    assert await tick(CLOSE + 12 * HOUR) == 1
    assert await replay.planning.list_contents() == ["2607.00001"]


async def test_a_day_that_has_no_list_is_not_waited_for(replay: Replay) -> None:
    begin = CLOSE - 8 * HOUR
    await replay.planning.subscribe(20, begin, at_time="")
    replay.now = CLOSE + MINUTE
    assert await replay.planning.tick(CLOSE - MINUTE) == 0
    await replay.advance(CLOSE + MINUTE)
    assert await replay.planning.tick(CLOSE + MINUTE) == 0
    assert await replay.planning.tick(CLOSE + schedule.WAIT) == 0
    assert (await replay.planning.get_subscription(1)).last_on == THURSDAY + DAY


class GrowingLists:
    """The lists of a loopback Hugging Face, as they are at the time of each request."""

    def __init__(self, polling: PollingHarness) -> None:
        self.polling = polling
        self.arrivals: dict[date, dict[str, datetime]] = {}
        self.reads: dict[str, list[datetime]] = defaultdict(list)
        self.down_until = CLOSE
        polling.origin.pages["/api/daily_papers"] = self.respond

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        day, now = request.query["date"], self.polling.now
        self.reads[day].append(now)
        if now < self.down_until:
            return web.Response(status=503)
        arrivals = self.arrivals.get(date.fromisoformat(day), {})
        names = [name for name, at in arrivals.items() if at <= now]
        tag = f'"{len(names)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        items = [source_payloads.daily_papers_item(name) for name in names]
        return web.Response(text=source_payloads.daily_papers(*items), headers={"ETag": tag})


@pytest.fixture
async def lists(sqlite_db: Database) -> AsyncIterator[GrowingLists]:
    async with origin_server.run_origin() as origin:
        yield GrowingLists(PollingHarness(sqlite_db, origin))


async def _run_bot(polling: PollingHarness, planner: PlannerHarness, begin: datetime, end: datetime) -> None:
    """Look for due sources every 30 seconds and for due posts every minute, as the bot does."""
    polling.ingest = IngestService(polling.db, polling.clock, SearchIndexer())
    polling.now = begin
    async with polling.open_poller() as poller:
        while polling.now < end:
            if polling.now.second == 0:
                await planner.planner.tick(polling.now)
            await poller.fetch_due()
            polling.now += MINUTE / 2


async def test_the_poller_reads_a_list_around_its_close_and_the_post_follows_within_six_minutes(
    lists: GrowingLists,
) -> None:
    polling, planner = lists.polling, PlannerHarness(lists.polling.db)
    await polling.add(polling.origin.url, "huggingface")
    lists.arrivals[THURSDAY] = {
        "2601.00001": CLOSE - 300 * MINUTE,
        "2601.00002": CLOSE - MINUTE,
        "2601.00003": CLOSE + 8 * MINUTE,
    }
    lists.down_until = CLOSE + 4 * MINUTE
    begin = CLOSE - 3 * HOUR
    await planner.subscribe(20, begin, top_n=25, at_time="")
    await _run_bot(polling, planner, begin, CLOSE + 50 * MINUTE)
    async with polling.db.read() as connection:
        (post,) = await outbox.list_rows(connection)
    assert sorted(post.post.papers) == ["2601.00001", "2601.00002"]
    assert CLOSE <= post.planned_at <= CLOSE + 6 * MINUTE
    around = [
        at for at in lists.reads[THURSDAY.isoformat()] if CLOSE - 10 * MINUTE <= at <= CLOSE + 40 * MINUTE
    ]
    gaps = [after - before for before, after in itertools.pairwise(around)]
    assert max(gaps) <= 8 * MINUTE
    assert [at for at in around if CLOSE < at <= CLOSE + MINUTE]
    assert len(around) <= 40
