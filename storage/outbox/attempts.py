"""Records the attempts at each part: when one begins, and its outcome.

A delivery's state follows its parts: PLANNED until all of them are SENT, or the final state of the part that stopped it. A
part that is not SENT blocks only the later parts of its own delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models, tables
from storage.outbox import queries


async def release_interrupted(connection: AsyncConnection, now: datetime) -> int:
    """Make the parts that a crash left SENDING due at once. Called by the sender at its start. Returns their number.

    `first_attempt_at` is kept: their outcome is unknown.
    """
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.state == models.PartState.SENDING.value)
        .values(state=models.PartState.PLANNED.value, next_attempt_at=now)
    )
    return result.rowcount


async def mark_sending(connection: AsyncConnection, part_ids: Sequence[int], now: datetime) -> set[int]:
    """Record that an attempt begins at `now` (UTC). Returns the ids of the parts that were still PLANNED."""
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
            )
            .returning(tables.parts.c.id)
        )
        started.update(result.scalars())
    return started


async def mark_sent(
    connection: AsyncConnection, receipts: Mapping[int, models.Receipt], now: datetime
) -> None:
    """Store the receipts of sent parts, by part id, from any state; a delivery is SENT when all of its parts are."""
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
) -> None:
    """Schedule another attempt at `next_attempt_at` (UTC).

    `unknown_since` is the first attempt that Discord may have accepted; None if it certainly accepted none.
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
    """Stop a part whose outcome cannot be determined, until a person resends it (`holds.requeue`)."""
    await _stop(connection, part_id, models.PartState.UNCERTAIN, reason, error_code)


async def mark_paused(
    connection: AsyncConnection,
    part_id: int,
    *,
    reason: str,
    unknown_since: datetime | None,
    error_code: int | None = None,
) -> None:
    """Stop a part until its destination is available again (`holds.resume`). `unknown_since` is as in `mark_retry`."""
    await _stop(
        connection, part_id, models.PartState.PAUSED, reason, error_code, first_attempt_at=unknown_since
    )


async def mark_failed(
    connection: AsyncConnection, part_id: int, *, reason: str, now: datetime, error_code: int | None = None
) -> None:
    """End a part, and with it its delivery, permanently."""
    await _stop(connection, part_id, models.PartState.FAILED, reason, error_code, finished_at=now)


async def _stop(
    connection: AsyncConnection,
    part_id: int,
    state: models.PartState,
    reason: str,
    error_code: int | None,
    *,
    finished_at: datetime | None = None,
    **part_values: Any,
) -> None:
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id == part_id, tables.parts.c.state != models.PartState.SENT.value)
        .values(state=state.value, error=reason, error_code=error_code, **part_values)
        .returning(tables.parts.c.delivery_id)
    )
    for delivery_id in result.scalars().all():
        await connection.execute(
            tables.deliveries.update()
            # A delivery that was ended while its part was being sent keeps its state.
            .where(tables.deliveries.c.id == delivery_id, queries.unfinished_clause())
            .values(state=state.value, reason=reason, finished_at=finished_at)
        )


async def use_fallback(connection: AsyncConnection, part_id: int, *, nonce: str, now: datetime) -> bool:
    """Plan the plain form of a part that Discord refused (50035), under a new nonce. False if it has none."""
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


def _bind_time(now: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam("now", now, type_=tables.parts.c.first_attempt_at.type, unique=True)
