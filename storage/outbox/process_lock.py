"""A lock that one process holds: a file lock next to the SQLite file, or a PostgreSQL advisory lock.

Both are released when their holder dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors
from storage.database import Database, sqlite_path, translated_errors

TIMEOUT = 10.0


class ProcessLock:
    """A lock on a database with a name (SQLite) and a number (PostgreSQL) of its own."""

    def __init__(self, database: Database, name: str, number: int) -> None:
        self._database = database
        self._name = name
        self._number = number
        self._file: IO[str] | None = None
        self._connection: AsyncConnection | None = None

    async def try_acquire(self) -> bool:
        """Acquire the lock if it is free. A database in memory has one process, so its lock is free."""
        if self._database.is_sqlite:
            path = sqlite_path(self._database.url)
            self._file = _lock_file(path, self._name) if path is not None else open("/dev/null")  # noqa: ASYNC230, SIM115
            return self._file is not None
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(translated_errors(self._database.url))
            connection = await stack.enter_async_context(self._database.engine.connect())
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._number))):
                self._connection = connection
                stack.pop_all()  # the lock lives as long as the connection
                return True
        return False

    async def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            fcntl.flock(
                self._file, fcntl.LOCK_UN
            )  # closing is not enough while a child process has the file open
            self._file.close()
            self._file = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Only closing the session releases the lock; returning it to the pool would keep it.
            with (
                suppress(SQLAlchemyError, OSError, errors.StorageError),
                translated_errors(self._database.url),
            ):
                async with asyncio.timeout(TIMEOUT):
                    await connection.invalidate()
                    await connection.close()


def _lock_file(path: Path, name: str) -> IO[str] | None:
    path = path.resolve()  # one lock per file, also through a link
    lock = path.with_name(f"{path.name}.{name}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
