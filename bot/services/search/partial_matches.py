"""Partial matches: papers that have some parts of a query, ranked by BM25 with relevance feedback (RM3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

from bot.services.search import candidates, index_query
from bot.services.search.candidates import SearchScope
from bot.text import relevance_feedback, scoring
from bot.text.analysis import analyser, korean
from bot.text.glossary.model.expansion import Segment
from bot.text.matching import term_variants
from bot.time_slices import TimeSlices
from storage.database import Connection
from storage.search import index, tiers
from storage.search.query import BooleanQuery, all_of, estimate_matches, prune_phrases, query_tokens

MAX_PARTIAL = 40
"""Partial matches that are listed."""
_MAX_COMBINED_PARTS = 4
"""The rarest parts, of which papers with two or more are looked for."""
_ENOUGH_CANDIDATES = 90
"""Papers with one part are looked for from the rarest part on, until about this number can be expected."""
_COMBINED_LIMIT, _SINGLE_LIMIT, _TITLE_LIMIT, _FEEDBACK_LIMIT = 25, 30, 20, 15
"""Candidates of each query: several parts, one part anywhere, one part in the title or repeated, one part and a feedback
term.
"""
_FEEDBACK_QUERIES = 6

PartialHit = tuple[scoring.Score, int, tuple[str, ...]]
"""The score and the id of a paper, and the parts that it lacks."""
_PartQueries = tuple[BooleanQuery, ...]
"""The queries of one part: anywhere, in the title, repeated in the body; none if it has no token."""
_Counted = tuple[index.IndexRow, list[tuple[float, float]]]
"""A paper with the frequencies of each part in title and body."""


async def find(
    connection: Connection,
    segments: Sequence[Segment],
    scorer: scoring.Scorer,
    scope: SearchScope,
    complete: Sequence[index.IndexRow],
) -> list[PartialHit]:
    """Return the papers that have some of the segments, best first, without the `complete` ones.

    The complete papers, if there are any, tell with the best partial ones which further words belong to the question.
    """
    queries = [_compile(segment) for segment in segments]
    frequencies = await _frequencies(connection, queries)
    total = await tiers.count_rows(connection, index.WORDS_TABLE)
    weights = [_weigh(query, frequencies, total) for query in queries]
    rarest = _rarest_first(queries, frequencies)
    read = {row.position for row in complete}
    rows = await _list_candidates(connection, rarest, frequencies, scope, read)
    counted = await _count(rows, segments, scorer)
    best = [*await _count(complete, segments, scorer), *counted]
    terms = await _learn_terms(connection, best, weights, total)
    if scope.paper_ids is None:
        read.update(row.position for row in rows)
        more = await _list_by_feedback(connection, rarest, terms, frequencies, scope, read)
        counted += await _count(more, segments, scorer)
    return await _rank(counted, segments, weights, terms)


def _compile(segment: Segment) -> _PartQueries:
    query = index_query.from_segment(segment)
    return () if query is None else (query.anywhere, query.in_title, query.repeated)


async def _frequencies(connection: Connection, queries: Sequence[_PartQueries]) -> dict[str, int]:
    tokens: set[str] = set().union(*(query_tokens(query) for part in queries for query in part))
    return await index.get_document_frequencies(connection, tokens)


def _weigh(part: _PartQueries, frequencies: Mapping[str, int], total: int) -> float:
    """Return the IDF of a part; one that no paper has weighs nothing, since it cannot tell papers apart."""
    matches = estimate_matches(part[0], frequencies) if part else 0
    return relevance_feedback.inverse_document_frequency(matches, total) if matches else 0.0


def _rarest_first(queries: Sequence[_PartQueries], frequencies: Mapping[str, int]) -> list[_PartQueries]:
    """Return the queries of the parts that papers have, pruned, the rarest part first."""
    pruned = [tuple(prune_phrases(query, frequencies) for query in part) for part in queries if part]
    matches = [estimate_matches(part[0], frequencies) for part in pruned]
    ranked = sorted((count, number) for number, count in enumerate(matches) if count)
    return [pruned[number] for _, number in ranked]


async def _list_candidates(
    connection: Connection,
    rarest: Sequence[_PartQueries],
    frequencies: Mapping[str, int],
    scope: SearchScope,
    read: Collection[int],
) -> list[index.IndexRow]:
    """Return the most popular papers with several of the rarest parts, and with one, except at the positions that were read."""
    if scope.paper_ids is not None:
        rows = (await index.list_by_paper_ids(connection, scope.paper_ids)).values()
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
        expected += min(_SINGLE_LIMIT, estimate_matches(part[0], frequencies))
        for query, limit in zip(part, (_SINGLE_LIMIT, _TITLE_LIMIT, _TITLE_LIMIT), strict=True):
            limits.setdefault(query, limit)
    return await _read(connection, limits, frequencies, scope, read)


async def _list_by_feedback(
    connection: Connection,
    rarest: Sequence[_PartQueries],
    terms: Mapping[str, float],
    frequencies: Mapping[str, int],
    scope: SearchScope,
    read: Collection[int],
) -> list[index.IndexRow]:
    """Return the most popular unread papers with the rarest part and one of the heaviest feedback terms."""
    if not rarest:
        return []
    limits: dict[BooleanQuery, int] = {}
    for term in list(terms)[:_FEEDBACK_QUERIES]:
        query = all_of([rarest[0][0], *analyser.word_tokens(term)])
        if query is not None:
            limits[query] = _FEEDBACK_LIMIT
    return await _read(connection, limits, frequencies, scope, read)


async def _read(
    connection: Connection,
    limits: Mapping[BooleanQuery, int],
    frequencies: Mapping[str, int],
    scope: SearchScope,
    read: Collection[int],
) -> list[index.IndexRow]:
    requests = [
        candidates.limited_request(query, limit, frequencies, candidates.STAGE_COST_LIMIT)
        for query, limit in limits.items()
    ]
    positions = await index.list_positions(connection, requests, scope.filters) if requests else []
    return await index.list_by_positions(connection, sorted(set().union(*positions).difference(read)))


async def _count(
    rows: Sequence[index.IndexRow], segments: Sequence[Segment], scorer: scoring.Scorer
) -> list[_Counted]:
    """Return the papers that have any of the segments and no exclusion, with the frequencies of each segment."""
    counted, slices = [], TimeSlices()
    compiled = scoring.compile_segments(segments)
    for row in rows:
        document = term_variants.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        counts = [segment.weighted_counts(document) for segment in compiled]
        if any(map(sum, counts)) and not scorer.excludes(document):
            counted.append((row, counts))
        await slices.pause()
    return counted


async def _learn_terms(
    connection: Connection, counted: Sequence[_Counted], weights: Sequence[float], total: int
) -> dict[str, float]:
    """Return the feedback terms of the best papers, the heaviest first."""
    scored = [(relevance_feedback.score_bm25(counts, weights), row) for row, counts in counted]
    scored.sort(key=lambda pair: (-pair[0], pair[1].position))
    best = [
        (score, relevance_feedback.count_words(row.texts.title, row.texts.body))
        for score, row in scored[: relevance_feedback.FEEDBACK_DOCUMENTS]
    ]
    probable = relevance_feedback.list_candidates(best)
    tokens_of = {word: analyser.word_tokens(word) for word in probable}
    tokens: Collection[str] = {token for tokens in tokens_of.values() for token in tokens}
    token_frequencies = await index.get_document_frequencies(connection, tokens)
    frequencies = {
        word: min((token_frequencies.get(token, 0) for token in tokens), default=0)
        for word, tokens in tokens_of.items()
    }
    return relevance_feedback.choose_terms(probable, frequencies, total)


async def _rank(
    counted: Sequence[_Counted],
    segments: Sequence[Segment],
    weights: Sequence[float],
    terms: Mapping[str, float],
) -> list[PartialHit]:
    pairs, slices = [], TimeSlices()
    for row, counts in counted:
        feedback = relevance_feedback.score_feedback(row.texts.title, row.texts.body, terms)
        pairs.append((relevance_feedback.score_bm25(counts, weights), feedback))
        await slices.pause()
    ranked = sorted(
        zip(relevance_feedback.interpolate(pairs), counted, strict=True),
        key=lambda pair: (-pair[0], -pair[1][0].paper_id),
    )
    return [_make_hit(row, counts, segments, relevance) for relevance, (row, counts) in ranked[:MAX_PARTIAL]]


def _make_hit(
    row: index.IndexRow, counts: Sequence[tuple[float, float]], segments: Sequence[Segment], relevance: float
) -> PartialHit:
    missing = [segment.text for segment, pair in zip(segments, counts, strict=True) if not any(pair)]
    score = scoring.Score(relevance, len(segments) - len(missing), len(segments))
    return score, row.paper_id, tuple(map(korean.strip_term, missing))
