"""Copies of a database on the same engine and on the other one."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage import copying, errors, key_values, locks, migrate, models, tables
from storage.database import Database
from tests.support import reader_rows


@pytest.fixture
async def target(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database, of each engine for each engine of the source."""
    is_sqlite = empty_database_url.startswith("sqlite")
    url = f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}" if is_sqlite else empty_database_url
    opened = await migrate.open_database(url, migrate=True)
    yield opened
    await opened.close()


async def read(database: Database, table: sa.Table) -> list[Any]:
    async with database.read() as connection:
        return sorted(map(repr, (await connection.execute(sa.select(table))).all()))


async def list_rules(database: Database) -> list[Any]:
    """Return the definitions of the indexes, and on PostgreSQL of the constraints."""
    rules = "SELECT sql FROM sqlite_master"
    if not database.is_sqlite:
        rules = "SELECT indexdef FROM pg_indexes UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint"
    async with database.read() as connection:
        return sorted(map(repr, await connection.execute(sa.text(rules))))


async def copy(source: Database, target: Database) -> int:
    return [rows async for rows in copying.copy(source, target, reader_rows.NOW)][-1]


async def add_digest(database: Database, number: int) -> int:
    async with database.transaction() as connection:
        values = {"hash": f"hash {number}", "date_on": reader_rows.NOW.date(), "format": "review"}
        stored = {"language": "en", "raw": b"", "problems": (), "revision": 1}
        times = {"ingested_at": reader_rows.NOW, "updated_at": reader_rows.NOW}
        query = tables.digests.insert().values(values | stored | times).returning(tables.digests.c.id)
        return int((await connection.execute(query)).scalar_one())


async def test_a_copy_has_all_rows_and_gives_ids_that_were_never_given(
    db: Database, target: Database
) -> None:
    for reader in (7, 1 << 60):
        await reader_rows.fill_every_table(db, reader)
    async with db.transaction() as connection:
        await key_values.set_value(connection, key_values.INDEX_VERSION, "1")
        # JSON's null is not NULL, and stays so.
        await connection.execute(tables.saved_papers.update().values(authors=None))
        at = reader_rows.NOW + timedelta(microseconds=120)
        texts = {"title": r"\N", "abstract": "\\t\\\t\b\f\n\r\v 한글\u2028", "url": r"\\x41"}
        values = {"authors_truncated": True, "votes_read_at": at, "categories": ("\t",)}
        await connection.execute(tables.papers.update().values(texts | values))
        await connection.execute(tables.profile_weights.update().values(weight=-1 / 3e9))
    deleted = await add_digest(db, 1)
    async with db.transaction() as connection:
        await connection.execute(tables.digests.delete().where(tables.digests.c.id == deleted))
    schema = await list_rules(target)
    copied = await copy(db, target)
    assert await list_rules(target) == schema
    assert copied > len(copying.COPIED)
    for table in copying.COPIED:
        if table is not tables.meta:
            assert await read(target, table) == await read(db, table) != []
    async with target.read() as connection:
        kept = await key_values.list_by_prefix(connection, "")
        assert (await connection.execute(sa.select(tables.indexed_papers))).first() is None
        is_null = sa.select(sa.func.count()).where(tables.saved_papers.c.authors.is_(sa.null()))
        assert (await connection.execute(is_null)).scalar() == 0
    # Of the two readers; neither the index's version nor the progress.
    assert len(kept) == 2
    assert await add_digest(target, 2) > deleted


async def test_a_copy_that_was_cut_off_sends_nothing_and_continues(db: Database, target: Database) -> None:
    await _begin_copy(db, target)
    with pytest.raises(errors.StorageError, match="incomplete copy"):
        await locks.SenderLock(target).try_acquire()
    assert await copy(db, target) == len(copying.COPIED)
    lock = locks.SenderLock(target)
    assert await lock.try_acquire()
    await lock.release()


