"""Queries of the outbox: due parts, deliveries and their parts, counts. Read-only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import deliveries, parts

UNFINISHED_STATES = (
    models.DeliveryState.PLANNED,
    models.DeliveryState.PAUSED,
    models.DeliveryState.UNCERTAIN,
)
_LIFETIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class DuePart:
    """A part that may be sent now, with its delivery. `term` is that of the sender that claimed it."""

    delivery: models.Delivery
    part: models.Part
    term: int = 0


async def list_due(
    connection: AsyncConnection, now: datetime, *, limit: int = 200, exclude_channel_ids: Collection[int] = ()
) -> list[DuePart]:
    """Return the parts that may be sent at `now` (UTC), most urgent first: the first unsent part of each delivery.

    Left out are parts of expired deliveries unless an attempt's outcome is unknown, parts for `exclude_channel_ids`, and those
    that are SENDING, which `outbox.release_interrupted` makes PLANNED again after a start.
    """
    earlier = parts.alias("earlier")
    has_unsent_predecessor = sa.exists().where(
        earlier.c.delivery_id == parts.c.delivery_id,
        earlier.c.position < parts.c.position,
        earlier.c.state != models.PartState.SENT,
    )
    columns = [column.label(f"d_{column.name}") for column in deliveries.c]
    query = (
        sa.select(*parts.c, *columns)
        .join(deliveries, deliveries.c.id == parts.c.delivery_id)
        .where(
            parts.c.state == models.PartState.PLANNED,
            parts.c.next_attempt_at <= now,
            deliveries.c.state == models.DeliveryState.PLANNED,
            sa.or_(deliveries.c.expires_at > now, parts.c.first_attempt_at.is_not(None)),
            sa.or_(deliveries.c.channel_id.is_(None), deliveries.c.channel_id.not_in(exclude_channel_ids)),
            ~has_unsent_predecessor,
        )
        .order_by(deliveries.c.priority, parts.c.next_attempt_at, parts.c.id)
        .limit(limit)
    )
    due = []
    for row in await connection.execute(query):
        values = {column.name: row._mapping[f"d_{column.name}"] for column in deliveries.c}
        delivery = bulk.build_record(models.Delivery, values)
        due.append(DuePart(delivery, bulk.build_record(models.Part, row._mapping)))
    return due


async def get(connection: AsyncConnection, delivery_id: int) -> models.Delivery | None:
    """Return one delivery, or None."""
    rows = await list_rows(connection, ids=[delivery_id])
    return rows[0] if rows else None


async def list_existing_keys(connection: AsyncConnection, keys: Iterable[str]) -> set[str]:
    """Return those of the keys that exist."""
    return {
        key for (key,) in await bulk.select_where_in(connection, deliveries.c.key, keys, [deliveries.c.key])
    }


async def list_filled_parts(
    connection: AsyncConnection, before: datetime, after_id: int, limit: int
) -> list[int]:
    """Return the ids, above `after_id`, of parts with a payload whose delivery ended before `before` (UTC)."""
    query = sa.select(parts.c.id).join(deliveries, deliveries.c.id == parts.c.delivery_id)
    query = query.where(
        parts.c.id > after_id, parts.c.payload.is_not(None), deliveries.c.finished_at < before
    )
    return list((await connection.execute(query.order_by(parts.c.id).limit(limit))).scalars())


async def list_removable(
    connection: AsyncConnection, before: datetime, after_id: int, limit: int, *, guild_id: int | None = None
) -> list[int]:
    """Return the ids, above `after_id`, of deliveries that ended before `before` (UTC), of one server or of all.

    The last post of each subscription is not among them, since `/status` shows it however old it is; those of a server
    are all.
    """
    query = sa.select(deliveries.c.id).where(
        deliveries.c.id > after_id, deliveries.c.finished_at < before, ~unfinished_clause()
    )
    if guild_id is not None:
        query = query.where(deliveries.c.guild_id == guild_id)
    else:
        newer = deliveries.alias("newer")
        sent = models.DeliveryState.SENT
        has_newer = sa.exists().where(
            newer.c.subscription_id == deliveries.c.subscription_id,
            newer.c.id > deliveries.c.id,
            newer.c.state == sent,
        )
        query = query.where(
            sa.or_(deliveries.c.subscription_id.is_(None), deliveries.c.state != sent, has_newer)
        )
    return list((await connection.execute(query.order_by(deliveries.c.id).limit(limit))).scalars())


async def list_channel_ids(connection: AsyncConnection, guild_id: int) -> set[int]:
    """Return the channels of a server that deliveries were planned for."""
    query = sa.select(deliveries.c.channel_id).where(
        deliveries.c.guild_id == guild_id,
        deliveries.c.user_id.is_(None),
        deliveries.c.channel_id.is_not(None),
    )
    return set((await connection.execute(query.distinct())).scalars())


async def list_unsent(connection: AsyncConnection, delivery_ids: Iterable[int]) -> list[int]:
    """Return those of the deliveries of which certainly no part has reached Discord."""
    query = sa.select(deliveries.c.id).where(unsent_clause())
    return [id_ for (id_,) in await bulk.execute_in(connection, query, deliveries.c.id, delivery_ids)]


def unsent_clause() -> sa.ColumnElement[bool]:
    """True if no part of a delivery can have reached Discord: none is SENT, and none has an unknown outcome."""
    return ~sa.exists().where(
        parts.c.delivery_id == deliveries.c.id,
        sa.or_(parts.c.state == models.PartState.SENT, parts.c.first_attempt_at.is_not(None)),
    )


def unfinished_clause() -> sa.ColumnElement[bool]:
    """True if a delivery may still be sent."""
    return deliveries.c.state.in_(UNFINISHED_STATES)


async def list_parts(connection: AsyncConnection, delivery_id: int) -> list[models.Part]:
    """Return a delivery's parts, by position."""
    return (await list_parts_by_delivery(connection, [delivery_id]))[delivery_id]


