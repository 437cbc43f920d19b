"""How long tests wait: every limit in seconds is for an idle machine and passes through here, so a busy one waits longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

OVERRIDE = "TEST_PATIENCE"
"""Environment variable with a factor to use instead of the measured one."""


def factor() -> float:
    """How many times as long as on an idle machine things may take now: at least 1, the machine's load for each core."""
    if override := os.environ.get(OVERRIDE):
        return float(override)
    return max(1.0, max(os.getloadavg()[0], _count_running()) / len(os.sched_getaffinity(0)))


def scaled(seconds: float) -> float:
    """A limit for the present load, measured at the call."""
    return seconds * factor()


@asynccontextmanager
async def limit(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` with a limit that grows while the load does."""
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    async with asyncio.timeout(scaled(seconds)) as timeout:  # noqa: TID251

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


async def wait_for(awaitable: Awaitable[Result], seconds: float) -> Result:
    """`asyncio.wait_for` within `limit`."""
    async with limit(seconds):
        return await awaitable


async def wait_until(
    condition: Callable[[], bool | Awaitable[bool]],
    seconds: float = 60.0,
    *,
    describe: Callable[[], object] = lambda: "",
) -> None:
    """Wait until the condition is true, for changes that set no event. Raises AssertionError with a description."""
    try:
        async with limit(seconds):
            pause = 0.01
            while not (is_true if isinstance(is_true := condition(), bool) else await is_true):
                await asyncio.sleep(pause)
                # What takes long is asked seldom: a condition that reads a database costs more than the pause.
                pause = min(1.2 * pause, 0.2)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s of an idle machine\n{describe()}") from None


def _count_running() -> int:
    """Number of threads that run or wait for a core; the load average follows a sudden load only after a minute."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except OSError:
        return 0
