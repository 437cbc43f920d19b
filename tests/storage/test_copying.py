"""Copying a database to the same engine, to the other engine, and by a file with everything; files that are refused."""

import asyncio
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage import backups, copying, daily, errors, key_values, locks, migrate, statements, tables
from storage.database import Connection, Database
from tests.support import outbox_builders, paper_records, reader_rows, upgrades


async def read(database: Database, table: sa.Table) -> list[Any]:
    async with database.read() as connection:
        return sorted(map(repr, (await connection.execute(sa.select(table))).all()))


async def test_a_copied_database_has_all_rows_and_continues_the_ids(db: Database, target: Database) -> None:
    for reader in (7, 1 << 60):
        await reader_rows.fill_every_table(db, reader)
    async with db.transaction() as connection:
        at = reader_rows.NOW + timedelta(microseconds=120)
        texts = {"title": r"\N", "abstract": "\\t\\\t\b\f\n\r\v 한글\u2028", "url": r"\\x41"}
        values = {"votes_read_at": at, "categories": ("\t",)}
        await connection.execute(tables.papers.update().values(texts | values))
    last = await paper_records.add_digest(db, {}, digest_hash="a")
    copied = await copying.copy(db, target)
    assert copied > len(copying.COPIED)
    for table in copying.COPIED:
        assert await read(target, table) == await read(db, table) != []
    assert await paper_records.add_digest(target, {}, digest_hash="b") > last


