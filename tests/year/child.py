"""`paperround run` in a year that takes minutes: `python -m tests.year.child CLOCK MEASURES`.

CLOCK moves all clocks (`tests.support.shifted_clock`). Waits of the process are shortened, since a jump of the clock
replaces them. MEASURES gets a line for each tick and purge: its name, when it began (by the moved clock), its
seconds, and how many of its name still run.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord import backoff

from bot.app import runtime
from bot.core import clock, logs, memory
from bot.features.alerts.planner import AlertPlanner
from bot.features.operations.retention import Retention
from bot.outbox import relay, request_pacing
from storage import errors
from tests.support import shifted_clock

LOOK_SECONDS = 0.02
PAUSE_SECONDS = 0.1
RATE = 1000.0
"""Requests a second: the fake has no limits."""


def shorten_waits() -> None:
    """Look often whether a jump of the clock has made a job due, and repeat failed requests soon."""
    # An answer from before a jump must not set the clock back.
    clock.MAX_ERROR = timedelta(days=366)
    relay.POLL_SECONDS = request_pacing.INITIAL_PAUSE = request_pacing.MAX_PAUSE = PAUSE_SECONDS
    paced, backing_off, scheduler = _patchable(
        request_pacing.Pace, backoff.ExponentialBackoff, AsyncIOScheduler
    )
    backing_off.delay = lambda _: PAUSE_SECONDS
    set_rate, start_timer = paced.set_rate, scheduler._start_timer
    paced.set_rate = lambda self, _: set_rate(self, RATE)
    scheduler._start_timer = lambda self, _: start_timer(self, LOOK_SECONDS)


def _patchable(*owners: Any) -> tuple[Any, ...]:
    return owners


def measure(file: Path) -> None:
    """Log the time of each tick and each purge."""

    def wrap(owner: type, method: str, name: str) -> None:
        run: Callable[..., Awaitable[Any]] = getattr(owner, method)

        running = 0

        async def measured(*arguments: Any, **options: Any) -> Any:
            nonlocal running
            running += 1
            began_at, started = time.time(), time.perf_counter()
            try:
                return await run(*arguments, **options)
            finally:
                running -= 1
                with file.open("a") as lines:
                    lines.write(f"{name} {began_at} {time.perf_counter() - started} {running}\n")

        setattr(owner, method, measured)

    wrap(runtime.Runtime, "tick", "tick")
    wrap(AlertPlanner, "tick", "alerts")
    wrap(Retention, "purge", "purge")


if __name__ == "__main__":
    memory.limit_arenas()
    shifted_clock.shift_clocks(Path(sys.argv[1]))
    shorten_waits()
    measure(Path(sys.argv[2]))
    logs.configure("json:info")
    try:
        asyncio.run(shifted_clock.main())
    except errors.PaperroundError as error:
        sys.exit(str(error))
