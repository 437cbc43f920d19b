"""Copies a database into an empty one, on either engine: SQLite to PostgreSQL, the reverse, or to the same engine.

Every row of every table keeps its values and its id. The search index is not copied: it is rebuilt in the target.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate, tables
from storage.database import Connection, Database, sqlite_path

_INDEX = (
    tables.indexed_papers,
    tables.indexed_authors,
    tables.term_counts,
    tables.name_words,
    tables.mention_counts,
)
COPIED = tuple(table for table in tables.metadata.sorted_tables if table not in _INDEX)
"""The tables that are copied, those that others refer to first."""
_BATCH_BYTES = 4_000_000
"""Bytes of rows that are written at a time."""
_ROWS, _LARGE_ROWS = 5000, 20
"""Rows that are read from SQLite at a time, and those of tables with packed texts: that of a digest may have megabytes."""


class Sum(NamedTuple):
    """What a table holds: its number of rows, and the sum of their hashes, which does not depend on the order."""

    rows: int = 0
    hashes: str = "0"


async def copy(source: Database, target: Database, now: datetime) -> AsyncGenerator[int, None]:
    """Copy all tables, each in a transaction of its own, and yield the number of rows that are there so far.

    A copy that was cut off continues with the table it was at. At the end the rows of all tables are read again in the target
    and compared, and no process can send from the target before. Raises StorageError if a bot or a front runs on one of them at
    `now` (UTC), if they are the same, if the target has rows that no copy of the source put there, if the source is an
    incomplete copy, if the rows differ, or if those of the source have changed since the copy was cut off.
    """
    name = errors.redact(source.url.render_as_string(hide_password=True))
    async with _locked(source), _locked(target):
        for database in (source, target):
            await _require_no_front(database, now)
            if (current := await migrate.current_revision(database)) != migrate.HEAD:
                raise errors.StorageError(
                    f"{database.url.render_as_string(hide_password=True)} has schema {current}, but this version can copy only"
                    f" schema {migrate.HEAD}. Run `paperround db upgrade`, or copy with the version that uses {current}."
                )
        await _require_complete(source)
        sums = await _load_progress(target, name)
        for table in COPIED[: len(sums)]:
            async with source.read() as connection:
                found = await _read(connection, table)
            if found != sums[table.name]:
                raise errors.StorageError(
                    f"The source's table {table.name} has changed since the copy was interrupted. Stop the bot, empty the"
                    " target and copy again."
                )
        yield sum(copied.rows for copied in sums.values())
        for table in COPIED[len(sums) :]:
            sums[table.name] = await _copy_table(source, target, table, name, sums)
            yield sum(copied.rows for copied in sums.values())
        for table in COPIED:
            async with target.read() as connection:
                found = await _read(connection, table)
            if found != Sum(*sums[table.name]):
                raise errors.StorageError(
                    f"The copy's table {table.name} does not match the source's: the checksums differ (rows in the copy:"
                    f" {found.rows}, in the source: {sums[table.name].rows}). Empty the target and copy again."
                )
        async with target.transaction() as connection:
            await key_values.remove(connection, key_values.COPY_PROGRESS)


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[None]:
    """Hold the sender's lock, without a term: no bot runs on the database meanwhile."""
    lock = locks.ProcessLock(database, "sender", locks.ADVISORY_LOCK_ID)
    path = sqlite_path(database.url)
    file = None if path is None else locks.find_lock_file(path, "sender")
    # The file of the lock tells a bot's database from a backup.
    is_temporary = file is not None and not file.exists()
    try:
        if not await lock.try_acquire():
            name = database.url.render_as_string(hide_password=True)
            raise errors.StorageError(
                f"{name} is in use by a running bot, or is both source and target. Stop the bot, or choose another target."
            )
        try:
            yield
        finally:
            if file is not None and is_temporary:
                file.unlink(missing_ok=True)
    finally:
        await lock.release()


