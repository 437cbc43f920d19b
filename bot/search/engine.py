"""Retrieval and scoring: finds the papers for an expanded query, best first.

The index is read in order of popularity, which alone would miss a less popular paper with every term in its title. So the
candidates are the most popular matches, and the most popular matches of each kind that scores high.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import chain, combinations, compress
from operator import mul
from types import MappingProxyType
from typing import NamedTuple, assert_never

from bot.archive import arxiv_ids
from bot.core.clock import TimeSlices
from bot.glossary import concepts
from bot.glossary.concepts import Expansion, Segment
from bot.search import authors, scoring
from bot.search import query as search_query
from bot.search import results as search_results
from bot.text import analyser, dates, query_parser, term_keys
from bot.text import topics as text_topics
from bot.text.query_parser import Query
from storage import bulk, models, papers, search
from storage.database import Connection
from storage.search import (
    BooleanQuery,
    Prefix,
    all_of,
    any_of,
    estimate_cost,
    estimate_matches,
    prune_phrases,
    query_tokens,
)

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

    filters: search.Filters = field(default_factory=search.Filters)
    paper_ids: frozenset[int] | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether it is the whole archive."""
        return self.paper_ids is None and self.filters == search.NO_FILTERS


_Stage = tuple[BooleanQuery | None, tuple[int, ...]]
"""A query for papers that score high, and the numbers of stages whose matches include its own: it runs once these are full."""


async def gather_candidates(
    connection: Connection,
    query: search_query.IndexQuery,
    scope: SearchScope,
    *,
    phrase: search_query.IndexQuery | None = None,
    names: Sequence[BooleanQuery] = (),
    count_limit: int = COUNT_LIMIT,
) -> tuple[Sequence[search.IndexRow], Sequence[int], bool]:
    """Return the papers to score for the best matches, the same for every page.

    `phrase` is the query for all terms in a row, `names` are those for papers that the query names, which are among the
    candidates however unpopular they are.

    They are all matches if there are at most `COUNT_LIMIT`. Also returns the positions of further matches up to
    `count_limit`, the most popular first, and whether there are no others.
    """
    if scope.paper_ids is not None:
        rows = await search.list_by_paper_ids(connection, scope.paper_ids)
        return [row for row in rows.values() if scope.filters.allow(row.last_on, row.votes)], (), True
    tokens = search_query.collect_tokens(query) | (search_query.collect_tokens(phrase) if phrase else set())
    frequencies = await search.get_document_frequencies(connection, tokens)
    full_text_request = _limit(prune_phrases(query.anywhere, frequencies), count_limit + 1, frequencies)
    (full_text,) = await search.list_positions(connection, [full_text_request], scope.filters)
    is_all = len(full_text) <= count_limit and full_text_request.share >= 1
    if len(full_text) <= COUNT_LIMIT:
        return await search.list_by_positions(connection, full_text), (), is_all
    query = search_query.prune_query(query, frequencies)
    title_request = _limit(query.in_title, 2 * STAGE_LIMIT, frequencies)
    (in_title,) = await search.list_positions(connection, [title_request], scope.filters)
    phrase = None if phrase is None else search_query.prune_query(phrase, frequencies)
    list_stages = _title_stages if len(in_title) >= 2 * STAGE_LIMIT else _general_stages
    stages = [*list_stages(query, phrase), *((name, ()) for name in names)]
    chosen = {
        *in_title,
        *full_text[:FULL_TEXT_LIMIT],
        *await _run_stages(connection, stages, scope.filters, frequencies),
    }
    more = [position for position in full_text[:count_limit] if position not in chosen]
    return await search.list_by_positions(connection, chosen), more, is_all


async def list_within(
    connection: Connection,
    query: search_query.IndexQuery,
    filters: search.Filters,
    paper_ids: Collection[int],
) -> list[search.IndexRow]:
    """Return the papers to score to find every match among `paper_ids`, which must pass the filters."""
    if len(paper_ids) <= DIRECT_LIMIT:
        return list((await search.list_by_paper_ids(connection, paper_ids)).values())
    frequencies = await search.get_document_frequencies(connection, search_query.collect_tokens(query))
    anywhere = prune_phrases(query.anywhere, frequencies)
    request = search.SearchRequest(search.WORDS_TABLE, anywhere, MAX_WITHIN)
    (positions,) = await search.list_positions(connection, [request], filters)
    rows = await search.list_by_positions(connection, positions)
    return [row for row in rows if row.paper_id in paper_ids]


