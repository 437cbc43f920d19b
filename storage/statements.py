"""SQL statements for rows and records, on both engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors
from storage.snapshot import chunked

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

FAILURES: errors.ErrorTypes = (errors.StorageError, sa.exc.SQLAlchemyError, sqlite3.Error)
"""Errors that a statement may raise before the end of its transaction, which converts them. The transaction
must not continue: PostgreSQL rejects further statements, and skipped work would count as done.
"""


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
"""The treatment of a row whose primary key is already stored."""


_ROWS_AT_ONCE = 1000


async def insert_rows(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    existing: Existing = "refuse",
) -> None:
    """Insert rows that have the same columns, some at a time: converting thousands would hold the event loop."""
    for chunk in chunked(rows, _ROWS_AT_ONCE):
        statement, columns = _compile_insert(connection.dialect, table, tuple(chunk[0]), existing)
        values = (
            [row[name] for row in chunk] if convert is None else [convert(row[name]) for row in chunk]
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
    statement = table.update().where(*condition).values(new | dict(same or {}))
    # Other tasks can run between chunks.
    for chunk in chunked(values):
        await connection.execute(statement, chunk)


async def delete_some(
    connection: AsyncConnection, table: sa.Table, condition: sa.ColumnElement[bool], limit: int
) -> int:
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
    """Return a query's only row as a record, None without a row."""
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
