"""Engines and transactions for SQLite and PostgreSQL, and helpers to execute SQL.

On SQLite, write transactions start with BEGIN IMMEDIATE and read transactions with BEGIN: SQLAlchemy's
default deferred BEGIN loses updates, since two transactions can read before either writes.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage import errors, postgresql, sqlite_file
from storage.snapshot import Snapshot, SnapshotPool, chunked, log, log_statement

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Connection = AsyncConnection
"""The type of a transaction's connection, for services, which must not import SQLAlchemy."""

Check = Callable[[Connection], Awaitable[None]]
"""Raises an error if the transaction must not write."""

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
_Gate = AbstractAsyncContextManager[None]
POOL_SIZE = 8
"""Connections kept open. As many more are opened on demand."""
READER_CONNECTIONS = 6
"""Connections shared by commands and buttons. Delivery, planning and ingest use the others."""
MIN_SQLITE_VERSION = (3, 37, 0)


class Database:
    """A pool of connections to a database, closed with `close()`. `name` labels its PostgreSQL sessions."""

    def __init__(self, engine: AsyncEngine, name: str = "") -> None:
        self.engine = engine
        self.name = name
        # A lock admits this process's writers in order, unlike SQLite's busy loop.
        self._write_gates: list[_Gate] = [asyncio.Lock()] if self.is_sqlite else []
        self._read_gates: list[_Gate] = []
        self._check: Check | None = None
        self._snapshots = self._make_snapshots()

    def _make_snapshots(self) -> SnapshotPool:
        path = self.path
        if path is not None:
            return SnapshotPool(partial(sqlite_file.connect_reader, path))
        parameters = postgresql.session_parameters(self.url, self.name)
        return SnapshotPool(partial(postgresql.connect_reader, parameters), is_sqlite=False)

    async def check_place(self) -> None:
        """Raise StorageError if a SQLite file cannot be opened or created, or if PostgreSQL is behind a pooler."""
        with translated_errors(self.url):
            if self.path is not None:
                check_file(self.path)
            else:
                await postgresql.check(postgresql.session_parameters(self.url, self.name))

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
        return _JoinedDatabase(self, connection)

    def separate(self) -> Database:
        """Return this database with its own connection, for work that cannot wait. The caller must close it too."""
        return Database(open_engine(self.url.render_as_string(hide_password=False), self.name, 1), self.name)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite rather than PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    @property
    def url(self) -> URL:
        """The database URL. `str()` hides the password."""
        return self.engine.url

    @property
    def path(self) -> Path | None:
        """The file, or None for PostgreSQL."""
        return sqlite_path(self.url)

    @property
    def label(self) -> str:
        """The file's path, or the URL of PostgreSQL without its password."""
        path = self.path
        return self.url.render_as_string(hide_password=True) if path is None else str(path)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run a write transaction: commit on exit, roll back on an exception.

        Raises DatabaseUnavailableError if the database is unreachable, locked, read-only or full.
        """
        async with AsyncExitStack() as stack:
            for gate in self._write_gates:
                await stack.enter_async_context(gate)
            stack.enter_context(translated_errors(self.url))
            connection = await stack.enter_async_context(self.engine.connect())
            await connection.execution_options(paperround_writes=True)
            async with connection.begin():
                if self._check is not None:
                    await self._check(connection)
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Run a read transaction, which never waits for a writer.

        All statements read one snapshot on SQLite; on PostgreSQL, each statement reads its own.
        """
        async with AsyncExitStack() as stack:
            for gate in self._read_gates:
                await stack.enter_async_context(gate)
            with translated_errors(self.url):
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
        """Return the result of a function, given a connection and its arguments, in a write transaction of its own."""
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
        with translated_errors(self.url):
            name = getattr(function, "__qualname__", "")
            return await self._snapshots.run(lambda view: function(view, *arguments, **options), name)

    async def close(self) -> None:
        """Close all connections."""
        await self._snapshots.close()
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _JoinedDatabase(Database):
    """A database whose transactions are savepoints of an open transaction."""

    def __init__(self, database: Database, connection: AsyncConnection) -> None:
        super().__init__(database.engine, database.name)
        self._snapshots = database._snapshots
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run the block in a savepoint of the open transaction, rolled back on an exception."""
        with translated_errors(self.url):
            async with self._connection.begin_nested():
                yield self._connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read within the open transaction."""
        yield self._connection


