"""Copy a database into an empty one, on the same or the other engine, directly or by a file with everything.

Every row keeps its values and id. The search index is outside the database, so it is rebuilt, not copied. The file is a
ZIP archive that contains a copy in SQLite, which this version or a later one reads, upgrading the copy first. What was
written is read again and compared before a copy counts as made.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import backups, errors, key_values, locks, migrate, schema, sqlite_file, tables
from storage.database import Connection, Database
from storage.statements import insert_rows

COPIED = tuple(table for table in schema.METADATA.sorted_tables if table is not locks.sender_lease)
"""The tables to copy, referenced tables first."""
_ROWS = 100
"""Rows read and written at a time. A single digest may take megabytes."""

OnProgress = Callable[[int], None]
"""Called with the number of rows copied so far."""


async def copy(
    source: Database, target: Database, on_progress: OnProgress = lambda _: None, *, is_export: bool = False
) -> int:
    """Copy all tables in one transaction. Returns the number of rows; 0 if the target has exactly these rows already.

    An export is a snapshot of a database that a bot may use, without the tokens of webhooks. If a copy is interrupted,
    the target stays empty. Raises StorageError if a bot is running on a database, if both are the same, or if the
    target has other rows, also at the end.
    """
    if source.path and target.path and source.path.samefile(target.path):
        raise errors.StorageError(f"{target.label} is both source and target. Choose another target.")
    async with (
        nullcontext() if is_export else _locked(source),
        # Addresses of PostgreSQL do not show whether they are of the same database.
        _locked(target, may_be_source=source.path is target.path),
        source.read() as reading,
        target.transaction() as writing,
    ):
        if not source.is_sqlite:
            await reading.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if present := await _sum(writing):
            # A former copy may have been killed after its end, when the search index was built.
            if present == await _sum(reading, is_export=is_export):
                return 0
            raise errors.StorageError(
                f"{target.label} already has rows in {min(present)}, and others than the source. Choose an empty database."
            )
        copied = 0

        async def write(table: sa.Table, rows: list[dict[str, Any]]) -> None:
            nonlocal copied
            await insert_rows(writing, _plain(table), rows)
            copied += len(rows)
            on_progress(copied)

        sums = await _sum(reading, write, is_export=is_export)
        for table in COPIED:
            if "id" in table.c and table.c.id.identity is not None:
                await _continue_ids(writing, table, await _read_last_id(reading, table))
        if different := dict(sums.items() ^ (await _sum(writing)).items()):
            raise errors.StorageError(f"The copy of {min(different)} differs from the source. Copy again.")
    return copied


@asynccontextmanager
async def _locked(database: Database, *, may_be_source: bool = False) -> AsyncIterator[None]:
    """Hold the sender lock, so that no bot can run on the database.

    On PostgreSQL it waits until the lease of a process that was killed has expired.
    """
    lock = locks.SenderLock(database)
    ends_at = time.monotonic() + (0.0 if database.is_sqlite else 1.5 * locks.LEASE.total_seconds())
    try:
        while not await lock.try_acquire():
            if time.monotonic() > ends_at:
                also = (", or is both source and target", ", or choose another target")
                why, way = also if may_be_source else ("", "")
                raise errors.StorageError(
                    f"{database.label} is in use by a running bot{why}. Stop the bot{way}."
                )
            await asyncio.sleep(locks.RETRY_SECONDS)
        async with lock.kept():
            yield
    finally:
        await lock.release()


def _plain(table: sa.Table) -> sa.Table:
    """Return a table with the database's own column types, so that only times are converted."""
    columns = []
    for column in table.c:
        stored = (
            column.type if column.type is tables.UtcTime else getattr(column.type, "stored_as", column.type)
        )
        is_json = isinstance(stored, sa.JSON)
        columns.append(sa.Column(column.name, sa.JSON(none_as_null=True) if is_json else stored))
    return sa.Table(table.name, sa.MetaData(), *columns)


def _select(table: sa.Table, *, is_export: bool) -> sa.Select[Any]:
    """Return the query of a table's rows to copy: in `meta`, neither the version of this schema nor the note on its backup."""
    plain = _plain(table)
    if table is not key_values.meta:
        return sa.select(plain)
    omitted = key_values.SCHEMA, key_values.BACKED_UP, *((key_values.WEBHOOK,) if is_export else ())
    return sa.select(plain).where(*(~plain.c.key.startswith(prefix) for prefix in omitted))


_OnRows = Callable[[sa.Table, list[dict[str, Any]]], Awaitable[None]]


