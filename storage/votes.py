"""Services' readings of votes over time. What a digest says of votes stays in its entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import digests, entries, votes


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


async def list_history(connection: AsyncConnection, paper_id: int) -> list[models.VoteCount]:
    """Return every reading of a paper's votes, digests' too, the oldest first."""
    by_services = sa.select(votes.c.votes, votes.c.read_at, votes.c.source).where(
        votes.c.paper_id == paper_id
    )
    history = [models.VoteCount(*row) for row in await connection.execute(by_services)]
    by_digests = (
        sa.select(entries.c.votes, digests.c.date_on, digests.c.id)
        .join(digests, digests.c.id == entries.c.digest_id)
        .where(entries.c.paper_id == paper_id, entries.c.votes.is_not(None))
    )
    history.extend(
        models.VoteCount(number, datetime.combine(date_on, time(), UTC), f"digest:{digest_id}")
        for number, date_on, digest_id in await connection.execute(by_digests)
    )
    return sorted(history, key=lambda vote: (vote.read_at, vote.votes))


async def list_papers_read(
    connection: AsyncConnection, source: str, paper_ids: Iterable[int], *, since_at: datetime
) -> set[int]:
    """Return which of the papers a service was asked for since a moment (UTC)."""
    found: set[int] = set()
    for chunk in bulk.chunked(paper_ids):
        query = sa.select(votes.c.paper_id).where(
            votes.c.source == source, votes.c.paper_id.in_(chunk), votes.c.read_at >= since_at
        )
        found.update((await connection.execute(query)).scalars())
    return found
