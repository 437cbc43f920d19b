"""Copying a database to the same engine and to the other engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import copying, daily, errors, locks, tables
from storage.database import Database
from tests.support import outbox_builders, paper_records, reader_rows


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


async def test_a_copy_that_was_killed_can_be_repeated(
    db: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader_rows.fill_every_table(db, 7)
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=2))
    for database in (db, target):  # as the killed process leaves them
        if not database.is_sqlite:
            async with database.transaction() as connection:
                await locks.raise_term(connection)
    copied = await copying.copy(db, target)
    assert copied >= len(copying.COPIED)
    # Killed after its commit, while the papers were indexed.
    assert await copying.copy(db, target) == copied
    await paper_records.add_digest(db, {})
    with pytest.raises(errors.StorageError, match="already has rows"):
        await copying.copy(db, target)


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