async def _sum(
    connection: Connection, on_rows: _OnRows | None = None, *, is_export: bool = False
) -> dict[str, tuple[int, int]]:
    """Return the number and a checksum of the rows to copy of each table that has any, by its name.

    The checksum is the sum of the rows' hashes, which does not depend on their order: the engines sort texts differently.
    """
    sums = {}
    for table in COPIED:
        query = _select(table, is_export=is_export).execution_options(yield_per=_ROWS)
        count = total = 0
        async for partition in (await connection.stream(query)).mappings().partitions():
            rows = list(map(dict, partition))
            count += len(rows)
            total += sum(int.from_bytes(hashlib.sha256(_describe(row)).digest()) for row in rows)
            if on_rows is not None:
                await on_rows(table, rows)
        if count:
            sums[table.name] = count, total
    return sums


def _describe(row: dict[str, Any]) -> bytes:
    return json.dumps(row, sort_keys=True, default=repr).encode()


async def _read_last_id(connection: Connection, table: sa.Table) -> int | None:
    """Return the last id that was given to a row of a table, which may be removed; None if unknown."""
    query = "SELECT seq FROM sqlite_sequence WHERE name = :name"
    if connection.dialect.name != "sqlite":
        query = "SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id'))"
    last: int | None = await connection.scalar(sa.text(query), {"name": table.name})
    return last or None  # SQLite has 0 for a table that was rebuilt without rows


async def _continue_ids(connection: Connection, table: sa.Table, last: int | None) -> None:
    """Let a copied table continue after the last id that the source gave."""
    if connection.dialect.name != "sqlite":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        newest = sa.func.greatest(sa.func.max(table.c.id), sa.cast(last, sa.BigInteger))
        await connection.execute(sa.select(sa.func.setval(sequence, newest)))
    elif last and table.dialect_options["sqlite"]["autoincrement"]:
        values = {"name": table.name, "last": last}
        await connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        query = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
        await connection.execute(query, values)


# The file with everything.


async def export(source: Database, file: Path, on_progress: OnProgress = lambda _: None) -> int:
    """Write everything except webhooks' tokens into a file that only its owner can read. Returns the number of rows.

    A bot may use the database, and another export may write the same file: the last one to end is kept. An earlier file
    is replaced once the new one has been read again. Raises StorageError if the file cannot be written, or
    exists and is not an earlier export.
    """
    with backups.reported(f"{file} could not be written"):
        backups.check_target(file, "export", _is_export)
        with backups.scratch_folder(file.parent, file.name) as folder:
            copy_file, packed = folder / backups.COPY, folder / "everything.zip"
            if source.path is not None:
                with closing(sqlite3.connect(source.path)) as connection:
                    backups.check_space(folder, backups.measure(connection))
            async with await migrate.open_database(_url_of(copy_file)) as opened:
                if not (rows := await copy(source, opened, on_progress, is_export=True)):
                    raise errors.StorageError(f"{source.label} has no rows. {file} was not written.")
            await asyncio.to_thread(_pack, copy_file, packed)
            backups.put_in_place(packed, file)
    return rows


@asynccontextmanager
async def open_export(file: Path, database: Path | None) -> AsyncIterator[Database]:
    """Open a file with everything to `copy` it, unpacked next to a `database`, or else in the system's temporary folder.

    Raises StorageError if the file is damaged, by a newer version or something else.
    """
    place = database.parent if database and database.parent.is_dir() else Path(tempfile.gettempdir())
    with (
        backups.reported(f"{file} cannot be read", "or use another file"),
        backups.scratch_folder(place, file.name) as folder,
    ):
        if not _is_export(file):
            hint = "Choose another file."
            if file.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff"):
                hint = "It is a text in UTF-16, as PowerShell writes it; texts have to be UTF-8."
            if sqlite_file.has_header(file):
                hint = "It is a database: `paperround restore` puts a backup in the place of the database."
            raise errors.StorageError(f"{file} is not a complete file by `paperround export --all`. {hint}")
        await asyncio.to_thread(_unpack, file, folder)
        url = _url_of(folder / backups.COPY)
        try:
            opened = await migrate.open_database(url, migrate=False, approve=lambda _: None)
        except errors.OtherVersionError as error:
            raise errors.StorageError(
                f"{file} was written by a newer version of Paperround. Use that version or a later one."
            ) from error
        async with opened:
            yield opened


def _url_of(path: Path) -> str:
    return sa.URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


def _is_export(file: Path) -> bool:
    with file.open("rb") as opened:  # `is_zipfile` hides why a file cannot be read
        if not zipfile.is_zipfile(opened):
            return False
    with zipfile.ZipFile(file) as packed:
        return packed.namelist() == [backups.COPY]


def _pack(path: Path, target: Path) -> None:
    """Pack a database, and read it again. Raises BadZipFile if it is not what was written."""
    with sqlite_file.held(path), zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, backups.COPY)
    with zipfile.ZipFile(target) as packed:
        if packed.testzip():
            raise zipfile.BadZipFile("it was not written as it was read")


def _unpack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as packed:
        backups.check_space(folder, packed.getinfo(backups.COPY).file_size)
        packed.extract(backups.COPY, folder)
