"""A database: its transactions, look-ups and errors, for SQLite and PostgreSQL.

SQLAlchemy takes a third of a second to load, so it is loaded with the first transaction in a SQLite file. Look-ups
do without it.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import cache, partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from storage import errors, postgresql, sqlite_file
from storage.snapshot import Snapshot, SnapshotPool, log

if TYPE_CHECKING:
    from sqlalchemy.engine import URL
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Connection: TypeAlias = "AsyncConnection"
"""The type of a transaction's connection, for services, which must not import SQLAlchemy."""

Check: TypeAlias = "Callable[[AsyncConnection], Awaitable[None]]"
"""Raises an error if the transaction must not write."""

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
_Gate = AbstractAsyncContextManager[None]
POOL_SIZE = 8
"""Connections kept open. As many more are opened on demand."""
_SILENT_SECONDS = 2.0
READER_CONNECTIONS = 6
"""Connections shared by commands and buttons. Delivery, planning and ingest use the others."""


class Database:
    """A pool of connections to the database at a URL, closed with `close()`. `name` labels its PostgreSQL sessions.

    Raises StorageError if the URL is invalid or has an unsupported driver or option.
    """

    def __init__(self, url: str, name: str = "", pool_size: int = POOL_SIZE) -> None:
        self.url = url
        self.name = name
        self.path = sqlite_file.path_of(url)
        """The file, or None for PostgreSQL."""
        self._open_engine = cache(partial(_open_engine, url, name, pool_size))
        # A lock admits this process's writers in order, unlike SQLite's busy loop.
        self._write_gates: list[_Gate] = [asyncio.Lock()] if self.is_sqlite else []
        self._read_gates: list[_Gate] = []
        self._check: Check | None = None
        self._file: os.stat_result | None = None
        self._outer: AsyncConnection | None = None
        """The open transaction that all others are part of."""
        if self.path is not None:
            self._snapshots = SnapshotPool(partial(sqlite_file.connect_reader, self.path))
        else:
            parameters = postgresql.session_parameters(self.parsed_url, name)
            self._snapshots = SnapshotPool(partial(postgresql.connect_reader, parameters), is_sqlite=False)

    async def check_place(self) -> None:
        """Raise StorageError if a SQLite file cannot be opened or created, or if PostgreSQL is reached through a pooler."""
        with self.translated_errors():
            if self.path is not None:
                sqlite_file.check(self.path)
                self._file = self.path.stat()
            else:
                await postgresql.check(postgresql.session_parameters(self.parsed_url, self.name))

    def check_file(self) -> None:
        """Raise StorageError if another file has taken the place of the SQLite file that was opened."""
        with self.translated_errors():
            if self.path and self._file and not os.path.samestat(self._file, self.path.stat()):
                raise errors.DatabaseUnavailableError(
                    f"{self.path} was replaced by another file, as by `paperround restore`. Start again to use that one."
                )

    def limited(self, connections: int) -> Database:
        """Return this database limited to this many connections at a time, of which one may write.

        Further work queues and leaves the rest of the pool to others. Another writer waits for at most one of
        these writers.
        """
        limited, slots = copy.copy(self), asyncio.Semaphore(connections)
        limited._read_gates = [slots]
        # In this order: a task waiting for a connection must not hold the lock of all writers.
        limited._write_gates = [asyncio.Lock(), slots, *self._write_gates]
        return limited

    def checked(self, check: Check | None) -> Database:
        """Return this database with `check` (unless None) at the start of each write transaction."""
        checked = copy.copy(self)
        checked._check = check
        return checked

    def within(self, connection: AsyncConnection) -> Database:
        """Return this database with each transaction as a savepoint of `connection`'s open transaction.

        Several services can share the transaction. A failed savepoint is rolled back alone.
        """
        joined = copy.copy(self)
        joined._outer = connection
        return joined

    @property
    def is_sqlite(self) -> bool:
        return self.path is not None

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, one for all that were made of this database."""
        return self._open_engine()

    @property
    def parsed_url(self) -> URL:
        """The URL as SQLAlchemy reads it. `str()` hides the password."""
        return self.engine.url

    @property
    def label(self) -> str:
        """The file's path, or the URL of PostgreSQL without its password."""
        if self.path is not None:
            return str(self.path)
        from sqlalchemy.engine import make_url

        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=True)

    @property
    def fingerprint(self) -> str:
        """Twelve digits by which two processes of a machine know whether they use the same address; they show nothing of it."""
        place = self.label if self.path is None else os.path.realpath(self.path)
        return hashlib.sha256(place.encode()).hexdigest()[:12]

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Convert the drivers' errors that an operator can fix to `storage.errors`."""
        try:
            yield
        except Exception as error:
            is_of_system = isinstance(error, sqlite3.Error | OSError | OverflowError)
            if is_of_system or type(error).__module__.startswith(("sqlalchemy.", "psycopg")):
                translated = translate_error(error, self.label, is_sqlite=self.is_sqlite)
                if translated is not None:
                    raise translated from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run a write transaction: commit on exit, roll back on an exception.

        Raises DatabaseUnavailableError if the database is unreachable, locked, read-only or full, or if another transaction
        ended this one: unlike a function given to `write`, the block is not tried again (`storage.locks`).
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(self.translated_errors())
            if self._outer is not None:
                await stack.enter_async_context(self._outer.begin_nested())
                yield self._outer
                return
            for gate in self._write_gates:
                await stack.enter_async_context(gate)
            connection = await stack.enter_async_context(self.engine.connect())
            await connection.execution_options(paperround_writes=True)
            waiting = asyncio.get_running_loop().call_later(_SILENT_SECONDS, self._log_waiting)
            try:
                await stack.enter_async_context(connection.begin())
            finally:
                waiting.cancel()
            if self._check is not None:
                await self._check(connection)
            yield connection

    def _log_waiting(self) -> None:
        seconds = sqlite_file.BUSY_TIMEOUT_SECONDS
        log.warning("%s is locked by another process; waiting up to %.0f s for it", self.label, seconds)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Run a read transaction, which never waits for a writer.

        All statements read one snapshot on SQLite; on PostgreSQL, each statement reads its own.
        """
        if self._outer is not None:
            yield self._outer
            return
        async with AsyncExitStack() as stack:
            for gate in self._read_gates:
                await stack.enter_async_context(gate)
            with self.translated_errors():
                async with self.engine.connect() as connection:
                    await connection.execution_options(paperround_writes=False)
                    # No commit: closing the connection ends the transaction with one thread hop instead of two.
                    await connection.begin()
                    yield connection

    async def fetch(
        self,
        function: Callable[Concatenate[AsyncConnection, Parameters], Awaitable[Result]],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """Return the result of a function, given a connection and its arguments, in a read transaction of its own."""
        async with self.read() as connection:
            return await function(connection, *arguments, **options)

    async def write(
        self,
        function: Callable[Concatenate[AsyncConnection, Parameters], Awaitable[Result]],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """Return the result of a function, given a connection and its arguments, in a write transaction of its own.

        It is called again, at most twice, if another transaction ended this one (`_PAUSES_AFTER_CONFLICT`).
        """
        for seconds in _PAUSES_AFTER_CONFLICT:
            with suppress(errors.ConflictError):
                async with self.transaction() as connection:
                    return await function(connection, *arguments, **options)
            await asyncio.sleep(seconds)
        async with self.transaction() as connection:
            return await function(connection, *arguments, **options)

    async def look_up(
        self,
        function: Callable[Concatenate[Snapshot, Parameters], Result],
        *arguments: Parameters.args,
        **options: Parameters.kwargs,
    ) -> Result:
        """Run a reading function in a thread with a connection of its own, and return its result.

        It sees what is committed, also within an open transaction. Raises DatabaseUnavailableError.
        """
        with self.translated_errors():
            return await self._snapshots.run(lambda view: function(view, *arguments, **options))

    async def checkpoint_wal(self) -> None:
        """Write what SQLite keeps in its log into the file, so that a copy of the file has everything."""
        if self.path is not None:
            with self.translated_errors():
                await asyncio.to_thread(sqlite_file.checkpoint_wal, self.path)

    async def close(self) -> None:
        await self._snapshots.close()
        if self._open_engine.cache_info().currsize:
            await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _open_engine(url: str, name: str, pool_size: int) -> AsyncEngine:
    from storage import engines

    return engines.open_engine(url, name, pool_size)


def _find_read_only(name: str) -> str:
    """Return what of a SQLite file with its log this user may not write."""
    places = *(f"{name}{suffix}" for suffix in ("", "-wal", "-shm")), os.path.dirname(name)
    shut = [place for place in places if os.path.exists(place) and not os.access(place, os.W_OK)]
    return " and ".join(shut) or "what SQLite kept next to it, which is gone by now: try again"


def translate_error(error: BaseException, name: str, *, is_sqlite: bool) -> errors.StorageError | None:
    """Return a StorageError with a message for the operator, or None for a programming error. `name` is the database's."""
    text = str(getattr(error, "orig", None) or error)
    advise = partial(sqlite_file.advise_writing, os.path.dirname(name) or ".")
    sentences = {
        "database is locked": f"{name} is locked by another process. Stop that process, or try again in a moment.",
        "readonly database": f"{name} cannot be written. {advise(f'Allow this user to write to {_find_read_only(name)}.')}",
        "unable to open database file": f"{name} cannot be opened. {advise('Check that its folder exists and is writable.')}",
        "file is not a database": f"{name} is not a Paperround database, or its first page is damaged. Name another file in"
        " the database URL, or put a backup in its place: `paperround restore FILE`.",
        "disk image is malformed": f"{name} is damaged. Stop the bot and put a backup in its place: `paperround restore FILE`.",
        "disk is full": f"The disk is too full to write {name}. Free some space: a running bot goes on by itself.",
        "disk I/O error": f"{name} cannot be written. Check whether its disk is full, over quota or failing.",
    }
    # The drivers' messages about a number of more than 64 bits.
    if "too large to convert to SQLite INTEGER" in text or "out of range" in text:
        return errors.StorageError("A number is too large for the database. Use a smaller one.")
    for fragment, sentence in sentences.items():
        if fragment in text:
            return errors.DatabaseUnavailableError(sentence)
    if is_sqlite:
        return None
    if "invalid connection option" in text:
        return errors.DatabaseUrlError(f"An option in PAPERROUND_DATABASE_URL is invalid: {text.strip()}")
    import psycopg  # not needed for SQLite

    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    place = urlsplit(name)
    named = {"role": place.username or "role", "database": place.path.strip("/") or "name"}
    if state == _DENIED:
        denied = _DENIED_ADVICE.format(**named)
        return errors.StorageError(f"{name}: {text.partition(chr(10))[0].strip()}. {denied}")
    if state in _CONFLICT:
        return errors.ConflictError(f"Two changes of {name} waited for each other. Try again.")
    is_lost = isinstance(cause, OSError) or (isinstance(cause, psycopg.OperationalError) and not state)
    if not (is_lost or state.startswith(_UNUSABLE)):
        return None
    line = text.partition("\n")[0] or "it does not answer"  # a timeout has no text
    advice = _GENERAL_ADVICE
    for code, pattern, sentence in _REFUSALS:
        if code == state or (is_lost and re.search(pattern, text)):
            advice = sentence.format(**named)
    is_away = is_lost or state.startswith(_AWAY)
    kind = errors.DatabaseAwayError if is_away else errors.DatabaseUnavailableError
    return kind(f"{name} cannot be reached or used ({line}). {advice}")


