"""Counts of papers and votes by day, and the titles in a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from storage import search
from storage.snapshot import Snapshot, parse_date


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The number and votes of papers last listed in a month, week or day. `votes` is None if unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


_BY_DAY = "SELECT last_on, count(*), sum(votes) FROM papers WHERE {} GROUP BY last_on ORDER BY last_on"


def count_papers(view: Snapshot, filters: search.Filters) -> list[MonthCount]:
    """Count all papers by day."""
    conditions, values = _select_listed(view, filters)
    return _build_days(view.fetch(_BY_DAY.format(conditions), *values))


def count_chosen(view: Snapshot, paper_ids: Iterable[int], filters: search.Filters) -> list[MonthCount]:
    """Count the given papers by day. A day's papers may be split over several counts, which the caller adds up."""
    conditions, values = _select_listed(view, filters)
    statement = _BY_DAY.format(f"%s AND {conditions}")
    return _build_days(view.fetch_in(statement, "papers.id", paper_ids, *values))


def list_titles(view: Snapshot, filters: search.Filters, *, limit: int) -> list[tuple[int, str]]:
    """Return the ids and titles of up to `limit` of the newest papers in a period, ordered by id."""
    conditions, values = _select_listed(view, filters)
    newest = f"SELECT id, title FROM papers WHERE {conditions} AND title IS NOT NULL ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [(paper_id, title) for paper_id, title in reversed(view.fetch(newest, *values, limit))]


def _select_listed(view: Snapshot, filters: search.Filters) -> tuple[str, list[Any]]:
    """Return the conditions for listed papers that pass the filters, and their placeholder values."""
    chosen: dict[str, Any] = {
        "last_on >= ?": filters.since_on,
        "last_on <= ?": filters.until_on,
        "votes >= ?": (filters.min_votes and min(filters.min_votes, 2**31 - 1)) or None,
        "COALESCE(votes, 0) <= ?": filters.max_votes,
    }
    given = {text: value for text, value in chosen.items() if value is not None}
    # SQLite stores dates as text.
    return " AND ".join(["last_on IS NOT NULL", *given]), [
        value.isoformat() if view.is_sqlite and isinstance(value, date) else value for value in given.values()
    ]


def _build_days(rows: Iterable[Any]) -> list[MonthCount]:
    return [
        MonthCount(parse_date(on), number, None if votes is None else int(votes))
        for on, number, votes in rows
    ]