async def test_a_copy_gives_no_id_of_a_removed_row_again(db: Database, target: Database) -> None:
    post = outbox_builders.new_subscription(20)
    async with db.transaction() as connection:
        kept, removed = (
            await daily.add(connection, post),
            await daily.add(connection, replace(post, channel_id=21)),
        )
        await daily.remove(connection, removed)
    await copying.copy(db, target)
    async with target.transaction() as connection:
        assert await daily.add(connection, replace(post, channel_id=22)) == removed + 1
        assert [row.id for row in await daily.list_rows(connection)] == [kept, removed + 1]


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_upgraded_installation_is_copied_also_its_tables_without_rows(
    target: Database, tmp_path: Path
) -> None:
    """A migration that rebuilds an empty table leaves 0 as its last id."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'upgraded.db'}"
    upgrades.restore(upgrades.STORED[0], url)
    async with await migrate.open_database(url, approve=upgrades.approve) as source:
        assert await copying.copy(source, target) > len(copying.COPIED)
        for table in copying.COPIED:
            assert await read(target, table) == await read(source, table)


async def test_a_copy_that_was_killed_can_be_repeated(
    db: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=2))
    for database in (db, target):  # as the killed process leaves them
        if not database.is_sqlite:
            await database.write(locks.raise_term, "")
    copied = await copying.copy(db, target)
    assert copied >= len(copying.COPIED)
    # Killed after its commit, while the papers were indexed: all rows are there, and none is read again.
    assert await copying.copy(db, target) == 0
    assert await count(target) == await count(db)
    await paper_records.add_digest(db, {})
    with pytest.raises(errors.StorageError, match="already has rows"):
        await copying.copy(db, target)


async def test_a_target_with_as_many_but_other_rows_is_no_finished_copy(
    db: Database, target: Database
) -> None:
    await reader_rows.fill_every_table(db, 7)
    assert await copying.copy(db, target)
    async with db.transaction() as connection:
        await connection.execute(sa.text("UPDATE subscriptions SET topic = 'robotics'"))
    with pytest.raises(errors.StorageError, match=r"already has rows.*others than the source"):
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
    assert not await count(target)


@pytest.mark.engines("sqlite")
async def test_copy_requires_an_empty_target_and_no_running_bot(db: Database, target: Database) -> None:
    with pytest.raises(errors.StorageError, match="both source and target"):
        await copying.copy(db, db)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    with pytest.raises(errors.StorageError, match="Stop the bot"):
        await copying.copy(db, target)
    await lock.release()
    await paper_records.add_digest(target, {})
    with pytest.raises(errors.StorageError, match="already has rows in digests"):
        await copying.copy(db, target)


# The file with everything.

TOKEN = "hunter2"


async def import_file(file: Path, target: Database) -> int:
    async with copying.open_export(file, target.path) as opened:
        return await copying.copy(opened, target)


async def count(database: Database) -> dict[str, int]:
    return await database.fetch(copying._count)


async def test_everything_but_tokens_goes_into_a_file_and_comes_out_of_it(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    before = await count(db)
    await db.write(key_values.set_value, f"{key_values.WEBHOOK}1", TOKEN)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire(), "the bot may run"
    file = tmp_path / "everything.zip"
    written = await copying.export(db, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() not in zipfile.ZipFile(file).read("paperround.db")
    assert await copying.export(db, file) == written, "an earlier export is replaced"
    await lock.release()
    assert await import_file(file, target) == written
    assert await count(target) == before
    assert [path.name for path in tmp_path.glob("*.partial*")] == []
    async with target.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM feedback"))
    with pytest.raises(errors.StorageError, match="already has rows"):
        await import_file(file, target)


@pytest.mark.engines("sqlite")
async def test_an_older_file_is_upgraded_and_a_newer_one_refused(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    older, newer = tmp_path / "older.zip", tmp_path / "newer.zip"
    await copying.export(db, older)
    with upgrades.more_migrations(upgrades.add_remarks):
        async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}") as of_newer:
            await of_newer.write(key_values.set_value, "a", "b")
            await copying.export(of_newer, newer)
    with pytest.raises(errors.StorageError, match=r"newer\.zip was written by a newer version"):
        await import_file(newer, target)
    assert not await count(target)
    upgrades.restore(upgrades.STORED[0], f"sqlite+aiosqlite:///{tmp_path / 'first.db'}")
    copying._pack(tmp_path / "first.db", first := tmp_path / "first.zip")
    assert await import_file(first, target) > 100


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kind", ["truncated", "damaged", "zip", "text", "foreign", "missing"])
async def test_a_bad_file_is_refused_and_nothing_is_changed(
    db: Database, target: Database, tmp_path: Path, kind: str
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "everything.zip"
    await copying.export(db, file)
    content = bytearray(file.read_bytes())
    match kind:
        case "truncated":
            file.write_bytes(content[: len(content) // 2])
        case "damaged":
            content[len(content) // 2] ^= 0xFF
            file.write_bytes(content)
        case "zip":
            file.unlink()
            with zipfile.ZipFile(file, "x") as packed:
                packed.writestr("other.db", "other")
        case "text":
            file.write_text("other")
        case "foreign":
            with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
                connection.execute("CREATE TABLE other (id INTEGER)")
            file.unlink()
            copying._pack(tmp_path / "other.db", file)
        case "missing":
            file.unlink()
    with pytest.raises(errors.StorageError, match=r"everything\.zip|not Paperround's"):
        await import_file(file, target)
    assert not await count(target)
    if kind in ("zip", "text"):
        with pytest.raises(errors.StorageError, match="was not replaced"):
            await copying.export(db, file)


async def test_exports_to_one_file_at_a_time_do_not_disturb_each_other(db: Database, tmp_path: Path) -> None:
    """The second export begins when the first one has copied half of its rows."""
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "all.zip"
    others = list[asyncio.Task[int]]()

    def start_another(done: int, total: int) -> None:
        if not others and 2 * done > total:
            others.append(asyncio.create_task(copying.export(db, file)))

    written = await copying.export(db, file, start_another)
    assert [await other for other in others] == [written]
    assert zipfile.ZipFile(file).testzip() is None
    assert [path.name for path in tmp_path.iterdir() if "all.zip" in path.name] == ["all.zip"]
    async with copying.open_export(file, None) as opened:
        assert sum((await count(opened)).values()) == written


@pytest.mark.engines("sqlite")
async def test_a_bad_copy_does_not_replace_a_good_one(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "all.zip"
    await copying.export(db, file)
    good, pack = file.read_bytes(), copying._pack

    def pack_without_papers(path: Path, target: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("DELETE FROM saved_papers")
        pack(path, target)

    monkeypatch.setattr(copying, "_pack", pack_without_papers)
    with pytest.raises(errors.StorageError, match=r"all\.zip was not written: export again"):
        await copying.export(db, file)
    assert file.read_bytes() == good
    with upgrades.no_space(), pytest.raises(errors.StorageError, match="Free some space"):
        await copying.export(db, file)
    async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}") as empty:
        with pytest.raises(errors.StorageError, match=r"no rows.*all\.zip was not written"):
            await copying.export(empty, file)
    assert file.read_bytes() == good


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kind", ["export", "backup"])
async def test_only_what_killed_copies_left_is_removed(db: Database, tmp_path: Path, kind: str) -> None:
    await paper_records.add_digest(db, {})
    file = tmp_path / "all"
    precious = [tmp_path / "all.partial", tmp_path / ".all.precious.partial", tmp_path / "all.zip.partial"]
    for folder in precious:
        folder.mkdir()
        (folder / "notes.txt").write_text("precious")
    program = (
        "import os, signal, sys; from pathlib import Path; from storage import backups\n"
        "with backups.scratch_folder(Path(sys.argv[1]), 'all') as folder:\n"
        "    (folder / backups.COPY).touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = sys.executable, "-c", program, tmp_path
    assert subprocess.run(command, check=False).returncode == -9  # noqa: ASYNC221 - nothing else runs
    [left] = set(tmp_path.glob(".all.*.partial")) - {*precious}
    with backups.scratch_folder(tmp_path, "all") as used:
        assert not left.exists()
        if kind == "export":
            await copying.export(db, file)
        else:
            await backups.copy_to(db, file)
        assert used.exists(), "another process uses it"
    assert sorted(tmp_path.glob("*.partial")) == sorted(precious)
    assert all((folder / "notes.txt").read_text() == "precious" for folder in precious)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.engines("sqlite")
async def test_backups_to_one_file_at_a_time_do_not_disturb_each_other(db: Database, tmp_path: Path) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "backup.db"
    sizes = await asyncio.gather(*(backups.copy_to(db, file) for _ in range(6)))
    assert set(sizes) == {file.stat().st_size}
    async with await migrate.open_database(f"sqlite+aiosqlite:///{file}") as copy:
        assert await count(copy) == await count(db)