_GENERAL_ADVICE = "Is PostgreSQL running, with memory and disk space, and is the address right?"
_ENCODED = "%2F for a /, %3A for a :, %40 for an @"
_REFUSALS = (
    (
        "28P01",
        "password authentication failed|no password supplied",
        f"Correct the password in PAPERROUND_DATABASE_URL ({_ENCODED}), or set it: `ALTER ROLE {{role}} PASSWORD '…'`.",
    ),
    (
        "28000",
        r'role ".+" is not permitted|pg_hba\.conf',
        "Let the role log in: `ALTER ROLE {role} LOGIN` and, if the server names it, a line in its pg_hba.conf.",
    ),
    (
        "-",
        'role ".+" does not exist',
        "Create the role, `CREATE ROLE {role} LOGIN PASSWORD '…'`, or name another one in PAPERROUND_DATABASE_URL.",
    ),
    (
        "-",
        "not support SSL",
        "Take ssl and sslmode out of PAPERROUND_DATABASE_URL, or turn TLS on at the server: `ssl = on`.",
    ),
    ("-", "resolve host|translate host name", f"Is the host right, and in the password {_ENCODED}?"),
    (
        "3D000",
        'database ".+" does not exist',
        "Create it, `createdb {database}`, or name another database in PAPERROUND_DATABASE_URL.",
    ),
    (
        "53300",
        "too many (clients|connections)|connection slots",
        "The connection limit is reached: end other sessions, or raise max_connections of the server or the connection limit"
        " of the role or database (`ALTER ROLE {role} CONNECTION LIMIT -1`).",
    ),
    (
        "25006",
        "read-only|hot standby",
        "The server is a replica or read-only: name the primary in PAPERROUND_DATABASE_URL, or turn its"
        " default_transaction_read_only off.",
    ),
)
"""Error codes (-: none), patterns of their texts, and what to do. A server that refuses a connection gives the text alone."""
_DENIED = "42501"
"""That of a role without the right to do something, or of a table that another role owns."""
_DENIED_ADVICE = (
    "The role in PAPERROUND_DATABASE_URL must own the tables, and may create them if there are none: name the role that made"
    " them, or let an administrator type `ALTER DATABASE {database} OWNER TO {role}`, `GRANT USAGE, CREATE ON"
    " SCHEMA public TO {role}` and, for tables of another role, `REASSIGN OWNED BY other TO {role}`."
)
_CONFLICT = ("40001", "40P01")
"""Those of a transaction that another one ended: a serialization failure, a deadlock."""
_PAUSES_AFTER_CONFLICT = (0.1, 0.5)
"""Seconds before a transaction that another one ended is tried again.

The other one has to get the row that it waits for first. PostgreSQL gives a free row to the transaction that asks next: one
that begins again at once can take it, and be ended again.
"""
_UNUSABLE = ("08", "25006", "25P03", "28", "53", "57014", "57P", "58")
"""PostgreSQL error codes (or their prefixes) that no statement causes: lost connection, read-only, idle
timeout, rejected user, no resources (a full disk), cancelled, shutdown and startup, system errors (manual,
appendix A).
"""
_AWAY = ("08", "57P")
"""Those of a database that was stopped, or that ended this session."""
