"""Open a database, and create or upgrade its schema.

Older versions of the schema are upgraded by `storage.migrations`, newer ones refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import glob
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage import backups, database, engines, errors, key_values, locks, migrations, postgresql, schema

MIGRATION_LOCK = 0x5041504552  # "PAPER": PostgreSQL advisory lock for creating and upgrading the schema


UPGRADE = (
    "`paperround db upgrade` upgrades it, and so does `paperround run` unless PAPERROUND_UPGRADE=manual."
)
"""The treatment of a database with an older schema."""


def make_name(version: int) -> str:
    """Return a name for this process's sessions, with the version of the schema that it uses.

    It has random digits, since process ids are reused.
    """
    process = f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(4)}"
    return f"paperround {process}{_name_suffix(version)}"


def _name_suffix(version: int) -> str:
    """Return the end of the names of all sessions that use a version of the schema."""
    return f" v{version}"


Approve = Callable[[str], None]
"""Called with sentences that say what an upgrade will do; raises an error to prevent it."""


OnStep = Callable[[str], None]
"""Called with a sentence at each step of an upgrade, before it begins."""


async def open_database(
    url: str,
    *,
    migrate: bool | None = None,
    approve: Approve | None = None,
    on_step: OnStep = lambda _: None,
    name: str | None = None,
) -> database.Database:
    """Open a database with the current schema. In a child process, `name` is the parent's session name.

    `migrate` permits to create the schema in an empty database; if it is None, only in a SQLite file. `approve` permits
    to upgrade an older database. Raises StorageError if the database has another version, or is locked, read-only or
    unreachable.
    """
    name = name or make_name(migrations.VERSION)
    opened = database.Database(url, name)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        await opened.check_place()
        version = await find_version(opened)
        if version is None:
            if not (opened.is_sqlite if migrate is None else migrate):
                raise errors.StorageError(f"{opened.label} is empty. Run `paperround db upgrade` first.")
            await _create(opened)
        elif version < migrations.VERSION:
            if approve is None:
                raise errors.OtherVersionError(_describe_old(opened, version))
            approve(_describe_upgrade(opened, version))
            await _upgrade(opened, on_step)
        stack.pop_all()
    return opened


def _describe_old(opened: database.Database, version: int) -> str:
    return (
        f"{opened.label} is older: it has schema {version}, and this version of Paperround uses schema"
        f" {migrations.VERSION}. {UPGRADE}"
    )


def _describe_upgrade(opened: database.Database, version: int) -> str:
    changes = [
        f"{number}: {_describe(migration)}"
        for number, migration in sorted(migrations.MIGRATIONS.items())
        if number > version
    ]
    path = opened.path
    if path is None:
        command = postgresql.dump_command(opened.parsed_url, f"paperround.before-{migrations.VERSION}.dump")
        copied = f"Paperround makes no copy of it; this command does, and replaces a file of that name: `{command}`."
    else:
        copied = f"It will be copied to {_backup_of(path)} first."
    return (
        f"{opened.label} will be upgraded from schema {version} to {migrations.VERSION}. {' '.join(changes)} {copied} A bot"
        " that runs on it, with its standby, must end within a minute."
    )


def _describe(migration: Callable[[sa.Connection], None]) -> str:
    """Return the first paragraph of a migration's docstring as one line."""
    return " ".join((migration.__doc__ or "").partition("\n\n")[0].split())


def redact_url(url: str) -> str:
    """Return a database URL with its password redacted. Raises StorageError if the URL is invalid."""
    shown = engines.parse_url(url).render_as_string(hide_password=True)
    return errors.redact(shown.replace(postgresql.DRIVER, "postgresql", 1))


async def find_version(opened: database.Database) -> int | None:
    """Return the version of the database's schema, or None if the database is empty.

    Raises StorageError if a newer version or another application made it.
    """
    async with opened.read() as connection:
        version = await connection.run_sync(_read_version)
    if version == _FOREIGN:
        raise errors.StorageError(
            f"{opened.label} contains tables that are not Paperround's, or of a version before 0.1.0. Choose another database."
        )
    if version is not None and version > migrations.VERSION:
        raise errors.NewerVersionError(
            f"{opened.label} has schema {version}, made by a newer version of Paperround; this one uses schema"
            f" {migrations.VERSION}. Install the newer version again, or"
            " put a backup from before the upgrade in its place by `paperround restore FILE`."
        )
    return version


async def check_version(opened: database.Database) -> None:
    """Raise OtherVersionError if another version of Paperround has upgraded an open database, or waits to do so."""
    version = await find_version(opened)
    if version is None or version < migrations.VERSION:
        raise errors.OtherVersionError(_describe_old(opened, version or 0))
    if await _is_upgrading(opened):
        raise errors.OtherVersionError(
            f"Another version of Paperround upgrades {opened.label} from schema {version}, the newest that this one uses."
            " Start that version instead of this one."
        )


_FOREIGN = 0
_FIRST_HASH = "3329496193c9c800"
"""The hash of the columns of version 1."""


def _read_version(connection: sa.Connection) -> int | None:
    """Return the version of a database's schema, None if it is empty, or _FOREIGN if it is unknown."""
    names = sa.inspect(connection).get_table_names()
    if not names:
        return None
    if not {locks.sender_lease.name, key_values.meta.name} <= set(names):
        return _FOREIGN
    query = sa.select(key_values.meta.c.key, key_values.meta.c.value)
    rows = connection.execute(query.where(key_values.meta.c.key.startswith(key_values.SCHEMA)))
    found = {row.key: row.value for row in rows}
    number = found.get(key_values.SCHEMA_VERSION, "")
    if number.isdecimal():
        return int(number)
    return 1 if found.get(key_values.SCHEMA_HASH) == _FIRST_HASH else _FOREIGN


