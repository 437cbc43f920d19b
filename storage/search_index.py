"""The search index as it is written: its rows, the counts beside them, and the shadow index of a rebuild.

A rebuild is blue/green: a second set of index tables is filled while the live set answers, then swapped in. Within
`redirect_to_shadow` the names of the live tables mean the shadow tables.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, errors, search, snapshot
from storage.tables import glossary, indexed_papers, papers, term_counts

HASH_MULTIPLIER = 2654435761
"""Multiplier of the hash from a paper's id to its slot. The papers of one slot are a sample of all papers."""
COMPRESSION_LEVEL = 3
_PROBE_LENGTH = 16
"""Slots checked at once when a slot is taken."""
_MERGED_PAGES = 200
_MIN_MERGE_CHANGES = 2
"""Rows that a merge changes if it has merged anything."""

TokenRows = Sequence[tuple[int, str]]
"""Positions, each with its tokens separated by spaces."""

# The engines are contentless FTS5 tables without positions on SQLite, and tables of lexemes with GIN on PostgreSQL. Both order
# results by a row id, the *position*. Neither tokenises text itself.


async def insert(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Insert rows; their positions must be free."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - constant table
        values = sorted(rows)
    else:
        statement = (
            f"INSERT INTO {table} (position, tokens)"  # noqa: S608 - constant table
            " VALUES (?, array_to_tsvector(array_remove(string_to_array(?, ' '), '')))"
        )
        # The token of the tier: no token of the analyser begins with a full stop.
        bits = search.TIER_BITS[table]
        values = sorted((position, f"{tokens} .e{position >> bits}") for position, tokens in rows)
    await database.execute_many(connection, statement, values)
    await _change_counts(connection, table, [position for position, _ in rows], 1)


async def delete(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Delete rows. On SQLite they must have exactly the tokens that they were inserted with."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)"  # noqa: S608
        await database.execute_many(connection, statement, rows)
    else:
        statement = f"DELETE FROM {table} WHERE position = ?"  # noqa: S608 - constant table
        await database.execute_many(connection, statement, [(position,) for position, _ in rows])
    await _change_counts(connection, table, [position for position, _ in rows], -1)


async def _change_counts(connection: AsyncConnection, table: str, positions: Sequence[int], by: int) -> None:
    """Add a number to the row counts of the tiers of these positions."""
    changes = Counter(position >> search.TIER_BITS[table] for position in positions)
    await database.execute_many(
        connection,
        "INSERT INTO search_tiers (name, tier, entries) VALUES (?, ?, ?)"
        " ON CONFLICT (name, tier) DO UPDATE SET entries = search_tiers.entries + excluded.entries",
        [(table, tier, by * number) for tier, number in sorted(changes.items())],
    )


async def assign_positions(connection: AsyncConnection, popularity: Mapping[int, float]) -> dict[int, int]:
    """Return a free position for each paper id, given its popularity (0 to 64), behind its hashed slot.

    The distance between probes doubles, so that a few find a free slot behind any number of papers of one popularity.
    """
    assigned, taken = dict[int, int](), set[int]()
    starts = {
        paper_id: (search.TOP_STEP - int(search.STEPS_PER_UNIT * value)) * search.SLOTS_PER_STEP
        + paper_id * HASH_MULTIPLIER % search.SLOTS_PER_STEP
        for paper_id, value in popularity.items()
    }
    length = distance = 1
    column = indexed_papers.c.position
    while starts:
        probed = {start + offset for start in starts.values() for offset in range(length)}
        rows = await database.select_where_in(connection, column, probed, (column,))
        taken.update(position for (position,) in rows)
        unassigned: dict[int, int] = {}
        for paper_id, start in starts.items():
            free = next((slot for slot in range(start, start + length) if slot not in taken), None)
            if free is None:
                unassigned[paper_id] = start + distance
            else:
                assigned[paper_id] = free
                taken.add(free)
        starts, length, distance = unassigned, _PROBE_LENGTH, max(2 * distance, _PROBE_LENGTH)
    return assigned


async def add(connection: AsyncConnection, rows: Sequence[search.IndexRow]) -> None:
    """Add rows with their tokens; their positions must be free."""
    if not rows:
        return
    import zstandard  # loaded with the first use of the index, not by an idle bot

    # One for each call, since several threads may not share one.
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=False)
    values = []
    for position, paper_id, (title, body, mentions, institutions), votes, last_on, *_ in rows:
        texts = "\0".join((title, body, *mentions, "\t" + " ".join(institutions)))
        values.append((position, paper_id, compressor.compress(texts.encode()), votes, last_on))
    columns = ("position", "paper_id", "texts", "votes", "last_on")
    await database.insert_rows(connection, indexed_papers, columns, values)
    await insert(connection, search.WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await insert(connection, search.TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def remove(connection: AsyncConnection, rows: Sequence[search.IndexRow]) -> None:
    """Remove rows. On SQLite they must have exactly the tokens that they were added with."""
    if not rows:
        return
    await database.delete_rows(connection, indexed_papers, ("position",), [(row.position,) for row in rows])
    await delete(connection, search.WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await delete(connection, search.TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def merge_step(connection: AsyncConnection, *, is_first: bool) -> bool:
    """Merge the segments that additions leave in SQLite's index, and that each query reads one by one.

    On PostgreSQL nothing is done. Returns whether there may be more to merge. A step writes about a megabyte; a merged index
    of 700,000 papers answers in half of the time.
    """
    if connection.dialect.name != "sqlite":
        return False
    has_more, counting = False, "SELECT total_changes()"
    for table in (search.WORDS_TABLE, search.TITLES_TABLE):
        ((before,),) = await database.fetch_all(connection, counting)
        # A negative number makes all segments one, a positive one goes on with it (SQLite, FTS5, "The merge command").
        statement = f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)"  # noqa: S608 - constant table
        await connection.exec_driver_sql(statement, (-_MERGED_PAGES if is_first else _MERGED_PAGES,))
        ((after,),) = await database.fetch_all(connection, counting)
        has_more |= after - before >= _MIN_MERGE_CHANGES
    return has_more


async def change_counts(connection: AsyncConnection, frequencies: Mapping[str, int]) -> None:
    """Add to the document frequencies of tokens; a change may be negative."""
    await database.increment_counts(connection, term_counts, frequencies)


async def list_unindexed(connection: AsyncConnection, *, before_id: int | None, limit: int) -> list[int]:
    """Return the ids of listed papers that are not in the index, below `before_id`, in descending order."""
    query = (
        sa.select(papers.c.id)
        .outerjoin(indexed_papers, indexed_papers.c.paper_id == papers.c.id)
        .where(papers.c.last_on.is_not(None), indexed_papers.c.paper_id.is_(None))
        .order_by(papers.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(papers.c.id < before_id)
    return list((await connection.execute(query)).scalars())


async def count_all(connection: AsyncConnection) -> int:
    """Return the number of papers in the index."""
    query = sa.select(sa.func.count()).select_from(indexed_papers)
    return int((await connection.execute(query)).scalar_one())


# What the glossary learns is stored as opaque JSON.


async def save(connection: AsyncConnection, made_at: datetime, papers: int, data: str) -> None:
    """Store what was learnt from a number of papers, replacing the former."""
    values = {"made_at": made_at, "papers": papers, "data": zlib.compress(data.encode())}
    statement = database.dialect_insert(connection, glossary).values(id=1, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


# The shadow index of a rebuild.

TABLES = (
    "paper_words",
    "paper_titles",
    "indexed_papers",
    "term_counts",
    "author_words",
    "indexed_authors",
    "name_words",
    "search_tiers",
)
"""All tables of an index."""
_REFERENCED_TABLES = ("papers", "authors")
"""Those that the index refers to. PostgreSQL locks them too when it drops a table of the index."""
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


@asynccontextmanager
async def redirect_to_shadow(connection: AsyncConnection) -> AsyncIterator[None]:
    """Redirect this connection's statements on index tables to the shadow tables."""
    sync = connection.sync_connection
    assert sync is not None
    await connection.execution_options(**{snapshot.REDIRECTED_OPTION: True})
    sa.event.listen(sync, "before_cursor_execute", _redirect, retval=True)
    try:
        yield
    finally:
        sa.event.remove(sync, "before_cursor_execute", _redirect)
        await connection.execution_options(**{snapshot.REDIRECTED_OPTION: False})


def _redirect(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    return _TABLE_PATTERN.sub(rf"\1{_SHADOW_SUFFIX}", statement), parameters


MIN_FREE_BYTES = 50_000_000
"""Of the disk, which a rebuild leaves to posts: without any they would wait until a person frees some."""


def require_room(opened: database.Database) -> None:
    """Raise StorageError if a SQLite file's disk has too little space for more of a second index."""
    path = database.sqlite_path(opened.url)
    if path is None:
        return
    free = shutil.disk_usage(path.parent).free
    if free < MIN_FREE_BYTES:
        raise errors.StorageError(
            f"The rebuild of the search index is paused: only {free / 1e6:.0f} MB are free on the disk of {path}, and"
            f" {MIN_FREE_BYTES / 1e6:.0f} MB are reserved for posts. Free some space: a running bot"
            " then continues by itself; otherwise run `paperround reindex`."
        )


async def create(connection: AsyncConnection) -> None:
    """Create empty shadow tables, dropping what an earlier rebuild left."""
    await drop(connection)
    for table in TABLES:
        if connection.dialect.name != "sqlite":
            await _copy_for_postgresql(connection, table)
            continue
        query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
        [(definition,)] = await database.fetch_all(connection, query, (table,))
        named = rf'^(CREATE (?:VIRTUAL )?TABLE) "?{table}"?'
        await connection.exec_driver_sql(re.sub(named, rf"\1 {table}{_SHADOW_SUFFIX}", definition))


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


async def drop(connection: AsyncConnection) -> None:
    """Drop the shadow tables, and what is left of old ones."""
    for table in TABLES:
        for suffix in (_SHADOW_SUFFIX, _OLD_SUFFIX):
            await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}{suffix}")


async def swap(connection: AsyncConnection) -> None:
    """Make the shadow index the live one; `delete_old` then removes the old one.

    Raises InUseError on PostgreSQL if the live index is being read, or the papers or authors that it refers to.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        shadows = (table + _SHADOW_SUFFIX for table in TABLES)
        await _lock(connection, (*TABLES, *shadows, *_REFERENCED_TABLES))
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

    SQLite visits every page of a table that it drops: ten seconds for a gigabyte, in which no other connection can write.
    """
    if connection.dialect.name == "sqlite":
        rows = await database.fetch_all(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")
        for table in {name for (name,) in rows}.intersection(_LARGE_TABLES):
            batch = f"SELECT rowid FROM {table} WHERE rowid > {_FTS5_STRUCTURE_ROWID} LIMIT {batch_size}"  # noqa: S608
            result = await connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid IN ({batch})")  # noqa: S608
            if result.rowcount:
                return True
    await drop(connection)
    return False


async def _lock(connection: AsyncConnection, tables: Iterable[str]) -> None:
    """Lock all tables or none, without waiting: waiting for one while holding others could deadlock with a reader."""
    try:
        await connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise errors.InUseError("The index is being read at this moment.") from error
        raise