async def list_parts_by_delivery(
    connection: AsyncConnection, delivery_ids: Sequence[int]
) -> dict[int, list[models.Part]]:
    """Return the parts of deliveries, by delivery id and position."""
    by_delivery: dict[int, list[models.Part]] = {delivery_id: [] for delivery_id in delivery_ids}
    query = sa.select(parts).order_by(parts.c.position)
    for row in await bulk.execute_in(connection, query, parts.c.delivery_id, delivery_ids):
        by_delivery[row.delivery_id].append(bulk.build_record(models.Part, row._mapping))
    return by_delivery


class PlannedEdit(NamedTuple):
    """An edit of a message that is not sent yet, or was sent at a time (UTC). A part that is not SENDING waits."""

    delivery_id: int
    part_id: int
    state: models.PartState
    sent_at: datetime | None


async def list_edits(connection: AsyncConnection, sent_since: datetime) -> dict[int, list[PlannedEdit]]:
    """Return the unfinished edits, and those sent since a time (UTC), by the id of the message."""
    # An edit expires a day after it was due, so the index on states and due times suffices.
    is_recent = sa.and_(
        deliveries.c.state == models.DeliveryState.SENT, deliveries.c.due_at >= sent_since - _LIFETIME
    )
    query = (
        sa.select(parts.c.message_id, parts.c.delivery_id, parts.c.id, parts.c.state, parts.c.sent_at)
        .join(deliveries, deliveries.c.id == parts.c.delivery_id)
        .where(
            deliveries.c.kind == models.DeliveryKind.EDIT,
            sa.or_(unfinished_clause(), is_recent),
            sa.or_(parts.c.sent_at.is_(None), parts.c.sent_at >= sent_since),
        )
    )
    by_message: dict[int, list[PlannedEdit]] = {}
    for message_id, *row in await connection.execute(query):
        by_message.setdefault(message_id, []).append(PlannedEdit(*row))
    return by_message


_POST = sa.cast(deliveries.c.post, sa.Text)


