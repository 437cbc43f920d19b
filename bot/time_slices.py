"""Gives control to the event loop between the steps of long work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SLICE_SECONDS = 0.003
"""Time that work takes at once; a step may take longer, so steps must be small.

A transaction takes about fifteen turns of the event loop, and one of delivery must take less than 100 ms.
"""


class TimeSlices:
    """Divides a task's work on the event loop into slices of about SLICE_SECONDS, by `timer`."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._ends_at = timer() + SLICE_SECONDS

    async def pause(self) -> None:
        """Give control to the event loop if the slice is over. Call it after each step."""
        if self._timer() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = self._timer() + SLICE_SECONDS
