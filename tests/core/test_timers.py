"""Recurring jobs in virtual time: when they run, after a run that left work, and while the machine's clock is set."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import apscheduler.schedulers.base
import pytest

from bot.core import clock, isolation
from bot.core.timers import Job, Timers
from tests.support.virtual_time import VirtualTimeLoop

START = datetime(2026, 1, 5, 8, 59, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Stage:
    """Runs jobs in virtual time, which record their runs by `record`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.loop = VirtualTimeLoop()
        self.runs: list[float] = []
        self.error: Callable[[float], timedelta] = lambda _: timedelta(0)
        """The error of the machine's clock after some seconds."""
        self.slept: Callable[[float], timedelta] = lambda _: timedelta(0)
        """How long the machine has slept after some seconds. Its timers do not count that time."""

    def now(self) -> datetime:
        """The right time (UTC)."""
        return START + timedelta(seconds=self.loop.time()) + self.slept(self.loop.time())

    def machine_now(self) -> datetime:
        return self.now() + self.error(self.loop.time())

    async def record(self) -> None:
        self.runs.append(self.loop.time())

    def run(self, seconds: float, *jobs: Job) -> list[float]:
        """Run jobs for some seconds, and return when `record` was called."""
        machine_now = self.machine_now

        class MachineTime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return machine_now().astimezone(tz)

        self._monkeypatch.setattr(apscheduler.schedulers.base, "datetime", MachineTime)
        self._monkeypatch.setattr(clock, "system_clock", machine_now)
        self._monkeypatch.setattr(clock, "count_seconds", lambda: (self.now() - START).total_seconds())

        async def run() -> None:
            async with Timers(jobs):
                await asyncio.sleep(seconds)

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(run())
        return self.runs

    @property
    def minutely(self) -> Job:
        return Job("minutely", self.record, each_minute_of=self.now)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def _hours(number: float, begin: float = 100, end: float = math.inf) -> Callable[[float], timedelta]:
    """Return an error of so many hours between two seconds."""
    return lambda seconds: timedelta(hours=number) * (begin < seconds < end)


@pytest.mark.parametrize(
    ("error", "within"),
    [
        (_hours(0), 0.05),
        (_hours(-7.5 / 3600, -1), 1.05),
        *((_hours(hours), 3) for hours in (-87_600, -2, 50)),
        # Forward, and back within two seconds.
        (lambda seconds: timedelta(hours=50) * ((seconds > 100.1) - 2 * (seconds > 101.5)), 3),
    ],
    ids=["right", "wrong", "ten years back", "back", "forward", "forward and back"],
)
def test_minute_jobs_run_at_once_and_at_the_start_of_every_minute_by_discords_clock(
    stage: Stage, error: Callable[[float], timedelta], within: float
) -> None:
    """Whatever the machine's clock says, or is set to after 100 seconds."""
    stage.error = error
    runs = stage.run(300, stage.minutely)
    assert runs == pytest.approx([0, *range(40, 300, 60)], abs=within)


def test_minute_jobs_are_on_time_although_the_process_started_within_a_second(stage: Stage) -> None:
    stage.slept = lambda seconds: timedelta(milliseconds=600)
    runs = stage.run(200, stage.minutely)
    assert runs == pytest.approx([0, 39.4, 99.4, 159.4], abs=0.05)


@pytest.mark.parametrize(
    ("error", "times"),
    [(_hours(-2), [5, 65, *range(100, 300, 60)]), (_hours(50, 64.5, 65.5), [5, 65, *range(66, 300, 60)])],
    ids=["back", "forward for a moment"],
)
def test_interval_jobs_run_at_once_when_the_machines_clock_is_set(
    stage: Stage, error: Callable[[float], timedelta], times: list[float]
) -> None:
    stage.error = error
    runs = stage.run(300, Job("job", stage.record, every=MINUTE, after=timedelta(seconds=5)))
    assert runs == pytest.approx(times, abs=3)


def test_jobs_run_once_when_the_machine_wakes_after_years(stage: Stage) -> None:
    """APScheduler would first go through each second of them, and hold up the event loop for hours."""
    stage.slept = lambda seconds: timedelta(days=3650) if seconds > 90.5 else timedelta()
    runs = stage.run(150, stage.minutely, Job("job", stage.record, every=timedelta(seconds=200)))
    assert runs == pytest.approx([0, 0, 40, 91, 91, 100], abs=1.05)


def test_minute_jobs_run_within_seconds_after_the_machine_slept(stage: Stage) -> None:
    stage.slept = lambda seconds: timedelta(hours=1) * (seconds > 10)
    runs = stage.run(39, stage.minutely)
    assert len(runs) == 2
    assert 10 < runs[1] <= 12


def test_a_run_that_left_work_is_repeated_after_the_retry_time(stage: Stage) -> None:
    async def fail_once() -> bool:
        await stage.record()
        return len(stage.runs) > 1

    runs = stage.run(900, Job("job", fail_once, every=MINUTE, retry=10 * MINUTE))
    assert runs == pytest.approx([0, *range(600, 900, 60)], abs=0.05)


@pytest.mark.parametrize(("seconds", "at_once", "times"), [(150, 1, [0, 180, 360]), (1000, 3, [0, 60, 120])])
def test_a_job_has_so_many_runs_at_a_time_and_its_missed_runs_are_one(
    stage: Stage, seconds: float, at_once: int, times: list[float]
) -> None:
    async def take_long() -> None:
        await stage.record()
        await asyncio.sleep(seconds)

    runs = stage.run(400, Job("job", take_long, every=MINUTE, max_instances=at_once))
    assert runs == pytest.approx(times, abs=0.05)


async def test_the_error_of_a_job_ends_the_wait_for_failure() -> None:
    async def fail() -> None:
        raise KeyError("a bug")

    async with Timers([Job("job", fail)]) as opened:
        with pytest.raises(KeyError, match="a bug"):
            await opened.failure


async def test_stop_lets_a_run_end_and_cancels_one_that_takes_too_long() -> None:
    begun, ended, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
    may_end = asyncio.Event()

    async def end() -> None:
        await may_end.wait()
        ended.set()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with Timers([Job("ends", end), Job("hangs", hang)]) as opened:
        await begun.wait()
        may_end.set()
        await opened.stop(0.01)
        assert ended.is_set()
        assert cancelled.is_set()


async def test_timers_stop_once_though_their_owner_gave_up_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async with Timers([]) as opened:
        stopping = asyncio.Event()
        stopping.set()
        await isolation.run_unless_stopped(opened.failure, stopping)
        await opened.stop(0)
    await asyncio.sleep(0)
    assert not caplog.records


def test_a_run_that_is_late_when_the_clock_is_set_back_does_not_wait_for_its_start(stage: Stage) -> None:
    """The event loop was busy from 61.5 s on, so that the run of the next second is late."""
    stage.error = lambda seconds: timedelta(hours=26) * (seconds < 62)
    stage.loop.call_at(61.5, stage.loop.hold_up, 3.5)
    assert stage.run(200, stage.minutely) == pytest.approx([0, 40, 100, 160], abs=3)
