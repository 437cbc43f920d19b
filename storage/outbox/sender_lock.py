"""The leader lock of the one sender: a file lock next to the SQLite file, or a PostgreSQL advisory lock.

Both are released when their holder dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database, sqlite_path

ADVISORY_LOCK_ID = 0x53454E444552  # "SENDER" in ASCII
RETRY_INTERVAL = 1.0
HEARTBEAT_INTERVAL = 5.0
HEARTBEAT_TIMEOUT = 10.0


class SenderLock:
    """Held by the one process that sends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: IO[str] | None = None
        self._connection: AsyncConnection | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock, as of the last `heartbeat`."""
        return self._file is not None or self._connection is not None

    async def try_acquire(self) -> bool:
        """Acquire the lock if it is free. A database in memory has one process, so its lock is always free."""
        if self._database.is_sqlite:
            path = sqlite_path(self._database.url)
            self._file = _lock_file(path) if path is not None else open("/dev/null")  # noqa: ASYNC230, SIM115
            return self._file is not None
        async with contextlib.AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._database.engine.connect())
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK_ID))):
                self._connection = connection
                stack.pop_all()  # the lock lives as long as the connection
                return True
        return False

    async def acquire(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Wait until the lock is acquired, with a retry every second."""
        while not await self.try_acquire():
            await sleep(RETRY_INTERVAL)

    async def heartbeat(self) -> bool:
        """Check that the lock is still held; a PostgreSQL session can be lost while the process lives."""
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
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Only closing the session releases the lock; returning it to the pool would keep it.
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                    await connection.invalidate()
                    await connection.close()


def _lock_file(path: Path) -> IO[str] | None:
    path = path.resolve()  # one lock per file, also through a link
    lock = path.with_name(path.name + ".sender.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
