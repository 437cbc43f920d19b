"""Admission of look-ups: a few run at once, the others wait in order, and are refused if that would take too long."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from bot import errors

log = structlog.get_logger(__name__)

MAX_AT_ONCE = 3
"""Look-ups that run at once. More would not be faster on one core, and each makes the event loop's turns longer."""
PATIENCE_SECONDS = 2.0
"""Expected waiting time above which a look-up is refused: readers get an answer of either kind within three seconds."""
WARNING_INTERVAL_SECONDS = 60.0
_FIRST_ESTIMATE_SECONDS = 0.05
_MEAN_WEIGHT = 0.1
_ESTIMATE_TOLERANCE = 2.0
"""Times its patience that a look-up may be expected to wait. The mean is rough: charts take ten times as long as lists."""


class BusyError(errors.PaperroundError):
    """A look-up was refused because too many others are waiting."""


class LookupAdmission:
    """A semaphore with a queue that is bounded by its expected waiting time.

    `on_decision` is told of each look-up whether it was admitted, and the seconds that it waited. `patience` is the
    longest that one may wait, in seconds.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self.on_decision: Callable[[bool, float], None] = lambda *_: None
        self.patience = PATIENCE_SECONDS
        self._timer = timer
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._waiting = 0
        self._mean_seconds = _FIRST_ESTIMATE_SECONDS
        self._refused, self._warned_at = 0, -WARNING_INTERVAL_SECONDS

    @asynccontextmanager
    async def admitted(self, max_patience: float = math.inf) -> AsyncIterator[None]:
        """Run the block as one of the look-ups. Raises BusyError if it would wait longer than its patience."""
        arrived_at = self._timer()
        is_admitted = await self._acquire(min(self.patience, max_patience))
        started_at = self._timer()
        self.on_decision(is_admitted, started_at - arrived_at)
        if not is_admitted:
            self._warn()
            raise BusyError(f"{self._waiting} look-ups are waiting")
        try:
            yield
        finally:
            self._slots.release()
            self._mean_seconds += _MEAN_WEIGHT * (self._timer() - started_at - self._mean_seconds)

    async def _acquire(self, patience: float) -> bool:
        expected = self._mean_seconds * (self._waiting + 1) / MAX_AT_ONCE
        if self._slots.locked() and expected > _ESTIMATE_TOLERANCE * patience:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(patience):
                return await self._slots.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def _warn(self) -> None:
        """Log the refusals, once a minute at most."""
        self._refused += 1
        if self._timer() - self._warned_at >= WARNING_INTERVAL_SECONDS:
            log.warning("look-ups refused: too many at once", refused=self._refused, waiting=self._waiting)
            self._refused, self._warned_at = 0, self._timer()
