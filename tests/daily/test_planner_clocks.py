"""Daily posts planned with a wrong clock, new rules of a time zone, or a digest dated tomorrow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from bot.daily import planner, schedule
from storage import daily
from tests.support.planner_harness import DAY, EVENING, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness


@pytest.mark.parametrize("settle_hours", [0, 1])
async def test_a_digest_stored_by_a_clock_that_was_ahead_is_not_held_back_until_then(
    planning: PlannerHarness, settle_hours: int
) -> None:
    await planning.subscribe(settle_hours=settle_hours)
    await planning.store(MONDAY, ("2601.00001", 9), at=SEOUL_9AM + 2 * HOUR)
    assert await planning.tick(SEOUL_9AM) == 1 - settle_hours
    assert await planning.tick(SEOUL_9AM + HOUR) == 0
    assert await planning.tick(SEOUL_9AM + 3 * HOUR) == settle_hours


async def test_a_clock_set_back_repeats_no_post(planning: PlannerHarness) -> None:
    subscription_id = await planning.post(("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    back = SEOUL_9AM - 2 * HOUR
    row = await planning.get_subscription(subscription_id)
    async with planning.database.transaction() as connection:
        await daily.set_schedules(
            connection, [replace(row, next_due_at=SEOUL_9AM, due_on=MONDAY, last_digest_on=None)]
        )
    assert await planning.tick(back) == 0
    assert await planning.tick(SEOUL_9AM) == 0
    assert len(await planning.list_payloads()) == 1


async def test_new_time_zone_rules_and_a_wrong_clock_are_corrected_by_reschedule(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe()
    row = await planning.get_subscription(subscription_id)
    far = schedule.DueTime(SEOUL_9AM + 400 * DAY, MONDAY + 400 * DAY)
    async with planning.database.transaction() as connection:
        await daily.set_schedules(connection, [schedule.set_due(row, far)])
    assert await planning.planner.reschedule(EVENING) == 1
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    async with planning.database.transaction() as connection:
        await daily.set_schedules(connection, [replace(row, next_due_at=SEOUL_9AM + HOUR, due_on=MONDAY)])
    assert await planning.planner.reschedule(EVENING) == 1
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    assert await planning.planner.reschedule(EVENING) == 0


async def test_all_due_times_are_computed_again_in_batches(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "DUE_TIMES_IN_BATCH", 2)
    for channel_id in range(5):
        await planning.subscribe(channel_id)
    assert await planning.planner.reschedule(EVENING - 50 * HOUR) == 5


async def test_a_clock_that_was_behind_adds_no_post_of_a_date_before_the_subscription(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe(say_when_empty=True, wait_minutes=0)
    behind = EVENING - 50 * HOUR
    await planning.planner.reschedule(behind)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM - 2 * DAY
    await planning.planner.reschedule(EVENING)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    assert await planning.tick(EVENING) == 0


@pytest.mark.parametrize("waits", [True, False])
async def test_no_day_is_skipped_after_the_clock_was_ahead(planning: PlannerHarness, waits: bool) -> None:
    subscription_id = await planning.subscribe(wait_minutes=720 if waits else 0)
    await planning.tick(SEOUL_9AM - 2 * HOUR)
    await planning.tick(SEOUL_9AM + 5 * DAY + 10 * MINUTE)
    await planning.tick(SEOUL_9AM - HOUR)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    await planning.store(MONDAY, ("2601.00001", 9))
    assert await planning.tick(SEOUL_9AM) == 1


@pytest.mark.parametrize(
    ("zone", "at_time", "hour", "is_fresh"),
    [
        ("Asia/Seoul", "09:00", 0, False),
        ("Asia/Seoul", "20:00", 11, True),
        ("America/New_York", "09:00", 14, True),
    ],
)
async def test_a_digest_dated_tomorrow_does_not_silence_todays(
    planning: PlannerHarness, zone: str, at_time: str, hour: int, is_fresh: bool
) -> None:
    due = datetime.combine(MONDAY, time(hour), UTC)
    await planning.subscribe(timezone=zone, at_time=at_time, wait_minutes=0, created_at=due - 36 * HOUR)
    await planning.store(MONDAY - DAY, ("2601.00001", 9), at=due - 2 * schedule.DAY)
    await planning.tick(due - DAY)
    await planning.store(MONDAY + DAY, ("2601.00002", 8))
    await planning.tick(due)
    assert await planning.list_contents() == ["2601.00001", *(["2601.00002"] if is_fresh else [])]
    await planning.store(MONDAY, ("2601.00003", 7))
    await planning.tick(due + DAY)
    posted = " ".join(await planning.list_contents()).split()
    assert sorted(posted) == ["2601.00001", "2601.00002", "2601.00003"]
    assert await planning.tick(due + 2 * DAY) == 0
