"""Candidate retrieval: the most popular matches, and the most popular matches of each kind that scores high.

The index is read in order of popularity, which alone would miss a less popular paper with every term in its title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.services.search import index_query
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import BooleanQuery, all_of, estimate_cost

FULL_TEXT_LIMIT = 40
"""Number of most popular full-text matches to score."""
OVERFETCH_FACTOR = 4
"""Positions fetched per paper scored, for when too few of those scored truly match."""
STAGE_LIMIT = 20
"""Candidates per retrieval stage; title matches get twice this."""
COST_LIMIT, STAGE_COST_LIMIT = 800_000, 30_000
"""Posting list entries to read for a query (30 ms) and for each stage (1 ms). A more expensive search is limited to the
most popular papers, which happens to nonsense, and to very common words in large archives.
"""
COUNT_LIMIT, COUNT_LIMIT_EXPENSIVE = 500, 150
"""Matches are counted up to the first limit, or up to the second if the query costs more than `EXPENSIVE_COST`."""
EXPENSIVE_COST = 100_000


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The papers to search in. `paper_ids` are those of the named authors; None if no author is named."""

    filters: index.Filters = field(default_factory=index.Filters)
    paper_ids: frozenset[int] | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether it is the whole archive."""
        return self.paper_ids is None and self.filters == index.NO_FILTERS


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """The papers to score. `total` counts the index's matches (up to `COUNT_LIMIT`), `is_complete`: `papers` are all.

    `more_positions` are the next matches, in case too few of the papers truly match.
    """

    papers: Sequence[index.IndexRow]
    total: int
    is_complete: bool
    more_positions: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Stage:
    """A query for papers that score high.

    Its matches are a subset of those of the stages numbered in `subset_of`, so it only runs once all of these are full.
    """

    query: BooleanQuery | None
    subset_of: tuple[int, ...] = ()


async def gather(
    connection: Connection,
    query: index_query.IndexQuery,
    scope: SearchScope,
    limit: int,
    *,
    phrase: index_query.IndexQuery | None = None,
) -> CandidateSet:
    """Return the papers to score for the `limit` best matches. `phrase` is the query for all terms in a row."""
    if scope.paper_ids is not None:
        rows = await index.list_by_paper_ids(connection, scope.paper_ids)
        allowed = [row for row in rows.values() if scope.filters.allow(row.last_on, row.votes)]
        return CandidateSet(allowed, len(allowed), True)
    tokens = index_query.collect_tokens(query) | (index_query.collect_tokens(phrase) if phrase else set())
    frequencies = await index.get_document_frequencies(connection, tokens)
    query = index_query.prune(query, frequencies)
    phrase = None if phrase is None else index_query.prune(phrase, frequencies)
    full_text_limit, stage_limit = max(FULL_TEXT_LIMIT, 2 * limit), max(STAGE_LIMIT, limit + 2)
    is_expensive = estimate_cost(query.anywhere, frequencies) > EXPENSIVE_COST
    count_limit = COUNT_LIMIT_EXPENSIVE if is_expensive else COUNT_LIMIT
    full_text, in_title = await index.list_positions(
        connection,
        [
            _request(query.anywhere, max(2 * full_text_limit, count_limit), frequencies, COST_LIMIT),
            _request(query.in_title, 2 * stage_limit, frequencies, COST_LIMIT),
        ],
        scope.filters,
    )
    if len(full_text) <= full_text_limit:
        return CandidateSet(await index.list_by_positions(connection, full_text), len(full_text), True)
    has_many_titles = len(in_title) >= 2 * stage_limit
    stages = _title_stages(query, phrase) if has_many_titles else _general_stages(query, phrase)
    chosen = {*in_title, *await _run_stages(connection, stages, scope.filters, frequencies, stage_limit)}
    more: Sequence[int] = ()
    if not has_many_titles:
        chosen.update(full_text[:full_text_limit])
        more = full_text[full_text_limit : OVERFETCH_FACTOR * full_text_limit]
    return CandidateSet(await index.list_by_positions(connection, chosen), len(full_text), False, more)


async def _run_stages(
    connection: Connection,
    stages: Sequence[_Stage],
    filters: index.Filters,
    frequencies: Mapping[str, int],
    stage_limit: int,
) -> set[int]:
    """Return the positions of the most popular matches of each stage."""
    positions_by_query: dict[BooleanQuery, list[int]] = {}

    def is_full(number: int) -> bool:
        query = stages[number].query
        return query is not None and len(positions_by_query.get(query, ())) >= stage_limit

    while True:
        runnable = dict.fromkeys(stage.query for stage in stages if all(map(is_full, stage.subset_of)))
        pending = [query for query in runnable if query is not None and query not in positions_by_query]
        if not pending:
            return set().union(*positions_by_query.values())
        requests = [_request(query, stage_limit, frequencies, STAGE_COST_LIMIT) for query in pending]
        positions = await index.list_positions(connection, requests, filters)
        positions_by_query.update(zip(pending, positions, strict=True))


def _request(
    query: BooleanQuery, limit: int, frequencies: Mapping[str, int], cost_limit: int
) -> engines.SearchRequest:
    """Return a request limited to the most popular share of papers that keeps its cost within the limit."""
    share = cost_limit / max(cost_limit, estimate_cost(query, frequencies))
    return engines.SearchRequest(index.WORDS_TABLE, query, limit, share)


def _title_stages(query: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return the stages for a query that many papers match with every term in the title."""
    in_title = query.in_title
    stages = [
        _Stage(all_of([in_title, query.in_title_and_body])),
        _Stage(all_of([in_title, query.any_repeated])),
        _Stage(all_of([in_title, query.repeated]), subset_of=(0, 1)),
        _Stage(all_of([in_title, query.frequent]), subset_of=(2,)),
    ]
    if phrase is not None:
        stages.append(_Stage(phrase.in_title))
        stages.append(_Stage(all_of([phrase.in_title, query.any_repeated]), subset_of=(1, 4)))
        stages.append(_Stage(all_of([phrase.in_title, query.repeated]), subset_of=(2, 5)))
        stages.append(_Stage(all_of([phrase.in_title, phrase.in_title_and_body]), subset_of=(4,)))
    return stages


def _general_stages(query: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return the stages for a query that few papers match with every term in the title."""
    if query.any_in_title == query.in_title:
        return [_Stage(query.repeated), _Stage(query.frequent, subset_of=(0,))]
    stages = [
        _Stage(query.one_in_title),
        _Stage(query.one_repeated),
        _Stage(query.repeated, subset_of=(1,)),
    ]
    if query.most_in_title != query.in_title:
        stages.append(_Stage(all_of([query.anywhere, query.most_in_title]), subset_of=(0,)))
        stages.append(_Stage(all_of([query.repeated, query.most_in_title]), subset_of=(2, 3)))
    if phrase is not None:
        row, row_number = phrase.anywhere, len(stages)
        stages.append(_Stage(row))
        stages.append(_Stage(all_of([row, query.any_in_title]), subset_of=(0, row_number)))
        stages.append(_Stage(all_of([row, query.any_repeated]), subset_of=(1, row_number)))
    return stages
