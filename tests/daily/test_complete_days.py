"""Posts without a time: they wait for the list of the day, also while its source is down."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
from aiohttp import web

from bot.archive.ingest import IngestService
from bot.core import day_close
from storage import outbox
from storage.database import Database
from tests.support import origin_server, source_payloads
from tests.support.polling_harness import PollingHarness
from tests.support.world import HOUR, MINUTE, World, day, moment

RULE = day_close.default()
THURSDAY = date(2026, 7, 2)
CLOSE = RULE.closes_at(THURSDAY)


async def test_a_post_waits_for_a_source_that_is_down_at_the_close_and_then_takes_what_is_there(
    world: World,
) -> None:
    await world.read_lists("Thu-1")
    await world.daily(at="")
    await world.list("Mon", "A")
    for when in ("Tue 10:00", "Tue 11:35", "Tue 23:29"):  # it closes at 11:30
        await world.at(when)
    assert world.sent == []
    await world.at("Tue 23:30")
    assert world.sent == ["A"]


async def test_a_day_that_has_no_list_has_no_post(world: World) -> None:
    await world.read_lists("Thu-1")
    row = await world.daily(at="")
    world.now = moment("Tue 11:31")
    await world.read_lists("Mon")
    for when in ("Tue 11:31", "Tue 23:30"):
        await world.at(when)
    assert world.sent == []
    assert await world.last_on(row) == day("Tue")


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


async def _run_bot(polling: PollingHarness, world: World, begin: datetime, end: datetime) -> None:
    """Look for due sources every 30 seconds and for due posts every minute, as the bot does."""
    polling.ingest = IngestService(polling.db, polling.clock)
    polling.now = begin
    async with polling.open_poller() as poller:
        while polling.now < end:
            if polling.now.second == 0:
                await world.daily_planner.tick(polling.now)
            await poller.fetch_due()
            polling.now += MINUTE / 2


async def test_the_poller_reads_a_list_around_its_close_and_the_post_follows_within_six_minutes(
    lists: GrowingLists,
) -> None:
    polling, world = lists.polling, World(lists.polling.db)
    await polling.add(polling.origin.url, "huggingface")
    lists.arrivals[THURSDAY] = {
        "2601.00001": CLOSE - 300 * MINUTE,
        "2601.00002": CLOSE - MINUTE,
        "2601.00003": CLOSE + 8 * MINUTE,
    }
    lists.down_until = CLOSE + 4 * MINUTE
    world.now = begin = CLOSE - 3 * HOUR
    await world.daily(at="", papers=25)
    await _run_bot(polling, world, begin, CLOSE + 50 * MINUTE)
    async with polling.db.read() as connection:
        (post,) = await outbox.list_rows(connection)
    assert sorted(post.papers) == ["2601.00001", "2601.00002"]
    assert CLOSE <= post.planned_at <= CLOSE + 6 * MINUTE
    around = [
        at for at in lists.reads[THURSDAY.isoformat()] if CLOSE - 10 * MINUTE <= at <= CLOSE + 40 * MINUTE
    ]
    gaps = [after - before for before, after in itertools.pairwise(around)]
    assert max(gaps) <= 8 * MINUTE
    assert [at for at in around if CLOSE < at <= CLOSE + MINUTE]
    assert len(around) <= 40
