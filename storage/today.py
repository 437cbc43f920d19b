"""Readers' profiles: their settings, and their feedback on papers besides saving them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models, outbox
from storage.tables import deliveries, feedback, profiles


async def get(connection: AsyncConnection, user_id: int) -> models.Profile | None:
    """Return a reader's profile; None for a reader who has never asked for the papers of the day."""
    query = sa.select(profiles).where(profiles.c.user_id == user_id)
    return await database.fetch_record(connection, models.Profile, query)


async def list_due(connection: AsyncConnection, now: datetime, *, limit: int) -> list[models.Profile]:
    """Return the profiles whose papers of the day are to be sent at `now` (UTC), longest overdue first."""
    query = (
        sa.select(profiles)
        .where(profiles.c.next_due_at <= now)
        .order_by(profiles.c.next_due_at, profiles.c.user_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return await database.fetch_records(connection, models.Profile, query)


class ProfileSettings(TypedDict, total=False):
    """What a reader chose, and when the papers of the day are sent by it. Times are in UTC."""

    topics: tuple[str, ...]
    at_time: str | None
    timezone: str | None
    next_due_at: datetime | None
    reason: str | None


async def change(connection: AsyncConnection, user_id: int, **settings: Unpack[ProfileSettings]) -> None:
    """Store the given settings; nothing of a reader without a profile, as of one who was forgotten meanwhile."""
    await connection.execute(profiles.update().where(profiles.c.user_id == user_id).values(**settings))


async def add(connection: AsyncConnection, profile: models.Profile) -> None:
    """Store a profile, unless the reader has one."""
    values = database.record_values(profile, profiles)
    await connection.execute(
        database.dialect_insert(connection, profiles).values(values).on_conflict_do_nothing()
    )


async def set_schedules(connection: AsyncConnection, changed: Sequence[models.Profile]) -> None:
    """Store the next due time with its zone of each profile."""
    names = ("user_id", "timezone", "next_due_at")
    rows = [{name: getattr(row, name) for name in names} for row in changed]
    await database.update_rows(connection, profiles, rows, key=("user_id",))


async def list_sent(
    connection: AsyncConnection, user_ids: Iterable[int], on: date, until_on: date
) -> set[int]:
    """Return those of these readers who were sent the papers of a day between two dates, or will be."""
    rows = deliveries.c
    query = sa.select(rows.user_id).where(
        rows.kind == models.DeliveryKind.TODAY, rows.digest_on.between(on, until_on), outbox.live_clause()
    )
    return {user_id for (user_id,) in await database.execute_in(connection, query, rows.user_id, user_ids)}


async def suspend(connection: AsyncConnection, user_id: int, reason: str) -> None:
    """Stop sending a reader the papers of the day, for a reason; the time of day is kept."""
    condition = sa.and_(profiles.c.user_id == user_id, profiles.c.next_due_at.is_not(None))
    await connection.execute(profiles.update().where(condition).values(next_due_at=None, reason=reason))


async def set_feedback(
    connection: AsyncConnection, user_id: int, paper_id: int, kind: models.FeedbackKind | None, now: datetime
) -> None:
    """Store a reader's feedback on a paper in place of an earlier one; None for none."""
    if kind is None:
        own = sa.and_(feedback.c.user_id == user_id, feedback.c.paper_id == paper_id)
        await connection.execute(feedback.delete().where(own))
        return
    values = {"user_id": user_id, "paper_id": paper_id, "kind": kind, "given_at": now}
    await database.upsert(connection, feedback, [values], key=("user_id", "paper_id"))


async def list_feedback(
    connection: AsyncConnection, user_id: int, *, limit: int
) -> list[tuple[int, models.FeedbackKind]]:
    """Return the papers of a reader's latest feedback, the last first."""
    query = (
        sa.select(feedback.c.paper_id, feedback.c.kind)
        .where(feedback.c.user_id == user_id)
        .order_by(feedback.c.given_at.desc(), feedback.c.paper_id)
        .limit(limit)
    )
    return [(row.paper_id, row.kind) for row in await connection.execute(query)]
