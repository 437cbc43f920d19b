"""What the glossary is made of, counted over all papers, and the glossary as it was last made. Understands neither."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import glossary, mention_counts

_ROW_ID = 1


class StoredGlossary(NamedTuple):
    """The glossary as it was last made (UTC), from so many papers; `data` is the caller's JSON."""

    made_at: datetime
    papers: int
    data: str


async def change_mention_counts(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the counts of papers that hold a mention; a change may be negative."""
    await bulk.increment_counts(connection, mention_counts, changes)


async def get_mention_counts(connection: AsyncConnection, *, limit: int) -> dict[str, int]:
    """Return in how many papers each mention is, the most frequent ones if there are more than `limit`."""
    query = (
        sa.select(mention_counts.c.mention, mention_counts.c.papers)
        .where(mention_counts.c.papers > 0)
        .order_by(mention_counts.c.papers.desc(), mention_counts.c.mention)
        .limit(limit)
    )
    return {mention: papers for mention, papers in await connection.execute(query)}  # noqa: C416


async def get_version(connection: AsyncConnection) -> str | None:
    """Return something that changes whenever the glossary is made anew, or None; made to be asked at every look-up."""
    for (moment,) in await bulk.fetch_all(connection, f"SELECT made_at FROM {glossary.name}"):  # noqa: S608
        return str(moment)
    return None


async def get(connection: AsyncConnection) -> StoredGlossary | None:
    """Return the glossary as it was last made, or None."""
    query = sa.select(glossary.c.made_at, glossary.c.papers, glossary.c.data)
    row = (await connection.execute(query)).first()
    return (
        None if row is None else StoredGlossary(row.made_at, row.papers, zlib.decompress(row.data).decode())
    )


async def save(connection: AsyncConnection, made: StoredGlossary) -> None:
    """Keep a glossary in place of the former one."""
    values = {"made_at": made.made_at, "papers": made.papers, "data": zlib.compress(made.data.encode())}
    statement = bulk.dialect_insert(connection, glossary).values(id=_ROW_ID, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
