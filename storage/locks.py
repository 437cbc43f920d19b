"""Locks that one process holds: a file lock next to the SQLite file, or a PostgreSQL advisory lock.

Both are released when their holder dies. That of the sender is a lease: PostgreSQL also takes it from a holder that is frozen or
cut off. It begins a new term each time it is acquired, which is the fencing token of what the sender writes. The processes of
`run` report themselves here too.
"""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors, key_values, models
from storage.database import (
    Connection,
    Database,
    fetch_records,
    record_values,
    sqlite_path,
    translated_errors,
    upsert,
)
from storage.tables import processes

TIMEOUT = 10.0
ADVISORY_LOCK_ID = 0x53454E444552  # "SENDER" in ASCII
HEARTBEAT_INTERVAL = 5.0
LEASE_SECONDS = 20
"""PostgreSQL ends the session of a sender that is silent for so long. It is longer than the sender takes to notice a lost
connection, which is an interval and the time-out of a heartbeat."""
_PLANNED = "paperround_planned"
"""The channel of PostgreSQL's NOTIFY for what is planned."""
_FENCED_OPTION = "paperround_fenced"
"""Execution option of a connection whose transaction is the sender's own."""
_ID_BITS = 32


async def lock_transaction(connection: Connection, *numbers: int) -> None:
    """Hold a PostgreSQL advisory lock until the transaction ends. SQLite has a single writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*numbers)))


class ProcessLock:
    """A lock on a database with a name (SQLite) and a number (PostgreSQL) of its own.

    On PostgreSQL it belongs to a session, which ends once it has been idle for `idle_seconds` (0: never).
    """

    def __init__(self, database: Database, name: str, number: int, *, idle_seconds: int = 0) -> None:
        self._database = database
        self._name = name
        self._number = number
        self._idle_seconds = idle_seconds
        self._file: IO[str] | None = None
        self._connection: AsyncConnection | None = None

    async def try_acquire(self) -> bool:
        """Acquire the lock if it is free."""
        if (path := sqlite_path(self._database.url)) is not None:
            self._file = _lock_file(path, self._name)
            return self._file is not None
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end_session)
            if self._connection is None:
                self._connection = await self._database.open_session(self._idle_seconds)
            with translated_errors(self._database.url):
                query = sa.select(sa.func.pg_try_advisory_lock(self._number))
                async with asyncio.timeout(TIMEOUT):
                    is_acquired = bool(await self._connection.scalar(query))
            stack.pop_all()  # the lock lives as long as the session, which the next attempt uses
        return is_acquired

    async def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            # Closing is not enough while a child process has the file open.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None
        await self._end_session()

    async def _end_session(self) -> None:
        """Close the session, and so release the lock."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with (
                suppress(SQLAlchemyError, OSError, errors.StorageError),
                translated_errors(self._database.url),
            ):
                async with asyncio.timeout(TIMEOUT):
                    await connection.close()


def find_lock_file(path: Path, name: str) -> Path:
    """Return the file of a lock beside a SQLite file, one also for links to it."""
    path = path.resolve()
    return path.with_name(f"{path.name}.{name}.lock")


def open_lock_file(path: Path, name: str) -> IO[str]:
    """Open the file of a lock beside a SQLite file. Raises StorageError if it cannot be written."""
    path = find_lock_file(path, name)
    try:
        return path.open("w")
    except OSError as error:
        # Such as one that root made, by a command with sudo.
        raise errors.StorageError(
            f"{path} cannot be written: {error.strerror}. Allow this user to write to it and its folder."
        ) from error


def _lock_file(path: Path, name: str) -> IO[str] | None:
    lock = open_lock_file(path, name)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


async def raise_term(connection: Connection) -> int:
    """Begin a new sender's term, whose number is one more than that of the last. What older terms write fails from now on.

    The lower bits are random: after a fail-over to a server that lags behind, the number may have been given before.
    """
    number = number_of(await key_values.increment(connection, key_values.SENDER_TERM)) + 1
    term = number << _ID_BITS | secrets.randbits(_ID_BITS)
    await key_values.set_value(connection, key_values.SENDER_TERM, str(term))
    return term


def number_of(term: int) -> int:
    """Return the number of a term: how many there were."""
    return term >> _ID_BITS


async def is_current_term(connection: Connection, term: int) -> bool:
    """Whether `term` is that of the present sender; a new one cannot begin before the transaction ends."""
    return int(await key_values.get(connection, key_values.SENDER_TERM, locked=True) or 0) == term


