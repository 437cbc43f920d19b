"""Opens a database with the current schema, upgrades older ones, and copies a SQLite file while it is in use.

A newer database is used if it says that this version can, and rejected otherwise, as is one that is too old to be upgraded.
Alembic is imported only if there is a migration to run, because most commands find the schema up to date.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage import database, errors, key_values, locks, snapshot, tables

if TYPE_CHECKING:
    from alembic.config import Config

OLDEST = "r0001"
"""The first revision in `migrations/versions`. Those of versions before it were numbers alone, which sort before it."""
HEAD = snapshot.SCHEMA
"""The newest revision in `migrations/versions`; a test compares the two."""
SCRIPTS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x5041504552  # "PAPER": PostgreSQL advisory lock around migrations
LOCK_TIMEOUT = "5s"
"""A migration waits for no table any longer: what comes behind it, such as commands, waits as long."""
RETRY_PAUSES = (1.0, 2.0, 5.0, 10.0)
"""Seconds between attempts, in which the others go on."""
_PARTIAL = ".partial"
_PARTS = (_PARTIAL, f"{_PARTIAL}-journal")
_LOGS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file while it is in use."""
LEFT_SECONDS = 3600.0
_NO_LOCK = ("55P03", "40P01")
"""PostgreSQL's codes for a lock that was not available, and a deadlock."""


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy the database to `target` atomically. Returns the size in bytes.

    The copy is readable for its owner only. Raises StorageError if `target` is the database itself or one of its
    files, or there and neither empty nor a backup, or cannot be written.
    """
    path = database.sqlite_path(source.url)
    if path is None:
        raise errors.StorageError(
            "Only SQLite databases can be copied this way. For PostgreSQL, use pg_dump."
        )
    return await asyncio.to_thread(_copy, path, target)


def _copy(source: Path, target: Path) -> int:
    try:
        # Followed nowhere: a link or device in the target's place would be replaced by a file.
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise errors.StorageError(f"{target} is not a regular file. Choose another file.")
        if target.exists() and target.samefile(source):
            raise errors.StorageError(f"{target} is the database itself. Choose another file.")
        if _is_sibling(source.resolve(), target.resolve()):
            raise errors.StorageError(f"{target} is a file of the database in use. Choose another file.")
        if target.exists() and not _may_be_replaced(target):
            raise errors.StorageError(
                f"{target} is not an earlier backup, or a bot has used it, and was not replaced. Choose another file."
            )
        _copy_whole(source, target)
    except (OSError, ValueError, sqlite3.Error) as error:  # a name with a NUL is a ValueError
        remedy = "Choose a file in an existing folder."
        if target.parent.is_dir():
            remedy = "Check whether its disk is full or read-only, or choose a file in another folder."
        raise errors.StorageError(f"{target} could not be written: {_reason(error)}. {remedy}") from error
    return target.stat().st_size


def _copy_whole(source: Path, target: Path) -> None:
    """Make a copy that only its owner can read, or none.

    Raises OSError and sqlite3.Error if it cannot be written, StorageError if the source is damaged.
    """
    _remove_left(target)
    # A new file with a random name that only its owner can read: others may write to the folder.
    descriptor, name = tempfile.mkstemp(_PARTIAL, f"{target.name[:100]}.", target.parent)
    os.close(descriptor)
    try:
        copy_pages(source, Path(name))
        # Of an earlier copy that a killed process had open: SQLite would play them into the new one.
        for suffix in _LOGS:
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        os.replace(name, target)
    except (OSError, sqlite3.Error) as error:
        for left in (name, f"{name}-journal"):
            Path(left).unlink(missing_ok=True)
        # The copy is a new file, so it is not the damaged one.
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            with database.translated_errors(sa.URL.create("sqlite", database=str(source))):
                raise
        raise


def _remove_left(target: Path) -> None:
    """Remove the parts of copies to this file that were killed. One that is being written has changed a moment ago.

    The names are those of `tempfile`: `backup.zip.partial` beside a target `backup` is of another program.
    """
    part = re.compile(
        re.escape(f"{target.name[:100]}.") + r"\w{8}(?:" + "|".join(map(re.escape, _PARTS)) + ")"
    )
    with contextlib.suppress(OSError):  # another user's file, or a folder that can only be written
        for path in target.parent.iterdir():
            if part.fullmatch(path.name) and time.time() - path.lstat().st_mtime > LEFT_SECONDS:
                path.unlink()


def _reason(error: OSError | ValueError | sqlite3.Error) -> object:
    """Return the reason alone: the text of an OSError names the temporary file, which the operator has not typed."""
    return getattr(error, "strerror", None) or error


def _may_be_replaced(target: Path) -> bool:
    """Whether a file is empty, or a database of Paperround that no bot has sent from: that of another bot is not a backup."""
    if not target.stat().st_size:
        return True
    if not database.is_sqlite_file(target) or locks.find_lock_file(target, "sender").exists():
        return False
    # Immutable: opening another program's file must not make a -wal beside it. One that is there may have the tables.
    immutable = 0 if Path(f"{target}-wal").exists() else 1
    address = f"{target.absolute().as_uri()}?mode=ro&immutable={immutable}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError:  # damaged, so that it cannot be told what it is
        return False
    return names >= {"alembic_version", tables.digests.name}


def _is_sibling(source: Path, target: Path) -> bool:
    """Whether a file is one of SQLite's, or a lock, beside the database: a copy in its place would damage what runs."""
    suffix = target.name.removeprefix(source.name)
    is_beside = target.parent == source.parent and suffix != target.name
    return is_beside and (suffix in _LOGS or suffix.endswith(".lock"))


