"""Pauses, resumes, requeues, redirects and ends deliveries, at a destination's state or a person's request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models, tables
from storage.outbox import queries

REQUEUABLE_STATES = (models.PartState.UNCERTAIN, models.PartState.PAUSED, models.PartState.FAILED)
CANCELLABLE_STATES = (models.PartState.PLANNED, models.PartState.PAUSED, models.PartState.UNCERTAIN)


async def pause(
    connection: AsyncConnection,
    *,
    reason: str,
    channel_id: int | None = None,
    user_id: int | None = None,
    subscription_id: int | None = None,
) -> int:
    """Pause the planned deliveries to a channel or to a reader's DMs, or a subscription's daily posts. Returns their number.

    Deliveries with a part being sent get the state of its outcome. Notices are redirected instead.
    """
    result = await connection.execute(
        tables.deliveries.update()
        .where(
            _destination_filter(channel_id, user_id, subscription_id),
            tables.deliveries.c.state == models.DeliveryState.PLANNED.value,
            tables.deliveries.c.kind != models.DeliveryKind.NOTICE.value,
            ~_has_part_sending(),
        )
        .values(state=models.DeliveryState.PAUSED.value, reason=reason)
    )
    return result.rowcount


async def resume(
    connection: AsyncConnection, now: datetime, *, channel_id: int | None = None, user_id: int | None = None
) -> int:
    """Make the paused deliveries of a channel or a reader due again. Returns their number.

    The daily posts of subscriptions that are themselves paused stay paused.
    """
    is_of_inactive_subscription = sa.exists().where(
        tables.subscriptions.c.id == tables.deliveries.c.subscription_id,
        tables.subscriptions.c.state != models.ActivityState.ACTIVE.value,
        tables.deliveries.c.kind == models.DeliveryKind.DAILY.value,
    )
    result = await connection.execute(
        tables.deliveries.update()
        .where(
            _destination_filter(channel_id, user_id),
            tables.deliveries.c.state == models.DeliveryState.PAUSED.value,
            ~is_of_inactive_subscription,
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


async def requeue(
    connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime, expires_at: datetime
) -> bool:
    """Plan an uncertain, paused or failed part again at a person's request. False if it is in no such state."""
    result = await connection.execute(
        tables.parts.update()
        .where(
            tables.parts.c.id == part_id,
            tables.parts.c.state.in_([state.value for state in REQUEUABLE_STATES]),
            tables.parts.c.payload.is_not(None),
        )
        .values(_new_attempt(nonce, now))
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


async def redirect(
    connection: AsyncConnection, delivery_id: int, channel_id: int, *, nonce: str, now: datetime
) -> None:
    """Plan a one-message delivery again for a server's channel, because its reader accepts no direct messages."""
    await connection.execute(
        tables.deliveries.update()
        .where(tables.deliveries.c.id == delivery_id)
        .values(channel_id=channel_id, user_id=None, state=models.DeliveryState.PLANNED.value, reason=None)
    )
    await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.delivery_id == delivery_id, tables.parts.c.position == 0)
        .values(_new_attempt(nonce, now))
    )


async def expire(connection: AsyncConnection, now: datetime, *, reason: str) -> list[models.Delivery]:
    """End the deliveries whose `expires_at` has passed, with their unsent parts. Returns them.

    A delivery with a part being sent is left until its outcome is known.
    """
    overdue = await connection.execute(
        sa.select(tables.deliveries.c.id).where(
            queries.unfinished_clause(), tables.deliveries.c.expires_at <= now, ~_has_part_sending()
        )
    )
    ids = overdue.scalars().all()
    await cancel(connection, ids, reason=reason, now=now)
    return await queries.list_rows(connection, ids=ids)


async def clamp_expiries(
    connection: AsyncConnection, latest: datetime, *, now: datetime, extend_by: timedelta
) -> None:
    """Let no unfinished delivery expire after `latest`, which is a full lifetime from `now` (UTC).

    `extend_by` is how far the clock was behind when the deliveries were planned: they live for so much longer. A daily
    post that was planned ahead of its due time keeps its expiry.
    """
    deliveries = tables.deliveries
    is_post_to_come = sa.and_(deliveries.c.kind == models.DeliveryKind.DAILY.value, deliveries.c.due_at > now)
    await connection.execute(
        deliveries.update()
        .where(queries.unfinished_clause(), deliveries.c.expires_at > latest, ~is_post_to_come)
        .values(expires_at=latest)
    )
    if not extend_by:
        return
    rows = await connection.execute(
        sa.select(deliveries.c.id, deliveries.c.expires_at).where(
            queries.unfinished_clause(), deliveries.c.expires_at < latest
        )
    )
    extended = [{"b_id": row.id, "b_at": min(latest, row.expires_at + extend_by)} for row in rows]
    if extended:
        await connection.execute(
            deliveries.update()
            .where(deliveries.c.id == sa.bindparam("b_id"))
            .values(expires_at=sa.bindparam("b_at")),
            extended,
        )


async def cancel(
    connection: AsyncConnection, delivery_ids: Sequence[int], *, reason: str, now: datetime
) -> None:
    """Make unfinished deliveries EXPIRED at once, with their unsent parts."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(
            tables.deliveries.update()
            .where(tables.deliveries.c.id.in_(chunk), queries.unfinished_clause())
            .values(state=models.DeliveryState.EXPIRED.value, reason=reason, finished_at=now)
        )
        await connection.execute(
            tables.parts.update()
            .where(
                tables.parts.c.delivery_id.in_(chunk),
                tables.parts.c.state.in_([state.value for state in CANCELLABLE_STATES]),
            )
            .values(state=models.PartState.EXPIRED.value)
        )


async def cancel_for_subscription(
    connection: AsyncConnection, subscription_id: int, *, reason: str, now: datetime
) -> None:
    """Make the unfinished deliveries of a subscription EXPIRED, before it is removed."""
    unfinished = await connection.execute(
        sa.select(tables.deliveries.c.id).where(
            tables.deliveries.c.subscription_id == subscription_id, queries.unfinished_clause()
        )
    )
    await cancel(connection, unfinished.scalars().all(), reason=reason, now=now)


def _destination_filter(
    channel_id: int | None, user_id: int | None, subscription_id: int | None = None
) -> sa.ColumnElement[bool]:
    if subscription_id is not None:
        is_daily = tables.deliveries.c.kind == models.DeliveryKind.DAILY.value
        return sa.and_(tables.deliveries.c.subscription_id == subscription_id, is_daily)
    if channel_id is not None:
        return tables.deliveries.c.channel_id == channel_id
    return tables.deliveries.c.user_id == user_id


def _has_part_sending() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        tables.parts.c.delivery_id == tables.deliveries.c.id,
        tables.parts.c.state == models.PartState.SENDING.value,
    )


def _new_attempt(nonce: str, now: datetime) -> dict[str, Any]:
    """Return the column values of a part that is planned again under a new nonce."""
    return {
        "state": models.PartState.PLANNED.value,
        "nonce": nonce,
        "first_attempt_at": None,
        "next_attempt_at": now,
        "error": None,
        "error_code": None,
    }