@contextmanager
def translated_errors(url: URL) -> Iterator[None]:
    """Convert the driver's errors that an operator can fix to `storage.errors`."""
    try:
        yield
    except Exception as error:
        is_of_driver = isinstance(error, DBAPIError | sqlite3.Error | OSError | OverflowError)
        if is_of_driver or type(error).__module__.startswith("psycopg"):
            translated = translate_error(error, url)
            if translated is not None:
                raise translated from error
        raise


FAILURES: errors.ErrorTypes = (errors.StorageError, sa.exc.SQLAlchemyError, sqlite3.Error)
"""Errors that a statement may raise before the end of its transaction, which converts them. The transaction
must not continue: PostgreSQL rejects further statements, and skipped work would count as done.
"""


def translate_error(error: BaseException, url: URL) -> errors.StorageError | None:
    """Return a StorageError with a message for the operator, or None for a programming error."""
    name = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    text = str(getattr(error, "orig", None) or error)
    sentences = {
        "database is locked": f"{name} is locked by another process. Stop that process, or try again in a moment.",
        "readonly database": f"{name} is read-only. Allow this user to write to the file and its folder.",
        "unable to open database file": f"{name} cannot be opened. Check that its folder exists and is writable.",
        "file is not a database": f"{name} is not a Paperround database. Name another file in the database URL.",
        "disk image is malformed": f"{name} is damaged. Replace it with a backup (made by `paperround backup`).",
        "disk is full": f"The disk is too full to write {name}. Free some space and start again.",
        "disk I/O error": f"{name} cannot be written. Check whether its disk is full, over quota or failing.",
    }
    # The drivers' messages about a number of more than 64 bits.
    if "too large to convert to SQLite INTEGER" in text or "out of range" in text:
        return errors.StorageError("A number is too large for the database. Use a smaller one.")
    for fragment, sentence in sentences.items():
        if fragment in text:
            return errors.DatabaseUnavailableError(sentence)
    if url.get_backend_name() == "sqlite":
        return None
    if "invalid connection option" in text:
        return errors.StorageError(f"An option in PAPERROUND_DATABASE_URL is invalid: {text.strip()}")
    import psycopg  # not needed for SQLite

    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    is_lost = isinstance(cause, OSError) or (isinstance(cause, psycopg.OperationalError) and not state)
    if not (is_lost or state.startswith(_UNUSABLE)):
        return None
    said = text.partition("\n")[0] or "it does not answer"  # a timeout has no text
    return errors.DatabaseUnavailableError(
        f"{name} cannot be reached or used ({said}). Is PostgreSQL running, with memory and disk space, and is the address right?"
    )


_UNUSABLE = ("08", "25006", "25P03", "28", "53", "57014", "57P", "58")
"""PostgreSQL error codes (or their prefixes) that no statement causes: lost connection, read-only, idle
timeout, rejected user, no resources (a full disk), cancelled, shutdown and startup, system errors (manual,
appendix A).
"""


