"""Papers and votes per day, and the titles of a period; in large archives from a sample of the papers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, search, search_index
from storage.search import BooleanQuery, to_fts5, to_tsquery
from storage.tables import indexed_papers, papers

SAMPLE_GROUPS = search.SLOTS_PER_STEP
"""Number of groups that a hash of their ids divides papers into; counting fewer groups is counting a sample.

The groups are the slots of a popularity step, so a position modulo this number is the paper's group.
"""
_MAX_VOTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The papers last listed in a month, a week or a day, by its first day. `votes` is None if those of all are unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


async def count_matches(
    connection: AsyncConnection,
    search_query: BooleanQuery,
    filters: search.Filters,
    *,
    groups: int = SAMPLE_GROUPS,
) -> list[MonthCount]:
    """Count the papers that match an index query by day; with fewer `groups` the counts are those of a sample.

    Matching is fast (millions a second) and reading dates and votes is slow, so the sample is drawn by position.
    """
    position: sa.ColumnClause[int]
    if connection.dialect.name == "sqlite":
        position = sa.column("rowid", sa.Integer)
        matches = sa.text(f"{search.WORDS_TABLE} MATCH :wanted").bindparams(wanted=to_fts5(search_query))
    else:
        position = sa.column("position", sa.BigInteger)
        matches = sa.text("tokens @@ CAST(:wanted AS tsquery)").bindparams(wanted=to_tsquery(search_query))
    words = sa.table(search.WORDS_TABLE, position)
    joined = words.join(indexed_papers, indexed_papers.c.position == words.c[position.name])
    query = _select_days(indexed_papers, filters).select_from(joined).where(matches)
    if groups < SAMPLE_GROUPS:
        query = query.where(words.c[position.name] % SAMPLE_GROUPS < groups)
    return await _fetch_days(connection, query)


async def count_papers(
    connection: AsyncConnection, filters: search.Filters, *, groups: int = SAMPLE_GROUPS
) -> list[MonthCount]:
    """Count all papers by day; with fewer `groups` the counts are those of a sample."""
    return await _fetch_days(connection, _filter_sample(_select_days(papers, filters), groups))


async def count_chosen(
    connection: AsyncConnection, paper_ids: Iterable[int], filters: search.Filters
) -> list[MonthCount]:
    """Count these papers by day; a day may come several times."""
    query = _select_days(papers, filters)
    return _build_days(await database.execute_in(connection, query, papers.c.id, paper_ids))


async def list_titles(
    connection: AsyncConnection, filters: search.Filters, *, groups: int = SAMPLE_GROUPS
) -> list[tuple[int, str]]:
    """Return the ids and titles of the papers of a period, or of a sample of them."""
    query: sa.Select[Any] = sa.select(papers.c.id, papers.c.title).where(papers.c.title.is_not(None))
    query = _apply_filters(query, papers, filters)
    rows = await connection.execute(_filter_sample(query, groups).order_by(papers.c.id))
    return [(row.id, row.title) for row in rows]


def _select_days(table: sa.Table, filters: search.Filters) -> sa.Select[Any]:
    on = table.c.last_on
    query = sa.select(on, sa.func.count(), sa.func.sum(table.c.votes)).group_by(on).order_by(on)
    return _apply_filters(query, table, filters)


def _apply_filters(query: sa.Select[Any], table: sa.Table, filters: search.Filters) -> sa.Select[Any]:
    on, votes = table.c.last_on, table.c.votes
    # A paper that no digest lists has no date.
    query = query.where(on.is_not(None) if filters.since_on is None else on >= filters.since_on)
    if filters.until_on is not None:
        query = query.where(on <= filters.until_on)
    return query.where(votes >= min(filters.min_votes, _MAX_VOTES)) if filters.min_votes else query


def _filter_sample(query: sa.Select[Any], groups: int) -> sa.Select[Any]:
    """Keep the papers of the first groups. Ids follow dates, so they are hashed as the index hashes them."""
    if groups >= SAMPLE_GROUPS:
        return query
    group = sa.cast(papers.c.id, sa.BigInteger) * search_index.HASH_MULTIPLIER % SAMPLE_GROUPS
    return query.where(group < groups)


async def _fetch_days(connection: AsyncConnection, query: sa.Select[Any]) -> list[MonthCount]:
    return _build_days(await connection.execute(query))


def _build_days(rows: Iterable[Any]) -> list[MonthCount]:
    return [MonthCount(on, number, None if votes is None else int(votes)) for on, number, votes in rows]
