"""Discord's clock, and time slices for long work on the event loop."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import clock as core_clock

ITEMS = 200
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("items_per_slice", "turns"), [(10, ITEMS / 10), (0.5, ITEMS)], ids=["short items", "items of two slices"]
)
async def test_other_tasks_run_after_each_slice(items_per_slice: float, turns: float) -> None:
    clock, turns_of_other, is_done = iter(range(10**9)), 0, False

    async def count_turns() -> None:
        nonlocal turns_of_other
        while not is_done:
            turns_of_other += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    # The timer is read after each item, and once more after each turn.
    slices = core_clock.TimeSlices(lambda: next(clock) * core_clock.SLICE_SECONDS / items_per_slice)
    for _ in range(ITEMS):
        await slices.pause()
    is_done = True
    await other
    assert abs(turns_of_other - turns) <= 3


@pytest.mark.parametrize("error", [timedelta(hours=-2), timedelta(days=3650), timedelta(days=-9000)])
def test_discord_clock_ignores_changes_to_the_system_clock(error: timedelta) -> None:
    machine, seconds = [NOW + error], [100.0]
    clock = core_clock.DiscordClock(lambda: machine[0], lambda: seconds[0])
    assert clock() == NOW + error
    clock.set(NOW)
    machine[0], seconds[0] = NOW + 3 * error, 160.0
    assert clock() == NOW + timedelta(minutes=1)


def test_response_delayed_by_five_seconds_does_not_set_the_clock_back() -> None:
    clock = core_clock.DiscordClock(lambda: NOW, lambda: 0.0)
    clock.set(NOW - core_clock.MAX_ERROR)
    assert clock.is_set
    assert clock() == NOW


def test_response_that_is_read_after_the_machine_slept_does_not_set_the_clock_back() -> None:
    seconds = [100.0]
    clock = core_clock.DiscordClock(lambda: NOW, lambda: seconds[0])
    seconds[0] += 3600.0  # of sleep, between the response and its reading
    clock.set(NOW, 3600.5)
    assert clock() == NOW + timedelta(hours=1)
    clock.set(NOW + timedelta(minutes=30), 1.0)  # a quick response is believed
    assert clock() == NOW + timedelta(minutes=30)