async def list_popular(
    connection: Connection, query: search_query.IndexQuery, filters: search.Filters, limit: int
) -> list[int]:
    """Return the positions of the most popular papers that match a query anywhere."""
    frequencies = await search.get_document_frequencies(connection, search_query.collect_tokens(query))
    request = _limit(prune_phrases(query.anywhere, frequencies), limit, frequencies)
    (positions,) = await search.list_positions(connection, [request], filters)
    return positions


async def _run_stages(
    connection: Connection, stages: Sequence[_Stage], filters: search.Filters, frequencies: Mapping[str, int]
) -> set[int]:
    """Return the positions of the most popular matches of each stage."""
    positions_by_query: dict[BooleanQuery, list[int]] = {}

    def is_full(number: int) -> bool:
        query, _ = stages[number]
        return query is not None and len(positions_by_query.get(query, ())) >= STAGE_LIMIT

    while True:
        runnable = dict.fromkeys(query for query, subset_of in stages if all(map(is_full, subset_of)))
        pending = [query for query in runnable if query is not None and query not in positions_by_query]
        if not pending:
            return set().union(*positions_by_query.values())
        requests = [_limit(query, STAGE_LIMIT, frequencies, STAGE_COST_LIMIT) for query in pending]
        positions = await search.list_positions(connection, requests, filters)
        positions_by_query.update(zip(pending, positions, strict=True))


def _limit(
    query: BooleanQuery, limit: int, frequencies: Mapping[str, int], cost_limit: int = COST_LIMIT
) -> search.SearchRequest:
    """Return a request limited to the most popular share of papers that keeps its cost within the limit."""
    share = cost_limit / max(cost_limit, estimate_cost(query, frequencies))
    return search.SearchRequest(search.WORDS_TABLE, query, limit, share)


def _title_stages(query: search_query.IndexQuery, phrase: search_query.IndexQuery | None) -> list[_Stage]:
    """Return the stages for a query that many papers match with every term in the title."""
    in_title = query.in_title
    stages: list[_Stage] = [
        (all_of([in_title, query.in_title_and_body]), ()),
        (all_of([in_title, query.any_repeated]), ()),
        (all_of([in_title, query.repeated]), (0, 1)),
        (all_of([in_title, query.frequent]), (2,)),
    ]
    if phrase is not None:
        stages += [
            (phrase.in_title, ()),
            (all_of([phrase.in_title, query.any_repeated]), (1, 4)),
            (all_of([phrase.in_title, query.repeated]), (2, 5)),
            (all_of([phrase.in_title, phrase.in_title_and_body]), (4,)),
        ]
    return stages


def _general_stages(query: search_query.IndexQuery, phrase: search_query.IndexQuery | None) -> list[_Stage]:
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


def merge_filters(given: search.Filters, query: query_parser.Query) -> search.Filters:
    """Return the narrower of both filters, kind by kind."""
    return search.Filters(
        max((on for on in (given.since_on, query.since) if on is not None), default=None),
        min((on for on in (given.until_on, query.until) if on is not None), default=None),
        max((votes for votes in (given.min_votes, query.min_votes) if votes is not None), default=None),
    )


def read_period(query: query_parser.Query, today: date) -> tuple[query_parser.Query, str]:
    """Return a query with the period that its words name (작년, "last month") as a filter, and that period as text."""
    text, period = dates.read_period(query.text, today)
    if text == query.text:
        return query, ""
    narrowed = merge_filters(search.Filters(*period), query)
    query = replace(query, text=text, since=narrowed.since_on, until=narrowed.until_on)
    return query, dates.format_period(period)


async def list_paper_ids_by_authors(connection: Connection, names: Sequence[str]) -> frozenset[int] | None:
    """Return the papers written by authors of all these names; None without names."""
    written = [await authors.list_paper_ids(connection, name) for name in names]
    return frozenset.intersection(*written) if written else None


