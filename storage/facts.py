"""What services say of papers, one row a paper and service; `storage.votes` keeps the votes that they counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import facts, papers


async def add(connection: AsyncConnection, said: Sequence[tuple[int, models.Facts]]) -> None:
    """Keep what services said, as (paper id, facts); a later reading replaces an earlier one of the same service."""
    if not said:
        return
    statement = bulk.insert(connection, facts)
    new = statement.excluded
    newer = facts.c.read_at <= new.read_at
    changes: dict[str, Any] = {
        name: sa.case((newer, new[name]), else_=facts.c[name]) for name in _FIELDS if name != "source"
    }
    # A list is not unsaid by a later reading that comes from none, nor does a feed with new dates list a paper anew.
    changes["listed_on"] = sa.func.coalesce(facts.c.listed_on, new.listed_on)
    statement = statement.on_conflict_do_update(index_elements=["paper_id", "source"], set_=changes)
    await connection.execute(statement, [_values(paper_id, one) for paper_id, one in said])


async def list_of_papers(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[int, list[models.Facts]]:
    """Return what services said of each paper, by service; without votes."""
    found: dict[int, list[models.Facts]] = defaultdict(list)
    for chunk in bulk.in_chunks(paper_ids):
        query = (
            sa.select(facts, papers.c.arxiv_id)
            .join(papers, papers.c.id == facts.c.paper_id)
            .where(facts.c.paper_id.in_(chunk))
            .order_by(facts.c.source)
        )
        for row in await connection.execute(query):
            found[row.paper_id].append(_facts_of(row))
    return found


async def list_missing(connection: AsyncConnection, source: str, *, since_on: date, limit: int) -> list[str]:
    """Return the arXiv ids of listed papers since a date of which a service has said nothing, the newest first."""
    said = sa.exists().where(facts.c.paper_id == papers.c.id, facts.c.source == source)
    query = (
        sa.select(papers.c.arxiv_id)
        .where(papers.c.last_on >= since_on, ~said)
        .order_by(papers.c.last_on.desc(), papers.c.id)
        .limit(limit)
    )
    return list((await connection.execute(query)).scalars())


_FIELDS = (
    "source",
    "place",
    "title",
    "abstract",
    "thumbnail",
    "code_url",
    "project_url",
    "published_on",
    "listed_on",
    "read_at",
    "authors",
    "keywords",
    "categories",
)
_LISTS = ("authors", "keywords", "categories")


def _values(paper_id: int, said: models.Facts) -> dict[str, Any]:
    return {"paper_id": paper_id, **{name: getattr(said, name) for name in _FIELDS}}


def _facts_of(row: sa.Row[Any]) -> models.Facts:
    values = {name: getattr(row, name) for name in _FIELDS if name not in _LISTS}
    values.update({name: tuple(getattr(row, name)) for name in _LISTS})
    return models.Facts(arxiv_id=row.arxiv_id, **values)
