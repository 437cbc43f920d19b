"""What narrows a look-up beside its words: dates, votes, authors; and the papers that these alone leave over."""

from __future__ import annotations

from collections.abc import Sequence

from bot.services.search import author_search, engine, results
from bot.text import query_parser
from storage import papers
from storage.database import Connection
from storage.search import index

_FIRST_PAGES_LIMIT = 40
_DEEP_PAGES_LIMIT = 500


def merge_filters(given: index.Filters, asked: query_parser.Query) -> index.Filters:
    """Return the filters of the options and those within the query as one: the narrower of each kind."""
    return index.Filters(
        max((one for one in (given.since_on, asked.since) if one is not None), default=None),
        min((one for one in (given.until_on, asked.until) if one is not None), default=None),
        max((one for one in (given.min_votes, asked.min_votes) if one is not None), default=None),
    )


async def list_paper_ids_by_authors(connection: Connection, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers that people of all these names wrote; None when no name is asked for."""
    result: frozenset[int] | None = None
    for name in names:
        ids = await author_search.list_paper_ids(connection, name)
        result = ids if result is None else result & ids
    return result


async def list_filtered(
    connection: Connection, scope: engine.SearchScope, limit: int, offset: int
) -> results.SearchResult:
    """Return the papers that pass the filters, top-voted first."""
    filters, votes = scope.filters, scope.filters.min_votes or 0
    if scope.paper_ids is None:
        rows = await papers.list_top(
            connection,
            since_on=filters.since_on,
            until_on=filters.until_on,
            min_votes=votes,
            limit=limit,
            offset=offset,
        )
        total = await papers.count(
            connection, since_on=filters.since_on, until_on=filters.until_on, min_votes=votes
        )
        return results.SearchResult(tuple(rows), total)
    own = author_search.filter_rows(
        await papers.list_rows(connection, sorted(scope.paper_ids)),
        filters.since_on,
        filters.until_on,
        votes,
    )
    ordered = author_search.sort_rows(own, "votes")
    return results.SearchResult(tuple(ordered[offset : offset + limit]), len(ordered))


def score_limit(limit: int, asked: query_parser.Query) -> int:
    """Return how many papers are to be scored for so many.

    Later pages share one choice of papers, or a paper would stand on two of them; and what is left out can only be
    counted in what is read.
    """
    return limit if limit <= _FIRST_PAGES_LIMIT and not asked.excluded else max(limit, _DEEP_PAGES_LIMIT)
