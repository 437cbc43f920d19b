"""Vote counts over time."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from storage import database, models, papers, tables
from tests.support.paper_records import NOW, add_papers, merged_paper


async def test_every_vote_count_is_kept_and_the_latest_is_returned(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1))
    paper_id = ids["2601.00001"]
    counts = [
        models.PaperFacts("2601.00001", "huggingface", "", NOW + timedelta(days=days), votes=days)
        for days in (3, 1, 2)
    ]
    async with db.transaction() as connection:
        await papers.add_votes(connection, [(paper_id, count) for count in counts])
        await papers.add_votes(connection, [(paper_id, counts[0])])
        assert await papers.list_latest_votes(connection, [paper_id]) == {
            paper_id: (NOW + timedelta(days=3), 3)
        }
        stored = await connection.execute(sa.select(tables.votes).order_by(tables.votes.c.read_at))
        assert [(row.paper_id, row.votes, row.read_at, row.source) for row in stored] == [
            (paper_id, days, NOW + timedelta(days=days), "huggingface") for days in (1, 2, 3)
        ]


async def test_of_two_counts_of_one_moment_the_larger_is_kept(db: database.Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1))).values()
    async with db.transaction() as connection:
        for count in (5, 50, 0):
            fact = models.PaperFacts("2601.00001", "huggingface", "", NOW, votes=count)
            await papers.add_votes(connection, [(paper_id, fact)])
        assert await papers.list_latest_votes(connection, [paper_id]) == {paper_id: (NOW, 50)}
