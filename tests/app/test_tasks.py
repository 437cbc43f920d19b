"""The minute tick on virtual time, and the periodic job."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from unittest import mock

from bot.app import tasks
from tests.support.virtual_time import VirtualTimeLoop

START = datetime(2026, 1, 5, 8, 59, 20, tzinfo=UTC)


def test_a_tick_comes_at_the_start_and_with_each_minute_of_the_clock() -> None:
    ticks: list[datetime] = []

    async def run(loop: asyncio.AbstractEventLoop) -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            ticks.append(START + timedelta(seconds=loop.time()))

        loop.call_at(600.0, stop.set)
        await tasks.tick_each_minute(lambda: START + timedelta(seconds=loop.time()), tick, stop)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run(runner.get_loop()))
    assert len(ticks) == 11
    assert all(tick.second == 0 and tick.microsecond < 50_000 for tick in ticks[1:])
    assert ticks[1].replace(microsecond=0) == START + timedelta(seconds=40)


async def test_after_a_step_of_years_a_job_makes_up_for_one_run() -> None:
    async with tasks.scheduled(mock.AsyncMock(), timedelta(minutes=1), START) as scheduler:
        trigger = scheduler.get_jobs()[0].trigger
        now = START + timedelta(days=3650)
        first = trigger.get_next_fire_time(None, START)
        assert first == START.replace(second=0) + timedelta(minutes=1)
        assert trigger.get_next_fire_time(first, now) == now + timedelta(minutes=1)
