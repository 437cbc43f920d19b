"""SQLAlchemy's engines for SQLite and PostgreSQL.

On SQLite, write transactions start with BEGIN IMMEDIATE and read transactions with BEGIN: SQLAlchemy's
default deferred BEGIN loses updates, since two transactions can read before either writes.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage import errors, postgresql, sqlite_file
from storage.snapshot import log, log_statement

MIN_SQLITE_VERSION = (3, 37, 0)
_to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def parse_url(url: str) -> URL:
    """Parse a database URL. Raises DatabaseUrlError if it is invalid or has an unsupported driver."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # ValueError: the port is not a number
        raise errors.DatabaseUrlError(
            "PAPERROUND_DATABASE_URL is not a database URL. Use sqlite+aiosqlite:///paperround.db or"
            " postgresql://user@host/name."
        ) from error
    if "@" in (parsed.host or ""):
        raise errors.DatabaseUrlError(
            "The password in PAPERROUND_DATABASE_URL has an @, which ends the password in a URL. Write %40 instead."
        )
    if parsed.drivername in postgresql.DRIVERS:
        return postgresql.parse_url(parsed)
    if parsed.drivername != "sqlite+aiosqlite":
        raise errors.DatabaseUrlError(
            f"PAPERROUND_DATABASE_URL has the driver {parsed.drivername!r}. Use sqlite+aiosqlite or postgresql."
        )
    if parsed.database in (None, "", ":memory:"):
        raise errors.DatabaseUrlError(
            "PAPERROUND_DATABASE_URL is a database in memory, which would be lost. Name a file; example:"
            " sqlite+aiosqlite:///paperround.db."
        )
    if parsed.query:
        raise errors.DatabaseUrlError(
            f"PAPERROUND_DATABASE_URL has the option {min(parsed.query)!r}. Remove it; a SQLite file takes no options."
        )
    return parsed


def open_engine(url: str, name: str, pool_size: int) -> AsyncEngine:
    """Create the engine for a database URL, which keeps `pool_size` connections and opens as many more on demand.

    Raises StorageError for an unsupported driver or option. Its error messages, which are logged, omit parameters,
    which may be readers' notes or webhook tokens.
    """
    parsed = parse_url(url)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
    options |= {"hide_parameters": True, "json_serializer": _to_json}
    if parsed.drivername == postgresql.DRIVER:
        options |= {"pool_pre_ping": True, "paramstyle": "format", "use_native_hstore": False}
        connect_args = postgresql.session_parameters(parsed, name)
        engine = create_async_engine(parsed, connect_args=connect_args, **options)
    else:
        if sqlite3.sqlite_version_info < MIN_SQLITE_VERSION:
            raise errors.StorageError(
                f"SQLite {sqlite3.sqlite_version} is too old; Paperround needs 3.37 or newer."
            )
        # LIFO reuses the most recent connections, so that few keep cached pages in memory.
        open_connection = partial(_connect_sqlite, sqlite_file.path_of(url))
        engine = create_async_engine(parsed, async_creator=open_connection, pool_use_lifo=True, **options)
        sa.event.listen(engine.sync_engine, "connect", sqlite_file.set_up)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    _log_statements(engine)
    return engine


async def describe(connection: AsyncConnection) -> str:
    """Return the engine and its version: `SQLite 3.40.1`."""
    is_sqlite = connection.dialect.name == "sqlite"
    query = "SELECT sqlite_version()" if is_sqlite else "SHOW server_version"
    version = (await connection.exec_driver_sql(query)).scalar_one()
    return f"{'SQLite' if is_sqlite else 'PostgreSQL'} {version}"


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


class _Cursor(aiosqlite.Cursor):
    """A cursor that opens, executes a statement and reads its first rows in one switch to the connection's thread.

    aiosqlite switches four times, each time waiting for the event loop.
    """

    _rows: list[Any]
    _is_read = True
    """Whether no rows are left but `_rows`."""

    def _run(self, method: str, sql: str, parameters: Any) -> None:
        self._cursor = self._conn._conn.cursor()
        getattr(self._cursor, method)(sql, parameters)
        self._rows = self._cursor.fetchmany(_FIRST_ROWS)
        self._is_read = len(self._rows) < _FIRST_ROWS

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> aiosqlite.Cursor:
        await self._execute(self._run, "execute", sql, parameters or ())  # type: ignore[no-untyped-call]
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> aiosqlite.Cursor:
        await self._execute(self._run, "executemany", sql, parameters)  # type: ignore[no-untyped-call]
        return self

    async def fetchone(self) -> Any:
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = size or self.arraysize
        rows, self._rows = self._rows[:size], self._rows[size:]
        if len(rows) < size and not self._is_read:
            rows += await super().fetchmany(size - len(rows))
        return rows

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows if self._is_read else [*rows, *await super().fetchall()]

    async def close(self) -> None:
        if not self._is_read:
            await super().close()


_FIRST_ROWS = 500


class _Connection(aiosqlite.Connection):
    """A connection with our cursors."""

    def cursor(self) -> Any:
        return _Cursor(self, None)  # type: ignore[arg-type]


async def _connect_sqlite(path: Path | None) -> aiosqlite.Connection:
    connection = _Connection(partial(sqlite3.connect, path or ""), iter_chunk_size=_FIRST_ROWS)
    connection._thread.daemon = True  # as SQLAlchemy does
    return await connection


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("paperround_writes", True)
    adapted: Any = connection.connection.dbapi_connection
    # One switch to the connection's thread. exec_driver_sql would make a cursor and a result.
    adapted.run_async(lambda driver: driver.execute_fetchall("BEGIN IMMEDIATE" if writes else "BEGIN"))
