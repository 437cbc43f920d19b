"""Reads one state of the database by plain SQL in synchronous calls; an answer's reads run as one function.

On SQLite the function runs in the connection's thread, without the event loop between statements; on PostgreSQL SQLAlchemy
awaits each statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
Row = tuple[Any, ...]

CHUNK_SIZE = 1 << 14
"""Values per IN list: SQLite allows 32,766 variables per statement."""
_SQLITE_URL = "sqlite+aiosqlite:///"


class Snapshot:
    """Reads one state of the database. Values are the driver's: SQLite stores dates and JSON as text."""

    __slots__ = ("_fetch", "is_sqlite")

    def __init__(self, fetch: Callable[[str, Sequence[Any]], list[Row]], *, is_sqlite: bool) -> None:
        self._fetch = fetch
        self.is_sqlite = is_sqlite

    def fetch(self, statement: str, *values: Any) -> list[Row]:
        """Return the rows of a statement with placeholders `?`."""
        return self._fetch(statement, values)

    def fetch_in(
        self, statement: str, column: str, values: Iterable[Any], *further: Any, is_text: bool = False
    ) -> list[Row]:
        """Return the rows where a column of integers, or of text, is in any number of values: `%s` is replaced by this condition.

        `further` are the values of the placeholders behind it.
        """
        rows: list[Row] = []
        iterator = iter(values)
        while chunk := list(islice(iterator, CHUNK_SIZE)):
            if self.is_sqlite:
                # Few lengths of lists, so that the driver has compiled the statement before.
                padded = 1 << (len(chunk) - 1).bit_length()
                condition, parameters = f"{column} IN ({','.join('?' * padded)})", tuple(chunk)
                parameters += (chunk[-1],) * (padded - len(chunk))
            else:
                condition = f"{column} = ANY(?::{'text' if is_text else 'bigint'}[])"
                parameters = (chunk,)
            rows += self._fetch(statement.replace("%s", condition), (*parameters, *further))
        return rows


def find_missing_file(url: str) -> Path | None:
    """Return the SQLite file of a database URL if it does not exist yet; otherwise None."""
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
    """Run a function that reads in the transaction of a connection, and return its result."""
    sync = connection.sync_connection
    assert sync is not None
    if connection.dialect.name == "sqlite":
        driver: Any = sync.connection.driver_connection
        view = Snapshot(lambda *query: driver._conn.execute(*query).fetchall(), is_sqlite=True)
        # aiosqlite has no public call for this: it runs a function in the connection's own thread.
        found: Result = await driver._execute(lambda: function(view, *arguments, **options))
        return found

    def run(sync_connection: Any) -> Result:
        def fetch(statement: str, values: Sequence[Any]) -> list[Row]:
            rows = sync_connection.exec_driver_sql(number_marks(statement), tuple(values))
            return [tuple(row) for row in rows]

        return function(Snapshot(fetch, is_sqlite=False), *arguments, **options)

    return await connection.run_sync(run)


def number_marks(statement: str) -> str:
    """Return a statement with PostgreSQL's placeholders `$1`, `$2` … in place of `?`."""
    first, *others = statement.split("?")
    return first + "".join(f"${number}{text}" for number, text in enumerate(others, 1))


def parse_date(value: date | str) -> date:
    """Convert a driver value to a date; SQLite stores dates as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
