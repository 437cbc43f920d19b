"""The recurring work of a process: jobs of APScheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core import clock, isolation
from bot.core.clock import Clock

Work = Callable[[], Awaitable[object]]
"""A job's work. It handles the errors that it expects. False means that some of it is left."""

LOOK_SECONDS = 2.0
"""How often the machine's clock is checked."""
_SET_BACK = timedelta(seconds=-1)


class _Every(IntervalTrigger):  # type: ignore[misc]  # APScheduler has no types
    """An interval, from now on: APScheduler would go through every run that was due while the machine slept."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the time of the run after `previous`, or the next one if more were missed."""
        if previous is not None and previous < now:
            # Not from the start, which is in the future if the clock was set back since.
            previous += (now - previous) // self.interval * self.interval
        next_at: datetime = super().get_next_fire_time(previous, now)
        return next_at


class Timers:
    """Runs jobs while the context is entered. A run that is due while the job still runs is left out.

    `failure` ends with the first error that a job raises, so that its owner can end the process.
    """

    def __init__(self) -> None:
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=options)
        self._running: set[asyncio.Task[object]] = set()
        self._started_at = clock.system_clock() - timedelta(seconds=clock.count_seconds())
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._scheduler.start()
        self._check_clock()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0)

    def add(
        self,
        work: Work,
        every: timedelta,
        *,
        after: timedelta = timedelta(),
        retry: timedelta | None = None,
        jitter_seconds: int | None = None,
        max_instances: int = 1,
    ) -> None:
        """Run the work `after` some time and at each interval, but `retry` after a run that left some of it.

        `jitter_seconds` is the longest random delay of a run. With `max_instances`, runs may overlap.
        """
        start_at = clock.system_clock() + after
        trigger = _Every(seconds=every.total_seconds(), start_date=start_at, jitter=jitter_seconds)
        self._add(work, trigger, start_at, retry, max_instances)

    def add_each_minute(self, work: Work, now: Clock) -> None:
        """Run the work now and at the start of each minute of a clock, which may be set while the job waits.

        If some work is left, it runs again within a second.
        """
        done_at: datetime | None = None

        async def run_if_new() -> None:
            nonlocal done_at
            minute = now().replace(second=0, microsecond=0)
            if minute != done_at and await work() is not False:
                done_at = minute

        # At full seconds, so that it is not late for a minute; the first run is due already.
        start_at = clock.system_clock().replace(microsecond=0)
        self._add(run_if_new, _Every(seconds=1, start_date=start_at), start_at)

    def _add(
        self,
        work: Work,
        trigger: object,
        start_at: datetime,
        retry: timedelta | None = None,
        max_instances: int = 1,
    ) -> None:
        job_id = f"{len(self._scheduler.get_jobs())}"
        self._scheduler.add_job(
            partial(self._run, job_id, work, retry),
            trigger,
            id=job_id,
            max_instances=max_instances,
            next_run_time=start_at,
        )

    async def _run(self, job_id: str, work: Work, retry: timedelta | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        self._follow_clock()  # this run is due because the clock may have been set forward
        try:
            if await work() is False and retry is not None:
                self._scheduler.modify_job(job_id, next_run_time=clock.system_clock() + retry)
        except asyncio.CancelledError:
            pass  # by `stop`; APScheduler would log it with a traceback
        except Exception as error:  # noqa: BLE001 - raised where `failure` is awaited
            if not self.failure.done():
                self.failure.set_exception(error)
        finally:
            self._running.discard(task)

    def _check_clock(self) -> None:
        self._follow_clock()
        self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._check_clock)

    def _follow_clock(self) -> None:
        """Bring the jobs forward if the machine's clock was set back: APScheduler waits until it shows a job's time."""
        step = clock.system_clock() - self._started_at - timedelta(seconds=clock.count_seconds())
        self._started_at += step
        if step < _SET_BACK:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=job.next_run_time + step)

    async def stop(self, seconds: float) -> None:
        """Start no more runs, and cancel those that still run after `seconds`."""
        if self._look.cancelled():
            return
        self._look.cancel()
        self._scheduler.pause()
        running = [*self._running]
        if running:
            await asyncio.wait(running, timeout=seconds)
        self._scheduler.shutdown(wait=False)
        await isolation.cancel(*running)
        if self.failure.done() and not self.failure.cancelled():
            self.failure.exception()  # retrieved, so that asyncio does not log it
