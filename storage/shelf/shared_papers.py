"""Papers that members shared in a server."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import shared_papers


async def add(connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int, now: datetime) -> None:
    """Record that a member shared a paper in a server."""
    row = {"guild_id": guild_id, "paper_id": paper_id, "user_id": user_id, "shared_at": now}
    await bulk.upsert(connection, shared_papers, [row], key=("guild_id", "paper_id", "user_id"))


async def count_sharers(
    connection: AsyncConnection, guild_ids: Collection[int], since: datetime
) -> dict[int, dict[int, int]]:
    """Return how many members shared each paper in some servers since a time, by server and paper id."""
    key = shared_papers.c.guild_id, shared_papers.c.paper_id
    query = sa.select(*key, sa.func.count()).where(shared_papers.c.shared_at >= since).group_by(*key)
    return await bulk.count_by_pair(connection, query, shared_papers.c.guild_id, guild_ids)


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` records of papers shared before a time. Returns their number."""
    return await bulk.delete_some(connection, shared_papers, shared_papers.c.shared_at < before, limit)


async def remove_of_guild(connection: AsyncConnection, guild_id: int) -> None:
    """Delete the records of papers shared in a server."""
    await connection.execute(shared_papers.delete().where(shared_papers.c.guild_id == guild_id))
