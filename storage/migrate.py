"""Open a database, create the schema in an empty one, and back up a SQLite file that is in use.

The version of the schema is a hash of its columns. Before the first release, other versions are not migrated.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import sqlalchemy as sa

from storage import database, errors, key_values, locks, tables

MIGRATION_LOCK = 0x5041504552  # "PAPER": PostgreSQL advisory lock for creating the schema


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy the database atomically to a file that only its owner can read. Returns the size in bytes.

    Raises StorageError if `target` cannot be written, or exists and is not a backup.
    """
    path = database.sqlite_path(source.url)
    assert path is not None, "PostgreSQL has pg_dump"
    return await asyncio.to_thread(_copy, path, target)


def _copy(source: Path, target: Path) -> int:
    try:
        if target.exists() and (target.samefile(source) or not _is_backup(target)):
            raise errors.StorageError(
                f"{target} is not an earlier backup, and was not replaced. Choose another file."
            )
        partial = target.with_name(f"{target.name}.partial")
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("VACUUM INTO ?", (str(partial),))
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise errors.StorageError(
            f"{target} could not be written: {reason}. Check its folder and its disk, and the database by `paperround doctor`."
        ) from error
    return target.stat().st_size


def _is_backup(target: Path) -> bool:
    """Return whether a file is empty or a Paperround database."""
    if not target.stat().st_size:
        return True
    with closing(sqlite3.connect(f"{target.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return bool(
                connection.execute("SELECT 1 FROM meta WHERE key = ?", (key_values.SCHEMA_HASH,)).fetchall()
            )
        except sqlite3.DatabaseError:
            return False


async def open_database(
    url: str, *, migrate: bool | None = None, name: str | None = None
) -> database.Database:
    """Open a database with the current schema. In a child process, `name` is the parent's session name.

    If `migrate` is None, the schema is created only in an empty SQLite file; on PostgreSQL, `db upgrade` and
    `run` create it. Raises StorageError if the database has another version, or is locked, read-only or
    unreachable.
    """
    name = name or database.make_name()
    opened = database.Database(database.open_engine(url, name), name)
    database.check_file(opened.url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        current = await current_schema(opened)
        if current is None:
            if migrate is False or (migrate is None and not opened.is_sqlite):
                raise errors.StorageError(
                    f"{opened.url.render_as_string()} is empty. Run `paperround db upgrade` first."
                )
            await upgrade(opened)
        elif current != hash_schema():
            raise errors.StorageError(
                f"{opened.url.render_as_string()} was made by another version of Paperround, which this one cannot use: write its"
                " digests to files with that version (`paperround export`), and read them into a new database (`paperround"
                " ingest`)."
            )
        stack.pop_all()
    return opened


def redact_url(url: str) -> str:
    """Return a database URL with its password redacted. Raises StorageError if the URL is invalid."""
    return errors.redact(database.parse_url(url).render_as_string(hide_password=True))


async def current_schema(opened: database.Database) -> str | None:
    """Return the hash of the database's schema; "" if unknown, None if the database is empty.

    Raises StorageError if the tables belong to another application.
    """
    async with opened.read() as connection:
        names = await connection.run_sync(lambda inner: sa.inspect(inner).get_table_names())
        if not names:
            return None
        if tables.sender_lease.name not in names:
            raise errors.StorageError(
                f"{opened.url.render_as_string()} contains tables that are not Paperround's. Choose another database."
            )
        return await key_values.get(connection, key_values.SCHEMA_HASH) or ""


def hash_schema() -> str:
    """Return a hash of all columns in the schema."""
    columns = [f"{column} {column.type!r}" for table in tables.metadata.sorted_tables for column in table.c]
    return hashlib.sha256("\n".join(columns).encode()).hexdigest()[:16]


async def upgrade(opened: database.Database) -> None:
    """Create the schema in an empty database, in one transaction. Other processes wait."""
    async with _migration_lock(opened), opened.transaction() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await key_values.set_value(connection, key_values.SCHEMA_HASH, hash_schema())


@asynccontextmanager
async def _migration_lock(opened: database.Database) -> AsyncIterator[None]:
    path = database.sqlite_path(opened.url)
    if path is not None:
        with locks.open_lock_file(path, "migrate") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        return
    async with opened.engine.connect() as connection:
        await connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
        try:
            yield
        finally:
            await connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATION_LOCK)))
