"""Locks held by one process, and the sender's lease.

On SQLite, the lock is a locked file next to the database, released when its process dies. On PostgreSQL, the
sender renews a lease, which another process may take once it expires. Each acquisition begins a term with a
random number as fencing token. Every transaction of the sender first locks the lease row, so the next sender
has to wait for it, and a former sender cannot begin one.

A transaction that takes several locks on PostgreSQL takes them in this order, so that no two wait for each other:

1. the sender's lease (`is_current_term`);
2. ingest (`archive.lock_ingest`), planning (`alerts.lock_planning`), readers and servers' lists by id (`accounts.lock_reader`);
3. rows of subscriptions, by id;
4. rows of deliveries, by id (`outbox.lock`), then of their parts.

If two still do, PostgreSQL ends one, which stores nothing. A function given to `Database.write` is called again. A block
of `Database.transaction` cannot be repeated, since it may have done more than write: it raises ConflictError. What the bot does
by itself comes with the next tick then; a reader's command fails, and nothing of it is stored.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NoReturn

import sqlalchemy as sa

from storage import errors, sqlite_file
from storage.database import Connection, Database
from storage.statements import dialect_insert, insert_rows
from storage.tables import UtcTime, metadata, required

sender_lease = sa.Table(
    "sender_lease",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="always 1"),
    required("holder", sa.BigInteger, comment="term of the sender; 0: no sender"),
    required("name", sa.Text, comment="name of the holder's sessions (Database.name)"),
    required("expires_at", UtcTime, comment="by PostgreSQL's clock"),
)

_lease = sa.Table(
    sender_lease.name,
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("holder", sa.BigInteger),
    sa.Column("name", sa.Text),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
)
"""The lease with its columns of version 1: it is acquired before an upgrade, so statements must not reference later columns.

A later version may add columns that may be NULL or have a default of the server's.
"""

LEASE = timedelta(seconds=15)
"""The time after a renewal in which no other process may send."""
RENEW_SECONDS = 4.0
MAX_SILENCE_SECONDS = 8.0
"""The time for which a sender may fail to renew before it ends, some seconds before another process may send."""
RETRY_SECONDS = 0.5
_TIMEOUT_SECONDS = 5.0
_THAW_SECONDS = 2.0
"""The time limit for the first renewal after the process was frozen."""
_TERM_BITS = 62


async def lock_transaction(connection: Connection, *numbers: int) -> None:
    """Hold a PostgreSQL advisory lock until the transaction ends. SQLite has a single writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*numbers)))


def open_lock_file(path: Path, name: str) -> IO[str]:
    """Open the lock file next to a SQLite file, resolving symbolic links. Raises StorageError if it is not writable."""
    path = path.resolve()
    path = path.with_name(f"{path.name}.{name}.lock")
    is_new = not path.exists()
    try:
        # Not through a link: who may write into the folder could name a file of root's.
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        # For example, root created it through sudo.
        advice = sqlite_file.advise_writing(path.parent, "Allow this user to write to it and its folder.")
        raise errors.StorageError(f"{path} cannot be written: {error.strerror}. {advice}") from error
    if is_new:
        sqlite_file.give_to_owner(path, path.parent)
    return os.fdopen(opened, "w")


_LEASE_ID = 1
_NOBODY = 0
_PAST = datetime(2000, 1, 1, tzinfo=UTC)


def _lease_end(connection: Connection) -> sa.ColumnElement[datetime] | datetime:
    """Return when a lease would expire if renewed now, by PostgreSQL's clock; a constant on SQLite."""
    return _PAST if connection.dialect.name == "sqlite" else sa.func.clock_timestamp() + LEASE


async def raise_term(connection: Connection, name: str) -> int:
    """Begin a new term for the sender with this session name. Writes in older terms fail from now on."""
    term = secrets.randbits(_TERM_BITS) + 1
    values = {"holder": term, "name": name, "expires_at": _lease_end(connection)}
    insert = dialect_insert(connection.dialect, _lease).values(id=_LEASE_ID, **values)
    await connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))
    return term


async def is_current_term(connection: Connection, term: int) -> bool:
    """Return whether `term` is current. The next term cannot begin until the transaction ends."""
    query = sa.select(_lease.c.holder).where(_lease.c.id == _LEASE_ID)
    # A renewal does not change the key, so it does not wait for this lock.
    holder = await connection.scalar(query.with_for_update(read=True, key_share=True))
    return (holder or _NOBODY) == term


def fenced(database: Database, get_term: Callable[[], int | None]) -> Database:
    """Return a database that raises SupersededError for writes outside the sender's current term.

    A SQLite database is returned unchanged, since a frozen process keeps its file lock.
    """

    async def check(connection: Connection) -> None:
        term = get_term()
        if term is None or not await is_current_term(connection, term):
            raise errors.SupersededError("this process is no longer the sender")

    return database if database.is_sqlite else database.checked(check)


