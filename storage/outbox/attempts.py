"""Records the attempts at each part: when one begins, and its outcome.

A claim carries the sender's term (a fencing token). A process that is no longer the sender cannot begin an attempt, and of
those it had begun it can store receipts only.

A delivery's state follows its parts: PLANNED until all of them are SENT, or the final state of the part that stopped it. A
part that is not SENT blocks only the later parts of its own delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models, tables
from storage.outbox import queries, sender_lock

MAX_RETRY_DELAY = timedelta(hours=1)
"""The longest delay of a retry, which Discord asks for where a channel's slow mode or a quota is exhausted."""


async def clamp_retries(connection: AsyncConnection, now: datetime) -> int:
    """Make the parts due that a clock ahead of `now` (UTC) delayed, and bound all delays. Returns their number.

    A part of a daily post that was planned ahead of its due time keeps that time.
    """
    parts, delivery = tables.parts, tables.deliveries
    is_delayed = sa.and_(
        parts.c.state == models.PartState.PLANNED.value, parts.c.next_attempt_at > _bind_time(now)
    )
    is_post_to_come = sa.exists().where(
        delivery.c.id == parts.c.delivery_id,
        delivery.c.kind == models.DeliveryKind.DAILY.value,
        delivery.c.due_at >= parts.c.next_attempt_at,
    )
    was_ahead = sa.case(
        (parts.c.last_attempt_at.is_(None), ~is_post_to_come), else_=parts.c.last_attempt_at > _bind_time(now)
    )
    due_now = await connection.execute(
        parts.update().where(is_delayed, was_ahead).values(next_attempt_at=now)
    )
    bounded = await connection.execute(
        parts.update()
        .where(
            is_delayed,
            parts.c.next_attempt_at > _bind_time(now + MAX_RETRY_DELAY),
            parts.c.last_attempt_at.is_not(None),
        )
        .values(next_attempt_at=now + MAX_RETRY_DELAY)
    )
    return due_now.rowcount + bounded.rowcount


async def release_interrupted(
    connection: AsyncConnection, now: datetime, *, term: int = 0, forum_posts_at: datetime | None = None
) -> int:
    """Make the parts that a crash left SENDING due at once, if `term` is the present sender's. Returns their number.

    `first_attempt_at` is kept: their outcome is unknown. Forum posts of an earlier term are due at `forum_posts_at`: they
    have no nonce, and the request of a former sender that still runs must have arrived before they are searched for.
    """
    if not await sender_lock.is_current_term(connection, term):
        return 0
    parts = tables.parts.c
    next_attempt_at: sa.ColumnElement[datetime] = _bind_time(now)
    if forum_posts_at is not None:
        may_be_running = sa.and_(
            parts.kind == models.PartKind.FORUM_POST.value, sa.func.coalesce(parts.term, 0) != term
        )
        next_attempt_at = sa.case((may_be_running, _bind_time(forum_posts_at)), else_=next_attempt_at)
    result = await connection.execute(
        tables.parts.update()
        .where(parts.state == models.PartState.SENDING.value)
        .values(state=models.PartState.PLANNED.value, next_attempt_at=next_attempt_at)
    )
    return result.rowcount


async def mark_sending(
    connection: AsyncConnection, part_ids: Sequence[int], now: datetime, *, term: int = 0
) -> set[int]:
    """Record that an attempt begins at `now` (UTC), if `term` is the present sender's.

    Returns the ids of the parts that were still PLANNED.
    """
    if not await sender_lock.is_current_term(connection, term):
        return set()
    started: set[int] = set()
    for chunk in bulk.chunked(part_ids):
        result = await connection.execute(
            tables.parts.update()
            .where(tables.parts.c.id.in_(chunk), tables.parts.c.state == models.PartState.PLANNED.value)
            .values(
                state=models.PartState.SENDING.value,
                attempts=tables.parts.c.attempts + 1,
                first_attempt_at=sa.func.coalesce(tables.parts.c.first_attempt_at, _bind_time(now)),
                last_attempt_at=now,
                term=term,
            )
            .returning(tables.parts.c.id)
        )
        started.update(result.scalars())
    return started


