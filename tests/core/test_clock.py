"""Long work in slices: other tasks get a turn after each slice, whatever the number of items."""

from __future__ import annotations

import asyncio
import contextlib

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


async def test_transactions_get_larger_while_they_are_short_and_smaller_once_they_hold_the_writer_too_long() -> (
    None
):
    now = 0.0
    batches = core_clock.BatchSize(20, 100, lambda: now)

    async def size_after(seconds: float) -> int:
        nonlocal now
        async with batches.timed(contextlib.nullcontext("entered")) as entered:
            assert entered == "entered"
            now += seconds * core_clock.TRANSACTION_SECONDS
        return batches.size

    assert [await size_after(seconds) for seconds in (0.1, 0.1, 0.1, 0.9)] == [40, 80, 100, 100]
    assert [await size_after(seconds) for seconds in (1.1, 0.7, 9, 9)] == [50, 50, 25, 20]
    assert core_clock.BatchSize(20, 2).size == 2
