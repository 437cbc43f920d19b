"""The file with everything: written from and read into both engines, and files that are refused."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import copying, errors, export_file, key_values, locks, migrate
from storage.database import Database
from tests.support import reader_rows, upgrades

TOKEN = "hunter2"


@pytest.fixture
async def target(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database to read the file into."""
    is_sqlite = empty_database_url.startswith("sqlite")
    url = f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}" if is_sqlite else empty_database_url
    opened = await migrate.open_database(url, migrate=True)
    yield opened
    await opened.close()


async def write(source: Database, file: Path) -> int:
    return [progress.done async for progress in export_file.write(source, file)][-1]


async def read(file: Path, target: Database) -> int:
    return [progress.done async for progress in export_file.read(file, target)][-1]


async def count(database: Database) -> list[int]:
    async with database.read() as connection:
        return [await copying._count(connection, table) for table in copying.COPIED]


async def test_everything_but_tokens_goes_into_a_file_and_comes_out_of_it(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    before = await count(db)
    async with db.transaction() as connection:
        await key_values.set_value(connection, f"{key_values.WEBHOOK}1", TOKEN)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire(), "the bot may run"
    file = tmp_path / "everything.gz"
    written = await write(db, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() not in gzip.decompress(file.read_bytes())
    assert await write(db, file) == written, "an earlier export is replaced"
    await lock.release()
    assert await read(file, target) == written
    assert await count(target) == before
    assert [path.name for path in tmp_path.glob("*.partial*")] == []
    async with target.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM feedback"))
    with pytest.raises(errors.StorageError, match="already has rows"):
        await read(file, target)


@pytest.mark.engines("sqlite")
async def test_an_older_file_is_upgraded_and_a_newer_one_refused(
    db: Database, target: Database, tmp_path: Path
) -> None:
    await reader_rows.fill_every_table(db, 7)
    older, newer = tmp_path / "older.gz", tmp_path / "newer.gz"
    await write(db, older)
    with upgrades.more_migrations(upgrades.add_remarks):
        of_newer = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}")
        async with of_newer.transaction() as connection:
            await key_values.set_value(connection, "a", "b")
        await write(of_newer, newer)
        await of_newer.close()
    with pytest.raises(errors.StorageError, match=r"newer\.gz was written by a newer version"):
        await read(newer, target)
    assert not any(await count(target))
    export_file._pack(_restored(tmp_path), first := tmp_path / "first.gz")
    assert await read(first, target) > 100


def _restored(folder: Path) -> Path:
    upgrades.restore(upgrades.STORED[0], f"sqlite+aiosqlite:///{folder / 'first.db'}")
    return folder / "first.db"


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kind", ["truncated", "damaged", "gzip", "text", "foreign", "missing"])
async def test_a_bad_file_is_refused_and_nothing_is_changed(
    db: Database, target: Database, tmp_path: Path, kind: str
) -> None:
    await reader_rows.fill_every_table(db, 7)
    file = tmp_path / "everything.gz"
    await write(db, file)
    content = bytearray(file.read_bytes())
    match kind:
        case "truncated":
            file.write_bytes(content[: len(content) // 2])
        case "damaged":
            content[len(content) // 2] ^= 0xFF
            file.write_bytes(content)
        case "gzip":
            file.write_bytes(gzip.compress(b"other"))
        case "text":
            file.write_text("other")
        case "foreign":
            with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
                connection.execute("CREATE TABLE other (id INTEGER)")
            file.unlink()
            export_file._pack(tmp_path / "other.db", file)
        case "missing":
            file.unlink()
    with pytest.raises(errors.StorageError, match=r"everything\.gz|not Paperround's"):
        await read(file, target)
    assert not any(await count(target))
    if kind in ("gzip", "text"):
        with pytest.raises(errors.StorageError, match="was not replaced"):
            await write(db, file)
