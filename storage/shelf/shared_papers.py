"""Papers that members shared in a server."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import shared_papers


async def add(connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int, now: datetime) -> None:
    """Record that a member shared a paper in a server."""
    row = {"guild_id": guild_id, "paper_id": paper_id, "user_id": user_id, "shared_at": now}
    await bulk.upsert(connection, shared_papers, [row], key=("guild_id", "paper_id", "user_id"))


async def count_sharers(connection: AsyncConnection, guild_id: int, since: datetime) -> dict[int, int]:
    """Return how many members shared each paper in a server since a time, by paper id."""
    query = sa.select(shared_papers.c.paper_id, sa.func.count()).where(
        shared_papers.c.guild_id == guild_id, shared_papers.c.shared_at >= since
    )
    rows = await connection.execute(query.group_by(shared_papers.c.paper_id))
    return {row[0]: row[1] for row in rows}


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` records of papers shared before a time. Returns their number."""
    return await bulk.delete_some(connection, shared_papers, shared_papers.c.shared_at < before, limit)


async def remove_of_guild(connection: AsyncConnection, guild_id: int) -> None:
    """Delete the records of papers shared in a server."""
    await connection.execute(shared_papers.delete().where(shared_papers.c.guild_id == guild_id))
