"""Copy a database into an empty one, on the same or the other engine, directly or by a file with everything.

Every row keeps its values and id. The search index is outside the database, so it is rebuilt, not copied. The file is a
ZIP archive that contains a copy in SQLite, which this version or a later one reads, upgrading the copy first.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import errors, key_values, locks, migrate, schema, sqlite_file, tables
from storage.database import Connection, Database
from storage.statements import insert_rows

COPIED = tuple(table for table in schema.METADATA.sorted_tables if table is not locks.sender_lease)
"""The tables to copy, referenced tables first."""
_ROWS = 100
"""Rows read and written at a time. A single digest may take megabytes."""

OnProgress = Callable[[int, int], None]
"""Called with the number of rows copied so far, and of all rows."""


async def copy(
    source: Database, target: Database, on_progress: OnProgress = lambda *_: None, *, is_export: bool = False
) -> int:
    """Copy all tables in one transaction. Returns the number of rows.

    An export is a snapshot of a database that a bot may use, without the tokens of webhooks. If a copy is interrupted,
    the target stays empty; a target that has as many rows in each table is a finished copy. Raises StorageError if a
    bot is running on a database, if both are the same, if the target has other rows, or if the counts differ at the end.
    """
    if source.path and target.path and source.path.samefile(target.path):
        raise errors.StorageError(f"{target.label} is both source and target. Choose another target.")
    async with (
        nullcontext() if is_export else _locked(source),
        # Addresses of PostgreSQL do not tell whether they mean the same database.
        _locked(target, may_be_source=source.path is target.path),
        source.read() as reading,
        target.transaction() as writing,
    ):
        if not source.is_sqlite:
            await reading.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        counts, present = await _count(reading, is_export=is_export), await _count(writing)
        copied, total = 0, sum(counts.values())
        if present and present == counts:
            return total
        if present:
            raise errors.StorageError(
                f"{target.label} already has rows in {min(present)}. Choose an empty database."
            )
        for table in COPIED:
            query = _select(table, is_export=is_export).execution_options(yield_per=_ROWS)
            result = await reading.stream(query)
            plain = _plain(table)
            async for rows in result.mappings().partitions():
                await insert_rows(writing, plain, rows)
                copied += len(rows)
                on_progress(copied, total)
            if "id" in table.c and table.c.id.identity is not None:
                await _continue_ids(writing, table, await _read_last_id(reading, table))
        if (written := await _count(writing)) != counts:
            raise errors.StorageError(f"The copy has {written} rows, the source {counts}. Copy again.")
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
    """Return the query of a table's rows to copy: in `meta`, not the version of this database's schema."""
    plain = _plain(table)
    if table is not key_values.meta:
        return sa.select(plain)
    omitted = (key_values.SCHEMA, key_values.WEBHOOK) if is_export else (key_values.SCHEMA,)
    return sa.select(plain).where(*(~plain.c.key.startswith(prefix) for prefix in omitted))


async def _count(connection: Connection, *, is_export: bool = False) -> dict[str, int]:
    """Count the rows to copy of each table that has any, by its name."""
    counts = {}
    for table in COPIED:
        rows = _select(table, is_export=is_export).subquery()
        counts[table.name] = await connection.scalar(sa.select(sa.func.count()).select_from(rows)) or 0
    return {name: count for name, count in counts.items() if count}


async def _read_last_id(connection: Connection, table: sa.Table) -> int | None:
    """Return the last id that a table gave, perhaps to a row that was removed; None if it does not say."""
    query = "SELECT seq FROM sqlite_sequence WHERE name = :name"
    if connection.dialect.name != "sqlite":
        query = "SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id'))"
    last: int | None = await connection.scalar(sa.text(query), {"name": table.name})
    return last


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

_COPY = "paperround.db"


async def export(source: Database, file: Path, on_progress: OnProgress = lambda *_: None) -> int:
    """Write everything except webhooks' tokens into a file that only its owner can read. Returns the number of rows.

    A bot may use the database. Nothing is left of an interrupted export but a folder, which the next one removes.
    Raises StorageError if the file cannot be written, or exists and is not an earlier export.
    """
    with _reported(file):
        if file.exists() and not _is_export(file):
            raise errors.StorageError(
                f"{file} is not an earlier export, and was not replaced. Choose another file."
            )
        with _scratch_folder(file.parent, file.name) as folder:
            async with await migrate.open_database(_url_of(folder / _COPY)) as opened:
                rows = await copy(source, opened, on_progress, is_export=True)
            packed = folder / file.name
            await asyncio.to_thread(_pack, folder / _COPY, packed)
            packed.chmod(0o600)
            os.replace(packed, file)
    return rows


@asynccontextmanager
async def open_export(file: Path, database: Path | None = None) -> AsyncIterator[Database]:
    """Open a file with everything to `copy` it, unpacked beside a `database`, or else in the system's temporary folder.

    Raises StorageError if the file is damaged, by a newer version or something else.
    """
    place = database.parent if database and database.parent.is_dir() else Path(tempfile.gettempdir())
    with _reported(file), _scratch_folder(place, file.name) as folder:
        if not _is_export(file):
            hint = "Choose another file."
            if sqlite_file.has_header(file):
                hint = "It is a database: to restore a backup, stop the bot and put it in the place of the database file."
            raise errors.StorageError(f"{file} is not a complete file by `paperround export --all`. {hint}")
        await asyncio.to_thread(_unpack, file, folder)
        try:
            opened = await migrate.open_database(
                _url_of(folder / _COPY), migrate=False, approve=lambda _: None
            )
        except errors.OtherVersionError as error:
            raise errors.StorageError(
                f"{file} was written by a newer version of Paperround. Use that version or a later one."
            ) from error
        async with opened:
            yield opened


def _url_of(path: Path) -> str:
    return sa.URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """Convert the errors of files to sentences."""
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise errors.StorageError(
            f"{file} is incomplete or damaged: {error}. Export again, or use another file."
        ) from error
    except OSError as error:
        raise errors.StorageError(
            f"{error.filename or file} cannot be read or written: {error.strerror or error}. Check its folder and its disk."
        ) from error


@contextmanager
def _scratch_folder(place: Path, name: str) -> Iterator[Path]:
    """Make a folder that only its owner can read, and remove it with its files at the end."""
    folder = place / f"{name}.partial"
    if folder.exists():  # of a killed process
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_export(file: Path) -> bool:
    with file.open("rb") as opened:  # `is_zipfile` hides why a file cannot be read
        if not zipfile.is_zipfile(opened):
            return False
    with zipfile.ZipFile(file) as packed:
        return packed.namelist() == [_COPY]


def _pack(path: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, _COPY)


def _unpack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as packed:
        packed.extract(_COPY, folder)