async def mark_sent(
    connection: AsyncConnection, receipts: Mapping[int, models.Receipt], now: datetime
) -> None:
    """Store the receipts of sent parts, by part id, from any state and term; a delivery is SENT when all of its parts are."""
    if not receipts:
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
            {"b_id": part_id, "b_message_id": receipt.message_id, "b_channel_id": receipt.channel_id}
            for part_id, receipt in receipts.items()
        ],
    )
    has_unsent = sa.exists().where(
        tables.parts.c.delivery_id == tables.deliveries.c.id,
        tables.parts.c.state != models.PartState.SENT.value,
    )
    for chunk in bulk.chunked(receipts):
        affected = sa.select(tables.parts.c.delivery_id).where(tables.parts.c.id.in_(chunk))
        await connection.execute(
            tables.deliveries.update()
            .where(tables.deliveries.c.id.in_(affected), ~has_unsent)
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
    term: int = 0,
    is_counted: bool = True,
) -> bool:
    """Schedule another attempt at `next_attempt_at` (UTC). False, without effect, if the attempt of `term` is not the last.

    `unknown_since` is the first attempt that Discord may have accepted; None if it certainly accepted none. An attempt
    that failed by Discord's fault `is_counted` no more.
    """
    result = await connection.execute(
        tables.parts.update()
        .where(_is_attempted(part_id, term))
        .values(
            state=models.PartState.PLANNED.value,
            next_attempt_at=next_attempt_at,
            attempts=tables.parts.c.attempts - (0 if is_counted else 1),
            first_attempt_at=unknown_since,
            error=error,
            error_code=error_code,
        )
    )
    return result.rowcount > 0


async def mark_uncertain(
    connection: AsyncConnection, part_id: int, *, reason: str, error_code: int | None = None, term: int = 0
) -> bool:
    """Stop a part whose outcome cannot be determined, until a person resends it (`holds.requeue`). False as `mark_retry`."""
    return await _stop(connection, part_id, models.PartState.UNCERTAIN, reason, error_code, term)


async def mark_paused(
    connection: AsyncConnection,
    part_id: int,
    *,
    reason: str,
    unknown_since: datetime | None,
    error_code: int | None = None,
    term: int = 0,
) -> bool:
    """Stop a part until its destination is available again (`holds.resume`). `unknown_since` and False as `mark_retry`."""
    return await _stop(
        connection, part_id, models.PartState.PAUSED, reason, error_code, term, first_attempt_at=unknown_since
    )


async def mark_failed(
    connection: AsyncConnection,
    part_id: int,
    *,
    reason: str,
    now: datetime,
    error_code: int | None = None,
    term: int = 0,
) -> bool:
    """End a part, and with it its delivery, permanently. False as `mark_retry`."""
    return await _stop(
        connection, part_id, models.PartState.FAILED, reason, error_code, term, finished_at=now
    )


async def _stop(
    connection: AsyncConnection,
    part_id: int,
    state: models.PartState,
    reason: str,
    error_code: int | None,
    term: int,
    *,
    finished_at: datetime | None = None,
    **part_values: Any,
) -> bool:
    result = await connection.execute(
        tables.parts.update()
        .where(_is_attempted(part_id, term))
        .values(state=state.value, error=reason, error_code=error_code, **part_values)
        .returning(tables.parts.c.delivery_id)
    )
    delivery_ids = result.scalars().all()
    for delivery_id in delivery_ids:
        await connection.execute(
            tables.deliveries.update()
            # A delivery that was ended while its part was being sent keeps its state.
            .where(tables.deliveries.c.id == delivery_id, queries.unfinished_clause())
            .values(state=state.value, reason=reason, finished_at=finished_at)
        )
    return bool(delivery_ids)


async def use_fallback(
    connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime, term: int = 0
) -> bool:
    """Plan the plain form of a part that Discord refused (50035), under a new nonce. False if it has none.

    False as well if the attempt of `term` is not the part's last.
    """
    result = await connection.execute(
        tables.parts.update()
        .where(_is_attempted(part_id, term), tables.parts.c.fallback.is_not(None))
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


def _is_attempted(part_id: int, term: int) -> sa.ColumnElement[bool]:
    """True for the part while its last attempt is that of `term` and has no outcome yet."""
    return sa.and_(
        tables.parts.c.id == part_id,
        tables.parts.c.state == models.PartState.SENDING.value,
        tables.parts.c.term == term,
    )


def _bind_time(now: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam("now", now, type_=tables.parts.c.first_attempt_at.type, unique=True)