async def list_filtered(
    connection: Connection, scope: SearchScope, limit: int, offset: int
) -> search_results.SearchResult:
    """Return the papers within a scope, top-voted first."""
    filters = scope.filters
    if scope.paper_ids is not None:
        rows = await papers.list_rows(connection, sorted(scope.paper_ids))
        allowed = authors.sort_rows(
            [row for row in rows if filters.allow(row.date, row.votes)], search_results.Sort.VOTES
        )
        return search_results.SearchResult(tuple(allowed[offset : offset + limit]), len(allowed))
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
    return search_results.SearchResult(tuple(rows), total)


# Partial matches have some parts of a query, or its topic. They are ranked by BM25 and topic, as are the papers that have all of
# a question.

MAX_COMPLETE = 30
"""Partial matches follow fewer papers than this that have all of a query; of a question this many are ranked by topic."""
MAX_PARTIAL = 40
"""Partial matches that are listed."""
_MAX_COMBINED_PARTS = 4
"""The rarest parts, of which papers with two or more are looked for."""
_ENOUGH_CANDIDATES = 60
"""Papers with one part are looked for from the rarest part on, until about this number can be expected."""
_COMBINED_LIMIT = 15
"""Candidates of each query of several parts."""
_PART_LIMITS = (30, 15)
"""Candidates of each query of one part: anywhere, in the title."""
_IMPLIED_LIMITS = (15, 15)
"""Candidates of each query of an implied topic: in the title, repeated."""
_MAX_RANKED = 50
"""Papers that are ranked by topic, the best by BM25."""
_WEIGHTS = 0.4, 0.8
"""The weights of BM25 and topic in the relevance, each relative to the highest of all papers."""

PartialHit = tuple[scoring.Score, int, tuple[str, ...]]
"""The score and the id of a paper, and the parts that it lacks."""
_PartQueries = tuple[BooleanQuery, ...]
"""The queries of one part: anywhere, in the title, repeated in the body; none if it has no token."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A paper with the frequencies of each part in title and body."""

    row: search.IndexRow
    counts: Sequence[tuple[float, float]]

    @cached_property
    def words(self) -> Counter[str]:
        """The paper's counted words."""
        return scoring.count_words(self.row.texts.title, self.row.texts.body)


_Scored = tuple[float, _Candidate]
"""A candidate with its score or relevance."""


async def find_partial(
    connection: Connection,
    segments: Sequence[Segment],
    expanded: Expansion,
    scorer: scoring.Scorer,
    scope: SearchScope,
    complete: Sequence[search.IndexRow],
    *,
    with_partial: bool,
) -> tuple[dict[int, float], list[PartialHit]]:
    """Return the relevance of the `complete` papers by id, and the papers that have some of the segments, best first."""
    parts = [*segments, *expanded.implied.values()]
    compiled = map(search_query.from_segment, parts)
    queries = [
        () if query is None else (query.anywhere, query.in_title, query.repeated) for query in compiled
    ]
    tokens: set[str] = set().union(*(query_tokens(query) for part in queries for query in part))
    frequencies = await search.get_document_frequencies(connection, tokens)
    total = await search.count_tier_rows(connection, search.WORDS_TABLE)
    weights = [_weigh(query, frequencies, total) for query in queries]
    counted = await _count(complete, parts, scorer)
    rarest = _rarest_first([part[:2] for part in queries[: len(segments)]], frequencies)
    implied = _rarest_first(queries[len(segments) :], frequencies)
    read = {row.position for row in complete}
    if with_partial:
        rows = await _list_candidates(connection, rarest, implied, frequencies, scope, read)
        counted += await _count(rows, parts, scorer)
    scored = [(scoring.score_bm25(paper.counts, weights), paper) for paper in counted]
    complete_ids = {row.paper_id for row in complete}
    if not expanded.topics:
        scored = [(score, paper) for score, paper in scored if paper.row.paper_id not in complete_ids]
    ranked = await _rank_partial(scored, expanded.topics)
    relevance = {paper.row.paper_id: value for value, paper in ranked if paper.row.paper_id in complete_ids}
    partial = [(value, paper) for value, paper in ranked if paper.row.paper_id not in complete_ids]
    return relevance, [_make_hit(paper, segments, expanded, value) for value, paper in partial[:MAX_PARTIAL]]


