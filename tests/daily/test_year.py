"""A year of daily posts in forty time zones, and two weeks of digests that repeat papers."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.daily.service import Subscriptions
from storage import models, outbox, tables
from storage.database import Connection, Database
from tests.support import digest_builders
from tests.support.planner_harness import EVENING, MONDAY, SEOUL_9AM, PlannerHarness

DAY = timedelta(days=1)
FIRST = date(2018, 1, 1)
"""First day of a year with many irregular clock changes: Pyongyang and Sao Tome changed their offset, Casablanca paused
daylight saving time for Ramadan, and in Sao Paulo, Havana and the Azores one day had no midnight."""
YEAR = [FIRST + number * DAY for number in range(365)]
BEFORE = [FIRST - 2 * DAY, FIRST - DAY]
MADE_AT = datetime(2017, 12, 30, 12, tzinfo=UTC)
DIGEST_AT = time(10, tzinfo=UTC)
"""When the day's digest arrives. No subscription is due within hours of it, so each post has one digest to draw from."""
TICK_AT = time(9, 45, tzinfo=UTC)
"""The tick of every day, before the digest arrives. Next to clock changes there are ticks at the due times too."""

SUBSCRIPTIONS = {
    # On some day of the year the clock skips this time, repeats it, or changes shortly before or after it.
    "America/New_York": "02:30",
    "America/Chicago": "01:30",
    "America/Halifax": "03:30",
    "America/Los_Angeles": "23:30",
    "America/St_Johns": "02:00",
    "America/Havana": "00:30",
    "America/Santiago": "02:30",
    "America/Asuncion": "02:30",
    "America/Sao_Paulo": "00:00",
    "Europe/London": "01:30",
    "Europe/Dublin": "01:30",
    "Europe/Lisbon": "01:30",
    "Europe/Berlin": "02:30",
    "Atlantic/Azores": "00:30",
    "Africa/Casablanca": "01:30",
    "Africa/Sao_Tome": "01:30",
    "Antarctica/Troll": "01:30",
    "Asia/Beirut": "09:30",
    "Asia/Amman": "09:30",
    "Asia/Tehran": "11:00",
    "Asia/Pyongyang": "23:45",
    "Australia/Lord_Howe": "02:15",
    "Australia/Adelaide": "16:00",
    "Australia/Sydney": "16:30",
    "Pacific/Chatham": "19:15",
    # Offsets of half and quarter hours, both sides of the date line, and common zones.
    "Asia/Seoul": "09:30",
    "Asia/Tokyo": "09:30",
    "Asia/Kathmandu": "06:15",
    "Asia/Kolkata": "06:00",
    "Asia/Yangon": "07:00",
    "Australia/Eucla": "09:15",
    "Pacific/Kiritimati": "14:30",
    "Pacific/Marquesas": "21:00",
    "America/Caracas": "02:30",
    "America/Phoenix": "23:30",
    "Europe/Istanbul": "09:30",
    "Europe/Moscow": "09:30",
    "Africa/Cairo": "08:30",
    "Africa/Lagos": "07:30",
    "Africa/Nairobi": "09:30",
}


def _expected(zone: ZoneInfo, on: date, at: time) -> datetime:
    """Return the first minute at which the zone's clock shows the time or a later one, found by a search."""
    wall = datetime.combine(on, at)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    moment = min(first, second) - timedelta(hours=3)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


async def _store_digest(connection: Connection, on: date) -> None:
    """Store a digest of one paper as ingest does, but without texts."""
    number = on.toordinal() - FIRST.toordinal() + 100
    arxiv_id = f"18{on.month:02}.{number:05}"
    shared: dict[str, Any] = {
        "title": arxiv_id,
        "url": f"https://arxiv.org/abs/{arxiv_id}",
        "votes": 5,
        "authors": [],
        "authors_truncated": False,
    }
    at = datetime.combine(on, DIGEST_AT)
    digest = {"id": number, "format": "newsletter", "date_on": on, "language": "en", "hash": arxiv_id}
    digest |= {"raw": b"", "problems": [], "ingested_at": at, "updated_at": at}
    paper = {
        "id": number,
        "arxiv_id": arxiv_id,
        "keywords": [],
        "categories": [],
        "first_on": on,
        "last_on": on,
    }
    entry = {"digest_id": number, "paper_id": number, "rank": 1, "summary_missing": False}
    await connection.execute(tables.digests.insert(), digest)
    await connection.execute(tables.papers.insert(), shared | paper)
    await connection.execute(tables.entries.insert(), shared | entry)


