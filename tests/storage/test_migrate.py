"""Creating the schema, errors for databases that cannot be opened, and backups of a database in use."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate, sqlite_file

FATAL = 'connection to server at "10.0.0.1", port 5432 failed: FATAL: '


@asynccontextmanager
async def open_unmigrated(url: str) -> AsyncIterator[database.Connection]:
    """Open a database without creating its schema, and yield a transaction's connection."""
    db = database.Database(url)
    try:
        async with db.transaction() as connection:
            yield connection
    finally:
        await db.close()


async def test_only_the_owner_can_read_a_new_database_file(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("name", ["paperround.db", ""])
async def test_a_file_or_folder_of_another_user_is_named_with_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Root may read everything, so the system's answer is replaced."""
    place = tmp_path / name
    if name:
        place.touch()
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != place)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.chdir(tmp_path)
    said = rf"{place} may not be (read|written to) by this user \(uid 1234\)\. Change its owner"
    with pytest.raises(errors.StorageError, match=said):
        await migrate.open_database("sqlite+aiosqlite:///paperround.db")
    assert place.exists()
    assert (tmp_path / "paperround.db").exists() == bool(name)


@pytest.mark.parametrize(
    "change", ["UPDATE meta SET value = 'newest' WHERE key = 'schema:version'", "DELETE FROM meta"]
)
async def test_rejects_a_database_of_an_unknown_version(database_url: str, change: str) -> None:
    async with open_unmigrated(database_url) as connection:
        await connection.execute(sa.text(change))
    for upgrading in (True, False, None):
        with pytest.raises(errors.StorageError, match="not Paperround's"):
            await migrate.open_database(database_url, migrate=upgrading)


async def test_creates_the_schema_on_postgresql_only_on_request(postgres_url: str) -> None:
    from tests.conftest import create_postgres_database

    url = await create_postgres_database(postgres_url)
    with pytest.raises(errors.StorageError, match="paperround db upgrade"):
        await migrate.open_database(url)


