"""Copy a database into an empty one, on the same or the other engine.

Every row keeps its values and id. The search index is outside the database, so it is rebuilt, not copied.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from storage import errors, key_values, locks, tables
from storage.database import Connection, Database

COPIED = tuple(table for table in tables.metadata.sorted_tables if table is not tables.sender_lease)
"""The tables to copy, referenced tables first."""
_ROWS = 100
"""Rows read and written at a time. A single digest may take megabytes."""


async def copy(source: Database, target: Database) -> AsyncGenerator[int, None]:
    """Copy all tables in one transaction, yielding the number of rows copied so far.

    If the copy is interrupted, the target stays empty. Raises StorageError if a bot is running on either
    database, if both are the same, if the target has rows, or if the row counts differ at the end.
    """
    async with _locked(source), _locked(target):
        copied = 0
        async with source.read() as reading, target.transaction() as writing:
            for table in COPIED:
                if await _count(writing, table):
                    name = target.url.render_as_string(hide_password=True)
                    raise errors.StorageError(
                        f"{name} already has rows in {table.name}. Choose an empty database."
                    )
            for table in COPIED:
                plain = _plain(table)
                result = await reading.stream(_select(plain).execution_options(yield_per=_ROWS))
                async for rows in result.mappings().partitions():
                    await writing.execute(plain.insert(), [dict(row) for row in rows])
                    copied += len(rows)
                    yield copied
                await _continue_ids(writing, table)
            for table in COPIED:
                counts = await _count(reading, table), await _count(writing, table)
                if counts[0] != counts[1]:
                    raise errors.StorageError(
                        f"The copy has {counts[1]} rows in {table.name}, the source {counts[0]}. Copy again."
                    )


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[None]:
    """Hold the sender lock, so that no bot can run on the database."""
    lock = locks.SenderLock(database)
    try:
        if not await lock.try_acquire():
            name = database.url.render_as_string(hide_password=True)
            raise errors.StorageError(
                f"{name} is in use by a running bot, or is both source and target. Stop the bot, or choose another target."
            )
        async with lock.kept():
            yield
    finally:
        await lock.release()


def _plain(table: sa.Table) -> sa.TableClause:
    """Return a table with the database's own column types, so that only times are converted."""
    columns = []
    for column in table.c:
        stored = (
            column.type if column.type is tables.UtcTime else getattr(column.type, "stored_as", column.type)
        )
        is_json = isinstance(stored, sa.JSON)
        columns.append(sa.column(column.name, sa.JSON(none_as_null=True) if is_json else stored))
    return sa.table(table.name, *columns)


def _select(table: sa.TableClause) -> sa.Select[Any]:
    """Return the SELECT for a table. For `meta`, it omits the version of this database's schema."""
    query = sa.select(table)
    if table.name != tables.meta.name:
        return query
    return query.where(~table.c.key.startswith(key_values.SCHEMA))


async def _count(connection: Connection, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(_select(_plain(table)).subquery())
    return int((await connection.execute(query)).scalar_one())


async def _continue_ids(connection: Connection, table: sa.Table) -> None:
    """Make PostgreSQL continue after the largest copied id, as SQLite always does."""
    if connection.dialect.name != "sqlite" and "id" in table.c and table.c.id.identity is not None:
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        await connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(table.c.id))))
