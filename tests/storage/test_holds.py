"""Pausing, resuming, requeueing and ending deliveries on both engines."""

from __future__ import annotations

from datetime import timedelta

from storage import database, deliveries, models, outbox
from tests.support.outbox_builders import NOW, add, list_due_nonces, new_delivery, start_attempt


async def test_an_uncertain_part_blocks_only_its_own_delivery_and_can_be_requeued(
    db: database.Database,
) -> None:
    delivery_id = await add(db, new_delivery("a"))
    await add(db, new_delivery("b", parts=1, priority=60))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.stop_part(
            connection, part.id, models.PartState.UNCERTAIN, reason="may not read the history", now=NOW
        )
        uncertain = await deliveries.list_rows(connection, state=models.DeliveryState.UNCERTAIN)
        assert [(delivery.id, delivery.reason) for delivery in uncertain] == [
            (delivery_id, "may not read the history")
        ]
    assert await list_due_nonces(db) == ["b/0"]
    async with db.transaction() as connection:
        later = NOW + timedelta(days=1)
        assert await outbox.requeue(connection, part.id, nonce="new", now=NOW, expires_at=later)
        assert not await outbox.requeue(connection, part.id, nonce="newer", now=NOW, expires_at=later)
    assert await list_due_nonces(db) == ["new", "b/0"]


async def test_a_paused_delivery_resumes_at_the_part_that_stopped(db: database.Database) -> None:
    await add(db, new_delivery("a"))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.stop_part(
            connection, part.id, models.PartState.PAUSED, reason="no access", error_code=50001, now=NOW
        )
    assert await list_due_nonces(db) == []
    async with db.transaction() as connection:
        assert await outbox.resume(connection, NOW, channel_id=8) == 0
        assert await outbox.resume(connection, NOW, channel_id=7) == 1
    assert await list_due_nonces(db) == ["a/0"]


async def test_expiry_ends_the_unsent_parts_but_not_one_being_sent(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery("a"))
    late = NOW + timedelta(hours=25)
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        assert await outbox.expire(connection, late, reason="too old") == []
        await outbox.mark_sent(connection, {part.id: models.Receipt(1, 7)}, late)
        ended = await outbox.expire(connection, late, reason="too old")
        assert [(delivery.id, delivery.state) for delivery in ended] == [
            (delivery_id, models.DeliveryState.EXPIRED)
        ]
        states = [part.state for part in await deliveries.list_parts(connection, delivery_id)]
    assert states == [models.PartState.SENT, models.PartState.EXPIRED]
    assert await list_due_nonces(db, late) == []


async def test_a_delivery_cancelled_while_being_sent_does_not_resume(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery("a"))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.cancel(connection, [delivery_id], reason="by-hand", now=NOW)
        await outbox.stop_part(connection, part.id, models.PartState.PAUSED, reason="no access", now=NOW)
        assert await outbox.resume(connection, NOW, channel_id=7) == 0
    assert await list_due_nonces(db) == []


async def test_the_fallback_of_a_cancelled_delivery_is_not_sent(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.cancel(connection, [delivery_id], reason="by-hand", now=NOW)
        await outbox.use_fallback(connection, part.id, nonce="plain", now=NOW)
    assert await list_due_nonces(db) == []
