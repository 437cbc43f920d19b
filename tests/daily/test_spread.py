"""Posts spread over minutes: the same posts somewhat later; and servers that take turns."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.client import translations
from bot.core import day_close
from bot.daily import messages, planner, schedule
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import Cause
from storage import errors, models, outbox
from storage.models import Locale, Style, When
from tests.support.planner_harness import DAY, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness, read_lists

DELAY = 20 * MINUTE


def _find_channel(delay: timedelta = DELAY, spread: int = 30) -> int:
    """Return a channel whose posts come so much later."""
    drafts = (
        models.Subscription(guild_id=10, channel_id=id_, spread_minutes=spread) for id_ in itertools.count(1)
    )
    return next(draft.channel_id for draft in drafts if schedule.delay_of(draft) == delay)


LATE = _find_channel()


def test_a_channel_keeps_its_minute_and_channels_are_spread_evenly() -> None:
    def delay_minutes(channel_id: int, spread: int = 30) -> int:
        draft = models.Subscription(guild_id=10, channel_id=channel_id, spread_minutes=spread)
        return schedule.delay_minutes(draft)

    kept = [delay_minutes(id_) for id_ in (20, 123456789012345678, 1234567890123456789)]
    assert kept == [12, 20, 5]  # another number would move the posts of all channels
    assert delay_minutes(20, 0) == delay_minutes(20, 1) == 0
    # Discord's ids are milliseconds, shifted: most of their last bits are 0.
    counts = Counter(delay_minutes((1_400_000_000_000 + number * 977) << 22) for number in range(6_000))
    assert set(counts) == {*range(30)}
    assert max(counts.values()) < 1.5 * min(counts.values())


@pytest.mark.parametrize(
    ("zone", "at", "days", "after", "expected", "on"),
    [
        ("Asia/Seoul", "09:00", (), "2026-01-05T00:00", "2026-01-05T00:20", "2026-01-05"),
        ("Asia/Seoul", "09:00", (), "2026-01-05T00:20", "2026-01-06T00:20", "2026-01-06"),
        # Past midnight the post is that of the day before, and of its weekday.
        ("UTC", "23:50", (1,), "2026-01-05T23:59", "2026-01-06T00:10", "2026-01-05"),
        ("UTC", "23:50", (1,), "2026-01-06T00:10", "2026-01-13T00:10", "2026-01-12"),
        # The gap ends at 03:00 EDT; of a repeated time the first one counts.
        ("America/New_York", "02:30", (), "2026-03-08T05:00", "2026-03-08T07:20", "2026-03-08"),
        ("America/New_York", "01:45", (), "2026-11-01T05:00", "2026-11-01T06:05", "2026-11-01"),
        ("Pacific/Apia", "23:50", (), "2011-12-30T09:55", "2011-12-30T10:10", "2011-12-29"),
        ("Pacific/Apia", "23:50", (), "2011-12-30T10:10", "2011-12-31T10:10", "2011-12-31"),
    ],
)
def test_a_delayed_post_keeps_the_date_of_its_time(
    zone: str, at: str, days: tuple[int, ...], after: str, expected: str, on: str
) -> None:
    rule = schedule.Rule(time.fromisoformat(at), ZoneInfo(zone), days or schedule.EVERY_DAY, DELAY)
    due = schedule.next_due(datetime.fromisoformat(after).replace(tzinfo=UTC), rule)
    expected_at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert due == schedule.DueTime(expected_at, date.fromisoformat(on))


def test_a_spread_is_read_as_people_type_it() -> None:
    for typed, minutes in (
        ("30m", 30), ("30", 30), (" 5 min ", 5), ("30분", 30), ("1h", 60), ("1시간", 60), ("60M", 60),
        ("0", 0), ("0m", 0), ("off", 0), ("-", 0),
    ):  # fmt: skip
        assert schedule.parse_spread(typed) == minutes, typed
    for typed in ("", "m", "61", "2h", "-5", "1.5h", "half an hour", "30m 30m", "9" * 100_000):
        with pytest.raises(errors.UsageError, match="30m"):
            schedule.parse_spread(typed)


@pytest.mark.parametrize(
    ("options", "off"),
    [
        ({"wait_minutes": 60}, ()),
        ({"at_time": "23:50", "wait_minutes": 0, "say_when_empty": True}, ()),
        ({"at_time": "23:50", "fresh_days": 1}, (1, 2)),
        ({"at_time": "23:50", "days": (1, 3, 4)}, (2,)),
        ({"settle_hours": 3, "at_time": "10:00", "wait_minutes": 90}, ()),
        ({"style": Style.WEEKLY, "days": (1, 4), "at_time": "23:59"}, (3,)),
    ],
)
async def test_a_spread_post_is_the_one_of_its_time_some_minutes_later(
    planning: PlannerHarness, options: dict[str, Any], off: tuple[int, ...]
) -> None:
    days_off = day_close.DaysOff([{MONDAY + number * DAY for number in off}])
    planning.planner = planner.DailyPlanner(
        planning.database, planning.deliveries, planning.search.match_papers, off=days_off
    )
    ids = [
        await planning.subscribe(channel_id, spread_minutes=spread, **options)
        for channel_id, spread in ((20, 0), (LATE, 30))
    ]
    at = schedule.parse_time(options.get("at_time", "09:00"))
    seen: list[list[tuple[object, ...]]] = [[], []]
    for number in range(-1, 6):
        on = MONDAY + number * DAY
        if number != 2:
            await planning.store(on, (f"2601.0001{number + 1}", 9), at=SEOUL_9AM + number * DAY - HOUR)
        time_at = schedule.wall_clock_to_utc(on, at, ZoneInfo("Asia/Seoul"))
        for minutes in (0, 10, 20, 30, 60, 80, 90, 110):
            await planning.tick(time_at + minutes * MINUTE)
    async with planning.database.read() as connection:
        for found, id_ in zip(seen, ids, strict=True):
            for row in reversed(await outbox.list_rows(connection, subscription_id=id_)):
                assert row.due_at <= row.planned_at
                delay = DELAY if id_ == ids[1] else schedule.NO_DELAY
                found.append(
                    (row.local_on, row.digest_on, row.due_at - delay, row.planned_at - delay, row.post)
                )
    assert seen[0] == seen[1]
    assert len(seen[0]) >= 2
    following = [await planning.get_subscription(id_) for id_ in ids]
    assert following[1].next_due_at == (following[0].next_due_at or SEOUL_9AM) + DELAY
    assert following[0].due_on == following[1].due_on
    texts = translations.Translations().for_locale(Locale.EN)
    assert ["put off" in messages.next_post_text(texts, row) for row in following] == [False, False]


async def test_what_wakes_many_channels_at_once_is_spread_too(planning: PlannerHarness) -> None:
    for channel_id, spread in ((20, 0), (LATE, 30)):
        await planning.subscribe(channel_id, spread_minutes=spread, wait_minutes=60)
    assert await planning.tick(SEOUL_9AM + DELAY) == 0
    came_at = SEOUL_9AM + 30 * MINUTE
    await planning.store(MONDAY, ("2601.00001", 9), at=came_at)
    await planning.wake(came_at)
    assert await planning.tick(came_at) == 1
    [explained] = (await planning.explain("2601.00001", came_at + MINUTE, LATE)).explanations
    assert (explained.cause, explained.at) == (Cause.UPCOMING, came_at + DELAY)
    assert await planning.tick(came_at + DELAY - MINUTE) == 0
    assert await planning.tick(came_at + DELAY) == 1


async def test_a_digest_that_comes_shortly_before_the_wait_ends_is_still_posted(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe(LATE, spread_minutes=30, wait_minutes=60)
    ends_at = SEOUL_9AM + DELAY + HOUR
    await planning.tick(SEOUL_9AM + DELAY)
    await planning.store(MONDAY, ("2601.00001", 9), at=ends_at - 5 * MINUTE)
    await planning.wake(ends_at - 5 * MINUTE)
    assert await planning.tick(ends_at - 5 * MINUTE) == 0
    assert await planning.tick(ends_at) == 1
    assert await planning.list_contents() == ["2601.00001"]


async def test_the_close_of_a_list_is_spread_and_the_first_post_is_said_to_come_then(
    planning: PlannerHarness,
) -> None:
    # The list of MONDAY closes at 02:30 (UTC).
    closes_at = day_close.default().closes_at(MONDAY)
    begin, due = closes_at - 5 * HOUR, closes_at - 2 * HOUR
    await read_lists(planning.database, begin)
    for channel_id, spread in ((20, 0), (LATE, 30)):
        await planning.subscribe(
            channel_id, begin, spread_minutes=spread, when=When.COMPLETE, at_time="09:30"
        )
    draft = models.Subscription(
        guild_id=10,
        channel_id=LATE,
        spread_minutes=30,
        when=When.COMPLETE,
        at_time="09:30",
        timezone="Asia/Seoul",
    )
    on_demand: OnDemandPosts = planning.on_demand(begin)
    assert await on_demand.find_first(draft) == (closes_at + DELAY, closes_at)
    # The list of the next day closes 6:10 hours after 05:20, which is too late to be waited for, whatever the delay.
    early_at = closes_at + DAY - 370 * MINUTE
    assert await on_demand.find_first(replace(draft, at_time="05:20")) == (early_at + DELAY, closes_at)
    await planning.store(MONDAY, ("2601.00001", 9), at=begin)
    assert await planning.tick(due) == await planning.tick(due + DELAY) == 0
    read_at = closes_at + 2 * MINUTE
    await read_lists(planning.database, read_at, MONDAY)
    await planning.wake(read_at)
    assert await planning.tick(read_at) == 1
    assert await planning.tick(closes_at + DELAY - MINUTE) == 0
    assert await planning.tick(closes_at + DELAY) == 1


async def test_a_changed_spread_moves_the_next_post_and_no_date_is_posted_twice(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe(LATE)
    await planning.store(MONDAY, ("2601.00001", 9))
    assert await planning.tick(SEOUL_9AM) == 1
    service = Subscriptions(planning.database, lambda: SEOUL_9AM + MINUTE)
    row = await service.get(subscription_id)
    for spread, delay in ((30, DELAY), (0, schedule.NO_DELAY)):
        changed = await service.edit(replace(row, spread_minutes=spread))
        assert (changed.next_due_at, changed.due_on) == (SEOUL_9AM + DAY + delay, MONDAY + DAY)
    with pytest.raises(errors.UsageError, match="from 0 to 60"):
        await service.edit(replace(row, spread_minutes=61))


async def test_a_spread_that_ends_before_the_minute_of_the_channel_loses_no_post(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe(LATE, spread_minutes=30)
    await planning.store(MONDAY, ("2601.00001", 9))
    at = SEOUL_9AM + 5 * MINUTE
    assert await planning.tick(at) == 0
    service = Subscriptions(planning.database, lambda: at)
    changed = await service.edit(replace(await service.get(subscription_id), spread_minutes=0))
    assert changed.due_on == MONDAY
    assert await planning.tick(at + MINUTE) == 1
    assert await planning.tick(at + HOUR) == 0


@pytest.mark.engines("sqlite", "postgresql")
async def test_each_server_gets_its_first_post_before_any_gets_its_second(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "BATCH_SIZE", 5)
    await planning.store(MONDAY, ("2601.00001", 9))
    await planning.subscribe(99, guild_id=99, at_time="08:59")
    for number in range(12):
        await planning.subscribe(20 + number, guild_id=10)
    for number in range(4):
        await planning.subscribe(40 + number, guild_id=11 + number)
        await planning.subscribe(50 + number, guild_id=models.NO_GUILD)
    assert await planning.tick(SEOUL_9AM + MINUTE) == 21
    async with planning.database.read() as connection:
        due = [part.delivery for part in await outbox.list_due(connection, SEOUL_9AM + MINUTE)]
    assert due[0].guild_id == 99  # what was due earlier comes first
    assert Counter(row.guild_id or row.channel_id for row in due[1:10]) == Counter(
        [10, 11, 12, 13, 14, 50, 51, 52, 53]
    )
    assert {row.guild_id for row in due[10:]} == {10}