def fenced(database: Database, get_term: Callable[[], int | None]) -> Database:
    """Return a database that can be written in the sender's present term only: a transaction of another is a SupersededError.

    A new term waits for those that have begun. That of SQLite is returned as it is: a frozen process keeps the lock of the file.
    """

    async def check(connection: Connection) -> None:
        term = get_term()
        if term is None or not await is_current_term(connection, term):
            raise errors.SupersededError("this process is no longer the sender")
        await connection.execution_options(**{_FENCED_OPTION: True})

    return database if database.is_sqlite else database.checked(check)


async def notify_sender(connection: Connection) -> None:
    """Say that this transaction plans something: `SenderLock.on_planned` is called in the sender, once it is stored.

    Several calls in a transaction are one. Nothing on SQLite, where the sender polls, and in the sender's own transactions.
    """
    sync = connection.sync_connection
    assert sync is not None
    if connection.dialect.name == "postgresql" and not sync.get_execution_options().get(_FENCED_OPTION):
        await connection.execute(sa.select(sa.func.pg_notify(_PLANNED, "")))


class SenderLock(ProcessLock):
    """Held by the one process that sends.

    `on_planned` is called while it is held, each time another process or a command has planned something (`notify_sender`).
    It is only a hint: what was planned while the session was lost is not repeated.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, "sender", ADVISORY_LOCK_ID, idle_seconds=LEASE_SECONDS)
        self._term: int | None = None
        self.on_planned: Callable[[], None] = lambda: None

    @property
    def term(self) -> int | None:
        """This process's term as the sender, as of the last `heartbeat`; None if it is not the sender."""
        return self._term

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock, as of the last `heartbeat`."""
        return self._term is not None

    async def try_acquire(self) -> bool:
        """Acquire the lock if it is free, and begin a term."""
        if not await super().try_acquire():
            return False
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.release)
            if self._connection is not None:
                await self._end_sessions_of_former(self._connection)
                await self._listen(self._connection)
            async with self._database.transaction() as connection:
                await key_values.set_value(connection, key_values.SENDER_NAME, self._database.name)
                self._term = await raise_term(connection)
            stack.pop_all()
        return True

    async def _end_sessions_of_former(self, connection: Connection) -> None:
        """End the sessions of the sender before this one, which may be frozen within a transaction and keep its locks.

        No time-out of PostgreSQL ends one that is frozen between the messages of a statement.
        """
        name = await key_values.get(connection, key_values.SENDER_NAME)
        if name and name != self._database.name:
            with translated_errors(self._database.url):
                query = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
                )
                await connection.execute(sa.text(query), {"name": name})

    async def _listen(self, connection: AsyncConnection) -> None:
        """Have `on_planned` called; its session is the lock's, so that both are lost and acquired again together."""
        with translated_errors(self._database.url):
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.add_listener(_PLANNED, lambda *_: self.on_planned())

    async def is_superseded(self, term: int) -> bool:
        """Whether another sender's term has begun after this one."""
        async with self._database.read() as connection:
            return not await is_current_term(connection, term)

    async def heartbeat(self) -> bool:
        """Check that the lock is still held; a session of PostgreSQL can be lost while the process lives."""
        if self._connection is None:
            return self.is_held
        try:
            with translated_errors(self._database.url):
                async with asyncio.timeout(TIMEOUT):
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


# The processes of `run` on a shared database, as they report themselves.

REPORT_INTERVAL = timedelta(seconds=30)
"""Time between two reports of a process."""
LIVE = 3 * REPORT_INTERVAL
"""Time after its last report for which a process counts as running."""


async def report_process(connection: Connection, process: models.Process) -> None:
    """Store that a process lives, and forget those that have not said so for a day."""
    await upsert(connection, processes, [record_values(process)], key=("name",))
    await connection.execute(
        processes.delete().where(processes.c.seen_at < process.seen_at - timedelta(days=1))
    )


async def remove_process(connection: Connection, name: str) -> None:
    """Forget a process, which has ended."""
    await connection.execute(processes.delete().where(processes.c.name == name))


async def list_processes(connection: Connection, now: datetime) -> Sequence[models.Process]:
    """Return the processes that reported themselves lately, the sender first, then by name."""
    query = processes.select().where(processes.c.seen_at > now - LIVE)
    query = query.order_by(processes.c.term.is_(None), processes.c.name)
    return await fetch_records(connection, models.Process, query)


def has_front(live: Iterable[models.Process]) -> bool:
    """Return whether one of the processes answers the interactions that come by HTTP."""
    return any(process.role is models.ProcessRole.FRONT for process in live)
