"""`paperround` with movable clocks, up to a place: `python -m tests.support.shifted_command CLOCK FILE PLACE ARGUMENTS…`.

CLOCK (`move`) is a file with how many seconds all clocks are ahead, as after the machine slept, and the error of the wall
clock; timers are not affected. Places are just before and after each commit and each request to Discord. FILE is given a line
with the name of each place that was reached. PLACE is a name, such as `after POST`, or a number from 1 on: there the process
gets SIGKILL. Without CLOCK ("") the clocks are the machine's, and without PLACE the process is not killed.
"""

import contextlib
import importlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from bot import cli
from bot.client.rest import RestClient
from storage.database import Connection, Database

READERS = ("bot.core.clock", "apscheduler.schedulers.base", "apscheduler.executors.base")
"""The bot modules that read the wall clock through `datetime`."""


def move(clock: Path, seconds: float, error: float = 0.0) -> None:
    """Move the clocks of the processes that read this file, running ones too."""
    written = clock.with_suffix(".new")
    written.write_text(f"{seconds} {error}")
    written.replace(clock)  # so that no reader sees half a number


class _Offsets:
    """Reads a CLOCK again when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._known = 0.0, 0.0

    def read(self) -> tuple[float, float]:
        status = self._path.stat()
        if (version := (status.st_ino, status.st_mtime_ns)) != self._version:
            seconds, error = self._path.read_text().split()
            self._known, self._version = (float(seconds), float(error)), version
        return self._known


def shift_clocks(path: Path) -> None:
    """Apply the offsets in a CLOCK to `time.time`, the `datetime.now` of READERS, and CLOCK_BOOTTIME."""
    real_time: Callable[[], float] = time.time
    real_gettime: Callable[[int], float] = time.clock_gettime
    offsets = _Offsets(path)

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


def die_at(wanted: str, file: Path) -> None:
    """Kill this process at the place with a name or number."""
    reached = 0
    transaction, exchange = Database.transaction, RestClient._exchange

    def reach(place: str) -> None:
        nonlocal reached
        reached += 1
        with file.open("a") as lines:
            lines.write(f"{place}\n")
        if wanted in (place, str(reached)):
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.asynccontextmanager
    async def dying_transaction(self: Database) -> AsyncIterator[Connection]:
        async with transaction(self) as connection:
            yield connection
            reach("before a commit")
        reach("after a commit")

    async def dying_exchange(self: RestClient, method: str, *arguments: Any) -> Any:
        reach(f"before {method}")
        answer = await exchange(self, method, *arguments)
        reach(f"after {method}")
        return answer

    Database.transaction = dying_transaction  # type: ignore[method-assign]
    RestClient._exchange = dying_exchange  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    clock, file, place, *arguments = sys.argv[1:]
    if clock:
        shift_clocks(Path(clock))
    if place:
        die_at(place, Path(file))
    sys.argv = ["paperround", *arguments]
    cli.main()