def parse_url(url: str) -> URL:
    """Parse a database URL. Raises StorageError if it is invalid or has an unsupported driver."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # ValueError: the port is not a number
        raise errors.StorageError(
            "PAPERROUND_DATABASE_URL is not a database URL. Use sqlite+aiosqlite:///paperround.db or"
            " postgresql://user@host/name."
        ) from error
    if "@" in (parsed.host or ""):
        raise errors.StorageError(
            "The password in PAPERROUND_DATABASE_URL has an @, which ends the password in a URL. Write %40 instead."
        )
    if parsed.drivername in postgresql.DRIVERS:
        return postgresql.parse_url(parsed)
    if parsed.drivername != "sqlite+aiosqlite":
        raise errors.StorageError(
            f"PAPERROUND_DATABASE_URL has the driver {parsed.drivername!r}. Use sqlite+aiosqlite or postgresql."
        )
    if parsed.database in (None, "", ":memory:"):
        raise errors.StorageError(
            "PAPERROUND_DATABASE_URL is a database in memory, which would be lost. Name a file; example:"
            " sqlite+aiosqlite:///paperround.db."
        )
    if parsed.query:
        raise errors.StorageError(
            f"PAPERROUND_DATABASE_URL has the option {min(parsed.query)!r}. Remove it; a SQLite file takes no options."
        )
    return parsed


def make_name(version: int) -> str:
    """Return a name for this process's sessions, which also tells the version of the schema that it uses.

    It has random digits, since process ids are reused.
    """
    process = f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(4)}"
    return f"paperround {process}{name_suffix(version)}"


def name_suffix(version: int) -> str:
    """Return the end of the names of all sessions that use a version of the schema."""
    return f" v{version}"


def open_engine(url: str, name: str = "", pool_size: int = POOL_SIZE) -> AsyncEngine:
    """Create the engine for a database URL. Raises StorageError for an unsupported driver.

    Its error messages, which are logged, omit parameters, which may be readers' notes or webhook tokens.
    """
    parsed = parse_url(url)
    if parsed.drivername == postgresql.DRIVER:
        engine = create_async_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_to_json,
            paramstyle="format",
            use_native_hstore=False,
            connect_args=postgresql.session_parameters(parsed, name),
        )
        _log_statements(engine)
        return engine
    if sqlite3.sqlite_version_info < MIN_SQLITE_VERSION:
        raise errors.StorageError(
            f"SQLite {sqlite3.sqlite_version} is too old; Paperround needs 3.37 or newer."
        )
    # LIFO reuses the most recent connections, so that few keep cached pages in memory.
    engine = create_async_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_use_lifo=True,
        hide_parameters=True,
        json_serializer=_to_json,
    )
    sa.event.listen(engine.sync_engine, "connect", sqlite_file.set_up)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    _log_statements(engine)
    return engine


def _log_statements(engine: AsyncEngine) -> None:
    """Let an engine log its statements with their times, at level debug alone."""
    if not log.isEnabledFor(logging.DEBUG):
        return

    def start(connection: sa.Connection, *_: object) -> None:
        connection.info["started"] = time.perf_counter()

    def end(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        log_statement(statement, time.perf_counter() - connection.info["started"])

    sa.event.listen(engine.sync_engine, "before_cursor_execute", start)
    sa.event.listen(engine.sync_engine, "after_cursor_execute", end)


_to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def is_sqlite_file(path: Path) -> bool:
    """Return whether a file has the header of a SQLite database. Raises OSError if it is unreadable."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite URL, or None for PostgreSQL."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def check_file(path: Path) -> None:
    """Raise an error if a SQLite file cannot be opened or created.

    A new file is readable only by its owner. Call this before opening, since aiosqlite logs a traceback after
    a failed open.
    """
    if not path.parent.is_dir():
        raise errors.StorageError(
            f"{path} cannot be opened: its folder does not exist. Create the folder, or choose another file."
        )
    if path.is_dir():
        raise errors.StorageError(f"{path} is a folder. Name a file in the database URL.")
    if not path.exists():
        # It will contain readers' notes and webhook tokens. SQLite reports any error below.
        with suppress(OSError):
            os.close(os.open(path, os.O_CREAT, 0o600))
    sqlite3.connect(path).close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("paperround_writes", True)
    adapted: Any = connection.connection.dbapi_connection
    # One switch to the connection's thread. exec_driver_sql needs three, each waiting for the event loop.
    adapted.run_async(lambda driver: driver.execute_fetchall("BEGIN IMMEDIATE" if writes else "BEGIN"))


Value = TypeVar("Value")
Record = TypeVar("Record", bound="DataclassInstance")


def dialect_insert(dialect: Dialect, table: sa.Table) -> SqliteInsert | PostgresqlInsert:
    """Return the dialect's INSERT, which supports `on_conflict_do_nothing` and `on_conflict_do_update`."""
    # Imported lazily: the other dialect would take 2.5 MB of memory.
    if dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects.postgresql import insert

    return insert(table)


async def reserve_ids(connection: AsyncConnection, table: sa.Table, count: int) -> Sequence[int]:
    """Return unused ids for new rows, ascending. Call it under `archive.lock_ingest`, which keeps out other writers.

    Ids of removed rows are used again only in SQLite tables without AUTOINCREMENT.
    """
    if count == 0:
        return ()
    if connection.dialect.name == "sqlite":
        last = await connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
        used = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        last = max(last, await connection.scalar(used, {"name": table.name}) or 0)
        return range(last + 1, last + 1 + count)
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    query = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, count).alias())
    return sorted(await connection.scalars(query))


Existing: TypeAlias = Literal["refuse", "skip", "update"]
"""What becomes of a row whose primary key is stored already."""


