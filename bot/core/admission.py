"""Admission control: work of readers runs a few at a time, waits in a bounded queue, or is refused."""

from __future__ import annotations

import asyncio
import collections
import math
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog

from storage import errors

log = structlog.get_logger(__name__)

MAX_AT_ONCE = 3
"""Look-ups that run at once. More would not be faster on one core, and each makes the event loop's turns longer."""
PATIENCE_SECONDS = 2.0
"""Expected waiting time above which a look-up is refused: readers get an answer of either kind within three seconds."""
MAX_WAITING_TRANSFERS = 10
"""Files that wait to be made or read, one of a reader at most. Each takes a minute at most, and Discord takes an answer
for fifteen."""
WARNING_INTERVAL_SECONDS = 60.0
_FIRST_ESTIMATE_SECONDS = 0.05
_MEAN_WEIGHT = 0.1
_ESTIMATE_TOLERANCE = 2.0
"""Times its patience that work may be expected to wait. The mean is rough: charts take ten times as long as lists."""


class BusyError(errors.PaperroundError):
    """Work was refused because too much other work is waiting."""


class Admission:
    """A semaphore with a queue that is bounded by its length, by reader, and by its expected waiting time.

    Work of one reader runs one after the other, so that one account with slow work leaves room for others.

    `patience` is the longest that work may wait, in seconds, and `max_waiting` the longest queue, in which each reader
    has one place at most. `on_decision` is told of each admission, and of the seconds that it waited.
    """

    def __init__(
        self,
        at_once: int,
        *,
        patience: float = math.inf,
        max_waiting: int | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_decision: Callable[[bool, float], None] = lambda *_: None
        self.patience = patience
        self._at_once = at_once
        self._max_waiting = max_waiting
        self._timer = timer
        self._slots = asyncio.Semaphore(at_once)
        self._turns = weakref.WeakValueDictionary[int, asyncio.Lock]()
        self._waiting = collections.Counter[int]()
        self._mean_seconds = _FIRST_ESTIMATE_SECONDS
        self._refused, self._warned_at = 0, -WARNING_INTERVAL_SECONDS

    @asynccontextmanager
    async def admitted(
        self,
        user_id: int,
        max_patience: float = math.inf,
        *,
        among: Admission | None = None,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[None]:
        """Run the block as work of this reader. Raises BusyError if it may not wait, or waited longer than its patience.

        `before` is awaited once it has its place in the queue, and not for what is refused at once.

        It is also admitted `among` others: after the reader's earlier work here, so that it keeps none of them waiting
        meanwhile, and before it takes a place here.
        """
        async with AsyncExitStack() as held:
            patience = min(self.patience, max_patience)
            await self._admit(self._acquire(held, user_id, patience, among, before))
            started_at = self._timer()
            try:
                yield
            finally:
                self._mean_seconds += _MEAN_WEIGHT * (self._timer() - started_at - self._mean_seconds)

    async def _admit(self, acquired: Awaitable[bool]) -> None:
        arrived_at = self._timer()
        is_admitted = await acquired
        started_at = self._timer()
        self.on_decision(is_admitted, started_at - arrived_at)
        if not is_admitted:
            self._refused += 1
            if self._timer() - self._warned_at >= WARNING_INTERVAL_SECONDS:
                log.warning(
                    "readers' requests refused: too many at once",
                    refused=self._refused,
                    waiting=self._waiting.total(),
                )
                self._refused, self._warned_at = 0, self._timer()
            raise BusyError(f"{self._waiting.total()} others are waiting")

    async def _acquire(
        self,
        held: AsyncExitStack,
        user_id: int,
        patience: float,
        among: Admission | None,
        before: Callable[[], Awaitable[None]] | None,
    ) -> bool:
        turn = self._turns.setdefault(user_id, asyncio.Lock())
        is_queue = self._slots.locked() or turn.locked() or bool(self._waiting)
        if is_queue and not self._may_wait(user_id, patience):
            return False
        try:
            async with asyncio.timeout(None if math.isinf(patience) else patience):
                with self._queued(user_id):
                    if before is not None:
                        await before()
                    await held.enter_async_context(turn)
                if among is not None:
                    # In that queue and not in this one, whose readers it does not keep waiting.
                    await held.enter_async_context(among.admitted(user_id))
                with self._queued(user_id):
                    await self._slots.acquire()
                held.callback(self._slots.release)
                return True
        except TimeoutError:
            return False

    @contextmanager
    def _queued(self, user_id: int) -> Iterator[None]:
        self._waiting[user_id] += 1
        try:
            yield
        finally:
            self._waiting -= collections.Counter((user_id,))  # without those that are at 0

    def _may_wait(self, user_id: int, patience: float) -> bool:
        if self._max_waiting is not None and (
            len(self._waiting) >= self._max_waiting or user_id in self._waiting
        ):
            return False
        # Of each other reader, one piece of work is ahead at most; the reader's own is done one after the other.
        readers = len(self._waiting.keys() | {user_id})
        expected = self._mean_seconds * max(readers / self._at_once, self._waiting[user_id])
        return expected <= _ESTIMATE_TOLERANCE * patience
