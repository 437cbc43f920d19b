"""Readers' profiles: settings for the papers of the day, and papers they marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models, outbox
from storage.tables import deliveries, feedback, profiles, readers


async def get(connection: AsyncConnection, user_id: int) -> models.Profile | None:
    """Return a reader's profile, or None if the reader has never asked for the papers of the day."""
    query = sa.select(profiles).where(profiles.c.user_id == user_id)
    return await database.fetch_record(connection, models.Profile, query)


_ZONE = sa.func.coalesce(readers.c.timezone, profiles.c.timezone)
_WITH_READER = profiles.outerjoin(readers, readers.c.user_id == profiles.c.user_id)
_IS_ACTIVE = sa.and_(profiles.c.at_time.is_not(None), profiles.c.reason.is_(None))


async def list_hours(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Return the distinct (local time, zone) pairs at which papers are sent. Times are HH:MM."""
    query = sa.select(profiles.c.at_time, _ZONE).select_from(_WITH_READER).where(_IS_ACTIVE).distinct()
    return [(at_time, zone) for at_time, zone in await connection.execute(query)]


async def list_due(
    connection: AsyncConnection, dates: Mapping[tuple[str, str], date], *, limit: int
) -> list[models.Profile]:
    """Return the due profiles with their zones. `dates` maps (time of day, zone) to the due local date."""
    done = sa.func.coalesce(profiles.c.last_on, date.min)
    of_date = (
        sa.and_(
            done < on, sa.tuple_(profiles.c.at_time, _ZONE).in_([key for key in dates if dates[key] == on])
        )
        for on in set(dates.values())
    )
    others = [column for column in profiles.c if column is not profiles.c.timezone]
    query = (
        sa.select(*others, _ZONE.label("timezone"))
        .select_from(_WITH_READER)
        .where(_IS_ACTIVE, sa.or_(sa.false(), *of_date))
        .order_by(profiles.c.user_id)
        .limit(limit)
        .with_for_update(of=profiles)
    )
    return await database.fetch_records(connection, models.Profile, query)


async def list_sent(
    connection: AsyncConnection, user_ids: Iterable[int], on: date, until_on: date
) -> set[int]:
    """Return those of the readers to whom a day between two dates counts as sent (see `outbox.arrived_clause`)."""
    rows = deliveries.c
    query = sa.select(rows.user_id).where(
        rows.kind == models.DeliveryKind.TODAY, rows.digest_on.between(on, until_on), outbox.arrived_clause()
    )
    return {user_id for (user_id,) in await database.execute_in(connection, query, rows.user_id, user_ids)}


class ProfileSettings(TypedDict, total=False):
    """Settings that a reader chose, and the last local date that is finished."""

    topics: tuple[str, ...]
    at_time: str | None
    timezone: str | None
    last_on: date | None
    reason: str | None


async def change(connection: AsyncConnection, user_id: int, **settings: Unpack[ProfileSettings]) -> None:
    """Change settings in a reader's profile, if it still exists.

    A `reason` suspends the daily message without changing its time.
    """
    await connection.execute(profiles.update().where(profiles.c.user_id == user_id).values(**settings))


async def add(connection: AsyncConnection, profile: models.Profile) -> None:
    """Store a profile unless the reader already has one."""
    values = database.record_values(profile, profiles)
    await connection.execute(
        database.dialect_insert(connection, profiles).values(values).on_conflict_do_nothing()
    )


async def set_last_on(connection: AsyncConnection, user_ids: Iterable[int], local_on: date) -> None:
    """Record a local date as finished for these readers."""
    await connection.execute(
        profiles.update().where(profiles.c.user_id.in_(user_ids)).values(last_on=local_on)
    )


async def set_feedback(
    connection: AsyncConnection, user_id: int, paper_id: int, kind: models.FeedbackKind | None, now: datetime
) -> None:
    """Replace a reader's feedback on a paper. None deletes the feedback."""
    if kind is None:
        own = sa.and_(feedback.c.user_id == user_id, feedback.c.paper_id == paper_id)
        await connection.execute(feedback.delete().where(own))
        return
    values = {"user_id": user_id, "paper_id": paper_id, "kind": kind, "given_at": now}
    await database.upsert(connection, feedback, [values], key=("user_id", "paper_id"))


async def list_feedback(
    connection: AsyncConnection, user_id: int, *, limit: int
) -> list[tuple[int, models.FeedbackKind]]:
    """Return a reader's feedback as (paper id, kind), newest first."""
    query = (
        sa.select(feedback.c.paper_id, feedback.c.kind)
        .where(feedback.c.user_id == user_id)
        .order_by(feedback.c.given_at.desc(), feedback.c.paper_id)
        .limit(limit)
    )
    return [(row.paper_id, row.kind) for row in await connection.execute(query)]
