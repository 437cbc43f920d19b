"""Facts about papers from services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage import database, models, papers
from tests.support.paper_records import DAY, NOW, add_papers, merged_paper


async def test_older_facts_do_not_replace_newer_ones(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1))
    paper_id = ids["2601.00001"]
    new = models.PaperFacts("2601.00001", "arxiv", "p", NOW, title="New", categories=("cs.CL",))
    new = replace(new, organization="A Lab", code_stars=1200)
    old = models.PaperFacts("2601.00001", "arxiv", "p", NOW - timedelta(days=1), title="Old", listed_on=DAY)
    async with db.transaction() as connection:
        await papers.add_facts(connection, [(paper_id, new)])
        await papers.add_facts(connection, [(paper_id, old)])
        assert (await papers.list_facts_by_paper(connection, [paper_id]))[paper_id] == [
            replace(new, listed_on=DAY)
        ]
        assert await papers.list_arxiv_ids_without_facts(connection, "arxiv", since_on=DAY, limit=9) == []
        assert await papers.list_arxiv_ids_without_facts(
            connection, "huggingface", since_on=DAY, limit=9
        ) == ["2601.00001"]
