"""Copies a database into an empty one, on either engine: SQLite to PostgreSQL, the reverse, or to the same engine.

Every row of every table keeps its values and its id. The search index is not copied: it is rebuilt in the target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate, processes, tables
from storage.database import Connection, Database

_INDEX = (
    tables.indexed_papers,
    tables.indexed_authors,
    tables.term_counts,
    tables.name_words,
    tables.mention_counts,
)
COPIED = tuple(table for table in tables.metadata.sorted_tables if table not in _INDEX)
"""The tables that are copied, those that others refer to first."""
_BATCH, _LARGE_BATCH = 5000, 20
"""Rows that are in memory at a time, and those of tables with packed texts: that of a digest may have megabytes."""


class Sum(NamedTuple):
    """What a table holds: its number of rows, and the sum of their hashes, which does not depend on the order."""

    rows: int = 0
    hashes: str = "0"


class _RawJson(sa.types.UserDefinedType[str]):
    """JSON as the text that is stored: NULL and the JSON value null stay apart, and no value is parsed."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the name of the type in SQL."""
        return "JSON"


async def copy(source: Database, target: Database, now: datetime) -> AsyncGenerator[int, None]:
    """Copy all tables, each in a transaction of its own, and yield the number of rows that are there so far.

    A copy that was cut off continues with the table it was at. At the end the rows of all tables are read again in the target
    and compared, and no process can send from the target before. Raises StorageError if a bot or a front runs on one of them at
    `now` (UTC), if they are the same, if the target has rows that no copy of the source put there, if the rows differ, or if
    those of the source have changed since the copy was cut off.
    """
    name = source.url.render_as_string(hide_password=True)
    async with _locked(source), _locked(target):
        for database in (source, target):
            await _require_no_front(database, now)
            if (current := await migrate.current_revision(database)) != migrate.HEAD:
                raise errors.StorageError(
                    f"{database.url.render_as_string(hide_password=True)} has schema {current}, but this version can copy only"
                    f" schema {migrate.HEAD}. Run `paperround db upgrade`, or copy with the version that uses {current}."
                )
        sums = await _load_progress(target, name)
        for table in COPIED[: len(sums)]:
            async with source.read() as connection:
                found = await _add_up(connection, table)
            if found != sums[table.name]:
                raise errors.StorageError(
                    f"The source's table {table.name} has changed since the copy was cut off. Stop the bot, empty the target and"
                    " copy again."
                )
        yield sum(copied.rows for copied in sums.values())
        for table in COPIED[len(sums) :]:
            sums[table.name] = await _copy_table(source, target, table, name, sums)
            yield sum(copied.rows for copied in sums.values())
        for table in COPIED:
            async with target.read() as connection:
                found = await _add_up(connection, table)
            if found != Sum(*sums[table.name]):
                raise errors.StorageError(
                    f"The copy's table {table.name} has {found.rows} rows whose sums differ from those of the"
                    f" {sums[table.name].rows} rows in the source. Empty the target and copy again."
                )
        async with target.transaction() as connection:
            await key_values.remove(connection, key_values.COPY_PROGRESS)


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[None]:
    """Hold the sender's lock, without a term: no bot runs on the database meanwhile."""
    lock = locks.ProcessLock(database, "sender", locks.ADVISORY_LOCK_ID)
    try:
        if not await lock.try_acquire():
            name = database.url.render_as_string(hide_password=True)
            raise errors.StorageError(
                f"{name} is in use by a running bot, or is both source and target. Stop the bot, or choose another target."
            )
        yield
    finally:
        await lock.release()


async def _require_no_front(database: Database, now: datetime) -> None:
    """Raise StorageError if a front answers readers, who change rows that may be copied already; it has no lock."""
    async with database.read() as connection:
        live = await processes.list_live(connection, now)
    if processes.has_front(live):
        name = database.url.render_as_string(hide_password=True)
        raise errors.StorageError(
            f"{name} is in use by `paperround run --role front`. Stop it (if it was killed, wait two minutes) and copy again."
        )


async def _load_progress(target: Database, source: str) -> dict[str, Sum]:
    """Return the tables that are copied. Raises StorageError if the target is neither empty nor a copy of this source."""
    async with target.read() as connection:
        stored = await key_values.get(connection, key_values.COPY_PROGRESS)
        progress: Any = json.loads(stored) if stored else {"source": source, "tables": {}}
        is_other = progress["source"] != source
        for table in COPIED[len(progress["tables"]) :]:
            if is_other or (await connection.execute(_select(table).limit(1))).first() is not None:
                name = target.url.render_as_string(hide_password=True)
                found = f"a copy of {progress['source']}" if is_other else f"rows in {table.name}"
                raise errors.StorageError(f"{name} already has {found}. Choose an empty database.")
    return {table: Sum(*copied) for table, copied in progress["tables"].items()}


