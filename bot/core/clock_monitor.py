"""The monitor of the system clock: which of its steps count, and the machine's time against Discord's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from bot.core.clock import Clock

log = structlog.get_logger(__name__)

# A step of the wall clock is accepted at once, except one far ahead: until Discord's time confirms it, or until it has
# lasted ten minutes, the clock goes on from the time before the step. NTP has the same two bounds for a step: the size
# from which it is doubted, and the time that it has to last.
STEP_THRESHOLD = timedelta(minutes=2)
"""A smaller difference from the monotonic clock is the ordinary correction of a clock."""

HOLD_THRESHOLD = timedelta(hours=1)
"""A step ahead by more than this is held, and so is a start this far ahead of Discord's time."""

HOLD_SECONDS = 600.0
"""For this long a step is held that nothing confirms."""

REPORT_PERIOD = timedelta(days=1)
"""`/status` shows a step for this long."""


class ClockStep(NamedTuple):
    """A step of the wall clock: by how much, and the time after it (UTC). `is_held`: it is not accepted yet.

    `slow_by` is how far the clock was behind Discord's time before a step ahead, which means that the step corrects it.
    After a suspension it is 0, because the clock was right before. `ahead_since` is when the clock had gone ahead that a
    step back corrects, or the time of the step if it never had.
    """

    by: timedelta
    at: datetime
    ahead_since: datetime
    slow_by: timedelta = timedelta(0)
    is_held: bool = False


class ClockMonitor:
    """A `Clock` that holds large steps ahead until they are confirmed. `monotonic` is in seconds."""

    def __init__(self, wall: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last_reading = wall(), monotonic()
        self._held: tuple[timedelta, float] | None = None
        self._discord_reading: tuple[datetime, float] | None = None
        self._slow_by = timedelta(0)
        # Unless the first answer of Discord says otherwise.
        self._ahead_since: float | None = self._last_reading[1]
        self._new_steps: list[ClockStep] = []
        self._last_step: ClockStep | None = None

    def __call__(self) -> datetime:
        """Return the current time (UTC): the wall clock's, or the time that goes on while a step is held."""
        wall, monotonic = self._wall(), self._monotonic()
        expected = _advance(self._last_reading, monotonic)
        step = wall - expected
        if abs(step) <= STEP_THRESHOLD:
            if self._held is not None:
                held = self._held[0].total_seconds()
                log.warning("the clock is back at its former time", held_seconds=held)
                self._held = None
        elif step > HOLD_THRESHOLD and self._must_hold(wall, step, monotonic):
            return expected
        else:
            self._accept(step, wall, monotonic)
        self._last_reading = wall, monotonic
        return wall

    @property
    def is_held(self) -> bool:
        """Whether a step is held, as of the last reading."""
        return self._held is not None

    def get_discord_offset(self) -> float:
        """Return how many seconds the wall clock is ahead of Discord's time; 0 before the first answer."""
        return self._ahead_of_discord(self._wall(), self._monotonic()).total_seconds()

    def compare_with_discord(self, answered_at: datetime) -> None:
        """Take the time of an answer of Discord (UTC) into account. The first one shows whether the clock was set at all."""
        ahead_by = self() - answered_at  # reading the clock first notices a step that the answer confirms
        is_first, self._discord_reading = self._discord_reading is None, (answered_at, self._monotonic())
        if is_first and ahead_by > HOLD_THRESHOLD:
            self._last_reading = self._discord_reading
        if ahead_by <= STEP_THRESHOLD:
            self._ahead_since = None
        if is_first and -ahead_by > STEP_THRESHOLD:
            log.warning("the clock is behind Discord's time", seconds=-ahead_by.total_seconds())
        self._slow_by = self._behind_discord(self(), self._monotonic())

    def take_steps(self) -> list[ClockStep]:
        """Read the clock, and return the steps accepted since the last call."""
        self()
        steps, self._new_steps = self._new_steps, []
        return steps

    def get_recent_step(self) -> ClockStep | None:
        """Return the step that is held, else the last one accepted within REPORT_PERIOD."""
        now = self()
        if self._held is not None:
            return ClockStep(self._held[0], now, now, is_held=True)
        step = self._last_step
        return step if step is not None and now - step.at < REPORT_PERIOD else None

    def _must_hold(self, wall: datetime, step: timedelta, monotonic: float) -> bool:
        """Return whether to hold a step far ahead: nothing confirms it, and it has not lasted long enough."""
        if self._held is None or abs(step - self._held[0]) > STEP_THRESHOLD:
            self._held = step, monotonic
            log.warning("the clock jumped ahead; waiting for a confirmation", seconds=step.total_seconds())
        if monotonic - self._held[1] >= HOLD_SECONDS:
            return False
        return self._discord_reading is None or self._ahead_of_discord(wall, monotonic) > HOLD_THRESHOLD

    def _ahead_of_discord(self, wall: datetime, monotonic: float) -> timedelta:
        """Return how far a reading is ahead of Discord's time; 0 before its first answer."""
        if self._discord_reading is None:
            return timedelta(0)
        return wall - _advance(self._discord_reading, monotonic)

    def _behind_discord(self, wall: datetime, monotonic: float) -> timedelta:
        """Return how far a reading is behind Discord's time; 0 for an ordinary difference."""
        behind_by = -self._ahead_of_discord(wall, monotonic)
        return behind_by if behind_by > STEP_THRESHOLD else timedelta(0)

    def _accept(self, by: timedelta, wall: datetime, monotonic: float) -> None:
        if by > timedelta(0):
            step = ClockStep(by, wall, wall, self._slow_by)
            if self._ahead_since is None:
                self._ahead_since = self._held[1] if self._held is not None else monotonic
        else:
            since = monotonic if self._ahead_since is None else self._ahead_since
            step = ClockStep(by, wall, _advance((wall, monotonic), since))
            # A step back may correct a part only, as when two errors end one after the other.
            if self._ahead_of_discord(wall, monotonic) <= STEP_THRESHOLD:
                self._ahead_since = None
        # After a step back without waiting for the next answer: in an outage of Discord there may be none before it is corrected.
        self._held, self._slow_by = None, self._behind_discord(wall, monotonic)
        self._new_steps.append(step)
        self._last_step = step
        log.warning("the clock was set; recalculating all times", seconds=by.total_seconds())


def _advance(reading: tuple[datetime, float], monotonic: float) -> datetime:
    """Return the time that a clock shows now, from its time at a moment of the monotonic clock."""
    at, moment = reading
    return at + timedelta(seconds=monotonic - moment)
