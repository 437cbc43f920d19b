"""Inserts planned deliveries with their parts, and updates or purges what they contain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models, tables
from storage.outbox import queries

DELIVERY_COLUMNS = (*(name for name in models.NewDelivery.__dataclass_fields__ if name != "parts"), "state")
_get_fields = attrgetter(*DELIVERY_COLUMNS[:-1])
_SLICE = 100
"""Deliveries converted before the event loop gets control, which takes about two milliseconds."""

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
    "marker",
)


async def add(connection: AsyncConnection, delivery: models.NewDelivery) -> int | None:
    """Insert a delivery with its parts. Returns its id, or None if its key exists."""
    return (await add_all(connection, [delivery])).get(delivery.key)


async def add_all(
    connection: AsyncConnection, new_deliveries: Sequence[models.NewDelivery]
) -> dict[str, int]:
    """Insert deliveries with their parts, except those whose key exists. Returns the ids of the inserted ones, by key."""
    if not new_deliveries:
        return {}
    insert = _insert if connection.dialect.name == "sqlite" else _insert_returning
    ids = await insert(connection, new_deliveries)
    by_key: dict[str, models.NewDelivery] = {}
    for delivery in new_deliveries:
        if delivery.key in ids:
            by_key.setdefault(delivery.key, delivery)
    part_values = [
        _part_values(ids[key], position, part, delivery.due_at)
        for key, delivery in by_key.items()
        for position, part in enumerate(delivery.parts)
    ]
    await bulk.insert_rows(connection, tables.parts, PART_COLUMNS, part_values)
    return ids


async def _insert(
    connection: AsyncConnection, new_deliveries: Sequence[models.NewDelivery]
) -> dict[str, int]:
    """Insert deliveries for the only writer of the database: three statements, however many they are."""
    key, id_ = tables.deliveries.c.key, tables.deliveries.c.id
    new: dict[str, dict[str, Any]] = {}
    for chunk in bulk.chunked(reversed(new_deliveries), _SLICE):
        new.update((delivery.key, _delivery_values(delivery)) for delivery in chunk)
        await asyncio.sleep(0)
    for known, _ in await bulk.select_where_in(connection, key, new, (key, id_)):
        del new[known]
    rows = [tuple(values.values()) for values in reversed(new.values())]
    await bulk.insert_rows(connection, tables.deliveries, DELIVERY_COLUMNS, rows)
    inserted = dict(await bulk.select_where_in(connection, key, new, (key, id_)))
    return {name: inserted[name] for name in reversed(new)}


async def _insert_returning(
    connection: AsyncConnection, new_deliveries: Sequence[models.NewDelivery]
) -> dict[str, int]:
    """Insert deliveries while others may insert the same keys."""
    statement = bulk.dialect_insert(connection, tables.deliveries).on_conflict_do_nothing(
        index_elements=["key"]
    )
    values = [_delivery_values(delivery) for delivery in new_deliveries]
    inserted = await connection.execute(
        statement.returning(tables.deliveries.c.key, tables.deliveries.c.id), values
    )
    return {row.key: row.id for row in inserted}


async def set_channel(connection: AsyncConnection, delivery_id: int, channel_id: int) -> bool:
    """Store the DM channel of a delivery to a reader, once it is open. False if there is no such delivery any more."""
    statement = tables.deliveries.update().where(tables.deliveries.c.id == delivery_id)
    return (await connection.execute(statement.values(channel_id=channel_id))).rowcount > 0


async def set_content(
    connection: AsyncConnection, posts: Mapping[int, models.StoredPost], payloads: Mapping[int, str]
) -> None:
    """Store the new content of deliveries whose messages are edited; the next correction compares with it.

    `posts` are by delivery id, the JSON `payloads` by part id: of the edited parts and of edits still pending for the same
    messages.
    """
    if posts:
        values = {id_: _dump_post(post) for id_, post in posts.items()}
        await _update_by_id(connection, tables.deliveries, "post", values)
    if payloads:
        await _update_by_id(connection, tables.parts, "payload", payloads)


async def _update_by_id(
    connection: AsyncConnection, table: sa.Table, column: str, values: Mapping[int, Any]
) -> None:
    await connection.execute(
        table.update().where(table.c.id == sa.bindparam("b_id")).values({column: sa.bindparam("b_value")}),
        [{"b_id": id_, "b_value": value} for id_, value in values.items()],
    )


async def clear_payloads(connection: AsyncConnection, part_ids: Sequence[int], before: datetime) -> int:
    """Clear the payloads of those parts whose delivery ended before `before` (UTC). Returns their number."""
    ended = sa.select(tables.deliveries.c.id).where(tables.deliveries.c.finished_at < before)
    result = await connection.execute(
        tables.parts.update()
        .where(tables.parts.c.id.in_(part_ids), tables.parts.c.delivery_id.in_(ended))
        .values(payload=None, fallback=None)
    )
    return result.rowcount


async def remove(connection: AsyncConnection, delivery_ids: Sequence[int]) -> int:
    """Delete finished deliveries with their parts. Returns the number of deliveries."""
    result = await connection.execute(
        tables.deliveries.delete().where(
            tables.deliveries.c.id.in_(delivery_ids), ~queries.unfinished_clause()
        )
    )
    return result.rowcount


def _delivery_values(delivery: models.NewDelivery) -> dict[str, Any]:
    """Return the values of `DELIVERY_COLUMNS`, in this order."""
    values = dict(
        zip(DELIVERY_COLUMNS, (*_get_fields(delivery), models.DeliveryState.PLANNED.value), strict=True)
    )
    return values | {
        "kind": delivery.kind.value,
        "locale": delivery.locale.value,
        "priority": int(delivery.priority),
        "post": _dump_post(delivery.post),
    }


def _dump_post(post: models.StoredPost) -> dict[str, Any]:
    values: dict[str, Any] = queries.post_codec().dump_python(post, mode="json", exclude_defaults=True)
    return values


def _part_values(delivery_id: int, position: int, part: models.NewPart, due_at: datetime) -> tuple[Any, ...]:
    planned = models.PartState.PLANNED.value
    attempt_values = (part.nonce, planned, 0, due_at, part.channel_id, part.message_id, part.marker)
    return (delivery_id, position, part.kind.value, part.payload, part.fallback, *attempt_values)
