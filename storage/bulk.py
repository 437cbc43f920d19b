"""Bulk SQL helpers: upserts on both engines, chunked IN lists, and fast inserts and queries of many rows.

`insert_rows` and `select_where_in` bypass SQLAlchemy's parameter processing, which costs more per value than the
engine spends per row. Use them where tens of thousands of rows are handled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import snapshot

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")
Record = TypeVar("Record", bound="DataclassInstance")

CHUNK_SIZE = 2000
"""Values per IN list: SQLite allows 32,766 variables per statement, asyncpg 32,767."""


def dialect_insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT, which supports `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return _dialect_insert(connection.dialect, table)


def _dialect_insert(dialect: Dialect, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    # Imported lazily: the unused dialect would take 2.5 MB of memory.
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


async def reserve_ids(connection: AsyncConnection, table: sa.Table, count: int) -> Sequence[int]:
    """Return unused ids for new rows, ascending. The transaction must be the only writer (`digests.lock_ingest`)."""
    if count == 0:
        return ()
    if connection.dialect.name == "sqlite":
        last = (await connection.execute(sa.select(sa.func.max(table.c.id)))).scalar() or 0
        return range(last + 1, last + 1 + count)
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    query = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, count).alias())
    return sorted((await connection.execute(query)).scalars())


async def insert_rows(
    connection: AsyncConnection,
    table: sa.Table,
    column_names: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    ignore_conflicts: bool = False,
    upsert_key: tuple[str, ...] = (),
) -> None:
    """Insert many rows, given as tuples in the order of `column_names`.

    `ignore_conflicts` skips rows that exist; `upsert_key` names the key columns by which existing rows are updated.
    """
    if not rows:
        return
    statement, order, processors = _compile_insert(
        connection.dialect, table, column_names, ignore_conflicts, upsert_key
    )
    if order != column_names:
        rows = list(map(itemgetter(*map(column_names.index, order)), rows))
    if any(processors):
        columns = zip(*rows, strict=True)
        converted = [
            column if processor is None else map(processor, column)
            for column, processor in zip(columns, processors, strict=True)
        ]
        rows = list(zip(*converted, strict=True))
    await execute_many(connection, statement, rows)


async def copy_rows(connection: AsyncConnection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows with all columns, whose values are the driver's but for times; PostgreSQL's COPY is the fastest way."""
    names = tuple(column.name for column in table.c)
    if connection.dialect.name == "sqlite":
        await insert_rows(connection, table, names, rows)
        return
    # Begins the transaction, of which the driver knows nothing yet.
    await connection.exec_driver_sql("SELECT 1")
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None
    await raw.driver_connection.copy_records_to_table(table.name, records=rows, columns=names)


async def execute_many(
    connection: AsyncConnection, statement: str, values: Sequence[tuple[Any, ...]]
) -> None:
    """Execute a driver-level SQL statement, as `fetch_all`, with each tuple of values."""
    sync = connection.sync_connection
    assert sync is not None
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql(snapshot.number_marks(statement), list(values))
    elif sync.get_execution_options().get(snapshot.REDIRECTED_OPTION):
        await connection.exec_driver_sql(statement, list(values))
    else:
        driver: Any = sync.connection.driver_connection
        await driver.executemany(statement, values)


async def upsert(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...]
) -> None:
    """Insert rows that have the same columns; update those whose key exists."""
    if not rows:
        return
    statement = dialect_insert(connection, table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), rows)


