"""Readers' profiles: settings for the papers of the day, and papers they marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import models, outbox, search, snapshot, statements
from storage.tables import (
    READER_ROWS,
    UtcTime,
    deliveries,
    delivery_papers,
    metadata,
    one_of,
    papers,
    readers,
    reference,
    required,
    table_of,
)


class FeedbackKind(StrEnum):
    """A reader's opinion of a paper. The latest opinion counts."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Profile:
    """A reader's settings for the papers of the day.

    The papers are sent by DM at `at_time` (HH:MM in `timezone`); None means never. Dates up to `last_on`, in that zone, are
    finished. `reason` is why they are no longer sent.
    """

    user_id: int
    at_time: str | None = None
    timezone: str | None = None
    last_on: date | None = None
    reason: str | None = None


profiles = table_of(Profile, "profiles", sa.PrimaryKeyConstraint("user_id"), infos={"user_id": READER_ROWS})

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    reference("paper_id", "papers.id", primary_key=True, index=True),
    required("kind", one_of(FeedbackKind), comment="more or less"),
    required("given_at", UtcTime),
    sqlite_with_rowid=False,
)


async def get(connection: AsyncConnection, user_id: int) -> Profile | None:
    query = sa.select(profiles).where(profiles.c.user_id == user_id)
    return await statements.fetch_record(connection, Profile, query)


_ZONE = sa.func.coalesce(readers.c.timezone, profiles.c.timezone)
_WITH_READER = profiles.outerjoin(readers, readers.c.user_id == profiles.c.user_id)
_IS_ACTIVE = sa.and_(profiles.c.at_time.is_not(None), profiles.c.reason.is_(None))


async def list_hours(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Return the distinct (local time, zone) pairs at which papers are sent. Times are HH:MM."""
    query = sa.select(profiles.c.at_time, _ZONE).select_from(_WITH_READER).where(_IS_ACTIVE).distinct()
    return [(at_time, zone) for at_time, zone in await connection.execute(query)]


async def list_due(
    connection: AsyncConnection, dates: Mapping[tuple[str, str], date], user_ids: Iterable[int] | None = None
) -> list[Profile]:
    """Return the due profiles with their zones, by user id. `dates` maps (time of day, zone) to the due local date.

    Those of some `user_ids` are locked on PostgreSQL.
    """
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
    )
    if user_ids is not None:
        query = query.where(profiles.c.user_id.in_(user_ids)).with_for_update(of=profiles)
    return await statements.fetch_records(connection, Profile, query)


async def list_sent(
    connection: AsyncConnection, user_ids: Iterable[int], on: date, until_on: date
) -> dict[int, tuple[str, ...]]:
    """Return the readers to whom some of a day between two dates counts as sent, with the keys of the papers that do not."""
    is_of_day = deliveries.c.digest_on.between(on, until_on)
    by_reader = await _list_papers(connection, user_ids, is_of_day)
    return {
        user_id: tuple(id_ for id_, is_sent in of_reader.items() if not is_sent)
        for user_id, of_reader in by_reader.items()
        if any(of_reader.values())
    }


async def list_sent_papers(
    connection: AsyncConnection, user_id: int, since_at: datetime, *, but_on: date
) -> set[str]:
    """Return the keys of the papers that count as sent to a reader since a time (UTC), but for those of one day."""
    is_other = sa.and_(deliveries.c.planned_at >= since_at, deliveries.c.digest_on != but_on)
    found = await _list_papers(connection, [user_id], is_other)
    return {id_ for id_, is_sent in found.get(user_id, {}).items() if is_sent}


async def _list_papers(
    connection: AsyncConnection, user_ids: Iterable[int], condition: sa.ColumnElement[bool]
) -> dict[int, dict[str, bool]]:
    """Return the papers' keys in readers' messages, and whether each counts as sent (see `outbox.arrived_clause`), by reader."""
    c, placed = deliveries.c, delivery_papers.c
    columns = c.user_id, c.papers, papers.c.key, outbox.arrived_clause(placed.paper_id)
    query = sa.select(*columns).select_from(
        deliveries.outerjoin(delivery_papers, placed.delivery_id == c.id).outerjoin(
            papers, papers.c.id == placed.paper_id
        )
    )
    query = query.where(c.kind == models.DeliveryKind.TODAY, condition).order_by(c.id)
    by_reader: dict[int, dict[str, bool]] = {}
    for user_id, listed, split_off, is_sent in await statements.execute_in(
        connection, query, c.user_id, user_ids
    ):
        of_reader = by_reader.setdefault(user_id, {})
        for paper_key in listed if split_off is None else (split_off,):
            of_reader[paper_key] = of_reader.get(paper_key, False) or is_sent
    names = {paper_key for of_reader in by_reader.values() for paper_key in of_reader}
    current = await snapshot.read(connection, search.get_current_keys, names)
    for of_reader in by_reader.values():
        for name in current.keys() & of_reader.keys():
            is_sent, paper_key = of_reader.pop(name), current[name]
            of_reader[paper_key] = of_reader.get(paper_key, False) or is_sent
    return by_reader


class ProfileSettings(TypedDict, total=False):
    """Settings that a reader chose, and the last local date that is finished."""

    at_time: str | None
    timezone: str | None
    last_on: date | None
    reason: str | None


async def change(connection: AsyncConnection, user_id: int, **settings: Unpack[ProfileSettings]) -> None:
    """Change settings in a reader's profile, if it still exists.

    A `reason` suspends the daily message without changing its time.
    """
    await connection.execute(profiles.update().where(profiles.c.user_id == user_id).values(**settings))


async def add(connection: AsyncConnection, profile: Profile) -> None:
    """Store a profile unless the reader already has one."""
    values = statements.record_values(profile, profiles)
    await statements.insert_rows(connection, profiles, [values], "skip")


async def set_last_on(connection: AsyncConnection, user_ids: Iterable[int], local_on: date) -> None:
    await connection.execute(
        profiles.update().where(profiles.c.user_id.in_(user_ids)).values(last_on=local_on)
    )


async def set_feedback(
    connection: AsyncConnection, user_id: int, paper_id: int, kind: FeedbackKind | None, now: datetime
) -> None:
    """Replace a reader's feedback on a paper. None deletes the feedback."""
    if kind is None:
        own = sa.and_(feedback.c.user_id == user_id, feedback.c.paper_id == paper_id)
        await connection.execute(feedback.delete().where(own))
        return
    values = {"user_id": user_id, "paper_id": paper_id, "kind": kind, "given_at": now}
    await statements.insert_rows(connection, feedback, [values], "update")


async def list_feedback(
    connection: AsyncConnection, user_id: int, *, limit: int
) -> list[tuple[int, FeedbackKind]]:
    """Return a reader's feedback as (paper id, kind), newest first."""
    query = (
        sa.select(feedback.c.paper_id, feedback.c.kind)
        .where(feedback.c.user_id == user_id)
        .order_by(feedback.c.given_at.desc(), feedback.c.paper_id)
        .limit(limit)
    )
    return [(row.paper_id, row.kind) for row in await connection.execute(query)]
