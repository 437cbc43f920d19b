"""Run `paperround run` with movable clocks: `python -m tests.support.shifted_clock FILE`.

FILE contains how many seconds all clocks are ahead, as after the machine slept, and the error of the wall
clock (seconds). It is read again after FRESH_SECONDS; timers are not affected.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import sys
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from bot.app import container, runtime
from bot.core import clock, logs, settings
from storage import errors

READERS = ("bot.core.clock", "apscheduler.schedulers.base", "apscheduler.executors.base")
"""The bot modules that read the wall clock through `datetime`."""


FRESH_SECONDS = 0.005


def write_offset(path: Path, seconds: float, error: float) -> None:
    """Move the clocks of the bots that read this file."""
    written = path.with_suffix(".new")
    written.write_text(f"{seconds} {error}")
    written.replace(path)  # so that no reader sees half a number


def shift_clocks(path: Path) -> None:
    """Apply the offsets in a file to `time.time`, the `datetime.now` of READERS, and CLOCK_BOOTTIME."""
    real_time: Callable[[], float] = time.time
    real_gettime: Callable[[int], float] = time.clock_gettime

    known, read_at = [0.0, 0.0], -math.inf

    def read_offsets() -> list[float]:
        nonlocal known, read_at
        if time.monotonic() > read_at + FRESH_SECONDS:
            known = [float(number) for number in path.read_text().split()]
            read_at = time.monotonic()
        return known

    def shifted_time() -> float:
        return real_time() + sum(read_offsets())

    def shifted_gettime(number: int) -> float:
        return real_gettime(number) + (read_offsets()[0] if number == time.CLOCK_BOOTTIME else 0.0)

    class ShiftedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(shifted_time(), tz)

    time.time = shifted_time
    time.clock_gettime = shifted_gettime
    for name in READERS:
        module: Any = importlib.import_module(name)
        module.datetime = ShiftedDatetime


async def main() -> None:
    async with container.open_container(settings.load(), clock=clock.system_clock, migrating=True) as opened:
        await runtime.run(opened)


if __name__ == "__main__":
    shift_clocks(Path(sys.argv[1]))
    logs.configure("console:info")
    try:
        asyncio.run(main())
    except errors.PaperroundError as error:
        sys.exit(str(error))
