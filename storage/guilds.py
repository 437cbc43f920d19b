"""The servers that the bot is in, or was in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import alerts, deliveries, guilds, metadata, subscriptions

REMOVED_BEFORE = (alerts, deliveries, subscriptions)
"""Tables of which only some rows of a server are removed with it, or in batches."""


async def get(connection: AsyncConnection, guild_id: int) -> models.Guild | None:
    """Return a server, or None."""
    row = (await connection.execute(sa.select(guilds).where(guilds.c.guild_id == guild_id))).one_or_none()
    return None if row is None else _guild_from_row(row)


async def list_rows(connection: AsyncConnection) -> list[models.Guild]:
    """Return all servers, by id."""
    return [
        _guild_from_row(row)
        for row in await connection.execute(sa.select(guilds).order_by(guilds.c.guild_id))
    ]


async def list_by_id(connection: AsyncConnection, guild_ids: Iterable[int]) -> dict[int, models.Guild]:
    """Return those of these servers that are stored, by id."""
    stored: dict[int, models.Guild] = {}
    for chunk in bulk.chunked(guild_ids):
        for row in await connection.execute(sa.select(guilds).where(guilds.c.guild_id.in_(chunk))):
            stored[row.guild_id] = _guild_from_row(row)
    return stored


async def upsert(
    connection: AsyncConnection,
    guild_id: int,
    *,
    now: datetime,
    locale: models.Locale | None = None,
    timezone: str | None = None,
    installed_by: int | None = None,
    system_channel_id: int | None = None,
) -> None:
    """Store the given fields of a server that the bot is in; one that is None keeps its value."""
    given = {
        "locale": locale and locale.value,
        "timezone": timezone,
        "installed_by": installed_by,
        "system_channel_id": system_channel_id,
    }
    values = {name: value for name, value in given.items() if value is not None}
    row = {"guild_id": guild_id, "seen_at": now, "left_at": None, **values}
    await bulk.upsert(connection, guilds, [row], key=("guild_id",))


async def mark_left(connection: AsyncConnection, guild_ids: Sequence[int], now: datetime) -> None:
    """Record that the bot was removed from servers at `now` (UTC)."""
    await connection.execute(
        guilds.update()
        .where(guilds.c.guild_id.in_(guild_ids), guilds.c.left_at.is_(None))
        .values(left_at=now)
    )


async def list_left(connection: AsyncConnection, before: datetime) -> list[int]:
    """Return the ids of the servers that the bot left before `before` (UTC) and is not in."""
    query = sa.select(guilds.c.guild_id).where(guilds.c.left_at < before).order_by(guilds.c.guild_id)
    return list((await connection.execute(query)).scalars())


async def remove(connection: AsyncConnection, guild_id: int, before: datetime) -> None:
    """Delete a server that the bot left before `before` (UTC), with all rows of it but those of `REMOVED_BEFORE`."""
    left = guilds.delete().where(guilds.c.guild_id == guild_id, guilds.c.left_at < before)
    if not (await connection.execute(left)).rowcount:
        return
    for table in metadata.tables.values():
        if "guild_id" in table.c and table not in REMOVED_BEFORE:
            await connection.execute(table.delete().where(table.c.guild_id == guild_id))


def _guild_from_row(row: sa.Row[Any]) -> models.Guild:
    locale = models.Locale(row.locale) if row.locale else None
    return bulk.build_record(models.Guild, row._mapping, locale=locale)
