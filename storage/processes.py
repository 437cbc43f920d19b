"""The processes of `run` on a shared database, as they report themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
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


async def list_older(connection: AsyncConnection, schema: str) -> Sequence[str]:
    """Return the live processes whose version knows an older schema only, by name with their version.

    Reads no other column: a migration may be about to add some. The time is the database's, within seconds of the processes'.
    """
    is_live = processes.c.seen_at > sa.func.now() - _LIVE
    query = sa.select(processes.c.name, processes.c.version).where(is_live, processes.c.schema < schema)
    rows = await connection.execute(query.order_by(processes.c.name))
    return [f"{row.name.removeprefix('paperround ')} (version {row.version})" for row in rows]


async def list_live(connection: AsyncConnection, now: datetime) -> Sequence[models.Process]:
    """Return the processes that reported themselves lately, the sender first, then by name."""
    query = processes.select().where(processes.c.seen_at > now - _LIVE)
    query = query.order_by(processes.c.term.is_(None), processes.c.name)
    return await database.fetch_records(connection, models.Process, query)


def has_front(live: Iterable[models.Process]) -> bool:
    """Return whether one of the processes answers the interactions that come by HTTP."""
    return any(process.role is models.ProcessRole.FRONT for process in live)
