"""Deliveries and their parts, from planned to an end. Plans them and keeps what came of them; sends nothing.

A delivery's state follows its parts: PLANNED until every part is SENT, or the end that one part came to. A part
that is not SENT holds back the later parts of its delivery and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models, tables
from storage.outbox import queries

UNFINISHED_STATES = (
    models.DeliveryState.PLANNED,
    models.DeliveryState.PAUSED,
    models.DeliveryState.UNCERTAIN,
)

PART_COLUMNS = (
    "delivery_id",
    "position",
    "kind",
    "payload",
    "fallback",
    "nonce",
    "state",
    "attempts",
    "next_attempt_at",
    "channel_id",
    "message_id",
)


@dataclass(frozen=True, slots=True)
class SentPart:
    """What Discord answered to one part: the message and the channel, thread or DM that it stands in.

    `message_id` is None for a message that was sent and has been deleted since.
    """

    part_id: int
    message_id: int | None
    channel_id: int


@dataclass(frozen=True, slots=True)
class DeliveryContent:
    """What a delivery shows once its edit is through.

    `payloads`, at least one, by the id of each part that is edited, and of those that wait to edit the same messages.
    """

    delivery_id: int
    fingerprint: str
    payloads: dict[int, str]


async def add(connection: AsyncConnection, delivery: models.NewDelivery) -> int | None:
    """Plan a delivery with its parts. Returns its id, or None when its key was planned before."""
    return (await add_all(connection, [delivery])).get(delivery.key)


async def add_all(
    connection: AsyncConnection, new_deliveries: Sequence[models.NewDelivery]
) -> dict[str, int]:
    """Plan many deliveries. Returns the ids of those whose key is new, by key; the others are left as they were."""
    if not new_deliveries:
        return {}
    statement = bulk.dialect_insert(connection, tables.deliveries).on_conflict_do_nothing(
        index_elements=["key"]
    )
    values = [_delivery_values(delivery) for delivery in new_deliveries]
    new = await connection.execute(
        statement.returning(tables.deliveries.c.key, tables.deliveries.c.id), values
    )
    ids: dict[str, int] = {row.key: row.id for row in new}
    news: dict[str, models.NewDelivery] = {}
    for delivery in new_deliveries:
        if delivery.key in ids:
            news.setdefault(delivery.key, delivery)
    part_values = [
        _part_values(ids[key], position, part, delivery.due_at)
        for key, delivery in news.items()
        for position, part in enumerate(delivery.parts)
    ]
    await bulk.insert_rows(connection, tables.parts, PART_COLUMNS, part_values)
    return ids


def _delivery_values(delivery: models.NewDelivery) -> dict[str, Any]:
    return {
        "key": delivery.key,
        "kind": delivery.kind.value,
        "subscription_id": delivery.subscription_id,
        "guild_id": delivery.guild_id,
        "channel_id": delivery.channel_id,
        "user_id": delivery.user_id,
        "locale": delivery.locale.value,
        "local_on": delivery.local_on,
        "digest_on": delivery.digest_on,
        "papers": list(delivery.papers),
        "total": delivery.total,
        "fingerprint": delivery.fingerprint,
        "priority": delivery.priority,
        "state": models.DeliveryState.PLANNED.value,
        "planned_at": delivery.planned_at,
        "due_at": delivery.due_at,
        "expires_at": delivery.expires_at,
    }


def _part_values(delivery_id: int, position: int, part: models.NewPart, due_at: datetime) -> tuple[Any, ...]:
    planned = models.PartState.PLANNED.value
    sending = (part.nonce, planned, 0, due_at, part.channel_id, part.message_id)
    return (delivery_id, position, part.kind.value, part.payload, part.fallback, *sending)


async def release_interrupted(connection: AsyncConnection, now: datetime) -> int:
    """Make the parts that a crash left SENDING due at once. Only for the one sender, at its start. Returns how many.

    Their `first_attempt_at` stays, so the sender knows that their outcome is unknown.
    """
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.state == models.PartState.SENDING.value)
        .values(state=models.PartState.PLANNED.value, next_attempt_at=now)
    )
    return result.rowcount


async def mark_sending(connection: AsyncConnection, part_ids: Sequence[int], now: datetime) -> set[int]:
    """Note that an attempt at each part begins now (UTC). Returns the ids of those that were still PLANNED."""
    begun: set[int] = set()
    for chunk in bulk.chunked(part_ids):
        result = await connection.execute(
            tables.parts.update()
            .where(tables.parts.c.id.in_(chunk), tables.parts.c.state == models.PartState.PLANNED.value)
            .values(
                state=models.PartState.SENDING.value,
                attempts=tables.parts.c.attempts + 1,
                first_attempt_at=sa.func.coalesce(tables.parts.c.first_attempt_at, _bind_time(now)),
                last_attempt_at=now,
            )
            .returning(tables.parts.c.id)
        )
        begun.update(result.scalars())
    return begun


async def mark_sent(connection: AsyncConnection, sent: Sequence[SentPart], now: datetime) -> None:
    """Note what Discord answered, whatever state the parts were in; a delivery whose parts are all SENT is SENT."""
    if not sent:
        return
    await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == sa.bindparam("b_id"))
        .values(
            state=models.PartState.SENT.value,
            sent_at=now,
            message_id=sa.bindparam("b_message_id"),
            channel_id=sa.bindparam("b_channel_id"),
            error=None,
            error_code=None,
        ),
        [
            {"b_id": one.part_id, "b_message_id": one.message_id, "b_channel_id": one.channel_id}
            for one in sent
        ],
    )
    unsent = sa.exists().where(
        tables.parts.c.delivery_id == tables.deliveries.c.id,
        tables.parts.c.state != models.PartState.SENT.value,
    )
    for chunk in bulk.chunked([one.part_id for one in sent]):
        touched = sa.select(tables.parts.c.delivery_id).where(tables.parts.c.id.in_(chunk))
        await connection.execute(
            tables.deliveries.update()
            .where(tables.deliveries.c.id.in_(touched), ~unsent)
            .values(state=models.DeliveryState.SENT.value, reason=None, finished_at=now)
        )


async def mark_retry(
    connection: AsyncConnection,
    part_id: int,
    *,
    next_attempt_at: datetime,
    unknown_since: datetime | None,
    error: str,
    error_code: int | None = None,
) -> None:
    """Put a part back to be tried at `next_attempt_at` (UTC).

    `unknown_since` is the first attempt that Discord may have accepted: None when it surely accepted none so far.
    """
    await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == part_id, tables.parts.c.state != models.PartState.SENT.value)
        .values(
            state=models.PartState.PLANNED.value,
            next_attempt_at=next_attempt_at,
            first_attempt_at=unknown_since,
            error=error,
            error_code=error_code,
        )
    )


async def mark_uncertain(
    connection: AsyncConnection, part_id: int, *, reason: str, error_code: int | None = None
) -> None:
    """Hold a part whose outcome nobody can find out; a person may `repeat` it."""
    await _mark_stopped(
        connection, part_id, models.PartState.UNCERTAIN, reason, error_code=error_code, finished_at=None
    )


async def mark_paused(
    connection: AsyncConnection,
    part_id: int,
    *,
    reason: str,
    unknown_since: datetime | None,
    error_code: int | None = None,
) -> None:
    """Hold a part until its place can be written to again (`resume`). `unknown_since` is as in `mark_retry`."""
    await connection.execute(
        tables.parts.update().where(tables.parts.c.id == part_id).values(first_attempt_at=unknown_since)
    )
    await _mark_stopped(
        connection, part_id, models.PartState.PAUSED, reason, error_code=error_code, finished_at=None
    )


async def pause(
    connection: AsyncConnection,
    *,
    reason: str,
    channel_id: int | None = None,
    user_id: int | None = None,
    subscription_id: int | None = None,
) -> int:
    """Pause what else is planned for a channel, by DM for a reader, or as a subscription's posts. Returns how many deliveries.

    Those with a part in the sender's hands are left to what comes of it, notices find their own way.
    """
    in_hand = sa.exists().where(
        tables.parts.c.delivery_id == tables.deliveries.c.id,
        tables.parts.c.state == models.PartState.SENDING.value,
    )
    result = await connection.execute(
        tables.deliveries.update()
        .where(
            _destination_filter(channel_id, user_id, subscription_id),
            tables.deliveries.c.state == models.DeliveryState.PLANNED.value,
            tables.deliveries.c.kind != models.DeliveryKind.NOTICE.value,
            ~in_hand,
        )
        .values(state=models.DeliveryState.PAUSED.value, reason=reason)
    )
    return result.rowcount


def _destination_filter(
    channel_id: int | None, user_id: int | None, subscription_id: int | None = None
) -> sa.ColumnElement[bool]:
    if subscription_id is not None:
        is_daily = tables.deliveries.c.kind == models.DeliveryKind.DAILY.value
        return sa.and_(tables.deliveries.c.subscription_id == subscription_id, is_daily)
    if channel_id is not None:
        return tables.deliveries.c.channel_id == channel_id
    return tables.deliveries.c.user_id == user_id


async def mark_failed(
    connection: AsyncConnection, part_id: int, *, reason: str, now: datetime, error_code: int | None = None
) -> None:
    """End a part, and with it its delivery, for good."""
    await _mark_stopped(
        connection, part_id, models.PartState.FAILED, reason, error_code=error_code, finished_at=now
    )


async def _mark_stopped(
    connection: AsyncConnection,
    part_id: int,
    state: models.PartState,
    reason: str,
    *,
    error_code: int | None,
    finished_at: datetime | None,
) -> None:
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == part_id, tables.parts.c.state != models.PartState.SENT.value)
        .values(state=state.value, error=reason, error_code=error_code)
        .returning(tables.parts.c.delivery_id)
    )
    for delivery_id in result.scalars().all():
        await connection.execute(
            tables.deliveries.update()
            .where(
                tables.deliveries.c.id == delivery_id,
                # One that was ended while its part was in hand stays so.
                tables.deliveries.c.state.in_([unfinished.value for unfinished in UNFINISHED_STATES]),
            )
            .values(state=state.value, reason=reason, finished_at=finished_at)
        )


async def use_fallback(connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime) -> bool:
    """Plan the plain form of a part that Discord refused (50035), under a nonce of its own. False when it has none."""
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == part_id, tables.parts.c.fallback.is_not(None))
        .values(
            payload=tables.parts.c.fallback,
            fallback=None,
            nonce=nonce,
            state=models.PartState.PLANNED.value,
            first_attempt_at=None,
            next_attempt_at=now,
        )
    )
    return result.rowcount > 0


async def requeue(
    connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime, expires_at: datetime
) -> bool:
    """Plan an uncertain, paused or failed part anew, as a person wished it. False when it is in no such state."""
    result = await connection.execute(
        tables.parts.update()
        .where(
            tables.parts.c.id == part_id,
            tables.parts.c.state.in_(
                [
                    models.PartState.UNCERTAIN.value,
                    models.PartState.PAUSED.value,
                    models.PartState.FAILED.value,
                ]
            ),
            tables.parts.c.payload.is_not(None),
        )
        .values(
            state=models.PartState.PLANNED.value,
            nonce=nonce,
            first_attempt_at=None,
            next_attempt_at=now,
            error=None,
            error_code=None,
        )
        .returning(tables.parts.c.delivery_id)
    )
    delivery_ids = result.scalars().all()
    for delivery_id in delivery_ids:
        await connection.execute(
            tables.deliveries.update()
            .where(tables.deliveries.c.id == delivery_id)
            .values(
                state=models.DeliveryState.PLANNED.value, reason=None, finished_at=None, expires_at=expires_at
            )
        )
    return bool(delivery_ids)


async def resume(
    connection: AsyncConnection,
    now: datetime,
    *,
    channel_id: int | None = None,
    user_id: int | None = None,
) -> int:
    """Make the paused deliveries of a channel or a reader due again. Returns how many.

    The daily posts of subscriptions that are paused themselves stay so.
    """
    rests = sa.exists().where(
        tables.subscriptions.c.id == tables.deliveries.c.subscription_id,
        tables.subscriptions.c.state != models.ActivityState.ACTIVE.value,
        tables.deliveries.c.kind == models.DeliveryKind.DAILY.value,
    )
    result = await connection.execute(
        tables.deliveries.update()
        .where(
            _destination_filter(channel_id, user_id),
            tables.deliveries.c.state == models.DeliveryState.PAUSED.value,
            ~rests,
        )
        .values(state=models.DeliveryState.PLANNED.value, reason=None)
        .returning(tables.deliveries.c.id)
    )
    ids = result.scalars().all()
    for chunk in bulk.chunked(ids):
        await connection.execute(
            tables.parts.update()
            .where(
                tables.parts.c.delivery_id.in_(chunk), tables.parts.c.state == models.PartState.PAUSED.value
            )
            .values(state=models.PartState.PLANNED.value, next_attempt_at=now, error=None, error_code=None)
        )
    return len(ids)


async def expire(connection: AsyncConnection, now: datetime, *, reason: str) -> list[models.Delivery]:
    """End the deliveries whose time is over, with all their unsent parts. Returns them, so that they can be named.

    One with a part in the sender's hands is left until its outcome is known.
    """
    in_hand = sa.exists().where(
        tables.parts.c.delivery_id == tables.deliveries.c.id,
        tables.parts.c.state == models.PartState.SENDING.value,
    )
    overdue = await connection.execute(
        sa.select(tables.deliveries.c.id).where(
            tables.deliveries.c.state.in_([state.value for state in UNFINISHED_STATES]),
            tables.deliveries.c.expires_at <= now,
            ~in_hand,
        )
    )
    ids = overdue.scalars().all()
    await cancel(connection, ids, reason=reason, now=now)
    return await queries.list_rows(connection, ids=ids)


async def cancel(
    connection: AsyncConnection, delivery_ids: Sequence[int], *, reason: str, now: datetime
) -> None:
    """Make unfinished deliveries EXPIRED at once, for instance because their subscription was removed."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(
            tables.deliveries.update()
            .where(
                tables.deliveries.c.id.in_(chunk),
                tables.deliveries.c.state.in_([state.value for state in UNFINISHED_STATES]),
            )
            .values(state=models.DeliveryState.EXPIRED.value, reason=reason, finished_at=now)
        )
        await connection.execute(
            tables.parts.update()
            .where(
                tables.parts.c.delivery_id.in_(chunk),
                tables.parts.c.state.in_(
                    [
                        models.PartState.PLANNED.value,
                        models.PartState.PAUSED.value,
                        models.PartState.UNCERTAIN.value,
                    ]
                ),
            )
            .values(state=models.PartState.EXPIRED.value)
        )


