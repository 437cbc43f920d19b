"""Deliveries and their parts on both engines: planning, order, attempts, fencing and expiry."""

from datetime import timedelta
from functools import partial

from storage import ask, database, key_values, locks, models, outbox, tables
from tests.fake_discord import model
from tests.support.outbox_builders import (
    MINUTE,
    NOW,
    add,
    list_due,
    list_due_nonces,
    new_delivery,
    retry,
    start_attempt,
    stop,
    stop_uncertain,
)


async def test_plans_each_delivery_key_once(db: database.Database) -> None:
    async with db.transaction() as connection:
        assert await outbox.add(connection, new_delivery(parts=2)) is not None
        assert await outbox.add(connection, new_delivery(parts=2)) is None
        twice = await outbox.add_all(
            connection, [new_delivery("a", parts=2), new_delivery("a", parts=2), new_delivery("b", parts=2)]
        )
        assert twice.keys() == {"a", "b"}
        assert await outbox.count_by_state(connection) == {models.PartState.WAITING: 6}


async def test_orders_due_parts_by_priority(db: database.Database) -> None:
    await add(db, new_delivery("daily", priority=50))
    await add(db, new_delivery("alert", priority=10))
    await add(db, new_delivery("later", priority=0, due_at=NOW + MINUTE))
    assert await list_due_nonces(db) == ["alert/0", "daily/0"]
    assert await list_due_nonces(db, NOW + MINUTE) == ["later/0", "alert/0", "daily/0"]


async def test_a_certain_failure_clears_the_time_of_the_first_attempt(db: database.Database) -> None:
    await add(db, new_delivery(parts=1))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await retry(connection, part.id, NOW + MINUTE, unknown_since=NOW)
        assert await list_due(connection, NOW) == []
        part = await start_attempt(connection, NOW + MINUTE)
        again = (await outbox.list_parts(connection, part.delivery_id))[0]
        assert (again.first_attempt_at, again.last_attempt_at) == (NOW, NOW + MINUTE)
        await retry(connection, part.id, NOW, unknown_since=None)
        again = (await outbox.list_parts(connection, part.delivery_id))[0]
        assert again.first_attempt_at is None


async def test_former_sender_can_only_store_receipts(db: database.Database) -> None:
    [delivery_id] = await add(db, new_delivery(parts=3))
    async with db.transaction() as connection:
        former = await locks.raise_term(connection, "")
        [first, second, third] = [part.id for part in await outbox.list_parts(connection, delivery_id)]
        assert set(await outbox.mark_sending(connection, [first, second], NOW, term=former)) == {
            first,
            second,
        }
        present = await locks.raise_term(connection, "")
        assert set(await outbox.mark_sending(connection, [third], NOW, term=former)) == set()
        release = partial(outbox.release_interrupted, connection, NOW, forum_posts_at=None, in_flight_ids=())
        assert await release(term=former) == 0
        assert await release(term=present) == 2
    async with db.transaction() as connection:
        assert set(await outbox.mark_sending(connection, [first], NOW, term=present)) == {first}
        for part_id in (first, second):
            assert not await retry(connection, part_id, NOW, unknown_since=None, term=former)
            assert not await stop(connection, part_id, term=former)
            assert not await outbox.use_fallback(connection, part_id, nonce="n", now=NOW, term=former)
        await outbox.mark_sent(connection, {second: models.Receipt(9, 7)}, NOW)
        states = [part.state.value for part in await outbox.list_parts(connection, delivery_id)]
        assert states == ["sending", "sent", "waiting"]


async def test_retries_a_former_senders_forum_post_after_its_timeout(db: database.Database) -> None:
    await add(db, new_delivery("message"), new_delivery("forum", 8, kinds=(models.PartKind.FORUM_POST,)))
    async with db.transaction() as connection:
        term = await locks.raise_term(connection, "")
        due = await list_due(connection, NOW)
        await outbox.mark_sending(connection, [one.part.id for one in due], NOW, term=term)
        term = await locks.raise_term(connection, "")
        assert await outbox.release_interrupted(
            connection, NOW, term=term, forum_posts_at=NOW + MINUTE, in_flight_ids=()
        )
        [message] = await list_due(connection, NOW)
        assert message.part.kind is models.PartKind.MESSAGE
        assert len(await list_due(connection, NOW + MINUTE)) == 2