def _ticks(due_times: Iterable[Sequence[datetime]]) -> list[datetime]:
    """Return the moments of planning: one a day, and both due times around each change of a zone's clock."""
    ticks = {datetime.combine(on, TICK_AT) for on in [*BEFORE, *YEAR]}
    ticks.add(max(ticks) + DAY)
    for zone_due_times in due_times:
        for previous, following in itertools.pairwise(zone_due_times):
            if following - previous != DAY:
                ticks |= {previous, following}
    return sorted(moment for moment in ticks if moment > MADE_AT)


async def _run_year(harness: PlannerHarness, ticks: Iterable[datetime]) -> None:
    """Store each day's digest when it arrives, and plan at each tick."""
    digest_dates = (FIRST + number * DAY for number in itertools.count(-2))
    on = next(digest_dates)
    for now in ticks:
        while datetime.combine(on, DIGEST_AT) < now:
            async with harness.database.transaction() as connection:
                await _store_digest(connection, on)
            on = next(digest_dates)
        await harness.planner.tick(now)


async def test_a_year_in_forty_zones_has_one_post_a_local_day_at_its_local_time(sqlite_db: Database) -> None:
    assert len(SUBSCRIPTIONS) == 40
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
    await _run_year(PlannerHarness(sqlite_db), ticks)
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
        shown = [arxiv_id for delivery in deliveries for arxiv_id in delivery.post.papers]
        assert len(shown) == len(set(shown)) == len(YEAR), zone


@pytest.mark.parametrize(
    ("zone", "at", "on", "moment"),
    [
        ("America/New_York", "02:30", date(2018, 3, 11), datetime(2018, 3, 11, 7, 0, tzinfo=UTC)),
        ("America/New_York", "01:30", date(2018, 11, 4), datetime(2018, 11, 4, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", "02:15", date(2018, 10, 7), datetime(2018, 10, 6, 15, 30, tzinfo=UTC)),
        ("America/Sao_Paulo", "00:00", date(2018, 11, 4), datetime(2018, 11, 4, 3, 0, tzinfo=UTC)),
        ("Asia/Pyongyang", "23:45", date(2018, 5, 4), datetime(2018, 5, 4, 15, 0, tzinfo=UTC)),
    ],
)
def test_the_expected_due_times_are_right_on_days_with_clock_changes(
    zone: str, at: str, on: date, moment: datetime
) -> None:
    assert _expected(ZoneInfo(zone), on, time.fromisoformat(at)) == moment


def _review(on: date, arxiv_ids: list[str]) -> str:
    """Return a review digest of some papers."""
    blocks = [
        f"## {arxiv_id}\n🔗 https://huggingface.co/papers/{arxiv_id}\n\n**Summary**:\n```markdown\n"
        f"# 논문 요약: Paper {arxiv_id}\n\n## 1. Motivation\n\nWhy {arxiv_id} was tried, on {on}.\n```"
        for arxiv_id in arxiv_ids
    ]
    return "\n\n".join([f"# Daily reviews – {on.isoformat()}", *blocks]) + "\n"


async def test_two_weeks_of_reviews_that_repeat_papers_post_each_paper_once_a_channel(db: Database) -> None:
    harness = PlannerHarness(db)
    await harness.subscribe(20, top_n=5)
    await harness.subscribe(21, top_n=3)
    await harness.subscribe(22, top_n=10, locale=models.Locale.KO, style=models.Style.CARDS)
    seen: set[str] = set()
    for number in range(14):
        # Each day's digest has five new papers and five of the day or the week before.
        new = [f"2601.{5 * number + n + 1:05}" for n in range(5)]
        old = [f"2601.{5 * max(0, number - (1 if number % 3 else 7)) + n + 1:05}" for n in range(5)]
        now = SEOUL_9AM + number * DAY
        text = _review(MONDAY + number * DAY, list(dict.fromkeys([*old, *new])))
        await digest_builders.ingest_digest(
            db, text, at=EVENING + number * DAY, location=f"reviews/{number}.md"
        )
        seen.update(new)
        await harness.planner.tick(now)
        assert await harness.planner.tick(now + timedelta(hours=1)) == 0
    by_channel: dict[int | None, list[models.Delivery]] = defaultdict(list)
    async with db.read() as connection:
        for delivery in await outbox.list_rows(connection):
            by_channel[delivery.channel_id].append(delivery)
    for channel_id in (20, 21, 22):
        shown = [arxiv_id for delivery in by_channel[channel_id] for arxiv_id in delivery.post.papers]
        assert len(shown) == len(set(shown))
        assert len(by_channel[channel_id]) == 14
    assert {arxiv_id for delivery in by_channel[20] for arxiv_id in delivery.post.papers} == seen
