"""Finds people by any usual writing of their names, and what they wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from bot.services import found, indexing
from bot.text import folding
from storage import author_search, authors, models, papers
from storage.database import Connection

MOST_MATCHES = 25
MOST_COAUTHORS = 8


async def find(connection: Connection, name: str, *, limit: int = MOST_MATCHES) -> list[models.Author]:
    """Return the people whom a name may mean, best first: exact spellings, then beginnings, then all words."""
    name = name[:200]
    keys = indexing.folded_names(name)
    if not keys:
        return []
    people = {one.id: one for one in await author_search.list_by_keys(connection, keys, limit=limit)}
    for key in keys[:2]:
        if len(people) < limit:
            more = await author_search.list_by_prefix(connection, key, limit=limit)
            people |= {one.id: one for one in more if one.id not in people}
    if not people:
        words = folding.fold_name(name).split()
        people = {one.id: one for one in await author_search.list_by_words(connection, words, limit=limit)}
    return list(people.values())[:limit]


async def answer(
    connection: Connection,
    name: str,
    *,
    order: str,
    since: date | None,
    min_votes: int | None,
    limit: int,
    offset: int,
) -> found.AuthorResult:
    """Return a page of the papers of the person who fits best, with co-authors and the other matches."""
    people = await find(connection, name)
    if not people:
        return found.AuthorResult()
    best = people[0]
    ids = await authors.list_paper_ids(connection, [best.id])
    rows = passing(await papers.list_rows(connection, ids), since, None, min_votes or 0)
    coauthors = await authors.list_coauthors(connection, best.id, limit=MOST_COAUTHORS)
    return found.AuthorResult(
        author=best.name,
        matches=tuple(one.name for one in people),
        rows=tuple(ordered(rows, order)[offset : offset + limit]),
        total=len(rows),
        coauthors=tuple(one.name for one, _ in coauthors),
    )


async def paper_ids(connection: Connection, name: str) -> frozenset[int]:
    """Return the papers of everybody whom a name may mean."""
    people = await find(connection, name)
    if not people:
        return frozenset()
    return frozenset(await authors.list_paper_ids(connection, [one.id for one in people]))


def passing(
    rows: Iterable[models.PaperRow], since: date | None, until: date | None, min_votes: int
) -> list[models.PaperRow]:
    """Return the papers of a period that have votes enough; unknown votes meet no minimum above 0."""
    return [
        row
        for row in rows
        if (since is None or row.date >= since)
        and (until is None or row.date <= until)
        and (min_votes <= 0 or (row.votes or 0) >= min_votes)
    ]


def ordered(rows: Sequence[models.PaperRow], order: str) -> list[models.PaperRow]:
    """Return papers newest first, or top-voted first with unknown votes last."""
    newest = sorted(rows, key=lambda row: (row.date, row.id), reverse=True)
    if order == "date":
        return newest
    return sorted(newest, key=lambda row: (row.votes is None, -(row.votes or 0)))
