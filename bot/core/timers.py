"""The recurring work of a process: jobs of APScheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core import clock, isolation
from bot.core.clock import Clock

_CHECK_SECONDS = 2.0
"""How often the machine's clock is checked."""


@dataclass(frozen=True, slots=True)
class Job:
    """Recurring work, which handles the errors that it expects. A run that returns False has left some of the work.

    It runs `after` some time and at each interval, but `retry` after a run that left work. `jitter_seconds` is the longest
    random delay of a run. With `max_instances`, runs may overlap.
    """

    name: str
    work: Callable[[], Awaitable[object]]
    _: KW_ONLY
    every: timedelta = timedelta(seconds=1)
    each_minute_of: Clock | None = None
    """Runs at once and at the start of each minute of this clock, and within a second after a run that left work."""
    after: timedelta = timedelta()
    retry: timedelta | None = None
    jitter_seconds: int | None = None
    max_instances: int = 1


class _Every(IntervalTrigger):  # type: ignore[misc]  # APScheduler has no types
    """An interval that is counted from the time at which a run is due.

    APScheduler's own would go through every run that was missed while the machine slept.
    """

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        """Return the time of the run after one that is due now."""
        next_at: datetime = super().get_next_fire_time(now, now)
        return next_at


class _EachMinute(_Every):
    """Each second, and at the start of each minute of a clock, which may be set while the job waits."""

    def __init__(self, now: Clock) -> None:
        super().__init__(seconds=1, timezone=UTC)
        self._now = now

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the time of the run after one that is due now."""
        shown = self._now()
        left = timedelta(seconds=60 - shown.second, microseconds=-shown.microsecond)
        return min(super().get_next_fire_time(previous, now), now + left)


class Timers:
    """Runs jobs while the context is entered. A run that is due while the job still runs is skipped.

    All jobs run within seconds after the machine's clock was set back. `failure` ends with the first error that a job
    raises, so that its owner can end the process.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = list(jobs)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._running: set[asyncio.Task[object]] = set()
        self._seen_at = clock.system_clock()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._scheduler.start()
        for job in self._jobs:
            self._schedule(job)
        self._watch_clock()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0)

    def _schedule(self, job: Job) -> None:
        trigger = _Every(seconds=job.every.total_seconds(), jitter=job.jitter_seconds, timezone=UTC)
        if job.each_minute_of is not None:
            trigger = _EachMinute(job.each_minute_of)
        done_at: datetime | None = None

        async def run() -> None:
            nonlocal done_at
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            self._check_clock()  # this run is due because the clock may have been set forward
            minute = job.each_minute_of and job.each_minute_of().replace(second=0, microsecond=0)
            try:
                if minute is not None and minute == done_at:
                    return
                if await job.work() is not False:
                    done_at = minute
                elif job.retry is not None:
                    scheduled.modify(next_run_time=clock.system_clock() + job.retry)
            except asyncio.CancelledError:
                pass  # by `stop`; APScheduler would log it with a traceback
            except Exception as error:  # noqa: BLE001 - raised where `failure` is awaited
                if not self.failure.done():
                    self.failure.set_exception(error)
            finally:
                self._running.discard(task)

        start_at, most = clock.system_clock() + job.after, job.max_instances
        scheduled = self._scheduler.add_job(
            run, trigger, name=job.name, max_instances=most, misfire_grace_time=None, next_run_time=start_at
        )

    def _watch_clock(self) -> None:
        self._check_clock()
        self._watch = asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._watch_clock)

    def _check_clock(self) -> None:
        """Run all jobs if the machine's clock was set back: APScheduler would wait until it shows a job's time again."""
        now = clock.system_clock()
        if now < self._seen_at:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=now)
        self._seen_at = now

    async def stop(self, seconds: float) -> None:
        """Start no more runs, and cancel those that still run after `seconds`."""
        if self._watch.cancelled():
            return
        self._watch.cancel()
        self._scheduler.pause()
        running = [*self._running]
        if running:
            await asyncio.wait(running, timeout=seconds)
        self._scheduler.shutdown(wait=False)
        await isolation.cancel(*running)
        if self.failure.done() and not self.failure.cancelled():
            self.failure.exception()  # retrieved, so that asyncio does not log it
