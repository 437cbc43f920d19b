"""The counts of mentions that the glossary is induced from, and the stored glossary, as opaque JSON."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import glossary, mention_counts

_ROW_ID = 1


async def change_mention_counts(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the numbers of papers with each mention; a change may be negative."""
    await bulk.increment_counts(connection, mention_counts, changes)


async def get_mention_counts(connection: AsyncConnection, *, limit: int) -> dict[str, int]:
    """Return the number of papers with each mention, for at most `limit` of the most frequent mentions."""
    query = (
        sa.select(mention_counts.c.mention, mention_counts.c.papers)
        .where(mention_counts.c.papers > 0)
        .order_by(mention_counts.c.papers.desc(), mention_counts.c.mention)
        .limit(limit)
    )
    return {mention: papers for mention, papers in await connection.execute(query)}  # noqa: C416


async def get_version(connection: AsyncConnection) -> str | None:
    """Return a value that changes with each induction, None without a glossary. Cheap enough for every search."""
    statement = f"SELECT made_at FROM {glossary.name}"  # noqa: S608 - constant name
    rows = await bulk.read_once(connection, glossary.name, lambda: bulk.fetch_all(connection, statement))
    return next((str(moment) for (moment,) in rows), None)


async def get(connection: AsyncConnection) -> tuple[datetime, int, str] | None:
    """Return when the stored glossary was induced (UTC), from how many papers, and its JSON; None without one."""
    query = sa.select(glossary.c.made_at, glossary.c.papers, glossary.c.data)
    row = (await connection.execute(query)).first()
    return None if row is None else (row.made_at, row.papers, zlib.decompress(row.data).decode())


async def save(connection: AsyncConnection, made_at: datetime, papers: int, data: str) -> None:
    """Store a glossary, replacing the former one: the values that `get` returns."""
    values = {"made_at": made_at, "papers": papers, "data": zlib.compress(data.encode())}
    statement = bulk.dialect_insert(connection, glossary).values(id=_ROW_ID, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
