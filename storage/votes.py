"""Vote counts read from services over time. The votes in digests are kept in their entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import entries, votes


async def add(connection: AsyncConnection, paper_facts: Sequence[tuple[int, models.PaperFacts]]) -> None:
    """Store the votes of facts, given as (paper id, facts): for each service and time of reading the largest count.

    So it does not matter in which order the counts come, and an alert that waits for votes misses none.
    """
    rows = [
        {"paper_id": paper_id, "source": reading.source, "read_at": reading.read_at, "votes": reading.votes}
        for paper_id, reading in paper_facts
        if reading.votes is not None
    ]
    if rows:
        statement = bulk.dialect_insert(connection, votes)
        larger = statement.excluded.votes > votes.c.votes
        changes = {"votes": statement.excluded.votes}
        key = votes.primary_key.columns
        await connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=changes, where=larger), rows
        )


async def list_latest(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[int, tuple[datetime, int]]:
    """Return the time (UTC) and number of the latest votes of each paper; the largest if several have the same time."""
    latest: dict[int, tuple[datetime, int]] = {}
    for chunk in bulk.chunked(paper_ids):
        query = (
            sa.select(votes.c.paper_id, votes.c.read_at, votes.c.votes)
            .where(votes.c.paper_id.in_(chunk))
            .order_by(votes.c.read_at, votes.c.votes)
        )
        for paper_id, read_at, number in await connection.execute(query):
            latest[paper_id] = read_at, number
    return latest


async def list_highest(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, int]:
    """Return the highest number of votes that any service or digest gave for each paper; none if all are unknown."""
    return {
        paper_id: max(numbers) for paper_id, numbers in (await _list_ranges(connection, paper_ids)).items()
    }


async def list_lowest(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, int]:
    """Return the lowest number of votes that any service or digest gave for each paper; none if all are unknown."""
    return {
        paper_id: min(numbers) for paper_id, numbers in (await _list_ranges(connection, paper_ids)).items()
    }


async def _list_ranges(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, list[int]]:
    """Return the lowest and the highest number of votes of each paper from services, and from digests."""
    ranges: dict[int, list[int]] = defaultdict(list)
    for chunk in bulk.chunked(paper_ids):
        for table in (votes, entries):
            query = (
                sa.select(table.c.paper_id, sa.func.min(table.c.votes), sa.func.max(table.c.votes))
                .where(table.c.paper_id.in_(chunk), table.c.votes.is_not(None))
                .group_by(table.c.paper_id)
            )
            for paper_id, lowest, highest in await connection.execute(query):
                ranges[paper_id] += [lowest, highest]
    return ranges
