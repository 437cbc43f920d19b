"""Candidate retrieval: the most popular matches, and the most popular matches of each kind that scores high.

The index is read in order of popularity, which alone would miss a less popular paper with every term in its title.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.services.search import index_query
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import BooleanQuery, all_of, estimate_cost, prune_phrases

FULL_TEXT_LIMIT = 40
"""Number of most popular full-text matches to score."""
STAGE_LIMIT = 20
"""Candidates per retrieval stage; title matches get twice this."""
COST_LIMIT, STAGE_COST_LIMIT = 800_000, 30_000
"""Posting list entries to read for a query (30 ms) and for each stage (1 ms). A more expensive search is limited to the
most popular papers, which happens to nonsense, and to very common words in large archives.
"""
COUNT_LIMIT = 500
"""Up to this number all matches are scored, so that their order and number are true."""
DIRECT_LIMIT = 20
"""Up to this number of papers it is faster to score them all than to ask the index."""
MAX_WITHIN = 100_000
"""Matches that are looked through for certain papers: more than the days of a daily post have."""


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The papers to search in. `paper_ids` are those of the named authors; None if no author is named."""

    filters: index.Filters = field(default_factory=index.Filters)
    paper_ids: frozenset[int] | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether it is the whole archive."""
        return self.paper_ids is None and self.filters == index.NO_FILTERS


_Stage = tuple[BooleanQuery | None, tuple[int, ...]]
"""A query for papers that score high, and the numbers of stages whose matches include its own: it runs once these are full."""


async def gather(
    connection: Connection,
    query: index_query.IndexQuery,
    scope: SearchScope,
    *,
    phrase: index_query.IndexQuery | None = None,
    names: Sequence[BooleanQuery] = (),
    count_limit: int = COUNT_LIMIT,
) -> tuple[Sequence[index.IndexRow], Sequence[int], bool]:
    """Return the papers to score for the best matches, the same for every page.

    `phrase` is the query for all terms in a row, `names` are those for papers that the query names, which are among the
    candidates however unpopular they are.

    They are all matches if there are at most `COUNT_LIMIT`. Also returns the positions of further matches up to
    `count_limit`, the most popular first, and whether there are no others.
    """
    if scope.paper_ids is not None:
        rows = await index.list_by_paper_ids(connection, scope.paper_ids)
        return [row for row in rows.values() if scope.filters.allow(row.last_on, row.votes)], (), True
    tokens = index_query.collect_tokens(query) | (index_query.collect_tokens(phrase) if phrase else set())
    frequencies = await index.get_document_frequencies(connection, tokens)
    full_text_request = limited_request(
        prune_phrases(query.anywhere, frequencies), count_limit + 1, frequencies, COST_LIMIT
    )
    (full_text,) = await index.list_positions(connection, [full_text_request], scope.filters)
    is_all = len(full_text) <= count_limit and full_text_request.share >= 1
    if len(full_text) <= COUNT_LIMIT:
        return await index.list_by_positions(connection, full_text), (), is_all
    query = index_query.prune(query, frequencies)
    title_request = limited_request(query.in_title, 2 * STAGE_LIMIT, frequencies, COST_LIMIT)
    (in_title,) = await index.list_positions(connection, [title_request], scope.filters)
    phrase = None if phrase is None else index_query.prune(phrase, frequencies)
    has_many_titles = len(in_title) >= 2 * STAGE_LIMIT
    stages = _title_stages(query, phrase) if has_many_titles else _general_stages(query, phrase)
    stages += [(name, ()) for name in names]
    chosen = {
        *in_title,
        *full_text[:FULL_TEXT_LIMIT],
        *await _run_stages(connection, stages, scope.filters, frequencies, STAGE_LIMIT),
    }
    more = [position for position in full_text[:count_limit] if position not in chosen]
    return await index.list_by_positions(connection, chosen), more, is_all


async def list_within(
    connection: Connection, query: index_query.IndexQuery, filters: index.Filters, paper_ids: Collection[int]
) -> list[index.IndexRow]:
    """Return the papers to score to find every match among `paper_ids`, which must pass the filters."""
    if len(paper_ids) <= DIRECT_LIMIT:
        return list((await index.list_by_paper_ids(connection, paper_ids)).values())
    frequencies = await index.get_document_frequencies(connection, index_query.collect_tokens(query))
    anywhere = prune_phrases(query.anywhere, frequencies)
    request = engines.SearchRequest(index.WORDS_TABLE, anywhere, MAX_WITHIN)
    (positions,) = await index.list_positions(connection, [request], filters)
    rows = await index.list_by_positions(connection, positions)
    return [row for row in rows if row.paper_id in paper_ids]


async def list_popular(
    connection: Connection, query: index_query.IndexQuery, filters: index.Filters, limit: int
) -> list[int]:
    """Return the positions of the most popular papers that match a query anywhere."""
    frequencies = await index.get_document_frequencies(connection, index_query.collect_tokens(query))
    anywhere = prune_phrases(query.anywhere, frequencies)
    request = limited_request(anywhere, limit, frequencies, COST_LIMIT)
    (positions,) = await index.list_positions(connection, [request], filters)
    return positions


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
        query, _ = stages[number]
        return query is not None and len(positions_by_query.get(query, ())) >= stage_limit

    while True:
        runnable = dict.fromkeys(query for query, subset_of in stages if all(map(is_full, subset_of)))
        pending = [query for query in runnable if query is not None and query not in positions_by_query]
        if not pending:
            return set().union(*positions_by_query.values())
        requests = [limited_request(query, stage_limit, frequencies, STAGE_COST_LIMIT) for query in pending]
        positions = await index.list_positions(connection, requests, filters)
        positions_by_query.update(zip(pending, positions, strict=True))


def limited_request(
    query: BooleanQuery, limit: int, frequencies: Mapping[str, int], cost_limit: int
) -> engines.SearchRequest:
    """Return a request limited to the most popular share of papers that keeps its cost within the limit."""
    share = cost_limit / max(cost_limit, estimate_cost(query, frequencies))
    return engines.SearchRequest(index.WORDS_TABLE, query, limit, share)


def _title_stages(query: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return the stages for a query that many papers match with every term in the title."""
    in_title = query.in_title
    stages: list[_Stage] = [
        (all_of([in_title, query.in_title_and_body]), ()),
        (all_of([in_title, query.any_repeated]), ()),
        (all_of([in_title, query.repeated]), (0, 1)),
        (all_of([in_title, query.frequent]), (2,)),
    ]
    if phrase is not None:
        stages.append((phrase.in_title, ()))
        stages.append((all_of([phrase.in_title, query.any_repeated]), (1, 4)))
        stages.append((all_of([phrase.in_title, query.repeated]), (2, 5)))
        stages.append((all_of([phrase.in_title, phrase.in_title_and_body]), (4,)))
    return stages


def _general_stages(query: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return the stages for a query that few papers match with every term in the title."""
    if query.any_in_title == query.in_title:
        return [(query.repeated, ()), (query.frequent, (0,))]
    stages: list[_Stage] = [(query.one_in_title, ()), (query.one_repeated, ()), (query.repeated, (1,))]
    if query.most_in_title != query.in_title:
        stages.append((all_of([query.anywhere, query.most_in_title]), (0,)))
        stages.append((all_of([query.repeated, query.most_in_title]), (2, 3)))
    if phrase is not None:
        row, row_number = phrase.anywhere, len(stages)
        stages.append((row, ()))
        stages.append((all_of([row, query.any_in_title]), (0, row_number)))
        stages.append((all_of([row, query.any_repeated]), (1, row_number)))
    return stages
