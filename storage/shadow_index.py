"""The shadow index of a blue/green rebuild: a second set of index tables, filled while the live set answers, then swapped in.

Within `redirect_to_shadow` the names of the live tables mean the shadow tables. Triggers record the papers and authors
that change in the live index during the rebuild.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, errors

TABLES = (
    "paper_words",
    "paper_titles",
    "indexed_papers",
    "term_counts",
    "author_words",
    "indexed_authors",
    "name_words",
    "mention_counts",
    "search_tiers",
)
"""All tables of an index."""
_REFERENCED_TABLES = ("papers", "authors")
"""Those that the index refers to. PostgreSQL locks them too when it drops a table of the index."""
CHANGES_TABLE = "index_changes"
_SHADOW_SUFFIX = "_shadow"
_OLD_SUFFIX = "_former"
_LARGE_TABLES = (
    *(f"{table}{_OLD_SUFFIX}_data" for table in ("paper_words", "paper_titles", "author_words")),
    f"indexed_papers{_OLD_SUFFIX}",
)
"""The tables with row ids that hold nearly all data of an old index on SQLite."""
_FTS5_STRUCTURE_ROWID = 10
"""Row of an FTS5 data table with the structure of its index. Without rows up to it FTS5 can neither open nor drop a table."""
_TABLE_PATTERN = re.compile(rf"\b({'|'.join(TABLES)})\b")
_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's SQLSTATE for a lock that NOWAIT could not get."""


class TrackedTable(Enum):
    """The tables whose changes are recorded, with the column of the id."""

    PAPERS = ("indexed_papers", "paper_id")
    AUTHORS = ("indexed_authors", "author_id")


@asynccontextmanager
async def redirect_to_shadow(connection: AsyncConnection) -> AsyncIterator[None]:
    """Redirect this connection's statements on index tables to the shadow tables."""
    sync = connection.sync_connection
    assert sync is not None
    await connection.execution_options(**{bulk.REDIRECTED_OPTION: True})
    sa.event.listen(sync, "before_cursor_execute", _redirect, retval=True)
    try:
        yield
    finally:
        sa.event.remove(sync, "before_cursor_execute", _redirect)
        await connection.execution_options(**{bulk.REDIRECTED_OPTION: False})


def _redirect(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    return _TABLE_PATTERN.sub(rf"\1{_SHADOW_SUFFIX}", statement), parameters


async def create(connection: AsyncConnection) -> None:
    """Create empty shadow tables, dropping former ones, and begin to record changes of the live index."""
    await drop(connection)
    key = "kind TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (kind, id)"
    await connection.exec_driver_sql(f"CREATE TABLE {CHANGES_TABLE} ({key})")
    if connection.dialect.name == "sqlite":
        for table in TABLES:
            query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
            [(definition,)] = await bulk.fetch_all(connection, query, (table,))
            named = rf'^(CREATE (?:VIRTUAL )?TABLE) "?{table}"?'
            statement = re.sub(named, rf"\1 {table}{_SHADOW_SUFFIX}", definition)
            await connection.exec_driver_sql(statement)
    else:
        for table in TABLES:
            await _copy_for_postgresql(connection, table)
    for tracked in TrackedTable:
        for statement in _trigger_statements(connection, *tracked.value):
            await connection.exec_driver_sql(statement)


async def _copy_for_postgresql(connection: AsyncConnection, table: str) -> None:
    """Create an empty copy of a table with its indexes and constraints, whose names get the shadow suffix."""
    copy = table + _SHADOW_SUFFIX
    await connection.exec_driver_sql(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)")
    query = "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1::regclass"
    for name, definition in await _query_catalog(connection, query, table):
        named, renamed = rf"INDEX {name} ON (\S+\.)?{table} ", rf"INDEX {name}{_SHADOW_SUFFIX} ON \1{copy} "
        await connection.exec_driver_sql(re.sub(named, renamed, definition, count=1))
    query = "SELECT conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass"
    for name, kind, definition in await _query_catalog(connection, query, table):
        if kind in "pu":
            constraint = "PRIMARY KEY" if kind == "p" else "UNIQUE"
            definition = f"{constraint} USING INDEX {name}{_SHADOW_SUFFIX}"
            name += _SHADOW_SUFFIX
        elif kind != "f":
            continue
        await connection.exec_driver_sql(f"ALTER TABLE {copy} ADD CONSTRAINT {name} {definition}")


async def _query_catalog(connection: AsyncConnection, query: str, table: str) -> Sequence[Any]:
    # As a literal, since the driver wants a number for a regclass parameter.
    return (await connection.exec_driver_sql(query.replace("$1", f"'{table}'"))).all()


def _trigger_statements(connection: AsyncConnection, table: str, column: str) -> list[str]:
    record = f"INSERT INTO {CHANGES_TABLE} VALUES ('{table}', {{row}}.{column}) ON CONFLICT DO NOTHING;"  # noqa: S608
    old, new = record.format(row="OLD"), record.format(row="NEW")
    events = (("insert", new), ("delete", old), ("update", old + new))
    if connection.dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER note_{event}_of_{table} AFTER {event} ON {table} BEGIN {body} END"
            for event, body in events
        ]
    statements = []
    for event, body in events:
        name = f"note_{event}_of_{table}"
        statements.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        statements.append(
            f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
    return statements


async def drop(connection: AsyncConnection) -> None:
    """Drop the shadow tables and what is left of old ones, and stop recording changes."""
    await _stop_tracking(connection)
    for table in TABLES:
        for suffix in (_SHADOW_SUFFIX, _OLD_SUFFIX):
            await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}{suffix}")


