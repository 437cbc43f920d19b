"""The days of papers, and the titles in a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from storage import models
from storage.snapshot import Snapshot, parse_date


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The number and votes of papers listed in a month, week or day. `votes` is None if unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


_LISTED = (
    "FROM papers JOIN entries ON entries.paper_id = papers.id JOIN digests ON digests.id = entries.digest_id"
)


_POSTED = "(digests.format <> 'look-up' OR NOT EXISTS (SELECT 1 FROM digests AS others WHERE others.format <> 'look-up'))"
"""Papers in a digest or list count. Those for look-up alone, such as all that arXiv announces, count where nothing else is."""


def list_days(view: Snapshot, filters: models.Filters) -> list[tuple[int, date, int | None]]:
    """Return all papers as (id, day, votes), for each of their days in a period."""
    conditions, values = _select_listed(view, filters)
    statement = f"SELECT DISTINCT papers.id, date_on, papers.votes {_LISTED} WHERE {conditions}"
    return [(paper_id, parse_date(on), votes) for paper_id, on, votes in view.fetch(statement, *values)]


def list_titles(view: Snapshot, filters: models.Filters, *, limit: int) -> list[tuple[int, str]]:
    """Return the ids and titles of up to `limit` of the newest papers in a period, ordered by id."""
    conditions, values = _select_listed(view, filters)
    newest = (
        f"SELECT DISTINCT papers.id, papers.title {_LISTED} WHERE {conditions}"
        " AND papers.title IS NOT NULL ORDER BY papers.id DESC LIMIT ?"
    )
    return [(paper_id, title) for paper_id, title in reversed(view.fetch(newest, *values, limit))]


def _select_listed(view: Snapshot, filters: models.Filters) -> tuple[str, list[Any]]:
    """Return the conditions for papers listed in a period that pass the filters, and their placeholder values."""
    chosen: dict[str, Any] = {
        "date_on >= ?": filters.since_on,
        "date_on <= ?": filters.until_on,
        "papers.votes >= ?": (filters.min_votes and min(filters.min_votes, 2**31 - 1)) or None,
        "COALESCE(papers.votes, 0) <= ?": filters.max_votes,
    }
    conditions = {text: value for text, value in chosen.items() if value is not None}
    # SQLite stores dates as text.
    return " AND ".join((*conditions, "last_on IS NOT NULL", _POSTED)), [
        value.isoformat() if view.is_sqlite and isinstance(value, date) else value
        for value in conditions.values()
    ]
