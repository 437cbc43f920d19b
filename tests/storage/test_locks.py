"""Locks that one process holds, on both engines: that of the sender keeps a second copy from sending."""

from __future__ import annotations

from pathlib import Path

from storage import database, locks, migrate


async def test_locks_of_one_name_exclude_each_other_and_no_others(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = (locks.ProcessLock(opened, "writer", 5) for opened in (db, other_db))
    sender = locks.SenderLock(other_db)
    assert await first.try_acquire()
    assert not await second.try_acquire()
    assert await sender.try_acquire()
    await first.release()
    assert await second.try_acquire()
    await second.release()
    await sender.release()
    await other_db.close()


async def test_only_one_holds_the_lock_and_the_next_gets_it_when_it_is_free(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    assert not await second.try_acquire()
    assert await first.heartbeat()
    await first.release()
    assert await second.try_acquire()
    assert not await first.heartbeat()
    await second.release()
    await other_db.close()


async def test_a_lost_connection_to_postgresql_is_noticed(postgres_url: str) -> None:
    import sqlalchemy as sa

    opened = await migrate.open_database(postgres_url, migrate=True)
    lock = locks.SenderLock(opened)
    assert await lock.try_acquire()
    async with opened.transaction() as connection:
        await connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    assert not await lock.heartbeat()
    assert not lock.is_held
    await opened.close()


async def test_one_file_under_two_names_has_one_lock(sqlite_db: database.Database, tmp_path: Path) -> None:
    file = database.sqlite_path(sqlite_db.url)
    assert file is not None
    link = tmp_path / "elsewhere.db"
    link.symlink_to(file)
    other_db = await migrate.open_database(f"sqlite+aiosqlite:///{link}")
    first, second = locks.SenderLock(sqlite_db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    assert not await second.try_acquire()
    await first.release()
    await other_db.close()


async def test_each_acquisition_begins_a_term(db: database.Database) -> None:
    lock = locks.SenderLock(db)
    assert lock.term is None
    terms: list[int] = []
    for _ in range(2):
        assert await lock.try_acquire()
        assert lock.term is not None
        terms.append(lock.term)
        assert not await lock.is_superseded(terms[-1])
        await lock.release()
        assert lock.term is None
    assert terms[1] == terms[0] + 1
    assert await lock.is_superseded(terms[0])