async def test_a_delivery_with_unknown_outcome_can_be_resent_once(db: database.Database) -> None:
    [delivery_id] = await add(db, new_delivery("a", parts=2))
    await add(db, new_delivery("b", priority=60))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await stop_uncertain(connection, part)
        [stopped] = await outbox.list_rows(connection, state=models.DeliveryState.STOPPED)
        assert (stopped.id, stopped.is_uncertain) == (delivery_id, True)
    assert await list_due_nonces(db) == ["b/0"]
    later, nonces = NOW + timedelta(days=1), iter(("new", "newer"))

    async def repeat() -> bool:
        return await db.write(
            outbox.repeat_uncertain, delivery_id, new_nonce=lambda: next(nonces), now=NOW, expires_at=later
        )

    assert await repeat()
    assert not await repeat()
    assert await list_due_nonces(db) == ["new", "b/0"]


async def test_a_stopped_message_stops_the_forwarding_of_its_own_delivery_alone(
    db: database.Database,
) -> None:
    kinds = models.PartKind.MESSAGE, models.PartKind.CROSSPOST
    ids = await add(db, new_delivery("a", 7, kinds=kinds), new_delivery("b", 8, kinds=kinds))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        # Discord refuses its content: it is given up, but not its delivery.
        assert await stop(connection, part.id, models.Reason.REFUSED_CONTENT, alone=True)
        states = [[part.state for part in await outbox.list_parts(connection, id_)] for id_ in ids]
    assert states == [[models.PartState.STOPPED] * 2, [models.PartState.WAITING] * 2]


async def test_expiry_stops_waiting_parts_but_not_parts_in_flight(db: database.Database) -> None:
    [delivery_id] = await add(db, new_delivery("a", parts=2))
    late = NOW + timedelta(hours=25)
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        assert await outbox.expire(connection, late, unknown_until=NOW) == []
        await outbox.mark_sent(connection, {part.id: models.Receipt(1, 7)}, late)
        ended = await outbox.expire(connection, late, unknown_until=NOW)
        assert [(delivery.id, delivery.state) for delivery in ended] == [
            (delivery_id, models.DeliveryState.STOPPED)
        ]
        states = [part.state for part in await outbox.list_parts(connection, delivery_id)]
    assert states == [models.PartState.SENT, models.PartState.STOPPED]
    assert await list_due_nonces(db, late) == []


async def test_only_deliveries_with_unknown_outcome_survive_expiry(db: database.Database) -> None:
    await add(db, new_delivery("unknown"))
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await retry(connection, part.id, NOW, unknown_since=NOW)
    await add(db, new_delivery("waiting"))
    ended = await db.write(outbox.expire, NOW + timedelta(hours=25), unknown_until=NOW)
    assert [row.key for row in ended] == ["waiting"]


async def test_asking_again_for_one_kind_of_message_leaves_what_is_known_of_the_others(
    db: database.Database,
) -> None:
    kinds = models.DeliveryKind.NEWS, models.DeliveryKind.TODAY
    for kind in kinds:
        await add(db, new_delivery(kind, None, guild_id=None, user_id=7, kind=kind))
    async with db.transaction() as connection:
        closed = tables.deliveries.update().values(reason=models.Reason.DMS_CLOSED)
        await connection.execute(closed)
        await outbox.try_direct(connection, models.DeliveryKind.NEWS, 7, NOW)
        known = [await outbox.find_refusal(connection, kind, 7) for kind in kinds]
    assert known == [None, models.Reason.DMS_CLOSED]


