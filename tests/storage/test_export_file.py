"""The file with everything: written from and read into both engines, and files that are refused."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import copying, errors, export_file, key_values, locks, migrate
from storage.database import Database
from tests.support import reader_rows, upgrades

TOKEN = "hunter2"


async def count(database: Database) -> dict[str, int]:
    async with database.read() as connection:
        return await copying._count(connection)


async def test_everything_but_tokens_goes_into_a_file_and_comes_out_of_it(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    before = await count(db)
    async with db.transaction() as connection:
        await key_values.set_value(connection, f"{key_values.WEBHOOK}1", TOKEN)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire(), "the bot may run"
    file = tmp_path / "everything.zip"
    written = await export_file.write(db, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() not in zipfile.ZipFile(file).read("paperround.db")
    assert await export_file.write(db, file) == written, "an earlier export is replaced"
    await lock.release()
    assert await export_file.read(file, target) == written
    assert await count(target) == before
    assert [path.name for path in tmp_path.glob("*.partial*")] == []
    async with target.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM feedback"))
    with pytest.raises(errors.StorageError, match="already has rows"):
        await export_file.read(file, target)


@pytest.mark.engines("sqlite")
async def test_an_older_file_is_upgraded_and_a_newer_one_refused(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    older, newer = tmp_path / "older.zip", tmp_path / "newer.zip"
    await export_file.write(db, older)
    with upgrades.more_migrations(upgrades.add_remarks):
        async with await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}") as of_newer:
            async with of_newer.transaction() as connection:
                await key_values.set_value(connection, "a", "b")
            await export_file.write(of_newer, newer)
    with pytest.raises(errors.StorageError, match=r"newer\.zip was written by a newer version"):
        await export_file.read(newer, target)
    assert not await count(target)
    export_file._pack(_restored(tmp_path), first := tmp_path / "first.zip")
    assert await export_file.read(first, target) > 100


def _restored(folder: Path) -> Path:
    upgrades.restore(upgrades.STORED[0], f"sqlite+aiosqlite:///{folder / 'first.db'}")
    return folder / "first.db"


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kind", ["truncated", "damaged", "zip", "text", "foreign", "missing"])
async def test_a_bad_file_is_refused_and_nothing_is_changed(
    db: Database, target: Database, tmp_path: Path, kind: str
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "everything.zip"
    await export_file.write(db, file)
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
            export_file._pack(tmp_path / "other.db", file)
        case "missing":
            file.unlink()
    with pytest.raises(errors.StorageError, match=r"everything\.zip|not Paperround's"):
        await export_file.read(file, target)
    assert not await count(target)
    if kind in ("zip", "text"):
        with pytest.raises(errors.StorageError, match="was not replaced"):
            await export_file.write(db, file)
