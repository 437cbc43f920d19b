"""Papers that members shared in a server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import shared_papers


async def add(connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int, now: datetime) -> None:
    """Record that a member shared a paper in a server."""
    row = {"guild_id": guild_id, "paper_id": paper_id, "user_id": user_id, "shared_at": now}
    await bulk.upsert(connection, shared_papers, [row], key=("guild_id", "paper_id", "user_id"))


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` records of papers shared before a time. Returns their number."""
    return await bulk.delete_some(connection, shared_papers, shared_papers.c.shared_at < before, limit)


async def remove_of_guild(connection: AsyncConnection, guild_id: int) -> None:
    """Delete the records of papers shared in a server."""
    await connection.execute(shared_papers.delete().where(shared_papers.c.guild_id == guild_id))