async def test_lists_failed_messages_to_a_channel_or_a_reader_as_problems(db: database.Database) -> None:
    posts = [new_delivery(key) for key in ("channel", "newest", "sent", "cancelled")]
    posts += [new_delivery("old", planned_at=NOW - MINUTE), new_delivery("another channel", 8)]
    posts += [new_delivery(key, 9, user_id=id_) for key, id_ in (("reader", 5), ("another reader", 6))]
    ids = dict(zip((post.key for post in posts), await add(db, *posts), strict=True))
    async with db.transaction() as connection:
        await outbox.cancel(connection, [ids.pop("cancelled")], reason=models.Reason.BY_HAND, now=NOW)
        ids.pop("sent")
        await outbox.cancel(connection, list(ids.values()), reason=models.Reason.NO_SEND, now=NOW)
        problems = await outbox.list_problems(connection, [7], 5, NOW, 9)
        assert [row.key for row in problems] == ["reader", "newest", "channel"]
        assert await outbox.list_problems(connection, [7], 5, NOW, 1) == problems[:1]
        assert await outbox.list_channel_ids(connection, model.GUILD_ID) == {7, 8}


async def test_ended_deliveries_are_cleared_and_purged_in_batches(db: database.Database) -> None:
    ids = await add(db, new_delivery("a"), new_delivery("b"), new_delivery("waiting"))
    async with db.transaction() as connection:
        await outbox.cancel(connection, ids[:2], reason=models.Reason.BY_HAND, now=NOW)
        for remove in (outbox.clear_payloads, outbox.purge):
            batches = [await remove(connection, at, 1) for at in (NOW, *[NOW + MINUTE] * 3)]
            assert batches == [0, 1, 1, 0]
            left = [part for id_ in ids for part in await outbox.list_parts(connection, id_)]
            assert [part.nonce for part in left if part.payload and part.fallback] == ["waiting/0"]
        assert len(left) == 1


async def test_an_answer_that_may_have_arrived_is_not_replaced(db: database.Database) -> None:
    """The nonce of the first request would bring back the message as it was."""
    [delivery_id] = await add(db, new_delivery(kind=models.DeliveryKind.ANSWER))
    shown = models.NewPart(models.PartKind.MESSAGE, "{}", "")
    async with db.transaction() as connection:
        part = await start_attempt(connection)
        await retry(connection, part.id, NOW + MINUTE, unknown_since=NOW)
        assert not await ask.put_answer(connection, delivery_id, shown, NOW, rest_at=NOW, about=())
        [kept] = await outbox.list_parts(connection, delivery_id)
    assert kept.payload == part.payload


async def test_a_message_under_way_decides_what_a_cancelled_delivery_is(db: database.Database) -> None:
    """Its receipt makes it sent; a failure stops it, so that nothing of it waits any more."""
    kept: list[tuple[models.DeliveryState, list[models.PartState]]] = []
    for is_sent in (True, False):
        [delivery_id] = await add(db, new_delivery(str(is_sent)))
        async with db.transaction() as connection:
            part = await start_attempt(connection)
            await outbox.cancel(connection, [delivery_id], reason=models.Reason.BY_HAND, now=NOW)
            if is_sent:
                await outbox.mark_sent(connection, {part.id: models.Receipt(1, 7)}, NOW)
            else:
                await retry(connection, part.id, NOW, unknown_since=None)
            delivery = await outbox.get(connection, delivery_id)
            assert delivery is not None
            states = [part.state for part in await outbox.list_parts(connection, delivery_id)]
            kept.append((delivery.state, states))
    assert kept == [
        (models.DeliveryState.SENT, [models.PartState.SENT]),
        (models.DeliveryState.STOPPED, [models.PartState.STOPPED]),
    ]


async def test_a_run_that_announced_to_send_may_have_sent_what_waited_then(db: database.Database) -> None:
    announced_at = NOW.isoformat()
    early, by_webhook, late = await add(
        db,
        new_delivery("early", planned_at=NOW - MINUTE),
        new_delivery("by webhook", planned_at=NOW, guild_id=None),
        new_delivery("late", planned_at=NOW + MINUTE),
    )
    await db.write(key_values.set_value, key_values.ANNOUNCED, announced_at)
    assert await db.write(outbox.mark_announced_as_attempted) == {early, by_webhook}
    for delivery_id, at in ((early, NOW), (by_webhook, NOW), (late, None)):
        [part] = await db.fetch(outbox.list_parts, delivery_id)
        assert part.first_attempt_at == at
    # Later runs doubt it until it is settled, although nothing is announced any more.
    assert await db.fetch(key_values.get, key_values.ANNOUNCED) is None
    assert await db.write(outbox.mark_announced_as_attempted) == {early, by_webhook}