@pytest.mark.engines("sqlite")
async def test_a_copy_that_was_cut_off_is_not_copied(db: Database, target: Database, tmp_path: Path) -> None:
    await _begin_copy(db, target)
    third = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'third.db'}")
    with pytest.raises(errors.StorageError, match="is an incomplete copy"):
        await copy(target, third)
    await third.close()


@pytest.mark.engines("sqlite")
async def test_a_copy_may_be_replaced_by_a_backup_until_a_bot_has_used_it(
    db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "copied.db"
    target = await migrate.open_database(f"sqlite+aiosqlite:///{path}")
    await copy(db, target)
    await migrate.copy_to(db, path)
    lock = locks.SenderLock(target)
    assert await lock.try_acquire()
    await lock.release()
    with pytest.raises(errors.StorageError):
        await migrate.copy_to(db, path)
    await target.close()


async def _begin_copy(db: Database, target: Database) -> None:
    """Fill every table, and cut a copy off after some rows."""
    await reader_rows.fill_every_table(db, 7)
    async with aclosing(copying.copy(db, target, reader_rows.NOW)) as steps:
        async for rows in steps:
            if rows > 5:
                break


@pytest.mark.engines("sqlite")
async def test_a_copy_does_not_continue_once_the_source_has_changed(db: Database, target: Database) -> None:
    await _begin_copy(db, target)
    async with db.transaction() as connection:
        await connection.execute(tables.alerts.update().values(min_votes=20))
    with pytest.raises(
        errors.StorageError, match="source's table alerts has changed since the copy was interrupted"
    ):
        await copy(db, target)


@pytest.mark.engines("sqlite")
async def test_a_copy_that_differs_is_refused(db: Database, target: Database) -> None:
    await _begin_copy(db, target)
    async with target.transaction() as connection:
        await connection.execute(tables.digests.update().values(language="ko"))
    with pytest.raises(
        errors.StorageError, match="table digests does not match the source's: the checksums differ"
    ):
        await copy(db, target)


@pytest.mark.engines("sqlite")
async def test_a_database_in_use_and_one_with_rows_are_refused(db: Database, target: Database) -> None:
    with pytest.raises(errors.StorageError, match="both source and target"):
        await copy(db, db)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    with pytest.raises(errors.StorageError, match="Stop the bot"):
        await copy(db, target)
    await lock.release()
    # A front has no lock, and its readers go on to save papers.
    now = reader_rows.NOW
    ahead = now + timedelta(hours=3)  # by the clock of a machine on which it was killed
    front = models.Process("front", models.ProcessRole.FRONT, "1", "r0001", None, now, ahead)
    async with db.transaction() as connection:
        await locks.report_process(connection, front)
    until = ahead + locks.LIVE
    sentence = f"--role front.*was killed, copy again after {until:%Y-%m-%d %H:%M:%S} UTC"
    with pytest.raises(errors.StorageError, match=sentence):
        await copy(db, target)
    async with db.transaction() as connection:
        await locks.remove_process(connection, "front")
    await add_digest(target, 1)
    with pytest.raises(errors.StorageError, match="already has rows in digests"):
        await copy(db, target)
    async with db.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r0002'"))
    with pytest.raises(
        errors.StorageError, match="has schema r0002, but this version can copy only schema r0001"
    ):
        await copy(db, target)


async def test_large_digests_are_copied_a_few_at_a_time(sqlite_db: Database) -> None:
    async with sqlite_db.transaction() as connection:
        values = {"date_on": reader_rows.NOW.date(), "format": "review", "language": "en", "problems": ()}
        times = {"ingested_at": reader_rows.NOW, "updated_at": reader_rows.NOW, "revision": 1}
        rows = [values | times | {"hash": str(number), "raw": bytes(500_000)} for number in range(100)]
        await connection.execute(tables.digests.insert(), rows)
    async with sqlite_db.read() as connection:
        tracemalloc.start()
        copied = await copying._read(connection, tables.digests)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert copied.rows == 100
    assert peak < 35_000_000  # of 50 MB
