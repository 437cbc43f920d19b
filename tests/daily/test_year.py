"""A year of daily posts in sixteen time zones."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.daily.service import Subscriptions
from storage import models, outbox
from storage.database import Database
from tests.support import digest_builders
from tests.support.world import DAY, World

pytestmark = pytest.mark.promise

FIRST = date(2018, 1, 1)
"""The first day of a year with many irregular clock changes: Pyongyang and Sao Tome changed their offset, Casablanca paused
daylight saving time for Ramadan, and one day had no midnight in Sao Paulo, Havana and the Azores."""
YEAR = [FIRST + number * DAY for number in range(365)]
BEFORE = [FIRST - 2 * DAY, FIRST - DAY]
MADE_AT = datetime(2017, 12, 30, 12, tzinfo=UTC)
DIGEST_AT = time(10, tzinfo=UTC)
"""When the day's digest arrives: hours away from every due time, so that each post draws from one digest."""
TICK_AT = time(9, 45, tzinfo=UTC)
"""The daily tick, before the digest arrives. Around clock changes, there are also ticks at the due times."""

SUBSCRIPTIONS = {
    # On some day the clock skips this time, repeats it, or changes shortly before or after it.
    "America/New_York": "02:30",
    "America/Chicago": "01:30",
    "America/Havana": "00:30",
    "America/Sao_Paulo": "00:00",
    "Europe/London": "01:30",
    "Atlantic/Azores": "00:30",
    "Africa/Casablanca": "01:30",
    "Africa/Sao_Tome": "01:30",
    "Antarctica/Troll": "01:30",
    "Asia/Pyongyang": "23:45",
    "Australia/Lord_Howe": "02:15",
    "Pacific/Chatham": "19:15",
    # Half-hour and quarter-hour offsets, and both sides of the date line.
    "Asia/Seoul": "09:30",
    "Asia/Kathmandu": "06:15",
    "Pacific/Kiritimati": "14:30",
    "Pacific/Marquesas": "21:00",
}


def _expected(zone: ZoneInfo, on: date, at: time) -> datetime:
    """Return the first minute at which the zone's clock shows this time or later, found by trying every minute."""
    wall = datetime.combine(on, at)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    moment = min(first, second) - timedelta(hours=3)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


def _ticks(due_times: Iterable[Sequence[datetime]]) -> list[datetime]:
    """Return the times to plan at: once a day, and at both due times around each clock change."""
    ticks = {datetime.combine(on, TICK_AT) for on in [*BEFORE, *YEAR]}
    ticks.add(max(ticks) + DAY)
    for zone_due_times in due_times:
        for previous, following in itertools.pairwise(zone_due_times):
            if following - previous != DAY:
                ticks |= {previous, following}
    return sorted(moment for moment in ticks if moment > MADE_AT)


async def _run_year(world: World, ticks: Iterable[datetime]) -> None:
    """Ingest each day's digest when it arrives and plan at each tick."""
    digest_dates = (FIRST + number * DAY for number in itertools.count(-2))
    on = next(digest_dates)
    for now in ticks:
        while (at := datetime.combine(on, DIGEST_AT)) < now:
            paper = f"18{on.month:02}.{on.toordinal() - FIRST.toordinal() + 100:05}"
            text = digest_builders.newsletter(on, [(paper, 5)])
            await digest_builders.ingest_digest(world.database, text, at=at)
            on = next(digest_dates)
        await world.daily_planner.tick(now)


async def test_each_of_sixteen_zones_gets_one_post_per_local_day(sqlite_db: Database) -> None:
    service = Subscriptions(sqlite_db, lambda: MADE_AT)
    zones = {}
    for channel_id, (zone, at) in enumerate(SUBSCRIPTIONS.items(), 100):
        draft = models.Subscription(guild_id=10, channel_id=channel_id, at_time=at, timezone=zone, top_n=1)
        zones[(await service.add(draft)).id] = zone
    expected = {
        zone: {on: _expected(ZoneInfo(zone), on, time.fromisoformat(at)) for on in [*BEFORE, *YEAR]}
        for zone, at in SUBSCRIPTIONS.items()
    }
    ticks = _ticks([list(due_times.values()) for due_times in expected.values()])
    await _run_year(World(sqlite_db), ticks)
    posted: dict[str, list[models.Delivery]] = defaultdict(list)
    async with sqlite_db.read() as connection:
        for delivery in await outbox.list_rows(connection):
            if delivery.local_on in YEAR:
                posted[zones[delivery.subscription_id or 0]].append(delivery)
    for zone in SUBSCRIPTIONS:
        deliveries = sorted(posted[zone], key=lambda delivery: delivery.planned_at)
        due = [(on, expected[zone][on]) for on in YEAR]
        assert [(delivery.local_on, delivery.due_at) for delivery in deliveries] == due, zone
        planned = [ticks[bisect_left(ticks, due_at)] for _, due_at in due]
        assert [delivery.planned_at for delivery in deliveries] == planned, zone
        shown = [arxiv_id for delivery in deliveries for arxiv_id in delivery.papers]
        assert len(shown) == len(set(shown)) == len(YEAR), zone
