"""Gives control to the event loop between the steps of long work."""

from __future__ import annotations

import asyncio
import time

SLICE_SECONDS = 0.005
"""Time that work takes at once; a step may take longer, so steps must be small."""


class TimeSlices:
    """Divides a task's work on the event loop into slices of about SLICE_SECONDS."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + SLICE_SECONDS

    async def pause(self) -> None:
        """Give control to the event loop if the slice is over. Call it after each step."""
        if time.monotonic() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = time.monotonic() + SLICE_SECONDS