async def _stop_tracking(connection: AsyncConnection) -> None:
    for tracked in TrackedTable:
        table, _ = tracked.value
        for event in ("insert", "delete", "update"):
            name = f"note_{event}_of_{table}"
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            else:
                await connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                await connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
    await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {CHANGES_TABLE}")


async def pop_changes(connection: AsyncConnection, tracked: TrackedTable, *, limit: int) -> list[int]:
    """Remove and return recorded ids of changed papers or authors, the lowest first."""
    changes = sa.table(CHANGES_TABLE, sa.column("kind"), sa.column("id"))
    of_kind = changes.c.kind == tracked.value[0]
    query = sa.select(changes.c.id).where(of_kind).order_by(changes.c.id).limit(limit)
    ids: list[int] = list((await connection.execute(query)).scalars())
    if ids:
        await connection.execute(sa.delete(changes).where(of_kind, changes.c.id <= ids[-1]))
    return ids


async def swap(connection: AsyncConnection) -> None:
    """Make the shadow index the live one; `delete_old` then removes the old one.

    Raises InUseError on PostgreSQL if the live index is being read, or the papers or authors that it refers to.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        shadows = (table + _SHADOW_SUFFIX for table in TABLES)
        await _lock(connection, (*TABLES, *shadows, *_REFERENCED_TABLES))
    await _stop_tracking(connection)
    for table in TABLES:
        await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}{_OLD_SUFFIX}")
        await connection.exec_driver_sql(f"ALTER TABLE {table}{_SHADOW_SUFFIX} RENAME TO {table}")
        if not is_sqlite:
            await connection.exec_driver_sql(f"DROP TABLE {table}{_OLD_SUFFIX}")
            query = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::regclass"
            for (name,) in await _query_catalog(connection, query, table):
                await connection.exec_driver_sql(
                    f"ALTER INDEX {name} RENAME TO {name.removesuffix(_SHADOW_SUFFIX)}"
                )


async def delete_old(connection: AsyncConnection, *, batch_size: int) -> bool:
    """Delete a batch of rows of the old index, or drop its tables; True if more is left.

    SQLite visits every page of a table that it drops: seconds for gigabytes, in which no other connection can write.
    """
    if connection.dialect.name == "sqlite":
        rows = await bulk.fetch_all(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
        for table in {name for (name,) in rows}.intersection(_LARGE_TABLES):
            batch = f"SELECT rowid FROM {table} WHERE rowid > {_FTS5_STRUCTURE_ROWID} LIMIT {batch_size}"  # noqa: S608
            result = await connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid IN ({batch})")  # noqa: S608
            if result.rowcount:
                return True
    for table in TABLES:
        await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}{_OLD_SUFFIX}")
    return False


async def _lock(connection: AsyncConnection, tables: Iterable[str]) -> None:
    """Lock all tables or none, without waiting: waiting for one while holding others could deadlock with a reader."""
    try:
        await connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise errors.InUseError("The index is being read at this moment.") from error
        raise
