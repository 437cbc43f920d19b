"""Discord's clock; long work in slices: other tasks get a turn after each slice, whatever the number of items."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import clock as core_clock

ITEMS = 200


async def _turns_of_others(seconds_per_item: float) -> int:
    """Return the turns that another task gets while items are worked on that take so long each."""
    clock, turns, is_done = iter(range(10**9)), 0, False

    async def count_turns() -> None:
        nonlocal turns
        while not is_done:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    await asyncio.sleep(0)
    turns = 0
    # The timer is read after each item; each turn reads it once more.
    slices = core_clock.TimeSlices(lambda: next(clock) * seconds_per_item)
    for _ in range(ITEMS):
        await slices.pause()
    is_done = True
    await other
    return turns


async def test_another_task_gets_a_turn_for_each_slice_of_work() -> None:
    per_slice = 10
    assert abs(await _turns_of_others(core_clock.SLICE_SECONDS / per_slice) - ITEMS / per_slice) <= 3


async def test_an_item_longer_than_a_slice_is_followed_by_a_turn() -> None:
    assert await _turns_of_others(2 * core_clock.SLICE_SECONDS) >= ITEMS


NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("error", [timedelta(hours=-2), timedelta(days=3650), timedelta(days=-9000)])
def test_discords_clock_is_set_by_responses_and_keeps_running_when_the_machines_clock_changes(
    error: timedelta,
) -> None:
    machine, seconds = [NOW + error], [100.0]
    clock = core_clock.DiscordClock(lambda: machine[0], lambda: seconds[0])
    assert clock() == NOW + error
    clock.set(NOW)
    machine[0], seconds[0] = NOW + 3 * error, 160.0
    assert clock() == NOW + timedelta(minutes=1)


def test_an_answer_that_was_on_its_way_for_some_seconds_sets_nothing_back() -> None:
    clock = core_clock.DiscordClock(lambda: NOW, lambda: 0.0)
    clock.set(NOW - core_clock.MAX_ERROR)
    assert clock.is_set
    assert clock() == NOW
