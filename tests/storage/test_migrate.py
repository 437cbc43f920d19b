"""Migrations, and the error sentences for databases that cannot be opened. Backups of a SQLite database in use."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from storage import database, errors, key_values, migrate


@asynccontextmanager
async def open_unmigrated(url: str) -> AsyncIterator[database.Database]:
    """Open a database without migrating it."""
    database.check_file(database.parse_url(url))
    db = database.Database(database.open_engine(url, ""))
    try:
        yield db
    finally:
        await db.close()


async def write(url: str) -> None:
    async with open_unmigrated(url) as db, db.transaction() as connection:
        await key_values.set_value(connection, "a", "b")


async def test_a_new_file_and_those_beside_it_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    db = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    try:
        async with db.transaction() as connection:
            await key_values.set_value(connection, "webhook:1", "hunter2")
            files = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")}
    finally:
        await db.close()
    assert {name: mode for name, mode in files.items() if not name.endswith(".lock")} == dict.fromkeys(
        ("new.db", "new.db-wal", "new.db-shm"), 0o600
    )


@pytest.mark.parametrize(
    "change", ["UPDATE meta SET value = 'of other columns' WHERE key = 'schema:hash'", "DELETE FROM meta"]
)
async def test_a_database_of_another_version_is_refused(database_url: str, change: str) -> None:
    async with open_unmigrated(database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text(change))
    for upgrading in (True, False, None):
        with pytest.raises(errors.StorageError, match=r"another version of Paperround.*export.*ingest"):
            await migrate.open_database(database_url, migrate=upgrading)


async def test_a_failed_migration_is_rolled_back(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "hash_schema", mock.Mock(side_effect=RuntimeError("no space")))
    with pytest.raises(RuntimeError):
        await migrate.open_database(empty_database_url, migrate=True)
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        assert await connection.run_sync(lambda inner: sa.inspect(inner).get_table_names()) == []


async def test_postgresql_is_migrated_only_on_request(postgres_url: str) -> None:
    from tests.conftest import create_postgres_database

    url = await create_postgres_database(postgres_url)
    with pytest.raises(errors.StorageError, match="paperround db upgrade"):
        await migrate.open_database(url)


async def test_a_database_of_another_application_is_rejected(empty_database_url: str) -> None:
    async with open_unmigrated(empty_database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text("CREATE TABLE foreign_table (id INTEGER)"))
    with pytest.raises(errors.StorageError, match="not Paperround's"):
        await migrate.open_database(empty_database_url, migrate=True)


async def test_a_locked_file_raises_a_readable_error(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.05)
    path = Path(shutil.copy(sqlite_template, tmp_path))
    with closing(sqlite3.connect(path, isolation_level=None)) as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.DatabaseUnavailableError, match="locked by another process"):
            await write(f"sqlite+aiosqlite:///{path}")


@pytest.mark.parametrize(
    ("driver_message", "sentence"),
    [
        ("attempt to write a readonly database", "paperround.db is read-only"),
        ("database disk image is malformed", "paperround.db is damaged"),
        ("database or disk is full", "disk is too full"),
        ("disk I/O error", "disk is full, over quota or failing"),
    ],
)
def test_driver_errors_are_translated_to_sentences(driver_message: str, sentence: str) -> None:
    translated = database.translate_error(
        sqlite3.OperationalError(driver_message), make_url("sqlite+aiosqlite:///paperround.db")
    )
    assert sentence in str(translated)


def test_a_postgresql_that_is_silent_is_named_with_a_reason() -> None:
    # A time-out has no text.
    translated = database.translate_error(
        TimeoutError(), make_url("postgresql+asyncpg://me@db.example/papers")
    )
    assert "papers cannot be reached or used (it does not answer). Is PostgreSQL running" in str(translated)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres", "not a database URL"),
        ("mysql://root@host/name", "has the driver"),
        ("sqlite+aiosqlite:////nowhere/at/all/paperround.db", "folder"),
        (
            "sqlite+aiosqlite:///paperround.db?mode=ro",
            "has the option 'mode'. Remove it; a SQLite file takes no",
        ),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", "cannot be reached"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing?sslmode=require", "cannot be reached"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing?ssl=verify-full", "cannot be reached"),
        ("postgresql+asyncpg:///?host=127.0.0.1:1&user=nobody&password=p&database=x", "cannot be reached"),
    ],
)
async def test_an_unusable_url_raises_an_error_sentence(url: str, sentence: str) -> None:
    with pytest.raises(errors.StorageError, match=sentence):
        await migrate.open_database(url, migrate=True)


@pytest.mark.parametrize("name", ["paperround.db", "photos.db", "notes.md", "folder"])
async def test_a_copy_replaces_nothing_but_an_earlier_one(
    sqlite_db: database.Database, tmp_path: Path, name: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "photos.db")) as opened:
        opened.execute("CREATE TABLE photos (name TEXT)")
        opened.commit()
    (tmp_path / "notes.md").write_text("kept")
    (tmp_path / "folder").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(errors.StorageError):
        await migrate.copy_to(sqlite_db, tmp_path / name)
    assert {path: path.read_bytes() for path in before} == before
    for _ in range(2):
        await migrate.copy_to(sqlite_db, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy.db.partial").exists()
