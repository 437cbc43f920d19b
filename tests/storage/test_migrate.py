"""Migrations, and the error sentences for databases that cannot be opened. Backups of a SQLite database in use."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from storage import database, errors, key_values, locks, migrate, models
from storage.migrations import versions
from tests.support import next_release


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


async def test_a_database_is_migrated_once(empty_database_url: str) -> None:
    for _ in range(2):
        await (await migrate.open_database(empty_database_url, migrate=True)).close()
    async with open_unmigrated(empty_database_url) as db:
        assert await migrate.upgrade(db) == migrate.HEAD


def test_head_is_the_newest_revision_file() -> None:
    revisions = sorted(f"r{path.name[:4]}" for path in Path(versions.__path__[0]).glob("[0-9]*.py"))
    assert (revisions[0], revisions[-1]) == (migrate.OLDEST, migrate.HEAD)


async def test_a_failed_migration_is_rolled_back(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = migrate._run_alembic

    def run_and_fail(connection: sa.Connection) -> None:
        run(connection)
        raise RuntimeError("no space")

    monkeypatch.setattr(migrate, "_run_alembic", run_and_fail)
    with pytest.raises(RuntimeError):
        await migrate.open_database(empty_database_url, migrate=True)
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        assert await connection.run_sync(lambda inner: sa.inspect(inner).get_table_names()) == []


async def test_a_newer_database_is_rejected(database_url: str) -> None:
    async with open_unmigrated(database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
        await key_values.set_value(connection, key_values.OLDEST_SCHEMA, "r9998")
    with pytest.raises(errors.StorageError, match="Update Paperround"):
        await migrate.open_database(database_url, migrate=True)


async def test_an_older_program_runs_on_a_schema_that_was_expanded_and_not_on_one_that_was_contracted(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expanding, contracting = next_release.EXPANDING, next_release.CONTRACTING
    expanded = next_release.make_scripts(tmp_path / "expanded", expanding)
    contracted = next_release.make_scripts(tmp_path / "contracted", expanding, contracting)
    for scripts, revision in ((expanded, "r0002"), (contracted, "r0003")):
        with monkeypatch.context() as patched:
            next_release.install(scripts, patched.setattr)
            await (await migrate.open_database(database_url, migrate=True)).close()
        is_usable = scripts == expanded
        async with open_unmigrated(database_url) as db:
            assert await migrate.current_revision(db) == revision
            mismatch = await migrate.find_mismatch(db)
        assert (mismatch is None) == is_usable
        for migrating in (True, False, None):
            if is_usable:
                await (await migrate.open_database(database_url, migrate=migrating)).close()
                continue
            with pytest.raises(errors.StorageError, match="newer Paperround"):
                await migrate.open_database(database_url, migrate=migrating)
        await write(database_url)
    with monkeypatch.context() as patched:
        next_release.install(
            expanded, patched.setattr
        )  # the one before, which no longer needs what was removed
        await (await migrate.open_database(database_url, migrate=True)).close()


@pytest.mark.engines("postgresql")
async def test_postgresql_is_not_contracted_while_a_process_lives_that_needs_what_is_removed(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revisions = next_release.EXPANDING, next_release.CONTRACTING
    next_release.install(next_release.make_scripts(tmp_path / "scripts", *revisions), monkeypatch.setattr)
    async with open_unmigrated(database_url) as db:
        async with db.read() as connection:
            now = await connection.scalar(sa.select(sa.func.now()))
        assert now is not None
        process = models.Process(
            "paperround host:1:ab", models.ProcessRole.ALL, "0.1.0", "r0001", None, now, now
        )

        async def report(**changes: object) -> None:
            async with db.transaction() as connection:
                await locks.report_process(connection, replace(process, **changes))  # type: ignore[arg-type]

        await report()
        with pytest.raises(errors.StorageError, match=r"removes what host:1:ab \(version 0.1.0\) .*r0002"):
            await migrate.upgrade(db)
        assert await migrate.current_revision(db) == "r0001"
        await report(seen_at=now - timedelta(minutes=2))
        await report(name="paperround host:2:ab", schema="r0002")
        await migrate.upgrade(db)
        assert await migrate.current_revision(db) == "r0003"


@pytest.mark.engines("postgresql")
async def test_a_migration_of_postgresql_waits_for_a_locked_table_in_short_turns(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = next_release.make_scripts(tmp_path / "scripts", next_release.EXPANDING)
    next_release.install(scripts, monkeypatch.setattr)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "10ms")
    monkeypatch.setattr(migrate, "RETRY_PAUSES", (0.0, 0.0))
    run, attempts = migrate._run_migrations, 0
    async with open_unmigrated(database_url) as db, db.engine.connect() as reading:
        await reading.execute(sa.text("SELECT count(*) FROM alerts"))

        async def run_and_end_the_reading(opened: database.Database, *, is_empty: bool) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 5:
                await reading.rollback()
            await run(opened, is_empty=is_empty)

        monkeypatch.setattr(migrate, "_run_migrations", run_and_end_the_reading)
        with pytest.raises(errors.StorageError, match=r"10ms, 3 times\. Nothing was changed"):
            await migrate.upgrade(db)
        assert (attempts, await migrate.current_revision(db)) == (3, "r0001")
        await migrate.upgrade(db)
        assert (attempts, await migrate.current_revision(db)) == (5, "r0002")


@pytest.mark.parametrize("revision", ["0001", "0020"])
async def test_a_database_too_old_to_be_upgraded_is_rejected(database_url: str, revision: str) -> None:
    async with open_unmigrated(database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
        await key_values.set_value(connection, "kept", "yes")
    for upgrading in (True, False, None):
        with pytest.raises(errors.StorageError, match=rf"schema {revision}.*export.*ingest"):
            await migrate.open_database(database_url, migrate=upgrading)
    async with open_unmigrated(database_url) as db, db.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"


async def test_an_older_file_is_copied_before_the_migration(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def migrate_to_next(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r0002'"))

    path = Path(shutil.copy(sqlite_template, tmp_path / "paperround.db"))
    url = f"sqlite+aiosqlite:///{path}"
    async with open_unmigrated(url) as db, db.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r0001'"))
        await key_values.set_value(connection, "kept", "yes")
    monkeypatch.setattr(migrate, "HEAD", "r0002")
    monkeypatch.setattr(migrate, "_run_alembic", migrate_to_next)
    await (await migrate.open_database(url)).close()
    async with open_unmigrated(url) as db, db.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"
        assert await migrate.current_revision(db) == "r0002"
    [copy] = tmp_path.glob("paperround.db.before-*")
    assert copy.name == "paperround.db.before-r0002-from-r0001"
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [("r0001",)]


async def test_a_copy_that_does_not_fit_ends_the_upgrade_with_a_sentence_and_leaves_nothing(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path / "paperround.db"))
    scripts = next_release.make_scripts(tmp_path / "scripts", next_release.EXPANDING)
    next_release.install(scripts, monkeypatch.setattr)
    copy = f"{path.name}.before-{migrate.HEAD}-from-r0001"
    killed = tmp_path / f"{copy}.killed_1.partial"
    killed.write_text("of an upgrade that was killed")
    os.utime(killed, (0, 0))
    modes = []

    def fill_the_disk(_: Path, target: Path) -> None:
        modes.append(target.stat().st_mode & 0o777)
        target.with_name(f"{target.name}-journal").touch()
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "copy_pages", fill_the_disk)
        with pytest.raises(errors.StorageError, match=r"nothing was changed.*disk is full\). Free up 1 MB"):
            await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    assert modes == [0o600]
    assert not list(tmp_path.glob(f"{copy}*"))
    await (await migrate.open_database(f"sqlite+aiosqlite:///{path}")).close()
    assert [found.name for found in tmp_path.glob(f"{copy}*")] == [copy]


async def test_a_damaged_database_is_named_instead_of_its_copy(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_release.install(
        next_release.make_scripts(tmp_path / "scripts", next_release.EXPANDING), monkeypatch.setattr
    )
    path = tmp_path / "paperround.db"
    path.write_bytes(sqlite_template.read_bytes()[:-40_000])
    said = re.escape(f"{path} is damaged. Replace it with a backup")
    with pytest.raises(errors.StorageError, match=said):
        await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    async with open_unmigrated(f"sqlite+aiosqlite:///{path}") as db:
        with pytest.raises(errors.StorageError, match=said):
            await migrate.copy_to(db, tmp_path / "copy.db")
    assert not [*tmp_path.glob("copy*"), *tmp_path.glob("*.before-*")]


async def test_postgresql_is_migrated_only_on_request(postgres_url: str) -> None:
    from tests.conftest import create_postgres_database

    url = await create_postgres_database(postgres_url)
    with pytest.raises(errors.StorageError, match="paperround db upgrade"):
        await migrate.open_database(url)


async def test_a_postgresql_database_that_lacks_characters_is_refused(postgres_url: str) -> None:
    from tests.conftest import create_postgres_database

    template = "template0 ENCODING 'EUC_KR' LC_COLLATE 'C' LC_CTYPE 'C'"
    url = await create_postgres_database(postgres_url, template)
    with pytest.raises(errors.StorageError, match="ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"):
        await migrate.open_database(url, migrate=True)


async def test_a_database_of_another_application_is_rejected(empty_database_url: str) -> None:
    async with open_unmigrated(empty_database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text("CREATE TABLE foreign_table (id INTEGER)"))
    with pytest.raises(errors.StorageError, match="not Paperround's"):
        await migrate.open_database(empty_database_url, migrate=True)


async def test_a_locked_file_raises_an_error_sentence(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.05)
    path = Path(shutil.copy(sqlite_template, tmp_path))
    url = f"sqlite+aiosqlite:///{path}"
    with closing(sqlite3.connect(path, isolation_level=None)) as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.DatabaseBusyError, match="locked by another process"):
            await write(url)

        async def refuse(target: database.Database) -> bool:
            """Whether the file itself refused a writer."""
            with pytest.raises(errors.DatabaseBusyError, match="locked by another process") as refused:
                async with target.transaction():
                    pass
            return refused.value.__cause__ is not None

        async with open_unmigrated(url) as db:
            limited = db.limited(2)
            # Readers' writers do not wait one after the other; the next command tries again, and others are on their own.
            for targets, asked in ([limited] * 4, 1), ([limited] * 2, 1), ([db] * 2, 2):
                assert sum(await asyncio.gather(*map(refuse, targets))) == asked
            other_connection.execute("ROLLBACK")
            async with limited.transaction() as connection:
                await key_values.set_value(connection, "a", "b")
    await write(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write any file")
async def test_a_read_only_file_raises_an_error_sentence(sqlite_template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path))
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    with pytest.raises(errors.DatabaseBusyError, match="read-only"):
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
    assert "papers cannot be reached (it does not answer). Is PostgreSQL running" in str(translated)


def test_programming_errors_are_not_translated() -> None:
    url = make_url("sqlite+aiosqlite:///paperround.db")
    assert database.translate_error(sqlite3.OperationalError("no such column: x"), url) is None


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
        ("postgresql+asyncpg://nobody@127.0.0.1/nothing?ssl=true", "has ssl=true. Write one of disable, "),
        ("postgresql+asyncpg://nobody@127.0.0.1:99999/nothing", "has the port 99999. Write one from 1 to"),
        ("postgresql+asyncpg://nobody@/nothing?host=a:1&host=b:99999", "has the port 99999"),
        ("postgresql+asyncpg://nobody@/nothing?host=a,b&port=1,x", "has wrong hosts or ports"),
        ("postgresql+asyncpg://nobody@a/nothing?channel_binding=require", "has the option 'channel_binding'"),
    ],
)
async def test_an_unusable_url_raises_an_error_sentence(url: str, sentence: str) -> None:
    with pytest.raises(errors.StorageError, match=sentence):
        await migrate.open_database(url, migrate=True)


async def test_a_file_that_is_not_a_database_raises_an_error_sentence(tmp_path: Path) -> None:
    path = tmp_path / "paperround.db"
    path.write_text("text that is long enough not to be mistaken for an empty database " * 20)
    with pytest.raises(errors.StorageError, match="not a Paperround database"):
        await migrate.open_database(f"sqlite+aiosqlite:///{path}")


async def test_a_copy_ends_while_others_commit_all_the_time(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    path, stop = tmp_path / "paperround.db", threading.Event()
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE large (value)")
        connection.executemany("INSERT INTO large VALUES (zeroblob(?))", [(8_000_000,)] * 4)
        connection.execute("PRAGMA synchronous=OFF")

        def commit() -> int:
            for number in range(100_000):
                if stop.is_set():
                    return number
                connection.execute("INSERT INTO large VALUES (1)")
            return 0

        with ThreadPoolExecutor(1) as thread:
            committed = thread.submit(commit)
            await migrate.copy_to(sqlite_db, tmp_path / "copy.db")
            stop.set()
        assert committed.result() > 0


async def test_a_copy_made_during_a_transaction_contains_only_committed_data(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    async with sqlite_db.transaction() as connection:
        await key_values.set_value(connection, "kept", "yes")
    async with sqlite_db.transaction() as connection:
        await key_values.set_value(connection, "kept", "not yet")
        assert await migrate.copy_to(sqlite_db, tmp_path / "copy.db") > 0
    copy = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}")
    async with copy.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"
    await copy.close()


async def test_copying_the_database_onto_itself_is_rejected(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    with pytest.raises(errors.StorageError, match="itself"):
        await migrate.copy_to(sqlite_db, tmp_path / "paperround.db")


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".sender.lock", ".migrate.lock"])
async def test_a_copy_does_not_take_the_place_of_a_file_that_the_database_uses(
    sqlite_db: database.Database, tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (tmp_path, tmp_path / "link"):
        with pytest.raises(errors.StorageError, match="a file of the database in use"):
            await migrate.copy_to(sqlite_db, folder / f"paperround.db{suffix}")
    assert await migrate.copy_to(sqlite_db, tmp_path / "paperround.db.1") > 0


async def test_the_error_names_a_folder_that_does_not_exist(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    with pytest.raises(errors.StorageError, match="nowhere"):
        await migrate.copy_to(sqlite_db, tmp_path / "nowhere" / "copy.db")
    assert "copy.db.partial" not in os.listdir(tmp_path)


async def test_the_error_of_a_full_disk_names_it(
    sqlite_db: database.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_source: Path, _target: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrate, "copy_pages", fill)
    with pytest.raises(errors.StorageError, match="Check whether its disk is full or read-only"):
        await migrate.copy_to(sqlite_db, tmp_path / "copy.db")


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
async def test_a_copy_replaces_nothing_but_a_regular_file(
    kind: str, sqlite_db: database.Database, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    match kind:
        case "link":
            (tmp_path / "other").write_text("kept")
            target.symlink_to("other")
        case "dangling link":
            target.symlink_to("absent")
        case "pipe":
            os.mkfifo(target)
        case _:
            target.mkdir()
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    with pytest.raises(errors.StorageError, match="not a regular file"):
        await migrate.copy_to(sqlite_db, target)
    assert {path.name: path.lstat().st_mode for path in tmp_path.iterdir()} == before


async def test_a_copy_does_not_replace_the_database_of_another_bot(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    target = tmp_path / "other.db"
    await migrate.copy_to(sqlite_db, target)
    await migrate.copy_to(sqlite_db, target)  # a backup
    other = await migrate.open_database(f"sqlite+aiosqlite:///{target}")
    lock = locks.SenderLock(other)
    assert await lock.try_acquire()
    async with other.transaction() as connection:
        await key_values.set_value(connection, "kept", "yes")
    with pytest.raises(errors.StorageError, match="a bot has used it, and was not replaced"):
        await migrate.copy_to(sqlite_db, target)
    async with other.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"
    await lock.release()
    await other.close()


@pytest.mark.parametrize("is_damaged", [False, True])
async def test_a_copy_does_not_replace_the_database_of_another_program(
    sqlite_db: database.Database, tmp_path: Path, *, is_damaged: bool
) -> None:
    target = tmp_path / "photos.db"
    with closing(sqlite3.connect(target)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE photos (name TEXT)")
        opened.commit()
    if is_damaged:
        target.write_bytes(target.read_bytes()[:1000])
    before = target.read_bytes()
    with pytest.raises(errors.StorageError, match="not an earlier backup"):
        await migrate.copy_to(sqlite_db, target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.glob("photos.db*")] == ["photos.db"]


async def test_a_copy_is_its_owners_and_follows_no_link_beside_it(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "copy.db.partial").symlink_to(tmp_path / "stolen.db")
    for name, age in (
        ("killed_1", 2 * migrate.LEFT_SECONDS),
        ("zip", 2 * migrate.LEFT_SECONDS),
        ("running1", 1),
    ):
        path = folder / f"copy.db.{name}.partial"
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    await migrate.copy_to(sqlite_db, folder / "copy.db")
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "stolen.db").exists()
    names = {path.name for path in folder.iterdir()}
    assert names == {"copy.db", "copy.db.partial", "copy.db.zip.partial", "copy.db.running1.partial"}


async def test_a_copy_over_one_that_was_opened_and_killed_has_nothing_of_it(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    await migrate.copy_to(sqlite_db, target)
    with closing(sqlite3.connect(target)) as opened:
        opened.execute("CREATE TABLE tried AS SELECT * FROM sqlite_master")
        opened.commit()
        left = Path(f"{target}-wal").read_bytes()
    Path(f"{target}-wal").write_bytes(left)  # as after a kill: closing removes it
    await migrate.copy_to(sqlite_db, target)
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]
    with closing(sqlite3.connect(target)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert opened.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tried'").fetchone() == (0,)


def test_an_address_is_shown_without_its_password_wherever_that_stands() -> None:
    for password in (
        "//me:s3cr3t@host/name",
        "//host/name?password=s3cr3t&user=me",
        "//me@/name?host=a&password=s3cr3t",
    ):
        shown = migrate.redact_url(f"postgresql+asyncpg:{password}")
        assert "***" in shown
        assert "s3cr3t" not in shown
