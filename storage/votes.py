"""Vote counts read from services over time. The votes in digests are kept in their entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import votes


async def add(connection: AsyncConnection, vote_counts: Sequence[tuple[int, models.VoteCount]]) -> None:
    """Store vote counts as (paper id, count), one for each service and time of reading."""
    rows = [
        {"paper_id": paper_id, "source": count.source, "read_at": count.read_at, "votes": count.votes}
        for paper_id, count in vote_counts
    ]
    await bulk.upsert(connection, votes, rows, key=("paper_id", "source", "read_at"))


async def list_latest(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, models.VoteCount]:
    """Return the latest vote count of each paper that has one; the largest if several have the same time."""
    latest: dict[int, models.VoteCount] = {}
    for chunk in bulk.chunked(paper_ids):
        query = (
            sa.select(votes.c.paper_id, votes.c.votes, votes.c.read_at, votes.c.source)
            .where(votes.c.paper_id.in_(chunk))
            .order_by(votes.c.read_at, votes.c.votes)
        )
        for paper_id, number, read_at, source in await connection.execute(query):
            latest[paper_id] = models.VoteCount(number, read_at, source)
    return latest