async def _require_no_front(database: Database, now: datetime) -> None:
    """Raise StorageError if a front answers readers, who change rows that may be copied already; it has no lock."""
    async with database.read() as connection:
        live = await locks.list_processes(connection, now)
    if locks.has_front(live):
        name = database.url.render_as_string(hide_password=True)
        # By the clock of its machine, which may have been ahead.
        until = max(process.seen_at for process in live) + locks.LIVE
        raise errors.StorageError(
            f"{name} is in use by `paperround run --role front`. Stop it and copy again. If it was killed, copy again after"
            f" {until:%Y-%m-%d %H:%M:%S} UTC, or first delete its row of the table `processes`."
        )


async def _require_complete(source: Database) -> None:
    """Raise StorageError for a source that is itself a copy that was cut off: its copy would pass for a complete one."""
    async with source.read() as connection:
        if await key_values.get(connection, key_values.COPY_PROGRESS) is not None:
            name = source.url.render_as_string(hide_password=True)
            raise errors.StorageError(
                f"The source {name} is an incomplete copy. Complete it first: run `paperround db copy` again from its own source."
            )


async def _load_progress(target: Database, source: str) -> dict[str, Sum]:
    """Return the tables that are copied. Raises StorageError if the target is neither empty nor a copy of this source."""
    async with target.read() as connection:
        stored = await key_values.get(connection, key_values.COPY_PROGRESS)
        progress: Any = json.loads(stored) if stored else {"source": source, "tables": {}}
        is_other = progress["source"] != source
        for table in COPIED[len(progress["tables"]) :]:
            first = await connection.execute(sa.text(f"{_select(connection, table)} LIMIT 1"))
            if is_other or first.first() is not None:
                name = target.url.render_as_string(hide_password=True)
                found = f"a copy of {progress['source']}" if is_other else f"rows in {table.name}"
                sentence = f"{name} already has {found}. Choose an empty database."
                if not stored:
                    sentence += (
                        " If a copy was interrupted while it built the search index, all rows are there: `paperround reindex`"
                        " or the bot's next start builds the rest."
                    )
                raise errors.StorageError(sentence)
    return {table: Sum(*copied) for table, copied in progress["tables"].items()}


async def _copy_table(
    source: Database, target: Database, table: sa.Table, name: str, done: dict[str, Sum]
) -> Sum:
    """Copy the rows of a table, its last id and the progress in one transaction."""
    async with source.read() as reading, target.transaction() as writing, _loading(writing, table):
        copied = await _read(reading, table, lambda lines: _write(writing, table, lines))
        await _set_last_id(writing, table, await _get_last_id(reading, table))
        progress = {"source": name, "tables": {**done, table.name: copied}}
        await key_values.set_value(writing, key_values.COPY_PROGRESS, json.dumps(progress))
    return copied


@asynccontextmanager
async def _loading(connection: Connection, table: sa.Table) -> AsyncIterator[None]:
    """Have PostgreSQL check the references and build the indexes of a table once, when all its rows are there."""
    changes: Sequence[Any] = ()
    if connection.dialect.name != "sqlite":
        changes = (await connection.execute(sa.text(_CHANGES), {"name": table.name})).all()
    for drop, _ in changes:
        await connection.exec_driver_sql(drop)
    yield
    for _, create in changes:
        await connection.exec_driver_sql(create)


