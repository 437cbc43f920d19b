"""The outbox as a state machine: what is next, what holds back what, and how each delivery ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models
from storage.outbox import queries, transitions

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def delivery(key: str = "daily:1:2026-01-01", parts: int = 2, **changes: object) -> models.NewDelivery:
    planned = models.NewDelivery(
        key=key,
        kind=models.DeliveryKind.DAILY,
        locale=models.Locale.EN,
        planned_at=NOW,
        due_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        parts=tuple(
            models.NewPart(models.PartKind.MESSAGE, "{}", f"{key}/{n}", fallback="{plain}")
            for n in range(parts)
        ),
        channel_id=7,
        papers=("2502.02737",),
    )
    return replace(planned, **changes)  # type: ignore[arg-type]


async def add(db: database.Database, planned: models.NewDelivery) -> int:
    async with db.transaction() as connection:
        delivery_id = await transitions.add(connection, planned)
    assert delivery_id is not None
    return delivery_id


async def due(db: database.Database, now: datetime = NOW) -> list[str]:
    async with db.read() as connection:
        return [one.part.nonce for one in await queries.list_due(connection, now)]


async def begin(connection: AsyncConnection, now: datetime = NOW) -> models.Part:
    """Begin an attempt at the most urgent part."""
    part = (await queries.list_due(connection, now))[0].part
    assert await transitions.mark_sending(connection, [part.id], now) == {part.id}
    return part


async def test_planning_twice_plans_once(db: database.Database) -> None:
    async with db.transaction() as connection:
        assert await transitions.add(connection, delivery()) is not None
        assert await transitions.add(connection, delivery()) is None
        twice = await transitions.add_all(connection, [delivery("a"), delivery("a"), delivery("b")])
        assert twice.keys() == {"a", "b"}
        assert await queries.count_by_state(connection) == {models.PartState.PLANNED: 6}


async def test_what_was_planned_reads_back(db: database.Database) -> None:
    planned = delivery(user_id=5, guild_id=6, digest_on=NOW.date(), fingerprint="f", priority=3)
    delivery_id = await add(db, planned)
    async with db.read() as connection:
        found = await queries.get(connection, delivery_id)
        parts = await queries.list_parts(connection, delivery_id)
    assert found is not None
    for name in (
        "key",
        "kind",
        "user_id",
        "guild_id",
        "digest_on",
        "fingerprint",
        "priority",
        "papers",
        "due_at",
    ):
        assert getattr(found, name) == getattr(planned, name)
    assert [part.position for part in parts] == [0, 1]
    assert parts[0].first_attempt_at is None


async def test_only_the_first_unsent_part_of_a_delivery_is_due(db: database.Database) -> None:
    await add(db, delivery())
    assert await due(db) == ["daily:1:2026-01-01/0"]
    async with db.transaction() as connection:
        part = await begin(connection)
        assert await queries.list_due(connection, NOW) == []
        await transitions.mark_sent(connection, [transitions.SentPart(part.id, 99, 7)], NOW)
    assert await due(db) == ["daily:1:2026-01-01/1"]


async def test_a_delivery_is_sent_with_its_last_part(db: database.Database) -> None:
    delivery_id = await add(db, delivery())
    for expected in (models.DeliveryState.PLANNED, models.DeliveryState.SENT):
        async with db.transaction() as connection:
            part = await begin(connection)
            await transitions.mark_sent(connection, [transitions.SentPart(part.id, 99, 7)], NOW + MINUTE)
            found = await queries.get(connection, delivery_id)
        assert found is not None
        assert found.state == expected
    assert found is not None
    assert found.finished_at == NOW + MINUTE
    async with db.read() as connection:
        assert await queries.oldest_unsent_at(connection) is None


async def test_alerts_go_before_daily_posts_and_nothing_before_its_time(db: database.Database) -> None:
    await add(db, delivery("daily", parts=1, priority=50))
    await add(db, delivery("alert", parts=1, priority=10))
    await add(db, delivery("later", parts=1, priority=0, due_at=NOW + MINUTE))
    assert await due(db) == ["alert/0", "daily/0"]
    assert await due(db, NOW + MINUTE) == ["later/0", "alert/0", "daily/0"]


async def test_an_attempt_is_begun_once(db: database.Database) -> None:
    await add(db, delivery())
    async with db.transaction() as connection:
        part = await begin(connection)
        assert await transitions.mark_sending(connection, [part.id], NOW) == set()


async def test_after_a_crash_the_part_is_due_again_and_its_outcome_known_to_be_unknown(
    db: database.Database,
) -> None:
    await add(db, delivery())
    async with db.transaction() as connection:
        part = await begin(connection)
    async with db.transaction() as connection:
        assert await transitions.release_interrupted(connection, NOW + MINUTE) == 1
        again = (await queries.list_due(connection, NOW + MINUTE))[0].part
    assert again.id == part.id
    assert (again.first_attempt_at, again.attempts) == (NOW, 1)


async def test_the_first_attempt_stays_the_first_until_it_is_known_to_have_failed(
    db: database.Database,
) -> None:
    await add(db, delivery(parts=1))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.mark_retry(
            connection, part.id, next_attempt_at=NOW + MINUTE, unknown_since=NOW, error="503", error_code=0
        )
        assert await queries.list_due(connection, NOW) == []
        part = await begin(connection, NOW + MINUTE)
        [again] = await queries.list_parts(connection, part.delivery_id)
        assert (again.first_attempt_at, again.last_attempt_at) == (NOW, NOW + MINUTE)
        await transitions.mark_retry(
            connection, part.id, next_attempt_at=NOW, unknown_since=None, error="429"
        )
        [again] = await queries.list_parts(connection, part.delivery_id)
        assert again.first_attempt_at is None


async def test_an_uncertain_part_holds_back_its_own_delivery_alone_and_can_be_repeated(
    db: database.Database,
) -> None:
    delivery_id = await add(db, delivery("a"))
    await add(db, delivery("b", parts=1, priority=60))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.mark_uncertain(connection, part.id, reason="may not read the history")
        found = await queries.list_rows(connection, state=models.DeliveryState.UNCERTAIN)
        assert [(one.id, one.reason) for one in found] == [(delivery_id, "may not read the history")]
    assert await due(db) == ["b/0"]
    async with db.transaction() as connection:
        later = NOW + timedelta(days=1)
        assert await transitions.requeue(connection, part.id, nonce="new", now=NOW, expires_at=later)
        assert not await transitions.requeue(connection, part.id, nonce="newer", now=NOW, expires_at=later)
    assert await due(db) == ["new", "b/0"]


async def test_a_paused_place_resumes_where_it_stopped(db: database.Database) -> None:
    await add(db, delivery("a"))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.mark_paused(
            connection, part.id, reason="no access", unknown_since=None, error_code=50001
        )
    assert await due(db) == []
    async with db.transaction() as connection:
        assert await transitions.resume(connection, NOW, channel_id=8) == 0
        assert await transitions.resume(connection, NOW, channel_id=7) == 1
    assert await due(db) == ["a/0"]


async def test_a_failed_part_ends_its_delivery(db: database.Database) -> None:
    delivery_id = await add(db, delivery("a"))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.mark_failed(connection, part.id, reason="refused", now=NOW)
        found = await queries.get(connection, delivery_id)
    assert found is not None
    assert (found.state, found.finished_at) == (models.DeliveryState.FAILED, NOW)
    assert await due(db) == []


async def test_the_plain_form_goes_once_under_a_nonce_of_its_own(db: database.Database) -> None:
    await add(db, delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await begin(connection)
        assert await transitions.use_fallback(connection, part.id, nonce="plain", now=NOW)
        again = (await queries.list_due(connection, NOW))[0].part
        assert (again.payload, again.nonce, again.first_attempt_at) == ("{plain}", "plain", None)
        assert not await transitions.use_fallback(connection, part.id, nonce="plainer", now=NOW)


async def test_expiry_ends_the_unsent_parts_but_never_one_in_the_senders_hands(db: database.Database) -> None:
    delivery_id = await add(db, delivery("a"))
    late = NOW + timedelta(hours=25)
    async with db.transaction() as connection:
        part = await begin(connection)
        assert await transitions.expire(connection, late, reason="too old") == []
        await transitions.mark_sent(connection, [transitions.SentPart(part.id, 1, 7)], late)
        ended = await transitions.expire(connection, late, reason="too old")
        assert [(one.id, one.state) for one in ended] == [(delivery_id, models.DeliveryState.EXPIRED)]
        states = [one.state for one in await queries.list_parts(connection, delivery_id)]
    assert states == [models.PartState.SENT, models.PartState.EXPIRED]
    assert await due(db, late) == []


async def test_payloads_are_forgotten_some_time_after_the_end(db: database.Database) -> None:
    delivery_id = await add(db, delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.mark_sent(connection, [transitions.SentPart(part.id, 1, 7)], NOW)
        assert await transitions.purge_payloads(connection, NOW) == 0
        assert await transitions.purge_payloads(connection, NOW + MINUTE) == 1
        assert (await queries.list_parts(connection, delivery_id))[0].payload is None


async def test_what_was_ended_while_it_was_in_hand_does_not_come_back(db: database.Database) -> None:
    delivery_id = await add(db, delivery("a"))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.cancel(connection, [delivery_id], reason="by-hand", now=NOW)
        await transitions.mark_paused(connection, part.id, reason="no access", unknown_since=None)
        assert await transitions.resume(connection, NOW, channel_id=7) == 0
    assert await due(db) == []


async def test_a_refused_plain_form_of_what_was_ended_is_not_sent(db: database.Database) -> None:
    delivery_id = await add(db, delivery("a", parts=1))
    async with db.transaction() as connection:
        part = await begin(connection)
        await transitions.cancel(connection, [delivery_id], reason="by-hand", now=NOW)
        await transitions.use_fallback(connection, part.id, nonce="plain", now=NOW)
    assert await due(db) == []
