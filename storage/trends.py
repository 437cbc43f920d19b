"""Papers and votes per day, and the titles of a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, search
from storage.tables import papers

_MAX_VOTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The papers last listed in a month, a week or a day, by its first day. `votes` is None if those of all are unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


async def count_papers(connection: AsyncConnection, filters: search.Filters) -> list[MonthCount]:
    """Count all papers by day."""
    return _build_days(await connection.execute(_select_days(filters)))


async def count_chosen(
    connection: AsyncConnection, paper_ids: Iterable[int], filters: search.Filters
) -> list[MonthCount]:
    """Count these papers by day; a day may come several times."""
    query = _select_days(filters)
    return _build_days(await database.execute_in(connection, query, papers.c.id, paper_ids))


async def list_titles(
    connection: AsyncConnection, filters: search.Filters, *, limit: int
) -> list[tuple[int, str]]:
    """Return the ids and titles of the newest papers of a period, at most `limit`, by id."""
    query: sa.Select[Any] = sa.select(papers.c.id, papers.c.title).where(papers.c.title.is_not(None))
    query = _apply_filters(query, filters).order_by(papers.c.id.desc()).limit(limit)
    rows = (await connection.execute(query)).all()
    return [(row.id, row.title) for row in reversed(rows)]


def _select_days(filters: search.Filters) -> sa.Select[Any]:
    on = papers.c.last_on
    query = sa.select(on, sa.func.count(), sa.func.sum(papers.c.votes)).group_by(on).order_by(on)
    return _apply_filters(query, filters)


def _apply_filters(query: sa.Select[Any], filters: search.Filters) -> sa.Select[Any]:
    on, votes = papers.c.last_on, papers.c.votes
    # A paper that no digest lists has no date.
    query = query.where(on.is_not(None) if filters.since_on is None else on >= filters.since_on)
    if filters.until_on is not None:
        query = query.where(on <= filters.until_on)
    return query.where(votes >= min(filters.min_votes, _MAX_VOTES)) if filters.min_votes else query


def _build_days(rows: Iterable[Any]) -> list[MonthCount]:
    return [MonthCount(on, number, None if votes is None else int(votes)) for on, number, votes in rows]
