"""Services' readings of votes over time. What a digest says of votes stays in its entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import votes


async def add(connection: AsyncConnection, vote_counts: Sequence[tuple[int, models.VoteCount]]) -> None:
    """Keep readings, as (paper id, reading); the same moment of the same service is one reading."""
    if not vote_counts:
        return
    statement = bulk.dialect_insert(connection, votes)
    statement = statement.on_conflict_do_update(
        index_elements=["paper_id", "source", "read_at"], set_={"votes": statement.excluded.votes}
    )
    await connection.execute(
        statement,
        [
            {"paper_id": paper_id, "source": vote.source, "read_at": vote.read_at, "votes": vote.votes}
            for paper_id, vote in vote_counts
        ],
    )


async def list_latest(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, models.VoteCount]:
    """Return the freshest reading of a service for each paper that has one; of one moment the largest."""
    found: dict[int, models.VoteCount] = {}
    for chunk in bulk.chunked(paper_ids):
        query = (
            sa.select(votes.c.paper_id, votes.c.votes, votes.c.read_at, votes.c.source)
            .where(votes.c.paper_id.in_(chunk))
            .order_by(votes.c.read_at, votes.c.votes)
        )
        for paper_id, number, read_at, source in await connection.execute(query):
            found[paper_id] = models.VoteCount(number, read_at, source)
    return found