def _weigh(part: _PartQueries, frequencies: Mapping[str, int], total: int) -> float:
    """Return the IDF of a part; one that no paper has weighs nothing, since it cannot tell papers apart."""
    matches = estimate_matches(part[0], frequencies) if part else 0
    return scoring.inverse_document_frequency(matches, total) if matches else 0.0


def _rarest_first(queries: Sequence[_PartQueries], frequencies: Mapping[str, int]) -> list[_PartQueries]:
    """Return the queries of the parts that papers have, pruned, the rarest part first."""
    pruned = [tuple(prune_phrases(query, frequencies) for query in part) for part in queries if part]
    matches = [estimate_matches(part[0], frequencies) for part in pruned]
    ranked = sorted((count, number) for number, count in enumerate(matches) if count)
    return [pruned[number] for _, number in ranked]


async def _list_candidates(
    connection: Connection,
    rarest: Sequence[_PartQueries],
    implied: Sequence[_PartQueries],
    frequencies: Mapping[str, int],
    scope: SearchScope,
    read: Collection[int],
) -> list[search.IndexRow]:
    """Return the most popular papers with several of the rarest parts, with one or with an implied topic.

    Without those at the positions that were read.
    """
    if scope.paper_ids is not None:
        rows = (await search.list_by_paper_ids(connection, scope.paper_ids)).values()
        return [
            row for row in rows if scope.filters.allow(row.last_on, row.votes) and row.position not in read
        ]
    limits: dict[BooleanQuery, int] = {}
    anywhere = [part[0] for part in rarest[:_MAX_COMBINED_PARTS]]
    for size in range(len(rarest) - 1, 1, -1):
        for parts in combinations(anywhere, size):
            if (combined := all_of(parts)) is not None:
                limits[combined] = _COMBINED_LIMIT
    expected = 0
    for part in rarest:
        if expected >= _ENOUGH_CANDIDATES:
            break
        expected += min(_PART_LIMITS[0], estimate_matches(part[0], frequencies))
        for query, limit in zip(part, _PART_LIMITS, strict=False):
            limits.setdefault(query, limit)
    for query, limit in chain.from_iterable(zip(part[1:], _IMPLIED_LIMITS, strict=True) for part in implied):
        limits.setdefault(query, limit)
    requests = [_limit(query, limit, frequencies, STAGE_COST_LIMIT) for query, limit in limits.items()]
    positions = await search.list_positions(connection, requests, scope.filters)
    return await search.list_by_positions(connection, sorted(set().union(*positions).difference(read)))


async def _count(
    rows: Sequence[search.IndexRow], segments: Sequence[Segment], scorer: scoring.Scorer
) -> list[_Candidate]:
    """Return the papers that have any of the segments and no exclusion, with the frequencies of each segment."""
    counted, slices = [], TimeSlices()
    compiled = list(map(scoring.CompiledSegment, segments))
    for row in rows:
        document = term_keys.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        counts = [segment.weighted_counts(document) for segment in compiled]
        if any(map(sum, counts)) and not scorer.excludes(document):
            counted.append(_Candidate(row, counts))
        await slices.pause()
    return counted


async def _rank_partial(scored: Sequence[_Scored], topics: text_topics.Vector) -> list[_Scored]:
    """Return the best papers by BM25 with their relevance, the most relevant first."""
    best, components, slices = _sort(scored)[:_MAX_RANKED], [], TimeSlices()
    for score, paper in best:
        similarity = text_topics.cosine(paper.words, topics) if topics else 0.0
        components.append((score, similarity))
        await slices.pause()
    highest = [max(column) or 1.0 for column in zip(*components, strict=True)]
    factors = [weight / value for weight, value in zip(_WEIGHTS, highest, strict=False)]
    relevances = [sum(map(mul, factors, values)) for values in components]
    return _sort(zip(relevances, (paper for _, paper in best), strict=True))


