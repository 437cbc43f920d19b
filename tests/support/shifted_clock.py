"""Run `paperround run` with movable clocks: `python -m tests.support.shifted_clock FILE`.

FILE (`clock_file`) says how many seconds all clocks are ahead, as after the machine slept, and the error of the wall
clock. Timers are not affected.
"""

import asyncio
import importlib
import sys
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from bot.app import container, process
from bot.core import clock, logs, settings
from storage import errors
from tests.support import clock_file

READERS = ("bot.core.clock", "apscheduler.schedulers.base", "apscheduler.executors.base")
"""The bot modules that read the wall clock through `datetime`."""


def shift_clocks(path: Path) -> None:
    """Apply the offsets in a file to `time.time`, the `datetime.now` of READERS, and CLOCK_BOOTTIME."""
    real_time: Callable[[], float] = time.time
    real_gettime: Callable[[int], float] = time.clock_gettime
    offsets = clock_file.ClockFile(path)

    def shifted_time() -> float:
        return real_time() + sum(offsets.read())

    def shifted_gettime(number: int) -> float:
        return real_gettime(number) + (offsets.read()[0] if number == time.CLOCK_BOOTTIME else 0.0)

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
        await process.run(opened)


if __name__ == "__main__":
    shift_clocks(Path(sys.argv[1]))
    logs.configure("console:info")
    try:
        asyncio.run(main())
    except errors.PaperroundError as error:
        sys.exit(str(error))