async def insert_rows(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    existing: Existing = "refuse",
) -> None:
    """Insert rows that have the same columns."""
    if rows:
        statement, columns = _compile_insert(connection.dialect, table, tuple(rows[0]), existing)
        values = (
            [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]
            for name, convert in columns
        )
        await connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


@lru_cache(maxsize=128)
def _compile_insert(
    dialect: Dialect, table: sa.Table, names: tuple[str, ...], existing: Existing
) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """Return the driver's statement, and its columns in order with their converters.

    SQLAlchemy would look both up for each row, which takes a fifth of an ingest.
    """
    statement, key = dialect_insert(dialect, table), table.primary_key.columns.keys()
    changes = {name: statement.excluded[name] for name in names if name not in key}
    if existing == "update" and changes:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    elif existing != "refuse":
        statement = statement.on_conflict_do_nothing()
    compiled: Any = statement.compile(dialect=dialect, column_keys=names)
    types = {name: table.c[name].type.dialect_impl(dialect) for name in names}
    return str(compiled), [(name, types[name].bind_processor(dialect)) for name in compiled.positiontup]


def equalities(table: sa.Table, wanted: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Return conditions that require each column to equal its given value. Values of None are skipped."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


async def update_rows(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Iterable[Mapping[str, Any]],
    *,
    key: tuple[str, ...] = ("id",),
    same: Mapping[str, Any] | None = None,
) -> None:
    """Update many rows, each given as a mapping of its key columns and the columns to change.

    `same` holds new values for all rows, which may be SQL expressions.
    """
    values = [{f"b_{name}": value for name, value in row.items()} for row in rows]
    if not values:
        return
    new: dict[str, sa.BindParameter[Any]] = {
        name.removeprefix("b_"): sa.bindparam(name) for name in values[0]
    }
    condition = [table.c[name] == new.pop(name) for name in key]
    await connection.execute(table.update().where(*condition).values(new | dict(same or {})), values)


async def delete_some(
    connection: AsyncConnection, table: sa.Table, condition: sa.ColumnElement[bool], limit: int
) -> int:
    """Delete at most `limit` rows that meet a condition. Returns the number deleted."""
    keys = list(table.primary_key.columns)
    some = sa.select(*keys).where(condition).limit(limit)
    # Both engines accept row values with a subquery.
    return (await connection.execute(table.delete().where(sa.tuple_(*keys).in_(some)))).rowcount


async def execute_in(
    connection: AsyncConnection,
    statement: sa.Select[Any] | sa.Update | sa.Delete,
    column: sa.ColumnElement[Any],
    values: Iterable[Any],
) -> list[Any]:
    """Execute a statement for any number of values of a column, in chunks. Returns all rows."""
    rows: list[Any] = []
    for chunk in chunked(values):
        result = await connection.execute(statement.where(column.in_(chunk)))
        rows += result if result.returns_rows else ()
    return rows


async def fetch_record(
    connection: AsyncConnection, record_type: type[Record], query: sa.Select[Any]
) -> Record | None:
    """Return a query's only row as a record, or None if there is no row."""
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else build_record(record_type, row._mapping)


async def fetch_records(
    connection: AsyncConnection,
    record_type: type[Record],
    query: sa.Select[Any],
    by: sa.ColumnElement[Any] | None = None,
    values: Iterable[Any] | None = None,
) -> list[Record]:
    """Return a query's rows as records. If `values` are given, only rows whose column `by` has one of the values."""
    rows: Iterable[sa.Row[Any]]
    if by is None or values is None:
        rows = await connection.execute(query)
    else:
        rows = await execute_in(connection, query, by, values)
    return [build_record(record_type, row._mapping) for row in rows]


def build_record(
    record_type: type[Record], row: sa.RowMapping | Mapping[str, Any], **converted: Any
) -> Record:
    """Build a dataclass from columns named like its fields. `converted` holds the other fields' values."""
    names = [name for name in record_type.__dataclass_fields__ if name not in converted]
    return record_type(**{name: row[name] for name in names}, **converted)


def record_values(record: DataclassInstance, table: sa.Table, **others: Any) -> dict[str, Any]:
    """Return a record's fields that are columns of a table, except the id. `others` adds or replaces them."""
    return {name: getattr(record, name) for name in _shared_names(type(record), table)} | others


@lru_cache(maxsize=64)
def _shared_names(record_type: type[DataclassInstance], table: sa.Table) -> list[str]:
    return [name for name in record_type.__dataclass_fields__ if name in table.c and name != "id"]
