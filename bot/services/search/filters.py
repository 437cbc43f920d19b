"""Search filters (dates, votes, authors), and the list of papers that pass them when a query has no terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from bot.services.search import results
from bot.services.search.candidates import SearchScope
from bot.text import query_parser
from bot.text.queries import periods
from storage import papers
from storage.database import Connection
from storage.search import index


def merge_filters(given: index.Filters, query: query_parser.Query) -> index.Filters:
    """Return the narrower of both filters, kind by kind."""
    return index.Filters(
        max((on for on in (given.since_on, query.since) if on is not None), default=None),
        min((on for on in (given.until_on, query.until) if on is not None), default=None),
        max((votes for votes in (given.min_votes, query.min_votes) if votes is not None), default=None),
    )


def read_period(query: query_parser.Query, today: date) -> tuple[query_parser.Query, str]:
    """Return a query with the period that its words name (작년, "last month") as a filter, and that period as text."""
    text, period = periods.read(query.text, today)
    if text == query.text:
        return query, ""
    narrowed = merge_filters(index.Filters(*period), query)
    query = replace(query, text=text, since=narrowed.since_on, until=narrowed.until_on)
    return query, periods.format_period(period)


async def list_paper_ids_by_authors(connection: Connection, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers written by authors of all these names; None without names."""
    shared: frozenset[int] | None = None
    if not names:
        return shared
    from bot.services.search import author_search

    for name in names:
        paper_ids = await author_search.list_paper_ids(connection, name)
        shared = paper_ids if shared is None else shared & paper_ids
    return shared


async def list_filtered(
    connection: Connection, scope: SearchScope, limit: int, offset: int
) -> results.SearchResult:
    """Return the papers within a scope, top-voted first."""
    filters = scope.filters
    if scope.paper_ids is not None:
        from bot.services.search import author_search

        rows = await papers.list_rows(connection, sorted(scope.paper_ids))
        allowed = author_search.sort_rows(
            [row for row in rows if filters.allow(row.date, row.votes)], results.Sort.VOTES
        )
        return results.SearchResult(tuple(allowed[offset : offset + limit]), len(allowed))
    min_votes = filters.min_votes or 0
    rows = await papers.list_top(
        connection,
        since_on=filters.since_on,
        until_on=filters.until_on,
        min_votes=min_votes,
        limit=limit,
        offset=offset,
    )
    total = await papers.count(
        connection, since_on=filters.since_on, until_on=filters.until_on, min_votes=min_votes
    )
    return results.SearchResult(tuple(rows), total)
