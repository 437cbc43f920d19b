"""Readers' settings and saved papers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import readers, saved_papers


async def get(connection: AsyncConnection, user_id: int) -> models.Reader | None:
    """Return a reader, or None if not stored."""
    row = (await connection.execute(sa.select(readers).where(readers.c.user_id == user_id))).one_or_none()
    return None if row is None else _reader_from_row(row)


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


async def save_paper(connection: AsyncConnection, user_id: int, paper_id: int, now: datetime) -> bool:
    """Save a paper for a reader. Returns False if it was saved before."""
    result = await connection.execute(
        bulk.dialect_insert(connection, saved_papers)
        .values(user_id=user_id, paper_id=paper_id, saved_at=now)
        .on_conflict_do_nothing()
    )
    return result.rowcount > 0


async def unsave_paper(connection: AsyncConnection, user_id: int, paper_id: int) -> bool:
    """Remove a saved paper. Returns False if it was not saved."""
    result = await connection.execute(
        saved_papers.delete().where(saved_papers.c.user_id == user_id, saved_papers.c.paper_id == paper_id)
    )
    return result.rowcount > 0


async def list_saved_paper_ids(connection: AsyncConnection, user_id: int) -> list[int]:
    """Return the ids of a reader's saved papers, the last saved first."""
    query = (
        sa.select(saved_papers.c.paper_id)
        .where(saved_papers.c.user_id == user_id)
        .order_by(saved_papers.c.saved_at.desc(), saved_papers.c.paper_id.desc())
    )
    return list((await connection.execute(query)).scalars())


def _reader_from_row(row: sa.Row[Any]) -> models.Reader:
    locale = models.Locale(row.locale) if row.locale else None
    return bulk.build_record(models.Reader, row._mapping, locale=locale)
