"""Read the database with plain SQL in synchronous functions.

A look-up runs in a thread with a connection of its own (`SnapshotPool`), so that its computing does not hold the
event loop. Within a transaction, `read` awaits each statement on the transaction's connection.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")
Value = TypeVar("Value")
Parameters = ParamSpec("Parameters")
Row = tuple[Any, ...]

IN_SIZE = 1 << 14
"""Values per IN list. SQLite allows 32,766 variables per statement."""
CHUNK_SIZE = 2000
"""Values per statement of SQLAlchemy."""


log = logging.getLogger(__name__)
SLOW_SECONDS = 0.2
"""A look-up that takes longer is logged, at level debug: after a start many do, and an operator can do nothing about it."""


def chunked(values: Iterable[Value], size: int = CHUNK_SIZE) -> Iterator[Sequence[Value]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def log_statement(statement: str, seconds: float) -> None:
    """Log an executed statement at level debug, without its parameters, which may be secrets."""
    log.debug("statement", extra={"statement": " ".join(statement.split()), "ms": round(1e3 * seconds, 1)})


class Snapshot:
    """Reads one state of the database. Values are returned as stored: dates and JSON are text on SQLite.

    `times` has each statement with the seconds that it took.
    """

    __slots__ = ("_execute", "is_sqlite", "times")

    def __init__(self, execute: Callable[[str, Sequence[Any]], list[Row]], *, is_sqlite: bool) -> None:
        self._execute = execute
        self.is_sqlite = is_sqlite
        self.times: list[tuple[str, float]] = []

    def fetch(self, statement: str, *values: Any) -> list[Row]:
        """Return a statement's rows. Placeholders are `?`."""
        if not self.is_sqlite:
            statement = statement.replace("%", "%%").replace("?", "%s")
        started = time.perf_counter()
        rows = self._execute(statement, values)
        self.times.append((statement, time.perf_counter() - started))
        return rows

    def fetch_in(self, statement: str, column: str, values: Iterable[Any], *further: Any) -> list[Row]:
        """Return the rows in which a column has one of the values, which are integers or text.

        The condition replaces `%s`. `further` values are for placeholders after the condition.
        """
        rows: list[Row] = []
        for chunk in chunked(values, IN_SIZE):
            if self.is_sqlite:
                # Padded to powers of two, so that the driver can reuse cached statements.
                padded = 1 << (len(chunk) - 1).bit_length()
                condition, parameters = f"{column} IN ({','.join('?' * padded)})", tuple(chunk)
                parameters += (chunk[-1],) * (padded - len(chunk))
            else:
                condition = f"{column} = ANY(?::{'text' if isinstance(chunk[0], str) else 'bigint'}[])"
                parameters = (chunk,)
            rows += self.fetch(statement.replace("%s", condition), *parameters, *further)
        return rows


async def read(
    connection: AsyncConnection,
    function: Callable[Concatenate[Snapshot, Parameters], Result],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Run a short reading function within a connection's transaction, and return its result."""
    is_sqlite = connection.dialect.name == "sqlite"

    def run(sync_connection: sa.Connection) -> Result:
        def fetch(statement: str, values: Sequence[Any]) -> list[Row]:
            return [tuple(row) for row in sync_connection.exec_driver_sql(statement, tuple(values))]

        return function(Snapshot(fetch, is_sqlite=is_sqlite), *arguments, **options)

    return await connection.run_sync(run)


LOOK_UPS_AT_ONCE = 4
"""The threads, and so the connections in use. Readers have three look-ups at once; one is left for planning and alerts."""


class _GivenUpError(Exception):
    """Ends a function whose caller was cancelled. Nobody sees it."""


class _Connection(Protocol):
    """A connection of sqlite3 or psycopg."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Any: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class SnapshotPool:
    """Runs reading functions in threads, each call with a connection of its own, closed with `close()`.

    A function sees one state of the database: what was committed when it began. `connect` opens a connection in
    autocommit mode, which any thread may use and close.
    """

    def __init__(self, connect: Callable[[], Any], *, is_sqlite: bool = True) -> None:
        self._connect: Callable[[], _Connection] = connect
        self._is_sqlite = is_sqlite
        self._threads: ThreadPoolExecutor | None = None
        self._idle: list[_Connection] = []
        """Connections that no function uses. The last one is used next: it has the pages that look-ups need."""

    async def run(self, function: Callable[[Snapshot], Result]) -> Result:
        """Return the result of a function that reads. It must not start tasks.

        If the caller is cancelled, the function ends at its next statement. The caller goes on once it has ended, and so
        keeps its place among the look-ups (`bot.core.admission`) as long as a thread works for it.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="paperround-look-up")
        asked_at = time.perf_counter()

        def timed(view: Snapshot) -> Result:
            began_at = time.perf_counter()
            try:
                return function(view)
            finally:
                _log_times(view, began_at - asked_at, time.perf_counter() - began_at)

        is_given_up = threading.Event()
        work = self._threads.submit(self._read, timed, is_given_up)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            is_given_up.set()
            if not work.cancel():
                with suppress(Exception):
                    await asyncio.wrap_future(work)
            raise

    def _read(self, function: Callable[[Snapshot], Result], is_given_up: threading.Event) -> Result:
        connection = self._begin()

        def execute(statement: str, values: Sequence[Any]) -> list[Row]:
            if is_given_up.is_set():
                raise _GivenUpError
            return list(connection.execute(statement, values).fetchall())

        try:
            return function(Snapshot(execute, is_sqlite=self._is_sqlite))
        finally:
            with suppress(Exception):  # a lost connection is replaced once it is to be used again
                connection.rollback()
            self._idle.append(connection)

    def _begin(self) -> _Connection:
        """Return a connection in a transaction: the first idle one that the server has not closed, or a new one."""
        while True:
            try:
                connection, is_new = self._idle.pop(), False
            except IndexError:
                connection, is_new = self._connect(), True
            try:
                connection.execute(
                    "BEGIN" if self._is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
            except Exception:
                connection.close()
                if is_new:
                    raise
            else:
                return connection

    async def close(self) -> None:
        """Wait for running functions, and close the connections and threads."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        while self._idle:
            self._idle.pop().close()


def _log_times(view: Snapshot, waited: float, took: float) -> None:
    """Log a look-up's statements, and a slow one's stages: it waited for a thread, executed statements, computed."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    for statement, seconds in view.times:
        log_statement(statement, seconds)
    if waited + took > SLOW_SECONDS:
        executed = sum(seconds for _, seconds in view.times)
        stages = {"waited": waited, "statements": executed, "computed": took - executed}
        log.debug(
            "slow look-up", extra={f"{stage}_ms": round(1e3 * seconds) for stage, seconds in stages.items()}
        )


def parse_date(value: date | str) -> date:
    """Convert a stored value to a date. SQLite stores dates as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
