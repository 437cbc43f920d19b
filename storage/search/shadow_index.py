"""A second set of the index's tables beside the first: filled while the first one answers, then put in its place.

Whoever writes within `writing` sees the second set under the first one's names. Triggers note which papers and people
change in the first set meanwhile. What goes into an index is not decided here.
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
    "text_dictionaries",
    "term_counts",
    "author_words",
    "indexed_authors",
    "name_words",
    "name_deletions",
    "mention_counts",
    "search_eras",
)
"""All that an index consists of."""
CHANGES_TABLE = "index_changes"
_SHADOW_SUFFIX = "_beside"
_OLD_SUFFIX = "_former"
_LARGE_TABLES = (
    *(f"{table}{_OLD_SUFFIX}_data" for table in ("paper_words", "paper_titles", "author_words")),
    f"indexed_papers{_OLD_SUFFIX}",
)
"""The tables with row ids that nearly all of a former set on SQLite lies in."""
_FTS5_STRUCTURE_ROWID = 10
"""FTS5 opens, and so drops, no table without its first rows: the structure of its index is in number 10."""
_TABLE_PATTERN = re.compile(rf"\b({'|'.join(TABLES)})\b")
_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that could not be had at once."""


class TrackedTable(Enum):
    """What an index is made of: the table whose changes are noted, and the column that names the thing."""

    PAPERS = ("indexed_papers", "paper_id")
    AUTHORS = ("indexed_authors", "author_id")


@asynccontextmanager
async def redirect_to_shadow(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let every statement of this connection that names a table of the index mean the second set."""
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
    """Make an empty second set, in place of one that may be there, and begin to note changes of the first."""
    await drop(connection)
    key = "kind TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (kind, id)"
    await connection.exec_driver_sql(f"CREATE TABLE {CHANGES_TABLE} ({key})")
    if connection.dialect.name == "sqlite":
        for table in TABLES:
            query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
            [(made_by,)] = await bulk.fetch_all(connection, query, (table,))
            await connection.exec_driver_sql(
                re.sub(rf'^(CREATE (?:VIRTUAL )?TABLE) "?{table}"?', rf"\1 {table}{_SHADOW_SUFFIX}", made_by)
            )
    else:
        for table in TABLES:
            await _copy_for_postgresql(connection, table)
    for kind in TrackedTable:
        for statement in _trigger_statements(connection, *kind.value):
            await connection.exec_driver_sql(statement)


async def _copy_for_postgresql(connection: AsyncConnection, table: str) -> None:
    """Make an empty table like another with the same indexes and constraints, whose names end in the suffix."""
    copy = table + _SHADOW_SUFFIX
    await connection.exec_driver_sql(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)")
    query = "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1::regclass"
    for name, made_by in await _query_catalog(connection, query, table):
        made = re.sub(
            rf"INDEX {name} ON (\S+\.)?{table} ",
            rf"INDEX {name}{_SHADOW_SUFFIX} ON \1{copy} ",
            made_by,
            count=1,
        )
        await connection.exec_driver_sql(made)
    query = "SELECT conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass"
    for name, kind, made_by in await _query_catalog(connection, query, table):
        if kind in "pu":
            words = "PRIMARY KEY" if kind == "p" else "UNIQUE"
            made_by = f"{words} USING INDEX {name}{_SHADOW_SUFFIX}"
            name += _SHADOW_SUFFIX
        elif kind != "f":
            continue
        await connection.exec_driver_sql(f"ALTER TABLE {copy} ADD CONSTRAINT {name} {made_by}")


async def _query_catalog(connection: AsyncConnection, query: str, table: str) -> Sequence[Any]:
    # Through text, since the driver wants a number for a regclass.
    return (await connection.exec_driver_sql(query.replace("$1", f"'{table}'"))).all()


def _trigger_statements(connection: AsyncConnection, table: str, column: str) -> list[str]:
    note = f"INSERT INTO {CHANGES_TABLE} VALUES ('{table}', {{row}}.{column}) ON CONFLICT DO NOTHING;"  # noqa: S608
    old, new = note.format(row="OLD"), note.format(row="NEW")
    events = (("insert", new), ("delete", old), ("update", old + new))
    if connection.dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER note_{event}_of_{table} AFTER {event} ON {table} BEGIN {body} END"
            for event, body in events
        ]
    made = []
    for event, body in events:
        name = f"note_{event}_of_{table}"
        made.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        made.append(f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    return made


async def drop(connection: AsyncConnection) -> None:
    """Take the second set away, and what is left of a former one, and note changes no more."""
    await _stop_tracking(connection)
    for table in TABLES:
        for suffix in (_SHADOW_SUFFIX, _OLD_SUFFIX):
            await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}{suffix}")


async def _stop_tracking(connection: AsyncConnection) -> None:
    for kind in TrackedTable:
        table, _ = kind.value
        for event in ("insert", "delete", "update"):
            name = f"note_{event}_of_{table}"
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            else:
                await connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                await connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
    await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {CHANGES_TABLE}")


async def pop_changes(connection: AsyncConnection, tracked: TrackedTable, *, limit: int) -> list[int]:
    """Return the ids of papers or people that changed in the first set, and forget that they did."""
    noted = sa.table(CHANGES_TABLE, sa.column("kind"), sa.column("id"))
    of_kind = noted.c.kind == tracked.value[0]
    query = sa.select(noted.c.id).where(of_kind).order_by(noted.c.id).limit(limit)
    ids: list[int] = list((await connection.execute(query)).scalars())
    if ids:
        # In order: all up to the last one that is returned.
        await connection.execute(sa.delete(noted).where(of_kind, noted.c.id <= ids[-1]))
    return ids


async def swap(connection: AsyncConnection) -> None:
    """Put the second set in the first one's place. Raises InUseError if somebody reads the first one at this moment.

    `clear_away` removes the former set.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        await _lock(connection, (*TABLES, *(table + _SHADOW_SUFFIX for table in TABLES)))
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
    """Remove a piece of the set that was first before; True if more is left.

    SQLite visits every page of a table that is dropped, for seconds if there are gigabytes, and others wait.
    """
    if connection.dialect.name == "sqlite":
        found = await bulk.fetch_all(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
        for table in {name for (name,) in found}.intersection(_LARGE_TABLES):
            some = f"SELECT rowid FROM {table} WHERE rowid > {_FTS5_STRUCTURE_ROWID} LIMIT {batch_size}"  # noqa: S608
            removed = await connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid IN ({some})")  # noqa: S608
            if removed.rowcount:
                return True
    for table in TABLES:
        await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}{_OLD_SUFFIX}")
    return False


async def _lock(connection: AsyncConnection, tables: Iterable[str]) -> None:
    """Lock tables, all at once or not at all: who waited for one while holding another could be deadlocked by a reader."""
    try:
        await connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise errors.InUseError("The index is being read at this moment.") from error
        raise
