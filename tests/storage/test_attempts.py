"""Attempts at parts on both engines, from the start of one to its outcome."""

from __future__ import annotations

import dataclasses

from storage import database, deliveries, locks, models, outbox
from tests.support.outbox_builders import MINUTE, NOW, add, list_due_nonces, new_delivery, start_attempt


async def test_a_delivery_is_sent_with_its_last_part(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery())
    for expected in (models.DeliveryState.PLANNED, models.DeliveryState.SENT):
        async with db.transaction() as connection:
            part = await start_attempt(connection)
            await outbox.mark_sent(connection, {part.id: models.Receipt(99, 7)}, NOW + MINUTE)
            stored = await deliveries.get(connection, delivery_id)
        assert stored is not None
        assert stored.state == expected
    assert stored is not None
    assert stored.finished_at == NOW + MINUTE
    async with db.read() as connection:
        assert await deliveries.oldest_unsent_at(connection) is None


async def test_an_attempt_begins_once(db: database.Database) -> None:
    await add(db, new_delivery())
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        assert await outbox.mark_sending(connection, [part.id], NOW) == set()


async def test_a_part_interrupted_by_a_crash_is_due_again_with_an_unknown_outcome(
    db: database.Database,
) -> None:
    await add(db, new_delivery())
    async with db.transaction() as connection:
        part = await start_attempt(connection)
    async with db.transaction() as connection:
        assert await outbox.release_interrupted(connection, NOW + MINUTE) == 1
        again = (await deliveries.list_due(connection, NOW + MINUTE))[0].part
    assert again.id == part.id
    assert (again.first_attempt_at, again.attempts) == (NOW, 1)


async def test_the_first_attempt_is_kept_until_it_is_known_to_have_failed(db: database.Database) -> None:
    await add(db, new_delivery(parts=1))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.mark_retry(
            connection, part.id, next_attempt_at=NOW + MINUTE, unknown_since=NOW, error="503", error_code=0
        )
        assert await deliveries.list_due(connection, NOW) == []
        part = await start_attempt(connection, NOW + MINUTE)
        again = (await deliveries.list_parts(connection, part.delivery_id))[0]
        assert (again.first_attempt_at, again.last_attempt_at) == (NOW, NOW + MINUTE)
        await outbox.mark_retry(connection, part.id, next_attempt_at=NOW, unknown_since=None, error="429")
        again = (await deliveries.list_parts(connection, part.delivery_id))[0]
        assert again.first_attempt_at is None


async def test_a_failed_part_ends_its_delivery(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery("a"))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await outbox.stop_part(connection, part.id, models.PartState.FAILED, reason="refused", now=NOW)
        stored = await deliveries.get(connection, delivery_id)
    assert stored is not None
    assert (stored.state, stored.finished_at) == (models.DeliveryState.FAILED, NOW)
    assert await list_due_nonces(db) == []


async def test_the_fallback_is_used_once_under_a_new_nonce(db: database.Database) -> None:
    await add(db, new_delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        assert await outbox.use_fallback(connection, part.id, nonce="plain", now=NOW)
        again = (await deliveries.list_due(connection, NOW))[0].part
        assert (again.payload, again.nonce, again.first_attempt_at) == ("{plain}", "plain", None)
        assert not await outbox.use_fallback(connection, part.id, nonce="plainer", now=NOW)


async def test_a_former_sender_can_claim_nothing_and_store_receipts_only(db: database.Database) -> None:
    delivery_id = await add(db, new_delivery(parts=3))
    async with db.transaction() as connection:
        former = await locks.raise_term(connection)
        [first, second, third] = [part.id for part in await deliveries.list_parts(connection, delivery_id)]
        assert await outbox.mark_sending(connection, [first, second], NOW, term=former) == {first, second}
        present = await locks.raise_term(connection)
        assert await outbox.mark_sending(connection, [third], NOW, term=former) == set()
        assert await outbox.release_interrupted(connection, NOW, term=former) == 0
        assert await outbox.release_interrupted(connection, NOW, term=present) == 2
    async with db.transaction() as connection:
        assert await outbox.mark_sending(connection, [first], NOW, term=present) == {first}
        for part_id in (first, second):
            assert not await outbox.mark_retry(
                connection, part_id, next_attempt_at=NOW, unknown_since=None, error="503", term=former
            )
            for state in (models.PartState.PAUSED, models.PartState.UNCERTAIN, models.PartState.FAILED):
                assert not await outbox.stop_part(
                    connection, part_id, state, reason="no", now=NOW, term=former
                )
            assert not await outbox.use_fallback(connection, part_id, nonce="n", now=NOW, term=former)
        await outbox.mark_sent(connection, {second: models.Receipt(9, 7)}, NOW)
        states = [part.state.value for part in await deliveries.list_parts(connection, delivery_id)]
        assert states == ["sending", "sent", "planned"]


async def test_a_forum_post_of_a_former_sender_is_due_once_its_request_must_have_ended(
    db: database.Database,
) -> None:
    forum_post = models.NewPart(models.PartKind.FORUM_POST, "{}", "forum", marker="m")
    await add(db, new_delivery("message", parts=1))
    await add(db, dataclasses.replace(new_delivery("forum"), parts=(forum_post,), channel_id=8))
    async with db.transaction() as connection:
        term = await locks.raise_term(connection)
        due = await deliveries.list_due(connection, NOW)
        await outbox.mark_sending(connection, [one.part.id for one in due], NOW, term=term)
        term = await locks.raise_term(connection)
        assert await outbox.release_interrupted(connection, NOW, term=term, forum_posts_at=NOW + MINUTE)
        [message] = await deliveries.list_due(connection, NOW)
        assert message.part.kind is models.PartKind.MESSAGE
        assert len(await deliveries.list_due(connection, NOW + MINUTE)) == 2
