"""The processes of `run` on a shared database, as they report themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models
from storage.tables import processes

INTERVAL = timedelta(seconds=30)
"""Time between two reports of a process."""
_LIVE = 3 * INTERVAL


async def report(connection: AsyncConnection, process: models.Process) -> None:
    """Store that a process lives, and forget those that have not said so for a day."""
    await database.upsert(connection, processes, [database.record_values(process)], key=("name",))
    await connection.execute(
        processes.delete().where(processes.c.seen_at < process.seen_at - timedelta(days=1))
    )


async def remove(connection: AsyncConnection, name: str) -> None:
    """Forget a process, which has ended."""
    await connection.execute(processes.delete().where(processes.c.name == name))


async def list_live(connection: AsyncConnection, now: datetime) -> Sequence[models.Process]:
    """Return the processes that reported themselves lately, the sender first, then by name."""
    query = processes.select().where(processes.c.seen_at > now - _LIVE)
    query = query.order_by(processes.c.term.is_(None), processes.c.name)
    return await database.fetch_records(connection, models.Process, query)
