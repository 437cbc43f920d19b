"""Small tools that every storage module needs: upserts on either engine, lists cut to a size, and many rows at once.

SQLAlchemy's Core spends more on each parameter than the engine on the row; `insert_rows` and `look_up` are for
the few places where tens of thousands of them pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")

CHUNK_SIZE = 2000
"""Values in one IN list: SQLite takes 32,766 variables a statement, asyncpg 32,767."""
LOOKUP_CHUNK_SIZE = 20_000
REDIRECTED_OPTION = "paperround_redirected"
"""The option of a connection whose statements are changed on their way: see `storage.search.shadow_index`."""


def dialect_insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the engine's own INSERT, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return _dialect_insert(connection.dialect, table)


def _dialect_insert(dialect: Dialect, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    # The other engine's dialect would cost two and a half megabytes for nothing.
    if dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def chunked(values: Iterable[Value], size: int = CHUNK_SIZE) -> Iterator[Sequence[Value]]:
    """Yield the values in lists of at most `size`."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


async def reserve_ids(connection: AsyncConnection, table: sa.Table, number: int) -> Sequence[int]:
    """Return unused ids for new rows of a table, rising. For transactions that write alone (`digests.lock`)."""
    if number == 0:
        return ()
    if connection.dialect.name == "sqlite":
        last = (await connection.execute(sa.select(sa.func.max(table.c.id)))).scalar() or 0
        return range(last + 1, last + 1 + number)
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    query = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, number).alias())
    return sorted((await connection.execute(query)).scalars())


async def insert_rows(
    connection: AsyncConnection,
    table: sa.Table,
    names: tuple[str, ...],
    values: Sequence[tuple[Any, ...]],
    *,
    ignore_conflicts: bool = False,
    upsert_key: tuple[str, ...] = (),
) -> None:
    """Insert many rows, given as tuples in the order of the columns' names.

    `ignore` skips rows that stand already; `replace` names the key by which they are replaced instead.
    """
    if not values:
        return
    statement, order, processors = _compile_insert(
        connection.dialect, table, names, ignore_conflicts, upsert_key
    )
    if order != names:
        values = list(map(itemgetter(*map(names.index, order)), values))
    if any(processors):
        columns = zip(*values, strict=True)
        converted = [
            column if processor is None else map(processor, column)
            for column, processor in zip(columns, processors, strict=True)
        ]
        values = list(zip(*converted, strict=True))
    await connection.exec_driver_sql(statement, list(values))


async def upsert(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...]
) -> None:
    """Insert rows with the same columns, updating the rows that already have the key."""
    if not rows:
        return
    statement = dialect_insert(connection, table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), rows)


async def increment_counts(connection: AsyncConnection, table: sa.Table, changes: Mapping[str, int]) -> None:
    """Add to the numbers of a table of two columns, a text as key and a number; new keys begin at 0."""
    values = [(key, change) for key, change in sorted(changes.items()) if change]
    if not values:
        return
    key, number = (column.name for column in table.c)
    marks = "?, ?" if connection.dialect.name == "sqlite" else "$1, $2"
    await connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({key}, {number}) VALUES ({marks})"  # noqa: S608 - our own names
        f" ON CONFLICT ({key}) DO UPDATE SET {number} = {table.name}.{number} + excluded.{number}",
        values,
    )


async def fetch_all(
    connection: AsyncConnection, statement: str, values: Sequence[Any] = ()
) -> Iterable[tuple[Any, ...]]:
    """Return all rows of a statement in the driver's own words, with `?` on SQLite and `$1` on PostgreSQL for values.

    On SQLite in one step of the connection's thread, where SQLAlchemy takes four. Values come as the driver gives them.
    """
    assert connection.sync_connection is not None
    is_redirected = connection.sync_connection.get_execution_options().get(REDIRECTED_OPTION, False)
    if is_redirected or connection.dialect.name != "sqlite":
        result = await connection.exec_driver_sql(statement, tuple(values))
        return [tuple(row) for row in result] if result.returns_rows else []
    driver: Any = connection.sync_connection.connection.driver_connection
    found: Iterable[tuple[Any, ...]] = await driver.execute_fetchall(statement, tuple(values))
    return found


async def select_where_in(
    connection: AsyncConnection, by: sa.Column[Any], values: Iterable[Any], columns: Sequence[sa.Column[Any]]
) -> list[tuple[Any, ...]]:
    """Return columns of the rows whose column `by` is among many values. For texts and numbers only."""
    start = f"SELECT {', '.join(column.name for column in columns)} FROM {by.table} WHERE "  # noqa: S608 - our names
    found: list[tuple[Any, ...]] = []
    for chunk in chunked(values, LOOKUP_CHUNK_SIZE):
        condition, given = in_condition(connection, by, chunk)
        found.extend(await fetch_all(connection, start + condition, given))
    return found


def parse_date(value: date | str) -> date:
    """Return a date that came in the driver's own words: SQLite keeps dates as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def parse_string_list(value: str | list[str]) -> tuple[str, ...]:
    """Return a JSON list of texts that came in the driver's own words: SQLite's knows no JSON."""
    return tuple(json.loads(value) if isinstance(value, str) else value)


def in_condition(
    connection: AsyncConnection, column: sa.Column[Any], values: Sequence[Any]
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition that a text or number is among at most `LOOK_UP_CHUNK` values, and what is bound in it."""
    if connection.dialect.name == "sqlite":
        return f"{column.name} IN ({','.join('?' * len(values))})", tuple(values)
    kind = "text" if isinstance(column.type, sa.Text) else "bigint"
    return f"{column.name} = ANY($1::{kind}[])", (list(values),)


@lru_cache(maxsize=64)
def _compile_insert(
    dialect: Dialect, table: sa.Table, names: tuple[str, ...], ignore: bool, replace: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[Callable[[Any], Any] | None, ...]]:
    """Return the INSERT in the driver's words, the columns in its order, and how each value becomes what the driver takes."""
    new = _dialect_insert(dialect, table)
    statement: sqlite.Insert | postgresql.Insert = new.on_conflict_do_nothing() if ignore else new
    if replace:
        changes = {name: new.excluded[name] for name in names if name not in replace}
        statement = new.on_conflict_do_update(index_elements=replace, set_=changes)
    compiled = statement.compile(dialect=dialect, column_keys=names)
    order = tuple(name for name in table.c.keys() if name in names)  # noqa: SIM118 - a collection of columns
    return (
        str(compiled),
        order,
        tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order),
    )
