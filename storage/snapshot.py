"""Read the database with plain SQL in synchronous functions.

On SQLite a function runs in the connection's thread, without the event loop between statements. On
PostgreSQL, SQLAlchemy awaits each statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
Row = tuple[Any, ...]

CHUNK_SIZE = 1 << 14
"""Values per IN list. SQLite allows 32,766 variables per statement."""
_SQLITE_URL = "sqlite+aiosqlite:///"


class Snapshot:
    """Reads one state of the database. Values are returned as stored: dates and JSON are text on SQLite."""

    __slots__ = ("_fetch", "is_sqlite")

    def __init__(self, fetch: Callable[[str, Sequence[Any]], list[Row]], *, is_sqlite: bool) -> None:
        self._fetch = fetch
        self.is_sqlite = is_sqlite

    def fetch(self, statement: str, *values: Any) -> list[Row]:
        """Return a statement's rows. Placeholders are `?`."""
        return self._fetch(statement, values)

    def fetch_in(self, statement: str, column: str, values: Iterable[Any], *further: Any) -> list[Row]:
        """Return the rows in which a column has one of the values, which are integers or text.

        The condition replaces `%s`. `further` values are for placeholders after the condition.
        """
        rows: list[Row] = []
        iterator = iter(values)
        while chunk := list(islice(iterator, CHUNK_SIZE)):
            if self.is_sqlite:
                # Padded to powers of two, so that the driver can reuse cached statements.
                padded = 1 << (len(chunk) - 1).bit_length()
                condition, parameters = f"{column} IN ({','.join('?' * padded)})", tuple(chunk)
                parameters += (chunk[-1],) * (padded - len(chunk))
            else:
                condition = f"{column} = ANY(?::{'text' if isinstance(chunk[0], str) else 'bigint'}[])"
                parameters = (chunk,)
            rows += self._fetch(statement.replace("%s", condition), (*parameters, *further))
        return rows


def find_missing_file(url: str) -> Path | None:
    """Return a database URL's SQLite file if it is missing but its folder exists, otherwise None."""
    name = url.removeprefix(_SQLITE_URL).partition("?")[0]
    path = Path(name)
    is_file = url.startswith(_SQLITE_URL) and name not in ("", ":memory:") and not name.startswith("file:")
    return path.absolute() if is_file and path.parent.is_dir() and not path.exists() else None


async def read(
    connection: AsyncConnection,
    function: Callable[Concatenate[Snapshot, Parameters], Result],
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Run a reading function within a connection's transaction, and return its result."""
    sync = connection.sync_connection
    assert sync is not None
    if connection.dialect.name == "sqlite":
        driver: Any = sync.connection.driver_connection
        view = Snapshot(lambda *query: driver._conn.execute(*query).fetchall(), is_sqlite=True)
        # aiosqlite has no public method that runs a function in the connection's thread.
        found: Result = await driver._execute(lambda: function(view, *arguments, **options))
        return found

    def run(sync_connection: Any) -> Result:
        def fetch(statement: str, values: Sequence[Any]) -> list[Row]:
            numbers = count(1)
            numbered = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)  # $1, $2 …
            return [tuple(row) for row in sync_connection.exec_driver_sql(numbered, tuple(values))]

        return function(Snapshot(fetch, is_sqlite=False), *arguments, **options)

    return await connection.run_sync(run)


def parse_date(value: date | str) -> date:
    """Convert a stored value to a date. SQLite stores dates as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
