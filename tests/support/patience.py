"""Deadlines that end a hang. No verdict depends on them: they are a minute or more, and grow with the machine's load."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from storage.database import Database
from tests.support.virtual_time import VirtualTimeLoop

Result = TypeVar("Result")

HANG_SECONDS = 60.0
DEADLINE_SECONDS = 600.0
_start_timeout = asyncio.timeout  # noqa: TID251
OVERRIDE = "TEST_PATIENCE"
"""An environment variable with a factor that replaces the measured one."""


def factor() -> float:
    """Return the factor by which time limits grow: the machine's load per core, at least 1."""
    if override := os.environ.get(OVERRIDE):
        return float(override)
    return max(1.0, max(os.getloadavg()[0], _count_running()) / len(os.sched_getaffinity(0)))


def scaled(seconds: float) -> float:
    return seconds * factor()


class Until(float):
    """Seconds for a deadline of the product that ends once `is_due` is set: after what is to be done by then, not by a clock."""

    is_due: asyncio.Event

    def __new__(cls, is_due: asyncio.Event) -> Self:
        seconds = super().__new__(cls, 1.0)
        seconds.is_due = is_due
        return seconds

    def start(self) -> asyncio.Timeout:
        timeout = _start_timeout(None)

        async def end() -> None:
            await self.is_due.wait()
            with contextlib.suppress(RuntimeError):  # it has ended by then
                timeout.reschedule(asyncio.get_running_loop().time())

        self.ending = asyncio.create_task(end())
        return timeout


def start_deadline(seconds: float | None) -> asyncio.Timeout:
    """Like `asyncio.timeout`, for deadlines of the product: none decides on a busy machine, unless a test sets a second.

    If something has to be done before such a deadline, it is `Until` that is done.
    """
    if isinstance(seconds, Until):
        return seconds.start()
    is_real = not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    return _start_timeout(max(seconds, DEADLINE_SECONDS) if is_real and seconds and seconds > 1 else seconds)


@asynccontextmanager
async def limit(seconds: float = HANG_SECONDS) -> AsyncIterator[None]:
    """Like `asyncio.timeout`, but the limit grows with the load."""
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    async with _start_timeout(scaled(seconds)) as timeout:

        def measure_again() -> None:
            if is_open and not timeout.expired():
                timeout.reschedule(max(timeout.when() or 0.0, started_at + scaled(seconds)))
                loop.call_later(seconds / 2, measure_again)

        is_open = True
        loop.call_later(seconds / 2, measure_again)
        try:
            yield
        finally:
            is_open = False


async def wait_for(awaitable: Awaitable[Result], seconds: float = HANG_SECONDS) -> Result:
    """Like `asyncio.wait_for`, within `limit`."""
    async with limit(seconds):
        return await awaitable


async def wait_until(
    condition: Callable[[], bool | Awaitable[bool]],
    seconds: float = HANG_SECONDS,
    *,
    describe: Callable[[], object] = lambda: "",
) -> None:
    """Poll until the condition is true. Raises AssertionError with a description."""
    try:
        async with limit(seconds):
            pause = 0.01
            while not (is_true if isinstance(is_true := condition(), bool) else await is_true):
                await asyncio.sleep(pause)
                # Poll less and less often, since a condition that reads a database costs more than the pause.
                pause = min(1.2 * pause, 0.2)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s of an idle machine\n{describe()}") from None


async def wait_for_value(
    get: Callable[[], Awaitable[Result]],
    is_wanted: Callable[[Result], object],
    seconds: float = HANG_SECONDS,
    *,
    describe: Callable[[], object] = lambda: "",
) -> None:
    """Poll a value until it is wanted, like `wait_until`."""

    async def is_there() -> bool:
        return bool(is_wanted(await get()))

    await wait_until(is_there, seconds, describe=describe)


async def wait_until_blocked(database: Database, *tasks: asyncio.Future[Any]) -> None:
    """Wait until each task has ended, or waits for a transaction that the caller holds open."""

    async def are_blocked() -> bool:
        running = sum(not task.done() for task in tasks)
        return not running or await _count_waiting(database) >= running

    await wait_until(are_blocked)


async def _count_waiting(database: Database) -> int:
    if database.is_sqlite:
        [gate] = database._write_gates
        return len(getattr(gate, "_waiters", None) or ())
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with database.read() as connection:
        return int(await connection.scalar(sa.text(query)) or 0)


def _count_running() -> int:
    """Return the number of runnable threads, since the load average lags by a minute."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except OSError:
        return 0
