"""Competes for the sender lock, keeps it, and waits for a database that restarts. The lock: `storage.outbox.sender_lock`."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from storage import errors
from storage.outbox.sender_lock import HEARTBEAT_INTERVAL, SenderLock

log = structlog.get_logger(__name__)

RETRY_INTERVAL = 1.0
DATABASE_DELAYS = (1.0, 1.0, 2.0, 3.0, 5.0)
"""Seconds between attempts to reach the database; the last one repeats."""
DATABASE_PATIENCE = 600.0
"""A database that stays away this long (seconds) ends the process, so that its supervisor notices."""

Sleep = Callable[[float], Awaitable[None]]


async def compete(
    lock: SenderLock,
    *,
    former_term: int | None = None,
    sleep: Sleep = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait until the lock is acquired. False if another process became the sender after `former_term`.

    Raises StorageError if the database stays away for DATABASE_PATIENCE.
    """
    away_since: float | None = None
    delays = itertools.chain(DATABASE_DELAYS, itertools.repeat(DATABASE_DELAYS[-1]))
    while True:
        try:
            if await lock.try_acquire():
                return True
            if former_term is not None and await lock.is_superseded(former_term):
                return False
        except errors.DatabaseUnavailableError as error:
            if away_since is None:
                away_since = monotonic()
                log.warning("the database is away; waiting for it", reason=str(error))
            if monotonic() - away_since >= DATABASE_PATIENCE:
                raise errors.StorageError(
                    f"The database was away for {DATABASE_PATIENCE / 60:.0f} minutes. Start PostgreSQL, then start"
                    f" Paperround again; what is planned will be sent. The last error: {error}"
                ) from error
            await sleep(next(delays))
            continue
        if away_since is not None:
            away_since = None
            log.info("the database is back")
        await sleep(RETRY_INTERVAL)


async def keep(lock: SenderLock, stop: asyncio.Event) -> None:
    """Check the lock until `stop` is set, and acquire it again after a lost connection.

    Returns early if another process is the sender. Raises as `compete` does.
    """
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), HEARTBEAT_INTERVAL)
        term = lock.term
        if stop.is_set() or await lock.heartbeat():
            continue
        log.warning("sender lock lost; sending pauses until it is acquired again")
        competition = asyncio.ensure_future(compete(lock, former_term=term))
        stopper = asyncio.ensure_future(stop.wait())
        await asyncio.wait({competition, stopper}, return_when=asyncio.FIRST_COMPLETED)
        stopper.cancel()
        if not competition.done():
            competition.cancel()
            await asyncio.gather(competition, return_exceptions=True)
            return
        if not competition.result():
            log.warning("another process has become the sender; standing by")
            return
        log.info("sender lock acquired again", term=lock.term)
