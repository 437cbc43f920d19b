"""Moving a database: to either engine, directly or by a file with everything, and by a backup. All is there again, or nothing."""

import asyncio
import os
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage import backups, copying, daily, errors, key_values, locks, migrate, statements, tables
from storage.database import Connection, Database
from tests.support import outbox_builders, paper_records, reader_rows, upgrades
from tests.support.shell_fixtures import run_python

TOKEN = "hunter2"


async def read(database: Database) -> dict[str, list[str]]:
    """Return all rows of a database, by the names of their tables."""
    async with database.read() as connection:
        return {
            table.name: sorted(map(repr, (await connection.execute(sa.select(table))).all()))
            for table in copying.COPIED
        }


async def is_empty(database: Database) -> bool:
    return not await database.fetch(copying._sum)


async def fill(database: Database) -> int:
    """Fill every table, with texts that a format could take for something else. Returns the last id of a post, now removed."""
    for reader in (7, 1 << 60):
        await reader_rows.fill_every_table(database, reader)
    async with database.transaction() as connection:
        texts = {"title": r"\N", "abstract": "\\t\\\t\b\f\n\r\v 한글\u2028", "url": r"\\x41"}
        at = reader_rows.NOW + timedelta(microseconds=120)
        await connection.execute(
            tables.papers.update().values(texts | {"votes_read_at": at, "categories": ("\t",)})
        )
        await key_values.set_value(connection, f"{key_values.WEBHOOK}1", TOKEN)
        removed = await daily.add(connection, outbox_builders.new_subscription(20))
        await daily.remove(connection, removed)
    return removed


async def import_file(file: Path, target: Database) -> int:
    async with copying.open_export(file, target.path) as opened:
        return await copying.copy(opened, target)


