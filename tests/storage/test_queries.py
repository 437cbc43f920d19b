"""The order of due parts on both engines."""

from __future__ import annotations

from storage import database, deliveries, models, outbox
from tests.support.outbox_builders import MINUTE, NOW, add, list_due_nonces, new_delivery, start_attempt


async def test_only_the_first_unsent_part_of_a_delivery_is_due(db: database.Database) -> None:
    await add(db, new_delivery())
    assert await list_due_nonces(db) == ["daily:1:2026-01-01/0"]
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        assert await deliveries.list_due(connection, NOW) == []
        await outbox.mark_sent(connection, {part.id: models.Receipt(99, 7)}, NOW)
    assert await list_due_nonces(db) == ["daily:1:2026-01-01/1"]


async def test_due_parts_are_ordered_by_priority_and_none_is_early(db: database.Database) -> None:
    await add(db, new_delivery("daily", parts=1, priority=50))
    await add(db, new_delivery("alert", parts=1, priority=10))
    await add(db, new_delivery("later", parts=1, priority=0, due_at=NOW + MINUTE))
    assert await list_due_nonces(db) == ["alert/0", "daily/0"]
    assert await list_due_nonces(db, NOW + MINUTE) == ["later/0", "alert/0", "daily/0"]
