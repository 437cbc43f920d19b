"""Facts of services about papers, one row for each paper and service. Their votes are in `storage.votes`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import facts, papers


async def add(connection: AsyncConnection, paper_facts: Sequence[tuple[int, models.PaperFacts]]) -> None:
    """Store facts as (paper id, facts); a later reading replaces an earlier one of the same service."""
    if not paper_facts:
        return
    statement = bulk.dialect_insert(connection, facts)
    new = statement.excluded
    newer = facts.c.read_at <= new.read_at
    changes: dict[str, Any] = {
        name: sa.case((newer, new[name]), else_=facts.c[name])
        for name in ("place", *_FIELDS)
        if name != "source"
    }
    # The first listing of a paper stays: a later reading may come from no list, or from a feed with new dates.
    changes["listed_on"] = sa.func.coalesce(facts.c.listed_on, new.listed_on)
    statement = statement.on_conflict_do_update(index_elements=["paper_id", "source"], set_=changes)
    await connection.execute(statement, [_values(paper_id, reading) for paper_id, reading in paper_facts])


async def list_by_paper(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[int, list[models.PaperFacts]]:
    """Return the facts of each paper, ordered by service, without votes."""
    facts_by_paper: dict[int, list[models.PaperFacts]] = defaultdict(list)
    for chunk in bulk.chunked(paper_ids):
        query = (
            sa.select(facts, papers.c.arxiv_id)
            .join(papers, papers.c.id == facts.c.paper_id)
            .where(facts.c.paper_id.in_(chunk))
            .order_by(facts.c.source)
        )
        for row in await connection.execute(query):
            facts_by_paper[row.paper_id].append(_facts_from_row(row))
    return facts_by_paper


async def list_arxiv_ids_without_facts(
    connection: AsyncConnection, source: str, *, since_on: date, limit: int
) -> list[str]:
    """Return the arXiv ids of papers listed since a date without facts of a service, newest first."""
    has_facts = sa.exists().where(facts.c.paper_id == papers.c.id, facts.c.source == source)
    query = (
        sa.select(papers.c.arxiv_id)
        .where(papers.c.last_on >= since_on, ~has_facts)
        .order_by(papers.c.last_on.desc(), papers.c.id)
        .limit(limit)
    )
    return list((await connection.execute(query)).scalars())


async def list_with_arxiv_authors(connection: AsyncConnection, paper_ids: Iterable[int]) -> set[int]:
    """Return the ids of the papers whose authors arXiv has named: theirs is the paper's own order."""
    found: set[int] = set()
    for chunk in bulk.chunked(paper_ids):
        query = sa.select(facts.c.paper_id, facts.c.authors).where(
            facts.c.paper_id.in_(chunk), facts.c.source == ARXIV
        )
        found.update(paper_id for paper_id, authors in await connection.execute(query) if authors)
    return found


ARXIV = "arxiv"
_FIELDS = (
    "source",
    "title",
    "abstract",
    "thumbnail",
    "code_url",
    "project_url",
    "organization",
    "affiliations",
    "code_stars",
    "published_on",
    "listed_on",
    "read_at",
    "authors",
    "keywords",
    "categories",
)
_LIST_FIELDS = ("authors", "affiliations", "keywords", "categories")


def _values(paper_id: int, paper_facts: models.PaperFacts) -> dict[str, Any]:
    values = {name: getattr(paper_facts, name) for name in _FIELDS}
    return {"paper_id": paper_id, "place": paper_facts.location, **values}


def _facts_from_row(row: sa.Row[Any]) -> models.PaperFacts:
    lists = {name: tuple(getattr(row, name)) for name in _LIST_FIELDS}
    return bulk.build_record(models.PaperFacts, row._mapping, location=row.place, votes=None, **lists)