def _sort(scored: Iterable[_Scored]) -> list[_Scored]:
    """Return candidates best first, of equal ones the newest."""
    return sorted(scored, key=lambda pair: (-pair[0], -pair[1].row.paper_id))


def _make_hit(
    paper: _Candidate, segments: Sequence[Segment], expanded: Expansion, relevance: float
) -> PartialHit:
    """Return a hit with the parts that the paper lacks, without those that describe an implied topic that it has."""
    found = list(map(any, paper.counts))
    topics = set(compress(expanded.implied, found[len(segments) :]))
    missing = tuple(
        analyser.strip_term(segment.text)
        for segment, is_found in zip(segments, found, strict=False)
        if not is_found
        and not any(map(topics.intersection, map(text_topics.find_topics, segment.text.split())))
    )
    score = scoring.Score(relevance, len(segments) - len(missing), len(segments))
    return score, paper.row.paper_id, missing


Hit = tuple[scoring.Score, int]
"""The score and the id of a paper."""
_MAX_TOP_PAPERS = 1000
"""Matches that are sorted by votes, the most popular ones."""
_Gathered = tuple[Sequence[search.IndexRow], Sequence[int], bool]
"""The papers to score, the positions of further matches, and whether there are no others."""
_TOP_CHUNK_SIZE = 20
_SHALLOW_LIMIT, _MAX_COUNTED = 250, 2000
"""For more hits than the first, and with exclusions, up to the second number of matches are looked through."""
_ENOUGH_OF_TERM = 10
"""Partial matches follow fewer papers than this that have the single term of a question."""
_MAX_WITH_HEAD = 10
"""Partial matches of a term that no paper has."""


class Found(NamedTuple):
    """The hits of a query, best first. `total` is their number, of which there may be more unless `is_exact`.

    `missing` has the parts of the query that partial matches lack, by id: none if the paper is on a topic that they describe.
    """

    hits: Sequence[Hit] = ()
    total: int = 0
    is_exact: bool = True
    missing: Mapping[int, tuple[str, ...]] = MappingProxyType({})

    @property
    def is_inside(self) -> bool:
        """Whether a part of the query is found only within longer words: papers with the word itself exclude the others."""
        return self.complete_count > 0 and any(score.inside for score, _ in self.hits[:1])

    @property
    def complete_count(self) -> int:
        """The number of papers that have all of the query."""
        return self.total - len(self.missing)


