"""Finds papers by what they say: understands nothing itself, asks for candidates and scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from bot.services.search import candidates, index_query
from bot.services.search.candidates import SearchScope as SearchScope
from bot.text import query_parser, scoring
from bot.text.glossary.model import expansion
from storage import models, papers
from storage.database import Connection
from storage.search import index


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper that was found, with its score."""

    paper_id: int
    score: scoring.Score


@dataclass(frozen=True, slots=True)
class SearchHits:
    """All that was scored, best first; `total` is what there is, `partial` whether some lack words."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    is_partial: bool = False


async def find(
    connection: Connection,
    query: query_parser.Query,
    expanded: expansion.Expansion,
    scope: SearchScope,
    *,
    limit: int,
) -> SearchHits:
    """Return the papers for a query that has words, at least `most` of them scored if there are so many."""
    scores = scoring.Scorer(expanded, query.phrases, query.excluded)
    phrase = index_query.from_text(expanded.text) if len(expanded.segments) > 1 else None
    segments = [*expanded.segments, *map(expansion.literal_segment, query.phrases)]
    question = build_index_query(segments, expanded)
    if question is None:
        return SearchHits()
    pool = await candidates.gather(connection, question, scope, limit, phrase=phrase)
    scored = score_papers(pool.papers, scores)
    if pool.more_positions and _count_complete(scored) < limit:
        # The index lets papers through in which the words only meet by chance: then there are more to look at.
        scored += score_papers(await index.list_by_positions(connection, pool.more_positions), scores)
    complete = _count_complete(scored)
    if complete >= scoring.MIN_COMPLETE_MATCHES:
        # Where all were seen, only those that truly match are counted.
        return SearchHits(
            _top_hits(scored, complete), complete if pool.is_complete else max(complete, pool.total)
        )
    fewer = index_query.combine_any(
        [
            one
            for few in _relaxed_segments(segments, expanded)
            if (one := index_query.from_segments(few)) is not None
        ]
    )
    if fewer is not None:
        known = {one.paper_id for one in pool.papers}
        more = await candidates.gather(connection, fewer, scope, limit)
        scored += score_papers([one for one in more.papers if one.paper_id not in known], scores)
    hits = _top_hits(scored, len(scored))
    return SearchHits(hits, len(hits), any(hit.score.matched < hit.score.segments for hit in hits))


def _count_complete(scored: Sequence[tuple[scoring.Score, int]]) -> int:
    return sum(score.matched >= score.segments for score, _ in scored)


def _top_hits(scored: Sequence[tuple[scoring.Score, int]], most: int) -> tuple[Hit, ...]:
    newest_first = sorted(scored, key=lambda one: -one[1])
    return tuple(Hit(paper_id, score) for score, paper_id in scoring.rank(newest_first, most))


def build_index_query(
    segments: Sequence[expansion.Segment], understood: expansion.Expansion
) -> index_query.IndexQuery | None:
    """Ask the index for papers with all of a query, or with what the whole of it is composed to."""
    plain = index_query.from_segments(segments)
    composed = [index_query.from_segment(one) for one in understood.composed]
    return index_query.combine_any([one for one in (plain, *composed) if one is not None])


def _relaxed_segments(
    segments: Sequence[expansion.Segment], understood: expansion.Expansion
) -> list[Sequence[expansion.Segment]]:
    """Return the choices of most words: all but one of two to four, at least half of more; of one term its words."""
    if len(segments) < 2:
        return [understood.fallback] if understood.fallback else []
    if len(segments) <= 4:
        return list(combinations(segments, len(segments) - 1))
    half = (len(segments) + 1) // 2
    return [segments[start : start + half] for start in range(len(segments) - half + 1)]


def score_papers(pool: Sequence[index.IndexRow], scorer: scoring.Scorer) -> list[tuple[scoring.Score, int]]:
    """Score papers; those that have nothing of the query are left out."""
    scored = []
    for one in pool:
        made_of = scorer.score(scoring.Document(one.texts.title, one.texts.body, one.votes, one.last_on))
        if made_of is not None:
            scored.append((made_of, one.paper_id))
    return scored


async def load_rows(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as a list shows them, with their scores."""
    scores = {hit.paper_id: hit.score.total for hit in hits}
    found = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in found]
