"""Partial matches: papers that have some parts of a query or its topic, ranked by BM25, relevance feedback (RM3) and topic.

The papers that have all of a question are ranked in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from operator import mul

from bot.services.search import candidates, index_query
from bot.services.search.candidates import SearchScope
from bot.text import relevance_feedback, scoring, topic_similarity
from bot.text.analysis import analyser, korean
from bot.text.glossary.model.expansion import Expansion, Segment
from bot.text.matching import term_variants
from bot.text.queries import topic_descriptions
from bot.time_slices import TimeSlices
from storage.database import Connection
from storage.search import index, tiers
from storage.search.query import BooleanQuery, all_of, estimate_matches, prune_phrases, query_tokens

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
"""Papers that are ranked by feedback and topic, the best by BM25."""
_WEIGHTS = 0.4, 0.6, 0.8
"""The weights of BM25, feedback and topic in the relevance, each relative to the highest of all papers."""

PartialHit = tuple[scoring.Score, int, tuple[str, ...]]
"""The score and the id of a paper, and the parts that it lacks."""
_PartQueries = tuple[BooleanQuery, ...]
"""The queries of one part: anywhere, in the title, repeated in the body; none if it has no token."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A paper with the frequencies of each part in title and body."""

    row: index.IndexRow
    counts: Sequence[tuple[float, float]]

    @cached_property
    def words(self) -> Counter[str]:
        """The paper's counted words."""
        return relevance_feedback.count_words(self.row.texts.title, self.row.texts.body)


_Scored = tuple[float, _Candidate]
"""A candidate with its score or relevance."""


async def find(
    connection: Connection,
    segments: Sequence[Segment],
    expanded: Expansion,
    scorer: scoring.Scorer,
    scope: SearchScope,
    complete: Sequence[index.IndexRow],
    *,
    with_partial: bool,
) -> tuple[dict[int, float], list[PartialHit]]:
    """Return the relevance of the `complete` papers by id, and the papers that have some of the segments, best first.

    The complete papers, if there are any, tell with the best partial ones which further words belong to the question.
    """
    parts = [*segments, *expanded.implied.values()]
    queries = [_compile(part) for part in parts]
    frequencies = await _frequencies(connection, queries)
    total = await tiers.count_rows(connection, index.WORDS_TABLE)
    weights = [_weigh(query, frequencies, total) for query in queries]
    counted = await _count(complete, parts, scorer)
    rarest = _rarest_first([part[:2] for part in queries[: len(segments)]], frequencies)
    implied = _rarest_first(queries[len(segments) :], frequencies)
    read = {row.position for row in complete}
    if with_partial:
        rows = await _list_candidates(connection, rarest, implied, frequencies, scope, read)
        counted += await _count(rows, parts, scorer)
    scored = [(relevance_feedback.score_bm25(paper.counts, weights), paper) for paper in counted]
    terms = await _learn_terms(connection, scored, total)
    complete_ids = {row.paper_id for row in complete}
    if not expanded.topics:
        scored = [(score, paper) for score, paper in scored if paper.row.paper_id not in complete_ids]
    ranked = await _rank(scored, terms, expanded.topics)
    relevance = {paper.row.paper_id: value for value, paper in ranked if paper.row.paper_id in complete_ids}
    partial = [(value, paper) for value, paper in ranked if paper.row.paper_id not in complete_ids]
    return relevance, [_make_hit(paper, segments, expanded, value) for value, paper in partial[:MAX_PARTIAL]]


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
    implied: Sequence[_PartQueries],
    frequencies: Mapping[str, int],
    scope: SearchScope,
    read: Collection[int],
) -> list[index.IndexRow]:
    """Return the most popular papers with several of the rarest parts, with one or with an implied topic.

    Without those at the positions that were read.
    """
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
        expected += min(_PART_LIMITS[0], estimate_matches(part[0], frequencies))
        for query, limit in zip(part, _PART_LIMITS, strict=False):
            limits.setdefault(query, limit)
    for query, limit in chain.from_iterable(zip(part[1:], _IMPLIED_LIMITS, strict=True) for part in implied):
        limits.setdefault(query, limit)
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
) -> list[_Candidate]:
    """Return the papers that have any of the segments and no exclusion, with the frequencies of each segment."""
    counted, slices = [], TimeSlices()
    compiled = scoring.compile_segments(segments)
    for row in rows:
        document = term_variants.Document(row.texts.title, row.texts.body, row.votes, row.last_on)
        counts = [segment.weighted_counts(document) for segment in compiled]
        if any(map(sum, counts)) and not scorer.excludes(document):
            counted.append(_Candidate(row, counts))
        await slices.pause()
    return counted


async def _learn_terms(connection: Connection, scored: Sequence[_Scored], total: int) -> dict[str, float]:
    """Return the feedback terms of the best papers, the heaviest first."""
    ranked = sorted(scored, key=lambda pair: (-pair[0], pair[1].row.position))
    best = [(score, paper.words) for score, paper in ranked[: relevance_feedback.FEEDBACK_DOCUMENTS]]
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
    scored: Sequence[_Scored], terms: Mapping[str, float], topics: topic_descriptions.Vector
) -> list[_Scored]:
    """Return the best papers by BM25 with their relevance, the most relevant first."""
    best = _sort(scored)[:_MAX_RANKED]
    components, slices = [], TimeSlices()
    for score, paper in best:
        similarity = topic_similarity.cosine(paper.words, topics) if topics else 0.0
        components.append((score, relevance_feedback.score_feedback(paper.words, terms), similarity))
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
    topics = {
        topic for topic, is_found in zip(expanded.implied, found[len(segments) :], strict=True) if is_found
    }
    missing = [
        segment
        for segment, is_found in zip(segments, found, strict=False)
        if not is_found
        and not any(map(topics.intersection, map(topic_descriptions.find_topics, segment.text.split())))
    ]
    score = scoring.Score(relevance, len(segments) - len(missing), len(segments))
    return score, paper.row.paper_id, tuple(korean.strip_term(segment.text) for segment in missing)
