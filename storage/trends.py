"""Counts of papers and votes by day, and the titles in a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import search, snapshot
from storage.snapshot import Row, Snapshot, parse_date


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The number and votes of papers last listed in a month, week or day. `votes` is None if unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


_BY_DAY = "SELECT last_on, count(*), sum(votes) FROM papers WHERE {} GROUP BY last_on ORDER BY last_on"


async def count_papers(connection: AsyncConnection, filters: search.Filters) -> list[MonthCount]:
    """Count all papers by day."""

    def count(view: Snapshot) -> list[Row]:
        conditions, values = _select_listed(view, filters)
        return view.fetch(_BY_DAY.format(conditions), *values)

    return _build_days(await snapshot.read(connection, count))


async def count_chosen(
    connection: AsyncConnection, paper_ids: Iterable[int], filters: search.Filters
) -> list[MonthCount]:
    """Count the given papers by day. A day's papers may be split over several counts, which the caller adds up."""

    def count(view: Snapshot) -> list[Row]:
        conditions, values = _select_listed(view, filters)
        return view.fetch_in(_BY_DAY.format(f"%s AND {conditions}"), "papers.id", paper_ids, *values)

    return _build_days(await snapshot.read(connection, count))


async def list_titles(
    connection: AsyncConnection, filters: search.Filters, *, limit: int
) -> list[tuple[int, str]]:
    """Return the ids and titles of up to `limit` of the newest papers in a period, ordered by id."""

    def select(view: Snapshot) -> list[Row]:
        conditions, values = _select_listed(view, filters)
        statement = (
            f"SELECT id, title FROM papers WHERE {conditions} AND title IS NOT NULL ORDER BY id DESC LIMIT ?"  # noqa: S608
        )
        return view.fetch(statement, *values, limit)

    return [(paper_id, title) for paper_id, title in reversed(await snapshot.read(connection, select))]


def _select_listed(view: Snapshot, filters: search.Filters) -> tuple[str, list[Any]]:
    """Return the conditions for listed papers that pass the filters, and their placeholder values."""
    chosen: dict[str, Any] = {
        "last_on >= ?": filters.since_on,
        "last_on <= ?": filters.until_on,
        "votes >= ?": filters.min_votes and min(filters.min_votes, 2**31 - 1),
    }
    given = {text: value for text, value in chosen.items() if value}
    # SQLite stores dates as text.
    return " AND ".join(["last_on IS NOT NULL", *given]), [
        value.isoformat() if view.is_sqlite and isinstance(value, date) else value for value in given.values()
    ]


def _build_days(rows: Iterable[Any]) -> list[MonthCount]:
    return [
        MonthCount(parse_date(on), number, None if votes is None else int(votes))
        for on, number, votes in rows
    ]
