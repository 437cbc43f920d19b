"""Counts papers and their votes by month, and gives titles of a span. Reads only, and by sample where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.search import index
from storage.search.query import BooleanQuery, to_fts5, to_tsquery
from storage.tables import indexed_papers, papers

SAMPLE_GROUPS = index.SLOTS_PER_STEP
"""Papers fall into so many groups by a hash of their ids; counting over fewer groups is counting a sample.

The groups are the slots within a step of popularity, so the lower digits of a position tell a paper's group.
"""
_MAX_VOTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TrendFilter:
    """Digest dates, both ends included, and the votes that a paper needs at least; unknown ones meet no minimum."""

    since_on: date
    until_on: date
    min_votes: int = 0


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The papers last listed in a month, given by its first day; `votes` is None where none of them has any known."""

    starts_on: date
    paper_count: int
    votes: int | None


async def count_matches(
    connection: AsyncConnection, search_query: BooleanQuery, span: TrendFilter, *, groups: int = SAMPLE_GROUPS
) -> list[MonthCount]:
    """Count the papers in the index that hold what is wanted; of `groups` below `ALL` the counts are those of a sample.

    The engine counts millions of matches a second, it is their dates and votes that cost: so a sample is drawn
    by the position, whose lower digits are a hash of the paper's id.
    """
    place: sa.ColumnClause[int]
    if connection.dialect.name == "sqlite":
        place = sa.column("rowid", sa.Integer)
        matches = sa.text(f"{index.WORDS_TABLE} MATCH :wanted").bindparams(wanted=to_fts5(search_query))
    else:
        place = sa.column("position", sa.BigInteger)
        matches = sa.text("tokens @@ CAST(:wanted AS tsquery)").bindparams(wanted=to_tsquery(search_query))
    words = sa.table(index.WORDS_TABLE, place)
    joined = words.join(indexed_papers, indexed_papers.c.position == words.c[place.name])
    query = _by_month(connection, indexed_papers.c.last_on, indexed_papers.c.votes).select_from(joined)
    query = _apply_filter(query.where(matches), indexed_papers.c.last_on, indexed_papers.c.votes, span)
    if groups < SAMPLE_GROUPS:
        query = query.where(words.c[place.name] % SAMPLE_GROUPS < groups)
    return await _fetch_month_counts(connection, query)


async def count_papers(
    connection: AsyncConnection, span: TrendFilter, *, groups: int = SAMPLE_GROUPS
) -> list[MonthCount]:
    """Count all papers by month; of `groups` below `ALL` the counts are those of a sample."""
    query = _by_month(connection, papers.c.last_on, papers.c.votes)
    query = _apply_filter(query, papers.c.last_on, papers.c.votes, span)
    return await _fetch_month_counts(connection, _filter_sample(query, groups))


async def list_titles(
    connection: AsyncConnection, span: TrendFilter, *, groups: int = SAMPLE_GROUPS
) -> list[tuple[int, str]]:
    """Return the ids and titles of the papers of a span, or of a sample of them."""
    query: sa.Select[Any] = sa.select(papers.c.id, papers.c.title).where(papers.c.title.is_not(None))
    query = _apply_filter(query, papers.c.last_on, papers.c.votes, span)
    rows = await connection.execute(_filter_sample(query, groups).order_by(papers.c.id))
    return [(row.id, row.title) for row in rows]


def _by_month(connection: AsyncConnection, on: sa.Column[Any], votes: sa.Column[Any]) -> sa.Select[Any]:
    sqlite = connection.dialect.name == "sqlite"
    month = sa.func.substr(sa.cast(on, sa.Text), 1, 7) if sqlite else sa.func.to_char(on, "YYYY-MM")
    name = month.label("month")
    return sa.select(name, sa.func.count(), sa.func.sum(votes)).group_by(name).order_by(name)


def _apply_filter(
    query: sa.Select[Any], on: sa.Column[Any], votes: sa.Column[Any], span: TrendFilter
) -> sa.Select[Any]:
    query = query.where(on >= span.since_on, on <= span.until_on)
    return query.where(votes >= min(span.min_votes, _MAX_VOTES)) if span.min_votes > 0 else query


def _filter_sample(query: sa.Select[Any], groups: int) -> sa.Select[Any]:
    """Keep the papers of these groups; ids follow dates, so that they are hashed as the index does."""
    return (
        query
        if groups >= SAMPLE_GROUPS
        else query.where(sa.cast(papers.c.id, sa.BigInteger) * index.HASH_MULTIPLIER % SAMPLE_GROUPS < groups)
    )


async def _fetch_month_counts(connection: AsyncConnection, query: sa.Select[Any]) -> list[MonthCount]:
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return [
        MonthCount(date.fromisoformat(f"{month}-01"), number, None if votes is None else int(votes))
        for month, number, votes in rows
    ]
