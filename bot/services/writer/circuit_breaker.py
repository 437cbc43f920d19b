"""The circuit breaker of the model's server: pauses all calls when it asks for that or fails, and gives up in the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.sources.language_model import ModelError

FAILURES = 5
"""Outages in a row that open the circuit."""
PAUSES_SECONDS = (5.0, 10.0)
"""The pauses after the first openings in a row; the next opening ends the run's calls."""
MAX_RETRY_AFTER_SECONDS = 900.0
"""A server that asks for a longer pause is asked no more in this run."""


class CircuitBreaker:
    """Judges a server by the outcomes of its calls. `timer` gives seconds."""

    def __init__(self, timer: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._timer = timer
        self._sleep = sleep
        self._failures = 0
        self._openings = 0
        self._paused_until = timer()
        self._broken: str | None = None

    async def wait(self) -> None:
        """Wait until the next call may be sent. Raises ModelError if none may be sent in this run."""
        while self._broken is None and (seconds := self._paused_until - self._timer()) > 0:
            await self._sleep(seconds)
        if self._broken is not None:
            raise ModelError(self._broken, tokens=0, is_fatal=True)

    def record_success(self) -> None:
        """Close the circuit."""
        self._failures = self._openings = 0

    def record_failure(self, error: ModelError) -> None:
        """Pause or end the calls if this failure asks for that."""
        if error.is_fatal:
            self._broken = str(error)
        elif error.retry_after is not None:
            self._pause(error.retry_after, error)
        elif error.is_outage:
            self._record_outage(error)

    def _pause(self, seconds: float, error: ModelError) -> None:
        if seconds > MAX_RETRY_AFTER_SECONDS:
            self._broken = f"it asks for a pause of {seconds:.0f} s: {error}"
        self._paused_until = max(self._paused_until, self._timer() + seconds)

    def _record_outage(self, error: ModelError) -> None:
        if self._timer() < self._paused_until:
            return  # it was sent before the circuit opened
        self._failures += 1
        if self._failures < FAILURES:
            return
        if self._openings == len(PAUSES_SECONDS):
            self._broken = str(error)
            return
        self._paused_until = self._timer() + PAUSES_SECONDS[self._openings]
        self._openings += 1
        self._failures = FAILURES - 1