class SenderLock:
    """The lock of the only sending process: a file lock on SQLite, a lease on PostgreSQL (see `keep`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Renewals must not wait for this process's other work.
        self._rows = database if database.is_sqlite else Database(database.url, database.name, 1)
        self._file: IO[str] | None = None
        self._term: int | None = None
        self._renewed_at = 0.0

    @property
    def term(self) -> int | None:
        """The id of this process's period as the sender; None before it and once it is known to be over."""
        return self._term

    async def is_sender(self) -> bool:
        """Return whether this process is still the sender, according to the database. Raises StorageError."""
        if self._term is None:
            return False
        return await self._database.fetch(is_current_term, self._term)

    async def try_acquire(self) -> bool:
        """Try to acquire the lock and begin a term. Returns whether it succeeded. Raises StorageError."""
        if (path := self._database.path) is not None:
            file = open_lock_file(path, "sender")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            try:
                self._database.check_file()
            except errors.StorageError:
                file.close()
                raise
            self._file = file
        asked_at = time.monotonic()
        async with self._rows.transaction() as connection:
            if self._file is None and not await _is_free(connection):
                return False
            term = await raise_term(connection, self._database.name)
        self._term, self._renewed_at = term, asked_at
        return True

    async def keep(self) -> NoReturn:
        """Keep renewing the lease.

        Raises SupersededError if another process has the lease, and StorageError after MAX_SILENCE_SECONDS of
        failures.
        """
        if self._database.is_sqlite:
            await asyncio.Event().wait()
        pause = RENEW_SECONDS
        while True:
            await asyncio.sleep(pause)
            asked_at = time.monotonic()
            left = self._renewed_at + MAX_SILENCE_SECONDS - asked_at
            renewing = asyncio.create_task(self._renew())
            try:
                # Not `asyncio.timeout`, since psycopg takes up to ten seconds to give up a statement.
                await asyncio.wait((renewing,), timeout=max(left, _THAW_SECONDS))
                if not renewing.done():
                    raise TimeoutError
                if not renewing.result():
                    break
            except (TimeoutError, errors.StorageError) as error:
                if left <= RETRY_SECONDS:
                    raise errors.DatabaseAwayError(
                        f"The database did not answer for {MAX_SILENCE_SECONDS:.0f} s, so that another process may become"
                        f" the sender. {error}"
                    ) from error
                pause = RETRY_SECONDS
                continue
            finally:
                renewing.cancel()
            self._renewed_at, pause = asked_at, RENEW_SECONDS
        self._term = None
        raise errors.SupersededError("Another process has become the sender.")

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep an acquired lock while the block runs."""
        keeping = asyncio.create_task(self.keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _renew(self) -> bool:
        """Renew the lease. Returns False if another process has it."""
        async with self._rows.transaction() as connection:
            mine = _lease.update().where(_lease.c.holder == self._term)
            renewed = await connection.execute(mine.values(expires_at=_lease_end(connection)))
        return renewed.rowcount > 0

    async def release(self) -> None:
        """Release the lock, so that this process is no longer the sender."""
        term, self._term = self._term, None
        if self._file is not None:
            # Closing alone does not unlock a file that a child process has open too.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None
        if self._database.is_sqlite:
            return
        # A lease that cannot be released will expire.
        with suppress(TimeoutError, errors.StorageError):
            if term is not None:
                async with asyncio.timeout(_TIMEOUT_SECONDS), self._rows.transaction() as connection:
                    mine = _lease.update().where(_lease.c.holder == term)
                    await connection.execute(mine.values(holder=_NOBODY, name="", expires_at=_PAST))
            await self._rows.close()


async def _is_free(connection: Connection) -> bool:
    """Return whether the lease has expired; if so, end its holder's sessions and lock the lease row."""
    free = {"id": _LEASE_ID, "holder": _NOBODY, "name": "", "expires_at": _PAST}
    await insert_rows(connection, _lease, [free], "skip")
    has_expired = sa.and_(_lease.c.id == _LEASE_ID, _lease.c.expires_at < sa.func.clock_timestamp())
    expired = (await connection.execute(sa.select(_lease.c.name).where(has_expired))).one_or_none()
    if expired is None:
        return False
    # A holder frozen within a transaction keeps its locks, and no PostgreSQL timeout ends such a session.
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name AND :name <> ''"
    await connection.execute(sa.text(ending), {"name": expired.name})
    query = sa.select(_lease.c.id).where(has_expired)
    return await connection.scalar(query.with_for_update()) is not None
