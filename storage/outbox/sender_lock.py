"""The leader lock of the one sender: a file lock next to the SQLite file, or a PostgreSQL advisory lock.

Both are released when their holder dies. Each acquisition begins a new term, whose number is the fencing token of claims.
"""

from __future__ import annotations

import asyncio
import contextlib

from sqlalchemy.exc import SQLAlchemyError

from storage import errors, key_values
from storage.database import Connection, Database, translated_errors
from storage.outbox import process_lock

ADVISORY_LOCK_ID = 0x53454E444552  # "SENDER" in ASCII
HEARTBEAT_INTERVAL = 5.0


async def raise_term(connection: Connection) -> int:
    """Begin a new sender's term: its number is one more than that of the last. Claims of older terms fail from now on."""
    return await key_values.increment(connection, key_values.SENDER_TERM)


async def is_current_term(connection: Connection, term: int) -> bool:
    """Whether `term` is that of the present sender; a new one cannot begin before the transaction ends."""
    return int(await key_values.get(connection, key_values.SENDER_TERM, locked=True) or 0) == term


class SenderLock(process_lock.ProcessLock):
    """Held by the one process that sends."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "sender", ADVISORY_LOCK_ID)
        self._term: int | None = None

    @property
    def term(self) -> int | None:
        """The number of this process's term as the sender, as of the last `heartbeat`; None if it is not the sender."""
        return self._term

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock, as of the last `heartbeat`."""
        return self._term is not None

    async def try_acquire(self) -> bool:
        """Acquire the lock if it is free, and begin a term. A database in memory has one process, so its lock is free."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.release)
            if not await super().try_acquire():
                return False
            async with self._database.transaction() as connection:
                self._term = await raise_term(connection)
            stack.pop_all()
        return True

    async def is_superseded(self, term: int) -> bool:
        """Whether another sender's term has begun after this one."""
        async with self._database.read() as connection:
            return not await is_current_term(connection, term)

    async def heartbeat(self) -> bool:
        """Check that the lock is still held; a PostgreSQL session can be lost while the process lives."""
        if self._connection is None:
            return self.is_held
        try:
            with translated_errors(self._database.url):
                async with asyncio.timeout(process_lock.TIMEOUT):
                    is_current = await is_current_term(self._connection, self._term or 0)
        except (SQLAlchemyError, OSError, errors.StorageError):
            is_current = False
        if not is_current:
            await self.release()
        return is_current

    async def is_sender(self) -> bool:
        """Whether this process is still the sender, by the stored term. Raises as a read does."""
        return self._term is not None and not await self.is_superseded(self._term)

    async def release(self) -> None:
        """Release the lock, and end the term."""
        self._term = None
        await super().release()
