"""Readers' settings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import readers


async def get(connection: AsyncConnection, user_id: int) -> models.Reader | None:
    """Return a reader, or None if not stored."""
    row = (await connection.execute(sa.select(readers).where(readers.c.user_id == user_id))).one_or_none()
    return None if row is None else _reader_from_row(row)


async def list_by_id(connection: AsyncConnection, user_ids: Iterable[int]) -> dict[int, models.Reader]:
    """Return those of these readers that are stored, by id."""
    stored: dict[int, models.Reader] = {}
    for chunk in bulk.chunked(user_ids):
        for row in await connection.execute(sa.select(readers).where(readers.c.user_id.in_(chunk))):
            stored[row.user_id] = _reader_from_row(row)
    return stored


async def upsert(
    connection: AsyncConnection,
    user_id: int,
    *,
    now: datetime,
    locale: models.Locale | None = None,
    timezone: str | None = None,
    dm_channel_id: int | None = None,
) -> None:
    """Store the given settings; one that is None keeps its value."""
    given = {"locale": locale and locale.value, "timezone": timezone, "dm_channel_id": dm_channel_id}
    values = {name: value for name, value in given.items() if value is not None}
    await bulk.upsert(connection, readers, [{"user_id": user_id, "seen_at": now, **values}], key=("user_id",))


async def clear_dm_channel(connection: AsyncConnection, user_id: int) -> None:
    """Clear a reader's DM channel, so that it is opened again."""
    await connection.execute(readers.update().where(readers.c.user_id == user_id).values(dm_channel_id=None))


def _reader_from_row(row: sa.Row[Any]) -> models.Reader:
    locale = models.Locale(row.locale) if row.locale else None
    return bulk.build_record(models.Reader, row._mapping, locale=locale)