def copy_pages(source: Path, target: Path) -> None:
    """Copy a SQLite file with the backup API; consistent during concurrent writes.

    In one step, which reads one state and keeps no writer waiting: between two steps each commit of others would restart the
    copy.
    """
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as source_connection,
        closing(sqlite3.connect(target)) as target_connection,
    ):
        source_connection.backup(target_connection)


async def open_database(
    url: str, *, migrate: bool | None = None, name: str | None = None
) -> database.Database:
    """Open a database with the current schema. A child process has the `name` of its parent's.

    `migrate` None: upgrade a SQLite file; PostgreSQL is upgraded only by `db upgrade` and `run`.
    Raises storage.errors.StorageError if the database is newer, too old, locked, read-only, unreachable or out of date.
    """
    name = name or database.make_name()
    opened = database.Database(database.open_engine(url, name), name)
    database.check_file(opened.url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        current = await current_revision(opened)
        if await _is_to_be_upgraded(opened, current):
            if migrate is False or (migrate is None and not opened.is_sqlite):
                raise errors.StorageError(
                    f"{opened.url.render_as_string()} is empty or from an earlier version. Run `paperround db upgrade` first."
                )
            await upgrade(opened)
        stack.pop_all()
    return opened


def redact_url(url: str) -> str:
    """Return a database URL without its password, which may also be an option. Raises StorageError if the URL is invalid."""
    return errors.redact(database.parse_url(url).render_as_string(hide_password=True))


async def current_revision(opened: database.Database) -> str | None:
    """Return the schema revision of the database; None if it is empty.

    Raises StorageError if the database contains tables of another application.
    """
    with database.translated_errors(opened.url):
        async with opened.engine.connect() as connection:
            await connection.execution_options(paperround_writes=False)
            return await connection.run_sync(_read_revision)


async def find_mismatch(opened: database.Database) -> str | None:
    """Return a sentence if this version cannot use the database's schema any more, as after another one migrated it."""
    current = await current_revision(opened)
    if current == HEAD or (current is not None and await _is_compatible(opened, current)):
        return None
    remedy = "update Paperround" if current is not None and current > HEAD else "run `paperround db upgrade`"
    return f"The database has schema {current}, and this version uses {HEAD}: {remedy}."


async def _is_compatible(opened: database.Database, current: str) -> bool:
    """Whether the database has a newer schema that this version can use."""
    if current < HEAD:
        return False
    async with opened.read() as connection:
        return (await key_values.get(connection, key_values.OLDEST_SCHEMA) or current) <= HEAD


def _read_revision(connection: Connection) -> str | None:
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" not in names:
        if names:
            raise errors.StorageError(
                f"{connection.engine.url.render_as_string()} contains tables that are not Paperround's. Choose another database."
            )
        return None
    revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return revision


async def _is_to_be_upgraded(opened: database.Database, current: str | None) -> bool:
    """Whether the schema is older than this version's, or absent. Raises StorageError if this version cannot use it."""
    if current is None or OLDEST <= current < HEAD:
        return True
    if current < OLDEST:
        raise errors.StorageError(
            f"{opened.url.render_as_string()} was written by an earlier Paperround (schema {current}), which this version"
            " cannot upgrade: write its digests to files with that version (`paperround export`) and read them into a new"
            " database with this one (`paperround ingest`)."
        )
    if current != HEAD and not await _is_compatible(opened, current):
        raise errors.StorageError(
            f"{opened.url.render_as_string()} was written by a newer Paperround (schema {current}, this version"
            f" knows {HEAD}). Update Paperround, or restore an older backup."
        )
    return False


async def upgrade(opened: database.Database) -> str | None:
    """Run the missing migrations in one transaction and one process at a time. Returns the previous revision.

    A SQLite file with data is first copied to `<file>.before-<head>-from-<revision>`. On PostgreSQL raises StorageError if a
    table stays locked, or if a process still runs that cannot use the new schema.
    """
    async with _migration_lock(opened):
        current = await current_revision(opened)
        if not await _is_to_be_upgraded(opened, current):
            return current
        if current is None:
            await _require_unicode(opened)
        path = database.sqlite_path(opened.url)
        if path is not None and current is not None:
            await asyncio.to_thread(_backup_sqlite_file, path, current)
        for pause in (*RETRY_PAUSES, None):
            try:
                await _run_migrations(opened, is_empty=current is None)
            except sa.exc.DBAPIError as error:
                if database.sqlstate(error) not in _NO_LOCK:
                    raise
            else:
                return current
            if pause is not None:
                await asyncio.sleep(pause)
    raise errors.StorageError(
        f"{opened.url.render_as_string()} could not be migrated: other transactions kept its tables locked for {LOCK_TIMEOUT},"
        f" {len(RETRY_PAUSES) + 1} times. Nothing was changed. Try again, or end the sessions that pg_stat_activity shows."
    )


async def _require_unicode(opened: database.Database) -> None:
    """Raise StorageError if a database of PostgreSQL cannot store every character: papers would be left out for one."""
    if opened.is_sqlite:
        return
    async with opened.read() as connection:
        encoding = await connection.scalar(sa.text("SHOW server_encoding"))
    if encoding not in ("UTF8", "SQL_ASCII"):  # the latter converts nothing
        raise errors.StorageError(
            f"{opened.url.render_as_string()} has the encoding {encoding}, which lacks characters of papers. Make another"
            " database, such as by: CREATE DATABASE papers ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0."
        )


async def _run_migrations(opened: database.Database, *, is_empty: bool) -> None:
    """Migrate, and store the oldest schema whose programs can go on."""
    oldest = _find_oldest_compatible()
    async with opened.transaction() as connection:
        if not opened.is_sqlite:
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            if not is_empty and (older := await locks.list_older_processes(connection, oldest)):
                raise errors.StorageError(
                    f"{opened.url.render_as_string()} was not migrated: schema {HEAD} removes what {', '.join(older)} still"
                    f" need{'s. Stop it, or update it' if len(older) == 1 else '. Stop them, or update them'}"
                    f" to a version with schema {oldest}. If one was killed, wait two minutes."
                )
        await connection.run_sync(_run_alembic)
        if oldest == HEAD:
            await key_values.remove(connection, key_values.OLDEST_SCHEMA)
        else:
            await key_values.set_value(connection, key_values.OLDEST_SCHEMA, oldest)


def _configure() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def _find_oldest_compatible() -> str:
    """Return the oldest schema whose programs can use this version's: the newest that a contracting revision names."""
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory.from_config(_configure()).walk_revisions()
    return max(getattr(revision.module, "oldest_compatible", OLDEST) for revision in revisions)


def _run_alembic(connection: Connection) -> None:
    from alembic import command

    config = _configure()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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


def _backup_sqlite_file(path: Path, revision: str) -> None:
    copy = path.with_name(f"{path.name}.before-{HEAD}-from-{revision}")
    try:
        _copy_whole(path, copy)
        shutil.copymode(path, copy)
    except (OSError, sqlite3.Error) as error:
        raise errors.StorageError(
            f"{path} was not upgraded, and nothing was changed: its backup {copy} could not be written"
            f" ({_reason(error)}). Free up {path.stat().st_size / 1e6:.0f} MB on its disk, then start again."
        ) from error
