"""The minute tick on the monotonic clock, the periodic jobs, and the corrections after a step of the wall clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot import isolation
from bot.app.container import Container
from bot.services.daily.planner import DailyPlanner
from bot.services.operations.clock_monitor import ClockMonitor, ClockStep
from bot.services.operations.metrics import Metrics
from storage import sources
from storage.outbox import attempts, holds

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5.0
"""Interval at which the clock is read, so that a step is noticed soon."""

TICK_SECONDS = 60.0
"""Longest time between two ticks, measured on the monotonic clock."""

CONFIRM_SECONDS = 30.0
"""While a step is held, Discord is asked for its time at this interval."""


class Ticker:
    """Calls `on_tick` at each new minute of the clock, `on_steps` after steps of it, and `on_held` while one is held."""

    def __init__(
        self,
        clock: ClockMonitor,
        *,
        on_tick: Callable[[], Awaitable[None]],
        on_steps: Callable[[Sequence[ClockStep]], Awaitable[None]],
        on_held: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._on_tick = on_tick
        self._on_steps = on_steps
        self._on_held = on_held
        self._monotonic = monotonic
        self._steps: list[ClockStep] = []
        self._ticked_minute: datetime | None = None
        self._ticked_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set. The first tick is at once."""
        while not stop.is_set():
            await self._check()
            now = self._clock()
            to_next_minute = 60.0 - now.second - now.microsecond / 1e6
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(CHECK_SECONDS, to_next_minute))
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _check(self) -> None:
        self._steps += self._clock.take_steps()
        if self._steps:
            # After an error the steps are kept, and the next check tries again.
            with isolation.isolated(log, "computing the times again failed"):
                await self._on_steps(self._steps)
                self._steps = []
                self._ticked_minute = None
        if self._clock.is_held:
            self._ask()
        minute = self._clock().replace(second=0, microsecond=0)
        if minute != self._ticked_minute or self._monotonic() - self._ticked_at >= TICK_SECONDS:
            self._ticked_minute, self._ticked_at = minute, self._monotonic()
            await self._on_tick()

    def _ask(self) -> None:
        """Ask for a confirmation in the background: an unreachable Discord must not delay a tick."""
        is_asking = self._asking is not None and not self._asking.done()
        if is_asking or self._monotonic() - self._asked_at < CONFIRM_SECONDS:
            return
        self._asked_at = self._monotonic()
        self._asking = asyncio.create_task(self._ask_safely())

    async def _ask_safely(self) -> None:
        with isolation.isolated(log, "Discord was not asked for its time"):
            await self._on_held()


class ClockRepair:
    """Corrects the times that a wrong clock stored, or that a scheduler computed by it."""

    def __init__(
        self, container: Container, planner: DailyPlanner, scheduler: AsyncIOScheduler, metrics: Metrics
    ) -> None:
        self._container = container
        self._planner = planner
        self._scheduler = scheduler
        self._metrics = metrics

    async def apply(self, steps: Sequence[ClockStep] = ()) -> None:
        """Correct all times at the start, or after `steps` of the clock."""
        now = self._container.clock()
        ahead_since = min((step.ahead_since for step in steps), default=None)
        slow_by = max((step.slow_by for step in steps), default=timedelta(0))
        latest_expiry = now + timedelta(hours=self._container.settings.expire_hours)
        await self._planner.reschedule(now, ahead_since=ahead_since)
        async with self._container.database.transaction() as connection:
            retries = await attempts.clamp_retries(connection, now)
            await holds.clamp_expiries(connection, latest_expiry, now=now, extend_by=slow_by)
            polls = await sources.clamp_polls(connection, now)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=min(job.next_run_time, now + job.trigger.interval))
        self._metrics.clock_steps.inc(len(steps))
        if retries or polls:
            log.info("times of a wrong clock corrected", retries=retries, sources=polls)


@asynccontextmanager
async def scheduled(
    jobs: Sequence[tuple[Callable[[], Awaitable[None]], timedelta]], now: datetime
) -> AsyncIterator[AsyncIOScheduler]:
    """Run each job at its interval, from the minute after `now` (UTC) on."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    next_minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for job, interval in jobs:
        trigger = IntervalTrigger(
            seconds=int(interval.total_seconds()), start_date=next_minute, timezone="UTC"
        )
        scheduler.add_job(job, trigger, coalesce=True, max_instances=1, misfire_grace_time=None)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.shutdown(wait=False)
