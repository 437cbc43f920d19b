"""Admission control for lookups: a few run at once, one per reader; others wait briefly or are rejected."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import ParamSpec, TypeVar

from storage import errors

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
MAX_AT_ONCE = 3
"""The most lookups that run at once. More would be no faster on one core, and slow down the event loop."""
PATIENCE_SECONDS = 2.0
"""The longest wait. Discord expects a response within three seconds."""


class BusyError(errors.UsageError):
    """Raised if a lookup had to wait too long for others."""


class Admission:
    """Limits lookups to `at_once` in all and one per reader. A lookup waits at most `patience` seconds.

    `on_end` is called for each lookup, with the seconds that it took, or None if it was not admitted.
    """

    def __init__(self, at_once: int, *, patience: float = PATIENCE_SECONDS) -> None:
        self.on_end: Callable[[float | None], None] = lambda _: None
        self.patience = patience
        self._slots = asyncio.Semaphore(at_once)
        self._turns = weakref.WeakValueDictionary[int, asyncio.Lock]()

    @asynccontextmanager
    async def admitted(self, user_id: int, patience: float | None = None) -> AsyncIterator[None]:
        """Run the block as a reader's lookup. Raises BusyError if it waited for `patience` seconds."""
        turn = self._turns.setdefault(user_id, asyncio.Lock())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self.patience if patience is None else patience):
                    await held.enter_async_context(turn)
                    await held.enter_async_context(self._slots)
            except TimeoutError:
                self.on_end(None)
                raise BusyError("too many readers ask at once", "busy") from None
            started_at = time.perf_counter()
            try:
                yield
            finally:
                self.on_end(time.perf_counter() - started_at)


async def work_in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **further: Arguments.kwargs
) -> Result:
    """Return a function's result from a thread.

    If the caller is cancelled, it goes on once the thread has ended, and so keeps its place as long as a thread works for it.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **further))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(Exception):
            await work
        raise
