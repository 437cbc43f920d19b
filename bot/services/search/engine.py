"""Retrieval and scoring: finds the papers for an expanded query, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from bot.services.search import candidates, index_query, results
from bot.services.search.candidates import SearchScope
from bot.text import scoring
from bot.text.glossary.model import expansion
from bot.text.glossary.model.expansion import Expansion, Segment
from bot.text.matching import term_variants
from bot.text.query_parser import Query
from bot.time_slices import TimeSlices
from storage import bulk, models, papers
from storage.database import Connection
from storage.search import index

Hit = tuple[scoring.Score, int]
"""The score and the id of a paper."""
_MAX_TOP_PAPERS = 1000
"""Matches that are sorted by votes, the most popular ones."""
_TOP_CHUNK_SIZE = 20
_PARTIAL_LIMIT = 40
"""Candidates of a list by votes if too few papers match all of the query: those of the first pages of a search."""


async def find(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> tuple[list[Hit], int]:
    """Return the hits of a query with terms, best first, at least `limit` if that many match, and the number of matches.

    If fewer than `MIN_COMPLETE_MATCHES` match all of it, papers that match most of it follow.
    """
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None:
        return [], 0
    phrase = index_query.from_text(expanded.text) if len(expanded.segments) > 1 else None
    rows, match_count, more_positions = await candidates.gather(
        connection, full_query, scope, limit, phrase=phrase
    )
    hits = await score_papers(rows, scorer)
    if more_positions and _count_complete(hits) < limit:
        # The index lets papers through whose shingles match by chance, so more of its matches are needed.
        hits += await score_papers(await index.list_by_positions(connection, more_positions), scorer)
    complete = _count_complete(hits)
    if complete >= scoring.MIN_COMPLETE_MATCHES:
        # Unless every match was scored, the index's count is the better estimate.
        return _rank(hits, complete), max(complete, match_count)
    relaxed_query = _build_relaxed_query(segments, expanded)
    if relaxed_query is not None:
        known = {row.paper_id for row in rows}
        relaxed, *_ = await candidates.gather(connection, relaxed_query, scope, limit)
        hits += await score_papers([row for row in relaxed if row.paper_id not in known], scorer)
    ranked = _rank(hits, len(hits))
    return ranked, len(ranked)


async def list_complete(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> frozenset[int]:
    """Return all of the scope's papers that match all of a query with terms."""
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None or not scope.paper_ids:
        return frozenset()
    rows = await candidates.list_within(connection, full_query, scope.filters, scope.paper_ids)
    hits = await score_papers(rows, scoring.Scorer(expanded, query.phrases, query.excluded))
    return frozenset(paper_id for score, paper_id in hits if score.is_complete)


async def find_top(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope, *, limit: int
) -> tuple[list[Hit], int]:
    """Return the hits of a query with terms, most voted first, at least `limit` if that many match, and their number.

    Papers are scored in the order of their votes, only as far as `limit` needs, unless the query has exclusions, which
    the index cannot count. If too few papers match all of it, papers that match most of it are among them.
    """
    hits, rejected, positions = [], 0, await _list_top_positions(connection, query, expanded, scope)
    scorer = scoring.Scorer(expanded, query.phrases, query.excluded)
    for chunk in bulk.chunked(positions, max(limit, _TOP_CHUNK_SIZE)):
        by_position = {row.position: row for row in await index.list_by_positions(connection, chunk)}
        rows = [by_position[position] for position in chunk]
        complete = [hit for hit in await score_papers(rows, scorer) if hit[0].is_complete]
        hits += complete
        rejected += len(rows) - len(complete)
        if len(hits) >= max(limit, scoring.MIN_COMPLETE_MATCHES) and not query.excluded:
            break
    if len(hits) >= scoring.MIN_COMPLETE_MATCHES:
        return hits, len(positions) - rejected
    ranked, _ = await find(connection, query, expanded, scope, limit=_PARTIAL_LIMIT)
    listed = await papers.list_rows(connection, [paper_id for _, paper_id in ranked])
    score_of = {paper_id: score for score, paper_id in ranked}
    hits = [(score_of[row.id], row.id) for row in sorted(listed, key=results.votes_descending)]
    return hits, len(hits)


async def _list_top_positions(
    connection: Connection, query: Query, expanded: Expansion, scope: SearchScope
) -> list[int]:
    """Return the index's matches, most voted first, of equal votes the newest; none if authors limit the scope."""
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    full_query = build_index_query(segments, expanded)
    if full_query is None or scope.paper_ids is not None:
        return []
    positions = await candidates.list_popular(connection, full_query, scope.filters, _MAX_TOP_PAPERS)
    votes = await index.list_votes(connection, positions)
    return sorted(positions, key=lambda position: (votes[position] is None, -(votes[position] or 0)))


def is_partial(hits: Iterable[Hit]) -> bool:
    """Tell whether some hits lack a part of the query."""
    return not all(score.is_complete for score, _ in hits)


def _count_complete(hits: Sequence[Hit]) -> int:
    return sum(score.is_complete for score, _ in hits)


def _rank(hits: Sequence[Hit], limit: int) -> list[Hit]:
    newest_first = sorted(hits, key=lambda hit: -hit[1])
    return scoring.rank(newest_first, limit)


def build_index_query(segments: Sequence[Segment], expanded: Expansion) -> index_query.IndexQuery | None:
    """Return the index query for papers with all segments, or with a term that the whole query composes."""
    queries = [
        index_query.from_segments(segments),
        *(index_query.from_segment(term) for term in expanded.composed),
    ]
    return index_query.combine_any([query for query in queries if query is not None])


def _build_relaxed_query(segments: Sequence[Segment], expanded: Expansion) -> index_query.IndexQuery | None:
    """Return the index query for papers with most of the segments."""
    queries = [index_query.from_segments(some) for some in _relaxed_segments(segments, expanded)]
    return index_query.combine_any([query for query in queries if query is not None])


def _relaxed_segments(segments: Sequence[Segment], expanded: Expansion) -> list[Sequence[Segment]]:
    """Return subsets of the segments: all but one of two to four, half of five or more; of one term its words."""
    if len(segments) < 2:
        return [expanded.fallback] if expanded.fallback else []
    if len(segments) <= 4:
        return list(combinations(segments, len(segments) - 1))
    half = (len(segments) + 1) // 2
    return [segments[start : start + half] for start in range(len(segments) - half + 1)]


async def score_papers(rows: Sequence[index.IndexRow], scorer: scoring.Scorer) -> list[Hit]:
    """Score papers in slices; those that match no part of the query, or an exclusion, are left out."""
    hits, slices = [], TimeSlices()
    for row in rows:
        score = scorer.score(term_variants.Document(row.texts.title, row.texts.body, row.votes, row.last_on))
        if score is not None:
            hits.append((score, row.paper_id))
        await slices.pause()
    return hits


async def load_rows(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as list rows, with their scores."""
    scores = {paper_id: score.total for score, paper_id in hits}
    rows = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in rows]