def _select(table: sa.Table) -> sa.Select[Any]:
    """Return the query of what is copied: of `meta` not the state of the index, the schema, the sender and the copy."""
    plain = _plain(table)
    # asyncpg parses JSON.
    query = sa.select(
        *(sa.cast(column, sa.Text) if isinstance(column.type, _RawJson) else column for column in plain.c)
    )
    if table is not tables.meta:
        return query
    own = (key_values.SENDER_NAME, key_values.COPY_PROGRESS, key_values.OLDEST_SCHEMA)
    return query.where(~plain.c.key.startswith("index:"), plain.c.key.not_in(own))


async def _copy_table(
    source: Database, target: Database, table: sa.Table, name: str, done: dict[str, Sum]
) -> Sum:
    """Copy the rows of a table, its last id and the progress in one transaction."""
    copied = _Adder()
    async with AsyncExitStack() as stack:
        reading = await stack.enter_async_context(source.read())
        writing = await stack.enter_async_context(target.transaction())
        async for rows in _read(reading, table):
            copied.add(rows)
            await database.copy_rows(writing, _plain(table), rows)
        await _set_last_id(writing, table, await _get_last_id(reading, table))
        progress = {"source": name, "tables": {**done, table.name: copied.sum}}
        await key_values.set_value(writing, key_values.COPY_PROGRESS, json.dumps(progress))
    return copied.sum


class _Adder:
    """Adds up the rows of a table."""

    def __init__(self) -> None:
        self._rows = self._hashes = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, which are equal on both engines as Python writes them."""
        self._rows += len(rows)
        for row in rows:
            digest = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self._hashes += int.from_bytes(digest, "big")

    @property
    def sum(self) -> Sum:
        """The rows so far."""
        return Sum(self._rows, f"{self._hashes % (1 << 128):x}")


async def _add_up(connection: Connection, table: sa.Table) -> Sum:
    found = _Adder()
    async for rows in _read(connection, table):
        found.add(rows)
    return found.sum


async def _read(connection: Connection, table: sa.Table) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    is_large = any(isinstance(column.type, sa.LargeBinary) for column in table.c)
    batch = _LARGE_BATCH if is_large else _BATCH
    result = await connection.stream(_select(table), execution_options={"yield_per": batch})
    async for rows in result.partitions():
        yield [tuple(row) for row in rows]


@cache
def _plain(table: sa.Table) -> sa.Table:
    """Return a table whose columns give the stored values, but for times, which are UTC on both engines."""
    return sa.Table(
        table.name, sa.MetaData(), *(sa.Column(column.name, _plain_type(column.type)) for column in table.c)
    )


def _plain_type(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    stored = kind.stored_as if isinstance(kind, tables.Stored) and kind is not tables.UtcTime else kind
    return _RawJson() if isinstance(stored, sa.JSON) else stored


async def _get_last_id(connection: Connection, table: sa.Table) -> int:
    """Return the last id that a table has given, to a deleted row too if the engine knows it; 0 without any."""
    if not _gives_ids(table):
        return 0
    last: list[int | None] = [await connection.scalar(sa.select(sa.func.max(table.c.id)))]
    if connection.dialect.name != "sqlite":
        last.append(await connection.scalar(_sequence_query("pg_sequence_last_value(%s::regclass)", table)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        query = sa.text("SELECT max(seq) FROM sqlite_sequence WHERE name = :name")
        last.append(await connection.scalar(query, {"name": table.name}))
    return max(id_ or 0 for id_ in last)


async def _set_last_id(connection: Connection, table: sa.Table, last: int) -> None:
    """Have a table give larger ids than `last`: ids of deleted rows never return."""
    if not last:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(_sequence_query(f"setval(%s, {last})", table))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        values = {"name": table.name, "last": last}
        await connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        await connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), values)


def _gives_ids(table: sa.Table) -> bool:
    return "id" in table.c and table.c.id.identity is not None


def _sequence_query(expression: str, table: sa.Table) -> sa.TextClause:
    sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
    return sa.text(f"SELECT {expression % sequence}")
