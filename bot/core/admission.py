"""Admission control: a few look-ups run at once, one per reader; others wait briefly or are refused."""

from __future__ import annotations

import asyncio
import math
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from storage import errors

MAX_AT_ONCE = 3
"""Look-ups that run at once. More would not be faster on one core, and each makes the event loop's turns longer."""
PATIENCE_SECONDS = 2.0
"""Time after which waiting work is refused, so that readers get some answer within three seconds."""


class BusyError(errors.PaperroundError):
    """Work was refused because too much other work is waiting."""


class Admission:
    """Runs `at_once` pieces of work at once, one per reader; work that waits longer than `patience` seconds is refused.

    `on_decision` is called with whether each piece was admitted.
    """

    def __init__(self, at_once: int, *, patience: float = PATIENCE_SECONDS) -> None:
        self.on_decision: Callable[[bool], None] = lambda _: None
        self.patience = patience
        self._slots = asyncio.Semaphore(at_once)
        self._turns = weakref.WeakValueDictionary[int, asyncio.Lock]()

    @asynccontextmanager
    async def admitted(self, user_id: int, max_patience: float = math.inf) -> AsyncIterator[None]:
        """Run the block as work of this reader. Raises BusyError if it waited longer than its patience."""
        turn = self._turns.setdefault(user_id, asyncio.Lock())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(min(self.patience, max_patience)):
                    await held.enter_async_context(turn)
                    await held.enter_async_context(self._slots)
            except TimeoutError:
                self.on_decision(False)
                raise BusyError("too many readers ask at once") from None
            self.on_decision(True)
            yield
