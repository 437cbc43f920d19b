"""Planned deliveries on both engines: unique keys, stored fields, purged payloads."""

from __future__ import annotations

from storage import database, deliveries, models, outbox
from tests.support.outbox_builders import MINUTE, NOW, add, new_delivery, start_attempt


async def test_a_repeated_key_is_planned_once(db: database.Database) -> None:
    async with db.transaction() as connection:
        assert await outbox.add(connection, new_delivery()) is not None
        assert await outbox.add(connection, new_delivery()) is None
        twice = await outbox.add_all(connection, [new_delivery("a"), new_delivery("a"), new_delivery("b")])
        assert twice.keys() == {"a", "b"}
        assert await deliveries.count_by_state(connection) == {models.PartState.PLANNED: 6}


async def test_a_planned_delivery_reads_back(db: database.Database) -> None:
    post = models.StoredPost(
        papers=("2502.02737", "2502.02738"),
        total=9,
        fingerprint="f",
        topic="강화 학습",
        late=((NOW.date(), 1, 2),),
        closes_at=NOW,
        is_complete=True,
        server_picks=(("2502.02737", 2, 1),),
    )
    planned = new_delivery(user_id=5, guild_id=6, digest_on=NOW.date(), post=post, priority=3)
    delivery_id = await add(db, planned)
    async with db.read() as connection:
        stored = await deliveries.get(connection, delivery_id)
        parts = await deliveries.list_parts(connection, delivery_id)
    assert stored is not None
    for name in ("key", "kind", "user_id", "guild_id", "digest_on", "post", "priority", "due_at"):
        assert getattr(stored, name) == getattr(planned, name)
    assert [part.position for part in parts] == [0, 1]
    assert parts[0].first_attempt_at is None


async def test_payloads_are_purged_some_time_after_the_end(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.mark_sent(connection, {part.id: models.Receipt(1, 7)}, NOW)
        assert await outbox.clear_payloads(connection, [part.id], NOW) == 0
        assert await deliveries.list_filled_parts(connection, NOW + MINUTE, 0, 10) == [part.id]
        assert await outbox.clear_payloads(connection, [part.id], NOW + MINUTE) == 1
        assert await deliveries.list_filled_parts(connection, NOW + MINUTE, 0, 10) == []
        assert (await deliveries.list_parts(connection, delivery_id))[0].payload is None
