"""A lock that one process holds, on both engines."""

from __future__ import annotations

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
