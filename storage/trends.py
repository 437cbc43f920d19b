"""Papers and votes per day, and the titles of a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import search, snapshot


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The papers last listed in a month, a week or a day, by its first day. `votes` is None if those of all are unknown."""

    starts_on: date
    paper_count: int
    votes: int | None


async def count_papers(
    connection: AsyncConnection, filters: search.Filters, paper_ids: Iterable[int] | None = None
) -> list[MonthCount]:
    """Count all papers, or those with these ids, by day; a day may come several times."""
    return await snapshot.read(connection, _count_papers, filters, paper_ids)


def _count_papers(
    view: snapshot.Snapshot, filters: search.Filters, paper_ids: Iterable[int] | None
) -> list[MonthCount]:
    conditions, values = filters.to_sql(view)
    columns = "last_on, count(*), sum(votes)"
    if paper_ids is None:
        statement = f"SELECT {columns} FROM papers WHERE {conditions} GROUP BY last_on"  # noqa: S608
        rows = view.fetch(statement, *values)
    else:
        statement = f"SELECT {columns} FROM papers WHERE %s AND {conditions} GROUP BY last_on"  # noqa: S608
        rows = view.fetch_in(statement, "id", paper_ids, *values)
    return [MonthCount(snapshot.parse_date(on), number, votes) for on, number, votes in rows]


async def list_titles(
    connection: AsyncConnection, filters: search.Filters, *, limit: int
) -> list[tuple[int, str]]:
    """Return the ids and titles of the newest papers of a period, at most `limit`, by id."""
    return await snapshot.read(connection, _list_titles, filters, limit)


def _list_titles(view: snapshot.Snapshot, filters: search.Filters, limit: int) -> list[tuple[int, str]]:
    conditions, values = filters.to_sql(view)
    statement = (
        f"SELECT id, title FROM papers WHERE title IS NOT NULL AND {conditions} ORDER BY id DESC LIMIT ?"  # noqa: S608
    )
    return [(id_, title) for id_, title in reversed(view.fetch(statement, *values, limit))]
