"""An event loop in virtual time: a sleep ends at once, and `loop.time()` advances by its duration."""

import asyncio
import selectors
from typing import Any

_TICK_SECONDS = 1e-6
"""The duration of each step of the loop, so that code that rounds its waits down to zero makes progress."""


class _SkippingSelector(selectors.DefaultSelector):
    """Adds each wait to `now` (seconds) instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += (timeout or 0.0) + _TICK_SECONDS
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for `asyncio.Runner(loop_factory=VirtualTimeLoop)`, only for code without I/O."""

    def __init__(self) -> None:
        self._clock = _SkippingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def hold_up(self, seconds: float) -> None:
        """Let time pass as if a callback took so long."""
        self._clock.now += seconds
