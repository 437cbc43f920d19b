"""Competing for the sender lock, and waiting for a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.app import runtime
from storage import database, errors, locks, migrate

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_waiting_for_the_lock_ends_when_its_holder_goes(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    waits = 0

    async def sleep(seconds: float) -> None:
        nonlocal waits
        waits += 1
        await asyncio.sleep(0)
        if waits == 3:
            await first.release()

    assert await runtime.compete_for_lock(second, sleep=sleep)
    assert waits == 3
    assert (second.term or 0) > 0
    await second.release()
    await other_db.close()


async def test_a_former_sender_stops_competing_once_another_has_begun_its_term(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    former_term = first.term
    await first.release()
    assert await second.try_acquire()
    assert not await runtime.compete_for_lock(first, former_term=former_term)
    await second.release()
    await other_db.close()


class AwayLock(locks.SenderLock):
    """A lock whose database is away for the first `failures` attempts."""

    failures: Iterator[int]

    async def try_acquire(self) -> bool:
        if next(self.failures, None) is not None:
            raise errors.DatabaseUnavailableError("connection refused")
        return await super().try_acquire()


async def test_a_database_that_comes_back_is_waited_for(sqlite_db: database.Database) -> None:
    lock, waits = AwayLock(sqlite_db), []
    lock.failures = iter(range(7))

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    assert await runtime.compete_for_lock(lock, sleep=sleep)
    assert waits == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0]
    await lock.release()


async def test_a_database_that_stays_away_ends_the_wait_with_a_sentence(sqlite_db: database.Database) -> None:
    lock, now = AwayLock(sqlite_db), [0.0]
    lock.failures = iter(range(1000))

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(errors.StorageError, match="was away for 10 minutes"):
        await runtime.compete_for_lock(lock, sleep=sleep, monotonic=lambda: now[0])
    assert now[0] == pytest.approx(runtime.DATABASE_PATIENCE, abs=runtime.DATABASE_DELAYS[-1])