async def test_rejects_another_applications_database(empty_database_url: str) -> None:
    async with open_unmigrated(empty_database_url) as connection:
        await connection.execute(sa.text("CREATE TABLE foreign_table (id INTEGER)"))
    with pytest.raises(errors.StorageError, match="not Paperround's"):
        await migrate.open_database(empty_database_url, migrate=True)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (sqlite3.OperationalError("database is locked"), "paperround.db is locked by another process"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "paperround.db cannot be written"),
        (sqlite3.OperationalError("database disk image is malformed"), "paperround.db is damaged"),
        (sqlite3.OperationalError("database or disk is full"), "disk is too full"),
        (sqlite3.OperationalError("disk I/O error"), "disk is full, over quota or failing"),
        # A timeout has no text.
        (TimeoutError(), "papers cannot be reached or used (it does not answer). Is PostgreSQL running"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_driver_errors_become_readable_sentences(error: Exception, sentence: str) -> None:
    is_sqlite = isinstance(error, sqlite3.Error)
    name = "paperround.db" if is_sqlite else "postgresql://me@db.example/papers"
    assert sentence in str(database.translate_error(error, name, is_sqlite=is_sqlite))


async def test_each_refusal_of_postgresql_says_what_to_do(postgres_url: str) -> None:
    """Of the start and of a statement: docs/operating.md promises a sentence for each."""
    from tests.conftest import create_postgres_database

    url = sa.make_url(await create_postgres_database(postgres_url))
    name = url.database
    async with open_unmigrated(url.render_as_string(hide_password=False)) as connection:
        for statement in (
            f"CREATE ROLE {name}_in NOLOGIN",
            f"CREATE ROLE {name}_full LOGIN CONNECTION LIMIT 0",
            f"CREATE ROLE {name}_reader LOGIN",
            f"ALTER ROLE {name}_reader SET default_transaction_read_only = on",
            f"GRANT ALL ON SCHEMA public TO {name}_reader",
        ):
            await connection.execute(sa.text(statement))
    for changed, advice in (
        (url.set(database="no_papers"), "`createdb no_papers`"),
        (url.set(username=f"{name}_in"), f"`ALTER ROLE {name}_in LOGIN`"),
        (url.set(username="nobody_here"), "`CREATE ROLE nobody_here LOGIN"),
        (url.set(username=f"{name}_full"), "connection limit"),
        (url.set(username=f"{name}_reader"), "a replica or read-only"),
    ):
        with pytest.raises(errors.StorageError) as caught:
            await migrate.open_database(changed.render_as_string(hide_password=False), migrate=True)
        assert (advice in str(caught.value), "Is PostgreSQL running" in str(caught.value)) == (True, False), (
            caught.value
        )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (psycopg.OperationalError(f"connection failed: {FATAL} {text}"), advice)
        for text, advice in (
            ('password authentication failed for user "bot"', "the password in PAPERROUND_DATABASE_URL"),
            ('no pg_hba.conf entry for host "10.0.0.2", user "bot", database "papers"', "pg_hba.conf"),
            ('role "nobody" does not exist', "Create the role, `CREATE ROLE bot LOGIN"),
            ("sorry, too many clients already", "max_connections"),
            ("remaining connection slots are reserved for roles with the SUPERUSER", "max_connections"),
        )
    ]
    + [
        (psycopg.OperationalError("connection failed: fe_sendauth: no password supplied"), "the password in"),
        (
            psycopg.OperationalError("connection failed: server does not support SSL, but SSL was required"),
            "Take ssl",
        ),
        # Of bot:pa@ss@db.example.
        (psycopg.OperationalError("failed to resolve host 'ss@db.example'"), "%40 for an @"),
        (psycopg.errors.InvalidPassword("비밀번호 인증 실패"), "the password in PAPERROUND_DATABASE_URL"),
        (psycopg.errors.TooManyConnections("너무 많은 접속"), "max_connections"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_refusal_is_known_by_its_code_or_at_the_start_by_its_text(error: Exception, advice: str) -> None:
    said = str(database.translate_error(error, "postgresql://bot@db.example/papers", is_sqlite=False))
    assert (advice in said, "Is PostgreSQL running" in said) == (True, False), said


@pytest.mark.parametrize("shut", [["paperround.db"], ["paperround.db-shm"], ["paperround.db-wal", "."]])
def test_a_read_only_database_names_what_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: list[str]
) -> None:
    """Root may write everything, so the system's answer is replaced."""
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"paperround.db{suffix}").touch()
    places = [str(tmp_path / name) for name in shut]
    monkeypatch.setattr(os, "access", lambda path, _mode: str(path) not in places)
    error = sqlite3.OperationalError("attempt to write a readonly database")
    said = str(database.translate_error(error, str(tmp_path / "paperround.db"), is_sqlite=True))
    assert said.endswith(f" cannot be written. Allow this user to write to {' and '.join(places)}.")


def make_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each file system report that it is read-only."""
    statvfs = os.statvfs

    def report(path: Path) -> os.statvfs_result:
        found = [*statvfs(path)]
        found[8] |= os.ST_RDONLY  # f_flag
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", report)


def test_of_a_read_only_file_system_no_sentence_accuses_an_owner_or_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_read_only(monkeypatch)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    path = tmp_path / "paperround.db"
    path.with_name("paperround.db.sender.lock").mkdir()  # root may write all else
    said = [
        str(database.translate_error(sqlite3.OperationalError(text), str(path), is_sqlite=True))
        for text in ("attempt to write a readonly database", "unable to open database file")
    ]
    for check in (sqlite_file.check, lambda place: locks.open_lock_file(place, "sender")):
        with pytest.raises(errors.StorageError) as caught:
            check(path)
        said.append(str(caught.value))
    ends = [
        ". Its file system is read-only: mount it for writing, or use another one." in one for one in said
    ]
    assert (ends, [one for one in said if "llow this user" in one or "ermissions" in one]) == ([True] * 4, [])


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres", "not a database URL"),
        ("mysql://root@host/name", "has the driver 'mysql'"),
        ("sqlite+aiosqlite:////nowhere/at/all/paperround.db", "folder"),
        ("sqlite+aiosqlite:///paperround.db?mode=ro", "has the option 'mode'. Remove it"),
        ("postgresql://nobody@127.0.0.1:1/nothing", "cannot be reached"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing?sslmode=require", "cannot be reached"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing?ssl=verify-full", "cannot be reached"),
        ("postgresql+asyncpg:///?host=127.0.0.1:1&user=nobody&password=p&database=x", "cannot be reached"),
    ],
)
async def test_unusable_url_raises_a_readable_error(url: str, sentence: str) -> None:
    with pytest.raises(errors.StorageError, match=sentence):
        await migrate.open_database(url, migrate=True)