async def find(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> Found:
    """Return the hits of a query with terms, best first, at least `limit` if that many match.

    The papers with all of it come first; if they are few, papers with some of it follow. The order does not depend on
    `limit`: the best matches, which were gathered, are followed by the others in the order of their popularity.
    """
    segments = [*expanded.segments, *map(concepts.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None:
        return Found()
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    is_deep = limit > _SHALLOW_LIMIT or bool(query.excluded)
    gathered = await gather_candidates(
        connection,
        full_query,
        scope,
        phrase=search_query.from_text(expanded.text) if len(expanded.segments) > 1 else None,
        names=search_query.from_names(expanded.names),
        count_limit=_MAX_COUNTED if is_deep else COUNT_LIMIT,
    )
    complete, rows = await _find_complete(connection, gathered, scorer, query, limit)
    parts: Sequence[Segment] = segments
    if len(segments) < 2:
        # Of a single term that no paper has, some of its words are enough.
        is_found = not expanded.topics and bool(complete.hits)
        parts = () if is_found else expanded.fallback or (segments if expanded.topics else ())
    is_enough = len(complete.hits) >= (MAX_COMPLETE if len(segments) > 1 else _ENOUGH_OF_TERM)
    if not parts or (is_enough and not expanded.topics):
        return complete
    complete_rows = [rows[paper_id] for _, paper_id in complete.hits[:MAX_COMPLETE]]
    relevance, partial = await find_partial(
        connection, parts, expanded, scorer, scope, complete_rows, with_partial=not is_enough
    )
    if expanded.topics:
        complete = complete._replace(hits=_rank_by_topic(complete.hits, relevance))
    if len(segments) == 1:
        partial = _only_of_term(partial, parts, expanded)
    return Found(
        [*complete.hits, *((score, paper_id) for score, paper_id, _ in partial)],
        complete.total + len(partial),
        is_exact=complete.is_exact,
        missing={paper_id: missing for _, paper_id, missing in partial},
    )


def _rank_by_topic(hits: Sequence[Hit], relevance: Mapping[int, float]) -> list[Hit]:
    """Return the hits in the order of their relevance, behind those that the query names.

    Those that have a part only within longer words or as an ambiguous abbreviation, and those without a relevance, come last.
    """

    def key(hit: Hit) -> tuple[bool, bool, bool, float]:
        score, paper_id = hit
        is_named = bool(score.name or score.composed)
        return not is_named, score.inside, score.ambiguous, -relevance.get(paper_id, -1.0)

    return sorted(hits, key=key)


async def _find_complete(
    connection: Connection, gathered: _Gathered, scorer: scoring.Scorer, query: Query, limit: int
) -> tuple[Found, dict[int, search.IndexRow]]:
    """Return the papers with all of a query as far as they are needed, and the papers that were read, by id."""
    rows, more, is_all = gathered
    scored = [hit for hit in await score_papers(rows, scorer) if hit[0].is_complete]
    hits = sorted(scored, key=lambda hit: (hit[0].sort_key, hit[1]), reverse=True)
    rows_by_id = {row.paper_id: row for row in rows}
    needed = max(limit, MAX_COMPLETE, COUNT_LIMIT if query.excluded else 0)
    read = 0
    for chunk in bulk.chunked(more, search.ROWS_AT_ONCE):
        if len(hits) >= needed:
            break
        chunk_rows = sorted(await search.list_by_positions(connection, chunk), key=lambda row: row.position)
        hits += [hit for hit in await score_papers(chunk_rows, scorer) if hit[0].is_complete]
        rows_by_id |= {row.paper_id: row for row in chunk_rows}
        read += len(chunk)
    hits = _drop_inside(hits)
    is_read = read == len(more)
    total = len(hits) if is_read else max(len(hits), COUNT_LIMIT)
    return Found(hits, total, is_exact=is_all and is_read), rows_by_id


def _only_of_term(
    partial: Sequence[PartialHit], parts: Sequence[Segment], expanded: Expansion
) -> list[PartialHit]:
    """Return the papers on a topic that a question for one term describes; without a topic, the first ones with the term's head.

    The head is the last word of a term that no paper has as a whole.
    """
    if expanded.topics:
        return [hit for hit in partial if hit[0].is_complete]
    head = analyser.strip_term(parts[-1].text)
    with_head = [
        (score, paper_id, missing or (expanded.text,))
        for score, paper_id, missing in partial
        if head not in missing
    ]
    return with_head[:_MAX_WITH_HEAD]


async def list_about(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> frozenset[int] | None:
    """Return all of the scope's papers that are about a query with terms; None if more than `candidates.COUNT_LIMIT` may be."""
    topic_query = build_topic_query(query, expanded)
    if topic_query is None:
        return frozenset()
    if scope.paper_ids is not None:
        rows = await list_within(connection, topic_query, scope.filters, scope.paper_ids)
    else:
        positions = await list_popular(connection, topic_query, scope.filters, COUNT_LIMIT + 1)
        if len(positions) > COUNT_LIMIT:
            return None
        rows = list(await search.list_by_positions(connection, positions))
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    return frozenset(paper_id for _, paper_id in await score_papers(rows, scorer, only_about=True))


async def find_top(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> Found:
    """Return the hits of a query with terms, most voted first, at least `limit` if that many match.

    They are about the query (see `Scorer.is_about`). Up to `candidates.COUNT_LIMIT` papers are all scored, more of them in
    the order of their votes as far as `limit` needs. If no paper is about the query, those that a search finds are listed.
    """
    hits, read, positions = [], 0, await _list_top_positions(connection, query, expanded, scope)
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    is_counted = len(positions) <= COUNT_LIMIT or query.excluded
    for chunk in bulk.chunked(positions, search.ROWS_AT_ONCE if is_counted else max(limit, _TOP_CHUNK_SIZE)):
        by_position = {row.position: row for row in await search.list_by_positions(connection, chunk)}
        rows = [by_position[position] for position in chunk]
        hits += await score_papers(rows, scorer, only_about=True)
        read += len(rows)
        if len(hits) >= limit and not is_counted:
            break
    hits = _drop_inside(hits)
    if hits:
        is_exact = read == len(positions) < _MAX_TOP_PAPERS
        total = len(hits) if read == len(positions) else max(len(hits), COUNT_LIMIT)
        return Found(hits, total, is_exact=is_exact)
    return await find_sorted(
        connection, query, expanded, scope, limit=COUNT_LIMIT, sort=search_results.Sort.VOTES
    )


async def find_sorted(
    connection: Connection,
    query: Query,
    expanded: Expansion,
    scope: SearchScope,
    *,
    limit: int,
    sort: search_results.Sort,
) -> Found:
    """Return the papers of `find` in an order; by votes and by date papers that lack a part come last.

    Of more than `candidates.COUNT_LIMIT` papers the best matches are sorted.
    """
    if sort is search_results.Sort.RELEVANCE:
        return await find(connection, query, expanded, scope, limit=limit)
    found = await find(connection, query, expanded, scope, limit=max(limit, COUNT_LIMIT))
    listed = await papers.list_rows(connection, [paper_id for _, paper_id in found.hits])
    match sort:
        case search_results.Sort.DATE:
            listed.sort(key=lambda row: (row.date, row.id), reverse=True)
        case search_results.Sort.VOTES:
            listed.sort(key=search_results.votes_descending)
        case _:
            assert_never(sort)
    listed.sort(key=lambda row: row.id in found.missing)
    score_of = {paper_id: score for score, paper_id in found.hits}
    return found._replace(hits=[(score_of[row.id], row.id) for row in listed])


async def _list_top_positions(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> list[int]:
    """Return the index's matches, most voted first, of equal votes the newest; none if authors limit the scope."""
    topic_query = build_topic_query(query, expanded)
    if topic_query is None or scope.paper_ids is not None:
        return []
    positions = await list_popular(connection, topic_query, scope.filters, _MAX_TOP_PAPERS)
    votes = await search.list_votes(connection, positions)
    return sorted(positions, key=lambda position: (votes[position] is None, -(votes[position] or 0)))


def _drop_inside(hits: list[Hit]) -> list[Hit]:
    """Return the hits without those that have a single term only within longer words, unless all are such.

    Of several terms the others confirm that a longer word is meant (생명과학 for 과학): those hits come last.
    """
    if any(score.segments > 1 for score, _ in hits[:1]):
        return sorted(hits, key=lambda hit: hit[0].inside)
    return [hit for hit in hits if not hit[0].inside] or hits


def build_index_query(segments: Sequence[Segment], expanded: Expansion) -> search_query.IndexQuery | None:
    """Return the index query for papers with all segments, a term that the whole query composes, or a name that it is."""
    queries = [
        search_query.from_segments(segments),
        *(search_query.from_segment(term) for term in expanded.composed),
    ]
    query = search_query.combine_any([query for query in queries if query is not None])
    if query is None:
        return None
    anywhere = any_of([query.anywhere, *search_query.from_names(expanded.names)])
    return query._replace(anywhere=anywhere or query.anywhere)


def build_topic_query(query: Query, expanded: Expansion) -> search_query.IndexQuery | None:
    """Return the index query for papers about a query, which finds little more than these."""
    segments = [*expanded.segments, *map(concepts.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None:
        return None
    topics = [search_query.topic_query(part) for part in (segments, *([term] for term in expanded.composed))]
    about = any_of(
        [*(topic for topic in topics if topic is not None), *search_query.from_names(expanded.names)]
    )
    return full_query._replace(anywhere=about or full_query.anywhere)


async def score_papers(
    rows: Sequence[search.IndexRow], scorer: scoring.Scorer, *, only_about: bool = False
) -> list[Hit]:
    """Score papers in slices; without those that match no part of the query or an exclusion, or are not about it."""
    hits, slices = [], TimeSlices()
    for row in rows:
        document = term_keys.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        score = scorer.score(document)
        if score is not None and (not only_about or scorer.is_about(document)):
            hits.append((score, row.paper_id))
        await slices.pause()
    return hits


async def load_rows(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as list rows, with their scores."""
    scores = {paper_id: score.total for score, paper_id in hits}
    rows = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in rows]


def explain(rows: Sequence[models.PaperRow], hits: Sequence[Hit]) -> dict[str, dict[str, float]]:
    """Return the components of each score, by arXiv id."""
    arxiv_id_of = {row.id: row.arxiv_id for row in rows}
    return {arxiv_id_of[paper_id]: score.explain() for score, paper_id in hits if paper_id in arxiv_id_of}


_CANDIDATE_LIMIT = 60
_MAX_TEXT_LENGTH = 300
_MIN_PREFIX_LENGTH = 2
"""Letters of a Latin word from which it is completed: one letter begins half of all words."""
_MIN_STEM_LENGTH = 3


def parse_id(text: str) -> str | None:
    """Return the arXiv id that a text consists of or links to; punctuation around it and wide digits are accepted."""
    plain = unicodedata.normalize("NFKC", analyser.clean_typed(text)).strip(" \t\n.,;:!?()[]<>\"'`")
    return arxiv_ids.extract_arxiv_id(plain)


async def find_by_id(connection: Connection, text: str) -> models.PaperDetail | None:
    """Return the paper whose arXiv id or link a text is; None if the archive does not have it."""
    arxiv_id = parse_id(text)
    return None if arxiv_id is None else await papers.get_detail(connection, arxiv_id)


async def find_papers(
    connection: Connection, text: str, *, limit: int, is_prefix: bool = False
) -> list[models.PaperRow]:
    """Return the papers whose titles contain a text, best first: equal titles, titles that begin with it, then popularity.

    With `is_prefix` the last word may be incomplete.
    """
    query = _prefix_query(text) if is_prefix else _phrase_query(text)
    if query is None:
        return []
    candidate_limit = limit if is_prefix else max(_CANDIDATE_LIMIT, limit)
    request = search.SearchRequest(search.TITLES_TABLE, query, candidate_limit)
    (positions,) = await search.list_positions(connection, [request])
    folded = analyser.fold_name(text)
    titled = [
        (analyser.fold_name(row.title or ""), row)
        for row in await papers.list_rows_by_position(connection, positions)
    ]
    if not is_prefix:
        titled = [pair for pair in titled if f" {folded} " in f" {pair[0]} "]
    titled.sort(key=lambda pair: (pair[0] != folded, not pair[0].startswith(folded), folded not in pair[0]))
    return [row for _, row in titled[:limit]]


def _phrase_query(text: str) -> BooleanQuery | None:
    query = search_query.from_words(analyser.stemmed_words(text[:_MAX_TEXT_LENGTH]))
    return None if query is None else query.anywhere


def _prefix_query(text: str) -> BooleanQuery | None:
    """Return the query for all words but the last, and for a completion or a stem of the last."""
    words = text[:_MAX_TEXT_LENGTH].split()
    if not words or text.endswith(" "):
        return _phrase_query(text)
    last_word = any_of(_last_word_queries(analyser.fold(words[-1])))
    if last_word is None:
        return _phrase_query(text)
    other_words = search_query.from_words(analyser.stemmed_words(" ".join(words[:-1])), adjacent=False)
    return all_of([None if other_words is None else other_words.anywhere, last_word])


def _last_word_queries(word: str) -> list[BooleanQuery]:
    tokens = [token for run in analyser.split_runs(word) for token in run.tokens]
    if not tokens:
        return []
    if analyser.is_hangul(tokens[-1]):
        return [all_of([*tokens[:-1], Prefix(tokens[-1])]) or tokens[-1]]
    if len(word) < _MIN_PREFIX_LENGTH:
        return [word]
    if not word.isalnum():
        return [Prefix(tokens[-1]), *tokens]
    # The index has stems: "reasonin" is a part of reasoning, which is indexed as "reason".
    stems = [word[:-cut] for cut in (1, 2, 3) if len(word) - cut >= _MIN_STEM_LENGTH]
    return [Prefix(tokens[-1]), Prefix(word), *tokens, *stems]
