"""Open a database, create or upgrade its schema, and back up a SQLite file that is in use.

Older versions of the schema are upgraded by `storage.migrations`, newer ones refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrations, tables

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
            query = "SELECT 1 FROM meta WHERE key IN (?, ?)"
            keys = key_values.SCHEMA_VERSION, key_values.SCHEMA_HASH
            return bool(connection.execute(query, keys).fetchall())
        except sqlite3.DatabaseError:
            return False


async def open_database(
    url: str, *, migrate: bool | None = None, name: str | None = None
) -> database.Database:
    """Open a database with the current schema. In a child process, `name` is the parent's session name.

    With `migrate`, an empty database gets the schema and an older one is upgraded. If it is None, the schema is
    created only in an empty SQLite file. Raises StorageError if the database has another version, or is locked,
    read-only or unreachable.
    """
    name = name or database.make_name()
    opened = database.Database(database.open_engine(url, name), name)
    database.check_file(opened.url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        version = await find_version(opened)
        if version is None and migrate is None:
            migrate = opened.is_sqlite
        if version != migrations.VERSION:
            if not migrate:
                raise errors.StorageError(_describe_old(opened, version))
            await upgrade(opened)
        stack.pop_all()
    return opened


def _describe_old(opened: database.Database, version: int | None) -> str:
    name = opened.url.render_as_string()
    if version is None:
        return f"{name} is empty. Run `paperround db upgrade` first."
    return (
        f"{name} has schema {version}, and this version of Paperround uses schema {migrations.VERSION}. Run `paperround"
        " db upgrade`."
    )


def redact_url(url: str) -> str:
    """Return a database URL with its password redacted. Raises StorageError if the URL is invalid."""
    return errors.redact(database.parse_url(url).render_as_string(hide_password=True))


async def find_version(opened: database.Database) -> int | None:
    """Return the version of the database's schema, or None if the database is empty.

    Raises StorageError if a newer version or another application made it.
    """
    async with opened.read() as connection:
        version = await connection.run_sync(_read_version)
    name = opened.url.render_as_string()
    if version == _FOREIGN:
        raise errors.StorageError(
            f"{name} contains tables that are not Paperround's. Choose another database."
        )
    if version is not None and version > migrations.VERSION:
        raise errors.StorageError(
            f"{name} has schema {version}, made by a newer version of Paperround; this one uses schema {migrations.VERSION}."
            " Install the newer version again, or restore a backup from before the upgrade."
        )
    return version


_FOREIGN = 0
_FIRST_HASH = "3329496193c9c800"
"""The hash of the columns of version 1."""


def _read_version(connection: sa.Connection) -> int | None:
    """Return the version of a database's schema, None if it is empty, or _FOREIGN if it is unknown."""
    names = sa.inspect(connection).get_table_names()
    if not names:
        return None
    if not {tables.sender_lease.name, tables.meta.name} <= set(names):
        return _FOREIGN
    query = sa.select(tables.meta.c.key, tables.meta.c.value)
    rows = connection.execute(query.where(tables.meta.c.key.startswith(key_values.SCHEMA)))
    found = {row.key: row.value for row in rows}
    number = found.get(key_values.SCHEMA_VERSION, "")
    if number.isdecimal():
        return int(number)
    return 1 if found.get(key_values.SCHEMA_HASH) == _FIRST_HASH else _FOREIGN


async def upgrade(opened: database.Database) -> None:
    """Create the schema in an empty database, or run the migrations that an older one lacks. Other processes wait.

    Each migration is one transaction: after an interruption the next call continues with the version reached.
    """
    async with _migration_lock(opened):
        while await find_version(opened) != migrations.VERSION:
            async with _open_for_migration(opened) as connection:
                await connection.run_sync(_advance)


def _advance(connection: sa.Connection) -> None:
    """Create the newest schema in an empty database, or bring another one to its next version."""
    version = _read_version(connection)
    if version is None:
        tables.metadata.create_all(connection)
        version = migrations.VERSION
    else:
        version += 1
        migrations.MIGRATIONS[version](connection)
        connection.execute(tables.meta.delete().where(tables.meta.c.key.startswith(key_values.SCHEMA)))
    connection.execute(tables.meta.insert().values(key=key_values.SCHEMA_VERSION, value=str(version)))


@asynccontextmanager
async def _open_for_migration(opened: database.Database) -> AsyncIterator[database.Connection]:
    """Yield the connection of a write transaction in which SQLite lets tables be replaced that others refer to."""
    with database.translated_errors(opened.url):
        async with opened.engine.connect() as connection:
            if not opened.is_sqlite:
                async with connection.begin():
                    yield connection
                return
            raw: Any = (await connection.get_raw_connection()).driver_connection
            # With foreign keys, dropping a table deletes the rows that refer to it. Inside a transaction this has no effect.
            await raw.execute_fetchall("PRAGMA foreign_keys=OFF")
            try:
                before = await raw.execute_fetchall("PRAGMA foreign_key_check")
                async with connection.begin():
                    yield connection
                    after = await connection.exec_driver_sql("PRAGMA foreign_key_check")
                    assert len(after.all()) <= len(list(before)), "a migration broke references"
            finally:
                await raw.execute_fetchall("PRAGMA foreign_keys=ON")


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