_CHANGES = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', regclass(conrelid), conname),
  format('ALTER TABLE %s ADD CONSTRAINT %I %s', regclass(conrelid), conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = to_regclass(:name) AND contype IN ('f', 'u')
UNION ALL
SELECT format('DROP INDEX %s', regclass(indexrelid)), pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = to_regclass(:name) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


# Rows travel as lines of PostgreSQL's COPY in text format, with times and booleans as SQLite stores them. The lines of equal
# rows are equal on both engines, and PostgreSQL makes and reads them by itself.


async def _read(
    connection: Connection, table: sa.Table, receive: Callable[[bytearray], Awaitable[None]] | None = None
) -> Sum:
    """Read a table, have `receive` called with lines of its rows while the next ones are read, and return their sum."""
    rows, hashes, unsent, sending = 0, 0, bytearray(), asyncio.ensure_future(asyncio.sleep(0))

    async def add(lines: bytes) -> None:
        nonlocal rows, hashes
        for line in lines.split(b"\n")[:-1]:
            hashes += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")
            rows += 1
        unsent.extend(lines)
        if len(unsent) > _BATCH_BYTES:
            await send()

    async def send() -> None:
        nonlocal unsent, sending
        await sending
        if receive is not None and unsent:
            sending = asyncio.ensure_future(receive(unsent))
        unsent = bytearray()

    query = _select(connection, table)
    try:
        if connection.dialect.name == "sqlite":
            is_large = any(isinstance(column.type, sa.LargeBinary) for column in table.c)
            result = await connection.stream(sa.text(query))
            async for partition in result.partitions(_LARGE_ROWS if is_large else _ROWS):
                for row in partition:
                    await add(_to_line(row))
        else:
            await (await _begin_copy(connection)).copy_from_query(query, output=add)
        await send()
        await sending
    finally:
        await asyncio.gather(sending, return_exceptions=True)  # it uses the other connection
    return Sum(rows, f"{hashes % (1 << 128):x}")


def _select(connection: Connection, table: sa.Table) -> str:
    """Return the query of what is copied: of `meta` not the state of the index, the schema, the sender and the copy."""
    columns = ", ".join(_as_in_sqlite(column, connection.dialect.name) for column in table.c)
    query = f"SELECT {columns} FROM {table.name}"  # noqa: S608 - constant names
    if table is not tables.meta:
        return query
    own = (key_values.SENDER_NAME, key_values.COPY_PROGRESS, key_values.OLDEST_SCHEMA)
    return f"{query} WHERE key NOT LIKE 'index:%' AND key NOT IN {own}"


def _as_in_sqlite(column: sa.Column[Any], dialect: str) -> str:
    name = f'"{column.name}"'
    if dialect != "sqlite" and column.type is tables.UtcTime:
        return f"to_char({name}, 'YYYY-MM-DD HH24:MI:SS.US')"
    return f"CAST({name} AS int)" if isinstance(column.type, sa.Boolean) else name


async def _write(connection: Connection, table: sa.Table, lines: bytearray) -> None:
    names = [column.name for column in table.c]
    if connection.dialect.name == "sqlite":
        columns = ", ".join(f'"{name}"' for name in names)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - as above
        are_bytes = [isinstance(column.type, sa.LargeBinary) for column in table.c]
        rows = [
            tuple(map(_to_value, line.split("\t"), are_bytes)) for line in lines.decode().split("\n")[:-1]
        ]
        await database.execute_many(connection, statement, rows)
        return
    driver = await _begin_copy(connection)
    from asyncpg import DataError

    try:
        await driver.copy_to_table(table.name, columns=names, source=lines)
    except DataError as error:  # such as a NUL in a text, which SQLite stores
        raise errors.StorageError(
            f"PostgreSQL cannot store a row of {table.name}: {error}. Correct that row in the source, then copy again."
        ) from error


async def _begin_copy(connection: Connection) -> Any:
    """Return asyncpg's connection in the transaction, of which it knows nothing yet, with the formats of the lines."""
    formats = {"TimeZone": "UTC", "DateStyle": "ISO", "bytea_output": "hex", "extra_float_digits": "1"}
    settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in formats.items())
    await connection.exec_driver_sql(f"SELECT {settings}")
    return (await connection.get_raw_connection()).driver_connection


_LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\"}
_CHARACTERS = {letter: character for character, letter in _LETTERS.items()}


def _to_line(row: sa.Row[Any]) -> bytes:
    return ("\t".join(map(_to_text, row)) + "\n").encode()


def _to_text(value: Any) -> str:
    match value:
        case None:
            return r"\N"
        case bytes():
            return rf"\\x{value.hex()}"
        case float():
            return repr(value).removesuffix(".0")  # as PostgreSQL writes it, if it is below 10 ** 15
    return re.sub(r"[\b\f\n\r\t\v\\]", lambda found: "\\" + _LETTERS[found[0]], str(value))


def _to_value(text: str, is_bytes: bool) -> str | bytes | None:
    """Return the value for SQLite, which makes numbers of the texts in columns of numbers."""
    if text == r"\N":
        return None
    if is_bytes:
        return bytes.fromhex(text[3:])
    return re.sub(r"\\(.)", lambda found: _CHARACTERS[found[1]], text)


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