async def cancel_for_subscription(
    connection: AsyncConnection, subscription_id: int, *, reason: str, now: datetime
) -> None:
    """Make what a subscription still had to send EXPIRED, before it is removed."""
    unfinished = await connection.execute(
        sa.select(tables.deliveries.c.id).where(
            tables.deliveries.c.subscription_id == subscription_id,
            tables.deliveries.c.state.in_([state.value for state in UNFINISHED_STATES]),
        )
    )
    await cancel(connection, unfinished.scalars().all(), reason=reason, now=now)


async def redirect(
    connection: AsyncConnection, delivery_id: int, channel_id: int, *, nonce: str, now: datetime
) -> None:
    """Plan a delivery of one message anew for a server's channel, because its reader takes no direct messages."""
    await connection.execute(
        tables.deliveries.update()
        .where(tables.deliveries.c.id == delivery_id)
        .values(channel_id=channel_id, user_id=None, state=models.DeliveryState.PLANNED.value, reason=None)
    )
    await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.delivery_id == delivery_id, tables.parts.c.position == 0)
        .values(
            state=models.PartState.PLANNED.value,
            nonce=nonce,
            first_attempt_at=None,
            next_attempt_at=now,
            error=None,
            error_code=None,
        )
    )


async def set_channel(connection: AsyncConnection, delivery_id: int, channel_id: int) -> None:
    """Keep where a delivery goes once the reader's DM channel is open."""
    await connection.execute(
        tables.deliveries.update().where(tables.deliveries.c.id == delivery_id).values(channel_id=channel_id)
    )


async def set_content(connection: AsyncConnection, contents: Sequence[DeliveryContent]) -> None:
    """Keep what deliveries show after edits of their messages were planned, so that the next correction is seen."""
    if not contents:
        return
    await connection.execute(
        tables.deliveries.update()
        .where(tables.deliveries.c.id == sa.bindparam("b_id"))
        .values(fingerprint=sa.bindparam("b_fingerprint")),
        [{"b_id": one.delivery_id, "b_fingerprint": one.fingerprint} for one in contents],
    )
    await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == sa.bindparam("b_id"))
        .values(payload=sa.bindparam("b_payload")),
        [{"b_id": id_, "b_payload": payload} for one in contents for id_, payload in one.payloads.items()],
    )


async def purge_payloads(connection: AsyncConnection, before: datetime) -> int:
    """Forget the payloads of deliveries that ended before `before` (UTC). Returns how many parts that were."""
    ended = sa.select(tables.deliveries.c.id).where(tables.deliveries.c.finished_at < before)
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.delivery_id.in_(ended), tables.parts.c.payload.is_not(None))
        .values(payload=None, fallback=None)
    )
    return result.rowcount


def _bind_time(now: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam("now", now, type_=tables.parts.c.first_attempt_at.type, unique=True)