@pytest.mark.parametrize("way", ["copy", "file", "backup"])
async def test_all_is_there_again(db: Database, target: Database, tmp_path: Path, way: str) -> None:
    removed = await fill(db)
    before, file = await read(db), tmp_path / "moved"
    match way:
        case "copy":
            assert await copying.copy(db, target) == sum(map(len, before.values())) - 1, "all but the schema"
        case "file":
            lock = locks.SenderLock(db)
            assert await lock.try_acquire(), "the bot may run"
            rows = await copying.export(db, file)
            assert await copying.export(db, file) == rows, "an earlier one is replaced"
            await lock.release()
            assert TOKEN.encode() not in zipfile.ZipFile(file).read("paperround.db")
            before["meta"] = [row for row in before["meta"] if TOKEN not in row]
            assert await import_file(file, target) == rows
        case _:
            if db.path is None or target.path is None:
                pytest.skip("PostgreSQL has pg_dump")
            assert await backups.copy_to(db, file) == file.stat().st_size
            await target.close()
            await backups.restore(file, target.path)
    assert await read(target) == before
    assert not [name for name, rows in before.items() if not rows]
    if file.exists():
        assert file.stat().st_mode & 0o777 == 0o600
    async with target.transaction() as connection:
        post = outbox_builders.new_subscription(21)
        assert await daily.add(connection, post) == removed + 1, "an id is given once, also of a removed row"


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_upgraded_installation_is_copied_also_its_tables_without_rows(
    target: Database, tmp_path: Path
) -> None:
    """A migration that rebuilds an empty table leaves 0 as its last id."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'upgraded.db'}"
    upgrades.restore(upgrades.STORED[0], url)
    async with await migrate.open_database(url, approve=upgrades.approve) as source:
        assert await copying.copy(source, target) > len(copying.COPIED)
        assert await read(target) == await read(source)


async def test_a_finished_copy_is_left_as_it_is_and_other_rows_are_refused(
    db: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=2))
    for database in (db, target):  # as a killed process leaves them
        if not database.is_sqlite:
            await database.write(locks.raise_term, "")
    async with db.transaction() as connection:
        await key_values.set_value(connection, key_values.BACKED_UP, "2026-11-01T00:00:00+00:00 failed")
    assert await copying.copy(db, target) >= len(copying.COPIED)
    assert await target.fetch(key_values.get, key_values.BACKED_UP) is None, "of the copy there is no backup"
    # Killed after its commit, while the papers were indexed: all rows are there, and none is read again.
    assert await copying.copy(db, target) == 0
    async with db.transaction() as connection:
        await connection.execute(sa.text("UPDATE subscriptions SET topic = 'robotics'"))
    with pytest.raises(errors.StorageError, match=r"already has rows .* others than the source"):
        await copying.copy(db, target)


async def test_a_row_that_was_written_otherwise_than_read_undoes_the_copy(
    db: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    insert = statements.insert_rows

    async def insert_otherwise(connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        changed = {"topic": "robotics"} if table.name == "subscriptions" else {}
        await insert(connection, table, [row | changed for row in rows])

    monkeypatch.setattr(copying, "insert_rows", insert_otherwise)
    with pytest.raises(errors.StorageError, match="copy of subscriptions differs"):
        await copying.copy(db, target)
    assert await is_empty(target)


@pytest.mark.engines("sqlite")
async def test_copy_requires_two_databases_and_no_running_bot(db: Database, target: Database) -> None:
    with pytest.raises(errors.StorageError, match="both source and target"):
        await copying.copy(db, db)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    with pytest.raises(errors.StorageError, match="Stop the bot"):
        await copying.copy(db, target)
    await lock.release()


# Files.


@pytest.mark.engines("sqlite")
async def test_an_older_file_is_upgraded_and_a_newer_one_refused(target: Database, tmp_path: Path) -> None:
    older, newer = tmp_path / "older.zip", tmp_path / "newer.zip"
    with upgrades.more_migrations(upgrades.add_remarks):
        async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}") as of_newer:
            await of_newer.write(key_values.set_value, "a", "b")
            await copying.export(of_newer, newer)
    with pytest.raises(errors.StorageError, match=r"newer\.zip was written by a newer version"):
        await import_file(newer, target)
    assert await is_empty(target)
    upgrades.restore(upgrades.STORED[0], f"sqlite+aiosqlite:///{tmp_path / 'first.db'}")
    copying._pack(tmp_path / "first.db", older)
    assert await import_file(older, target) > 100


def _damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def _pack_other(file: Path, name: str) -> None:
    file.unlink()
    with closing(sqlite3.connect(other := file.with_name("other.db"))) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    with zipfile.ZipFile(file, "x") as packed:
        packed.write(other, name)


BAD: dict[str, Callable[[Path], object]] = {
    "truncated": lambda file: os.truncate(file, file.stat().st_size // 2),
    "damaged": _damage,
    "another archive": lambda file: _pack_other(file, "other.db"),
    "of another program": lambda file: _pack_other(file, "paperround.db"),
    "a text": lambda file: file.write_text("other"),
    "missing": Path.unlink,
}


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_file_is_refused_and_nothing_is_changed(
    db: Database, target: Database, tmp_path: Path, kind: str
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "everything.zip"
    await copying.export(db, file)
    BAD[kind](file)
    with pytest.raises(errors.StorageError, match=r"everything\.zip|not Paperround's"):
        await import_file(file, target)
    assert await is_empty(target)
    if kind in ("another archive", "a text"):
        with pytest.raises(errors.StorageError, match="is not an earlier export, and was not replaced"):
            await copying.export(db, file)


@pytest.mark.engines("sqlite")
async def test_what_cannot_be_written_replaces_nothing(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "all.zip"
    await copying.export(db, file)
    good = file.read_bytes()
    with upgrades.no_space(), pytest.raises(errors.StorageError, match="Free some space"):
        await copying.export(db, file)
    async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}") as empty:
        with pytest.raises(errors.StorageError, match=r"no rows.*all\.zip was not written"):
            await copying.export(empty, file)
    # A disk that gives other bytes than were written.
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda _: "paperround.db")
    with pytest.raises(errors.StorageError, match=r"all\.zip could not be written"):
        await copying.export(db, file)
    assert file.read_bytes() == good


Make = Callable[[Database, Path], Any]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("make", [copying.export, backups.copy_to])
async def test_only_regular_files_are_replaced(db: Database, tmp_path: Path, make: Make) -> None:
    """A device in place of a file, such as /dev/null, would be gone for every program."""
    await paper_records.add_digest(db, {})
    (tmp_path / "folder").mkdir()
    await make(db, tmp_path / "earlier")
    (tmp_path / "link").symlink_to("earlier")
    (tmp_path / "nowhere").symlink_to("none")
    os.mkfifo(tmp_path / "pipe")
    if os.geteuid() == 0:
        os.mknod(tmp_path / "device", 0o20600, os.makedev(1, 3))
    before = {file.name: file.lstat() for file in tmp_path.iterdir()}
    names = {"link", "nowhere", "folder", "pipe", "device"} & before.keys()
    for name in names:
        with pytest.raises(errors.StorageError, match=rf"{name} is a link, .* and was not replaced"):
            await make(db, tmp_path / name)
    after = {file.name: file.lstat() for file in tmp_path.iterdir()}
    assert all(os.path.samestat(before[name], after[name]) for name in names)


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("make", [copying.export, backups.copy_to])
async def test_files_that_are_written_at_a_time_do_not_disturb_each_other(
    db: Database, tmp_path: Path, make: Make
) -> None:
    """What a killed process left is removed, with nothing else."""
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "all"
    precious = [tmp_path / "all.partial", tmp_path / ".all.precious.partial"]
    for folder in precious:
        folder.mkdir()
        (folder / "notes.txt").write_text("precious")
    program = (
        "import os, signal, sys; from pathlib import Path; from storage import backups\n"
        "with backups.scratch_folder(Path(sys.argv[1]), 'all') as folder:\n"
        "    (folder / backups.COPY).touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert run_python(program, tmp_path).returncode == -9
    [left] = set(tmp_path.glob(".all.*.partial")) - {*precious}
    with backups.scratch_folder(tmp_path, "all") as used:
        assert not left.exists()
        sizes = await asyncio.gather(*(make(db, file) for _ in range(4)))
        assert len(set(sizes)) == 1
        assert used.exists(), "another process uses it"
    assert sorted(tmp_path.glob("*.partial")) == sorted(precious)
    assert all((folder / "notes.txt").read_text() == "precious" for folder in precious)
    async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'moved.db'}") as moved:
        if make is backups.copy_to:
            await moved.close()
            await backups.restore(file, tmp_path / "moved.db")
        else:
            await import_file(file, moved)
        assert await moved.fetch(copying._sum) == await db.fetch(copying._sum)
