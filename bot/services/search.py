"""Finds papers by what they say: understands the query, gathers candidates, scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

from bot.services import index_tokens
from bot.text import query as queries
from bot.text import ranking
from bot.text.glossary.expansion import Expansion, Segment, as_typed
from storage import models, papers, search
from storage.database import Connection
from storage.search_terms import Wanted, any_of

CANDIDATES = 200
"""The most popular papers that hold what is wanted are scored, so many of each kind."""
FEW = 3
"""With fewer papers than this that have all words, those with most of them follow."""
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a search. Dates are digest dates, both ends included; `paper_ids` None means all."""

    since_on: date | None = None
    until_on: date | None = None
    min_votes: int | None = None
    paper_ids: frozenset[int] | None = None

    def allow(self, paper: search.Indexed) -> bool:
        """Tell whether a paper passes."""
        return (
            (self.since_on is None or paper.last_on >= self.since_on)
            and (self.until_on is None or paper.last_on <= self.until_on)
            and (not self.min_votes or (paper.votes or 0) >= self.min_votes)
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper that was found, with its score."""

    paper_id: int
    score: ranking.Score


@dataclass(frozen=True, slots=True)
class Found:
    """All that was scored, best first; `total` is what there is, `partial` whether some lack words."""

    hits: tuple[Hit, ...]
    total: int
    partial: bool


async def find(
    connection: Connection,
    asked: queries.Query,
    understood: Expansion,
    filters: Filters,
    *,
    most: int,
) -> Found:
    """Return the papers for a query that has words, at least `most` of them scored if there are so many."""
    scores = ranking.Ranking(understood, asked.phrases, asked.excluded)
    segments = [*understood.segments, *map(as_typed, asked.phrases)]
    wanted = _all_words(segments, understood)
    if wanted is None:
        return Found((), 0, False)
    pool = await _gather(connection, wanted, filters, max(CANDIDATES, 2 * most))
    hits = _score(pool, scores)
    complete = [hit for hit in hits if hit.score.matched >= hit.score.segments]
    if len(complete) >= FEW or len(segments) < 2:
        return Found(tuple(complete), await _total(connection, wanted, filters, pool, complete, most), False)
    fewer = any_of([part for few in _fewer(segments) if (part := index_tokens.wanted(few)) is not None])
    if fewer is not None:
        known = {one.paper_id for one in pool}
        more = await _gather(connection, fewer, filters, max(CANDIDATES, 2 * most))
        hits = _score([*pool, *(one for one in more if one.paper_id not in known)], scores)
    return Found(tuple(hits), len(hits), len(hits) > len(complete))


def _all_words(segments: Sequence[Segment], understood: Expansion) -> Wanted | None:
    plain = index_tokens.wanted(segments)
    composed = [index_tokens.wanted([one]) for one in understood.composed]
    return any_of([one for one in (plain, *composed) if one is not None])


def _fewer(segments: Sequence[Segment]) -> list[Sequence[Segment]]:
    """Return the choices of most words: all but one of two to four, at least half of more."""
    if len(segments) <= 4:
        return list(combinations(segments, len(segments) - 1))
    half = (len(segments) + 1) // 2
    return [segments[start : start + half] for start in range(len(segments) - half + 1)]


async def _gather(
    connection: Connection, wanted: Wanted, filters: Filters, limit: int
) -> list[search.Indexed]:
    """Return candidates: the most popular papers with it in the title, and those with it anywhere."""
    if filters.paper_ids is not None:
        own = await search.list_indexed(connection, filters.paper_ids)
        return [one for one in own.values() if filters.allow(one)]
    found: dict[int, search.Indexed] = {}
    for table in (search.TITLES, search.WORDS):
        for one in await search.list_candidates(
            connection,
            wanted,
            table=table,
            since_on=filters.since_on,
            until_on=filters.until_on,
            min_votes=filters.min_votes,
            limit=limit,
        ):
            found.setdefault(one.paper_id, one)
    return list(found.values())


def _score(pool: Sequence[search.Indexed], scores: ranking.Ranking) -> list[Hit]:
    hits = []
    for one in pool:
        score = scores.score(ranking.Document(one.texts.title, one.texts.body, one.votes, one.last_on))
        if score is not None:
            hits.append(Hit(one.paper_id, score))
    return sorted(hits, key=lambda hit: (-hit.score.order[0], -hit.score.order[1], -hit.paper_id))


async def _total(
    connection: Connection,
    wanted: Wanted,
    filters: Filters,
    pool: Sequence[search.Indexed],
    complete: Sequence[Hit],
    most: int,
) -> int:
    """Count exactly where all were seen, else by the index, up to `MOST_COUNTED`."""
    if filters.paper_ids is not None or len(pool) < max(CANDIDATES, 2 * most):
        return len(complete)
    counted = await search.count(
        connection,
        wanted,
        since_on=filters.since_on,
        until_on=filters.until_on,
        min_votes=filters.min_votes,
        limit=MOST_COUNTED,
    )
    return max(counted, len(complete))


async def rows_of(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as a list shows them, with their scores."""
    scores = {hit.paper_id: hit.score.total for hit in hits}
    found = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in found]