def equalities(table: sa.Table, wanted: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that columns have the wanted values, without those that are None."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


async def update_rows(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Iterable[Mapping[str, Any]],
    *,
    key: tuple[str, ...] = ("id",),
    same: Mapping[str, Any] | None = None,
) -> None:
    """Update many rows, given as mappings with the same columns: those of the key, and the others with new values.

    `same` are new values that all rows have in common, which may be expressions.
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
    """Delete at most `limit` rows that meet a condition, by their primary keys. Returns their number."""
    keys = list(table.primary_key.columns)
    some = sa.select(*keys).where(condition).limit(limit)
    # PostgreSQL and SQLite take a subquery of row values.
    return (await connection.execute(table.delete().where(sa.tuple_(*keys).in_(some)))).rowcount


async def delete_rows(
    connection: AsyncConnection, table: sa.Table, key: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Delete the rows whose columns `key`, of text or integers, have the values of one of `rows`."""
    if not (values := list(rows)):
        return
    condition = " AND ".join(f"{name} = ?" for name in key)
    await execute_many(connection, f"DELETE FROM {table.name} WHERE {condition}", values)  # noqa: S608 - constant names


async def increment_counts(connection: AsyncConnection, table: sa.Table, changes: Mapping[str, int]) -> None:
    """Add to the counts of a table with two columns, a text key and a number; a new key starts at 0."""
    rows = [(key, change) for key, change in sorted(changes.items()) if change]
    if not rows:
        return
    key, count = (column.name for column in table.c)
    await execute_many(
        connection,
        f"INSERT INTO {table.name} ({key}, {count}) VALUES (?, ?)"  # noqa: S608 - constant names
        f" ON CONFLICT ({key}) DO UPDATE SET {count} = {table.name}.{count} + excluded.{count}",
        rows,
    )


async def fetch_all(
    connection: AsyncConnection, statement: str, values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Return all rows of a driver-level SQL statement with placeholders `?`, on PostgreSQL too.

    Values are the driver's, without SQLAlchemy's type conversion. SQLite needs one thread hop instead of four.
    """
    return await snapshot.read(connection, snapshot.Snapshot.fetch, statement, *values)


async def execute_in(
    connection: AsyncConnection,
    statement: sa.Select[Any] | sa.Update | sa.Delete,
    column: sa.ColumnElement[Any],
    values: Iterable[Any],
) -> list[Any]:
    """Execute a statement where a column is in any number of values, in chunks. Returns the rows that it returns."""
    rows: list[Any] = []
    for chunk in chunked(values):
        result = await connection.execute(statement.where(column.in_(chunk)))
        rows += result if result.returns_rows else ()
    return rows


async def fetch_record(
    connection: AsyncConnection, record_type: type[Record], query: sa.Select[Any]
) -> Record | None:
    """Return the one row of a query as a record, by the names of its fields; None without a row."""
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else build_record(record_type, row._mapping)


async def fetch_records(
    connection: AsyncConnection, record_type: type[Record], query: sa.Select[Any]
) -> list[Record]:
    """Return the rows of a query as records, by the names of their fields."""
    return [build_record(record_type, row._mapping) for row in await connection.execute(query)]


async def fetch_in(
    connection: AsyncConnection, statement: str, column: sa.Column[Any], values: Iterable[Any], *further: Any
) -> list[tuple[Any, ...]]:
    """Return the rows of a driver-level statement where a text or integer column is in any number of values, in chunks.

    `%s` in the statement stands for this condition; `further` are the values of the placeholders behind it.
    """
    is_text = isinstance(column.type, sa.Text)
    fetch = snapshot.Snapshot.fetch_in
    return await snapshot.read(connection, fetch, statement, column.name, values, *further, is_text=is_text)


async def select_where_in(
    connection: AsyncConnection, by: sa.Column[Any], values: Iterable[Any], columns: Sequence[sa.Column[Any]]
) -> list[tuple[Any, ...]]:
    """Return columns of the rows whose text or integer column `by` is in `values`."""
    names = ", ".join(column.name for column in columns)
    return await fetch_in(connection, f"SELECT {names} FROM {by.table} WHERE %s", by, values)  # noqa: S608 - constant names


async def count_by_pair(
    connection: AsyncConnection, query: sa.Select[Any], by: sa.Column[Any], values: Iterable[int]
) -> dict[int, dict[int, int]]:
    """Return the counts of a grouped query, by its first two columns; the column `by` is in `values`."""
    counts: dict[int, dict[int, int]] = {}
    for first, second, count in await execute_in(connection, query, by, values):
        counts.setdefault(first, {})[second] = count
    return counts


@lru_cache(maxsize=4096)
def parse_time(value: datetime | str) -> datetime:
    """Convert a driver value of a `UtcTime` to a time in UTC; SQLite stores times as text."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def driver_value(connection: AsyncConnection, column: sa.Column[Any], value: Any) -> Any:
    """Convert a value of a column to the driver's, as a parameter of `fetch_all`."""
    process = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return value if process is None else process(value)


def build_record(
    record_type: type[Record], row: sa.RowMapping | Mapping[str, Any], **converted: Any
) -> Record:
    """Build a dataclass from the columns named like its fields; `converted` are the fields of another name or type."""
    names = [name for name in record_type.__dataclass_fields__ if name not in converted]
    return record_type(**{name: row[name] for name in names}, **converted)


def record_values(record: DataclassInstance, **converted: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as column values; `converted` replaces or adds some."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__} | converted


@lru_cache(maxsize=64)
def _compile_insert(
    dialect: Dialect,
    table: sa.Table,
    column_names: tuple[str, ...],
    ignore_conflicts: bool,
    upsert_key: tuple[str, ...],
) -> tuple[str, tuple[str, ...], tuple[Callable[[Any], Any] | None, ...]]:
    """Return the driver-level INSERT, its columns in order, and the bind processor of each column."""
    insert = _dialect_insert(dialect, table)
    statement: sqlite.Insert | postgresql.Insert = (
        insert.on_conflict_do_nothing() if ignore_conflicts else insert
    )
    if upsert_key:
        changes = {name: insert.excluded[name] for name in column_names if name not in upsert_key}
        statement = insert.on_conflict_do_update(index_elements=upsert_key, set_=changes)
    compiled = statement.compile(dialect=dialect, column_keys=column_names)
    order = tuple(name for name in table.c.keys() if name in column_names)  # noqa: SIM118 - a collection of columns
    return (
        str(compiled),
        order,
        tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order),
    )
