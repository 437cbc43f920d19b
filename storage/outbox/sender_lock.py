"""One sender at a time: a lock that frees itself when its holder dies, beside the SQLite file or inside PostgreSQL."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database, sqlite_path

ADVISORY_LOCK_ID = 0x53454E444552  # "SENDER": PostgreSQL's advisory lock of whoever drains the outbox
RETRY_INTERVAL = 1.0
HEARTBEAT_INTERVAL = 5.0
HEARTBEAT_TIMEOUT = 10.0


class SenderLock:
    """Held by the one process that sends. `held` is a plain look at whether this process still has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: IO[str] | None = None
        self._connection: AsyncConnection | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process is the sender, as far as it knows."""
        return self._file is not None or self._connection is not None

    async def try_acquire(self) -> bool:
        """Take the lock if nobody holds it. A database in memory has one process anyway."""
        if self._database.is_sqlite:
            path = sqlite_path(self._database.url)
            self._file = _lock_file(path) if path is not None else open("/dev/null")  # noqa: ASYNC230, SIM115
            return self._file is not None
        connection = await self._database.engine.connect()
        try:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK_ID))):
                self._connection = connection
                return True
        except BaseException:
            await connection.close()
            raise
        await connection.close()
        return False

    async def acquire(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Wait until the lock is ours, asking every second."""
        while not await self.try_acquire():
            await sleep(RETRY_INTERVAL)

    async def heartbeat(self) -> bool:
        """Ask whether the lock is still ours; only a PostgreSQL connection can be lost without the process ending."""
        if self._connection is None:
            return self.is_held
        try:
            async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                await self._connection.execute(sa.text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            await self.release()
            return False
        return True

    async def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Closing the session, not returning it to the pool, is what frees the lock for sure.
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                    await connection.invalidate()
                    await connection.close()


def _lock_file(path: Path) -> IO[str] | None:
    path = path.resolve()  # a file that is reached by a link, too, has one lock
    lock = path.with_name(path.name + ".sender.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