async def _create(opened: database.Database) -> None:
    """Create the schema in an empty database. Other processes wait."""
    async with _migration_lock(opened), opened.transaction() as connection:
        if await connection.run_sync(_read_version) is None:
            await connection.run_sync(schema.METADATA.create_all)
            await _set_version(connection)


async def _set_version(connection: database.Connection) -> None:
    await connection.execute(
        key_values.meta.delete().where(key_values.meta.c.key.startswith(key_values.SCHEMA))
    )
    await key_values.set_value(connection, key_values.SCHEMA_VERSION, str(migrations.VERSION))


WAIT_SECONDS = 60.0
"""The time that an upgrade waits for the bot of the older version, and then for its standbys, to end."""


async def _upgrade(opened: database.Database, on_step: OnStep) -> None:
    """Run the migrations that a database lacks, all in one transaction, while no other process can send.

    Returns as well once another process has upgraded it. Raises StorageError if a bot is running on it.
    """
    lock = locks.SenderLock(opened)
    try:
        ends_at = time.monotonic() + WAIT_SECONDS
        while not await lock.try_acquire():
            if await _is_upgrading(opened):
                ends_at = time.monotonic() + WAIT_SECONDS
            elif time.monotonic() > ends_at:
                raise errors.StorageError(
                    f"{opened.label} is in use by a running bot of an older version. Stop it, then start again."
                )
            await asyncio.sleep(locks.RETRY_SECONDS)
            if await find_version(opened) == migrations.VERSION:
                return
        async with lock.kept(), _migration_lock(opened):
            if await find_version(opened) == migrations.VERSION:
                return
            await _end_others(opened)
            path = opened.path
            if path is not None:
                on_step(f"Copying {path} ({path.stat().st_size:,} bytes).")
                await backups.copy_to(opened, _backup_of(path))
            async with _open_for_migration(opened) as connection:
                if lock.term is None or not await locks.is_current_term(connection, lock.term):
                    raise errors.SupersededError("Another process has become the sender.")
                await connection.run_sync(_run_migrations, on_step)
                await _set_version(connection)
            if path is not None:
                _remove_older_backups(path)
    finally:
        await lock.release()


def _run_migrations(connection: sa.Connection, on_step: OnStep) -> None:
    version = _read_version(connection)
    for number, migration in sorted(migrations.MIGRATIONS.items()):
        if number > (version or 0):
            on_step(f"Schema {number} of {migrations.VERSION}: {_describe(migration)}")
            migration(connection)


def _backup_of(path: Path) -> Path:
    """Return the file for the copy of a SQLite database before its upgrade to this version."""
    path = path.resolve()
    return path.with_name(f"{path.name}.before-{migrations.VERSION}")


def _remove_older_backups(path: Path) -> None:
    current = _backup_of(path)
    for other in current.parent.glob(f"{glob.escape(path.resolve().name)}.before-*"):
        if other != current and other.suffix.removeprefix(".before-").isdecimal():
            with contextlib.suppress(OSError):
                other.unlink()


async def _end_others(opened: database.Database) -> None:
    """Wait until no process of another version uses a PostgreSQL database; after a minute, end their sessions.

    They notice the migration lock (`check_version`).
    """
    if opened.is_sqlite:
        return
    # Every process names its sessions by `make_name`.
    others = (
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'paperround %'"
        " AND application_name NOT LIKE :mine"
    )
    mine = {"mine": f"%{_name_suffix(migrations.VERSION)}"}
    ends_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends_at:
        async with opened.read() as connection:
            if not await connection.scalar(sa.text(f"SELECT count(*) {others}"), mine):
                return
        await asyncio.sleep(locks.RETRY_SECONDS)
    async with opened.read() as connection:
        await connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}"), mine)


@asynccontextmanager
async def _open_for_migration(opened: database.Database) -> AsyncIterator[database.Connection]:
    """Yield the connection of a write transaction in which SQLite lets tables be replaced that others refer to."""
    with opened.translated_errors():
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
                    if len(after.all()) > len(list(before)):
                        raise errors.StorageError(
                            f"The upgrade of {opened.label} would leave rows that refer to removed ones, so nothing was"
                            " changed. Please report it."
                        )
            finally:
                await raw.execute_fetchall("PRAGMA foreign_keys=ON")


async def _is_upgrading(opened: database.Database) -> bool:
    """Return whether another process holds the migration lock."""
    path = opened.path
    if path is None:
        async with opened.read() as connection:
            query = sa.select(sa.func.pg_try_advisory_xact_lock_shared(MIGRATION_LOCK))
            return not await connection.scalar(query)
    with locks.open_lock_file(path, "migrate") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@asynccontextmanager
async def _migration_lock(opened: database.Database) -> AsyncIterator[None]:
    path = opened.path
    if path is not None:
        with locks.open_lock_file(path, "migrate") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        return
    async with opened.engine.connect() as connection:
        # No transaction, since the server may end sessions that are idle within one.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
        try:
            yield
        finally:
            await connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATION_LOCK)))
