"""Long work in slices: other tasks get a turn after each slice, whatever the number of items."""

from __future__ import annotations

import asyncio

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


async def test_short_work_takes_no_turn_at_all() -> None:
    assert await _turns_of_others(0.0) <= 1