async def list_posts(
    connection: AsyncConnection, kinds: Collection[models.DeliveryKind], since_at: datetime
) -> dict[str, models.StoredPost]:
    """Return the different posts among deliveries planned since a time (UTC), by their text: many channels get the same."""
    query = sa.select(sa.func.max(deliveries.c.id)).where(_is_planned(kinds, since_at)).group_by(_POST)
    newest = (await connection.execute(query)).scalars().all()
    rows = await bulk.execute_in(connection, sa.select(_POST, deliveries.c.post), deliveries.c.id, newest)
    return {text: post for text, post in rows}  # noqa: C416 - gives the tuples their types


async def list_ids_by_post(
    connection: AsyncConnection,
    posts: Iterable[str],
    kinds: Collection[models.DeliveryKind],
    since_at: datetime,
) -> set[int]:
    """Return the deliveries planned since a time (UTC) with one of the texts that `list_posts` returned."""
    query = sa.select(deliveries.c.id).where(_is_planned(kinds, since_at))
    return {id_ for (id_,) in await bulk.execute_in(connection, query, _POST, posts)}


def _is_planned(kinds: Collection[models.DeliveryKind], since_at: datetime) -> sa.ColumnElement[bool]:
    # The index on states and due times leaves few. A delivery is not planned later than a lifetime after it was due.
    return sa.and_(
        deliveries.c.state.in_(models.DeliveryState),
        deliveries.c.due_at >= since_at - _LIFETIME,
        deliveries.c.planned_at >= since_at,
        deliveries.c.kind.in_(kinds),
    )


async def list_states(
    connection: AsyncConnection, ids: Iterable[int], ended_since: datetime
) -> dict[int, models.DeliveryState]:
    """Return the states of those deliveries, by id, that exist and have not ended before a time (UTC)."""
    query = sa.select(deliveries.c.id, deliveries.c.state).where(
        sa.or_(unfinished_clause(), deliveries.c.finished_at >= ended_since)
    )
    rows = await bulk.execute_in(connection, query, deliveries.c.id, ids)
    return {id_: state for id_, state in rows}  # noqa: C416 - gives the tuples their types


async def list_rows(
    connection: AsyncConnection,
    *,
    ids: Sequence[int] | None = None,
    state: models.DeliveryState | None = None,
    kind: models.DeliveryKind | None = None,
    subscription_id: int | None = None,
    guild_id: int | None = None,
    channel_id: int | None = None,
    user_id: int | None = None,
    digest_on: date | None = None,
    since_at: datetime | None = None,
    limit: int | None = None,
) -> list[models.Delivery]:
    """Return the deliveries that meet all given conditions, the last planned first."""
    query = (
        sa.select(deliveries).order_by(deliveries.c.planned_at.desc(), deliveries.c.id.desc()).limit(limit)
    )
    conditions = {
        "state": state,
        "kind": kind,
        "subscription_id": subscription_id,
        "guild_id": guild_id,
        "channel_id": channel_id,
        "user_id": user_id,
        "digest_on": digest_on,
    }
    query = query.where(*bulk.equalities(deliveries, conditions))
    if since_at is not None:
        query = query.where(deliveries.c.planned_at >= since_at)
    if ids is None:
        return await bulk.fetch_records(connection, models.Delivery, query)
    rows = await bulk.execute_in(connection, query, deliveries.c.id, ids)
    return [bulk.build_record(models.Delivery, row._mapping) for row in rows]


async def count_by_state(connection: AsyncConnection) -> dict[models.PartState, int]:
    """Return the number of parts by state."""
    query = sa.select(parts.c.state, sa.func.count()).group_by(parts.c.state)
    return {state: count for state, count in await connection.execute(query)}  # noqa: C416 - gives the tuples their types


async def oldest_unsent_at(connection: AsyncConnection) -> datetime | None:
    """Return the earliest `due_at` (UTC) of the planned deliveries, or None without any."""
    query = sa.select(sa.func.min(deliveries.c.due_at, type_=deliveries.c.due_at.type)).where(
        deliveries.c.state == models.DeliveryState.PLANNED
    )
    oldest: datetime | None = (await connection.execute(query)).scalar()
    return oldest
