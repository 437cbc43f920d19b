"""Finds papers by what they say: understands nothing itself, gathers candidates and scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from bot.services import index_tokens
from bot.text import query as queries
from bot.text import ranking
from bot.text.glossary import expansion
from storage import models, papers, search
from storage.database import Connection
from storage.search_terms import Wanted, all_of, any_of

IN_TITLES = 60
ANYWHERE = 100
"""So many of the most popular papers are scored that have what is wanted in the title, and anywhere."""
FEW = 3
"""With fewer papers than this that have all words, those with most of them follow."""
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What narrows a search. `paper_ids` are those that the named authors wrote, None when none is named."""

    filters: search.Filters = field(default_factory=search.Filters)
    paper_ids: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper that was found, with its score."""

    paper_id: int
    score: ranking.Score


@dataclass(frozen=True, slots=True)
class Found:
    """All that was scored, best first; `total` is what there is, `partial` whether some lack words."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    partial: bool = False


async def find(
    connection: Connection,
    asked: queries.Query,
    understood: expansion.Expansion,
    narrowing: Narrowing,
    *,
    most: int,
) -> Found:
    """Return the papers for a query that has words, at least `most` of them scored if there are so many."""
    scores = ranking.Ranking(understood, asked.phrases, asked.excluded)
    segments = [*understood.segments, *map(expansion.as_typed, asked.phrases)]
    wanted = _all_words(segments, understood)
    if wanted is None:
        return Found()
    pool = await _gather(connection, wanted, narrowing, most)
    hits = _score(pool, scores)
    complete = [hit for hit in hits if hit.score.matched >= hit.score.segments]
    if len(complete) >= FEW or len(segments) < 2:
        total = await _total(connection, wanted, narrowing, len(pool), len(complete), most)
        return Found(tuple(complete), total)
    fewer = any_of([part for few in _fewer(segments) if (part := index_tokens.wanted(few)) is not None])
    if fewer is not None:
        known = {one.paper_id for one in pool}
        more = await _gather(connection, fewer, narrowing, most)
        hits = _score([*pool, *(one for one in more if one.paper_id not in known)], scores)
    return Found(tuple(hits), len(hits), len(hits) > len(complete))


def _all_words(segments: Sequence[expansion.Segment], understood: expansion.Expansion) -> Wanted | None:
    plain = index_tokens.wanted(segments)
    composed = [index_tokens.wanted([one]) for one in understood.composed]
    return any_of([one for one in (plain, *composed) if one is not None])


def _fewer(segments: Sequence[expansion.Segment]) -> list[Sequence[expansion.Segment]]:
    """Return the choices of most words: all but one of two to four, at least half of more."""
    if len(segments) <= 4:
        return list(combinations(segments, len(segments) - 1))
    half = (len(segments) + 1) // 2
    return [segments[start : start + half] for start in range(len(segments) - half + 1)]


async def _gather(
    connection: Connection, wanted: Wanted, narrowing: Narrowing, most: int
) -> list[search.Indexed]:
    """Return candidates: the most popular papers that have it in the title, often in the text, both, or at all."""
    if narrowing.paper_ids is not None:
        own = await search.list_indexed(connection, narrowing.paper_ids)
        return [one for one in own.values() if narrowing.filters.allow(one)]
    often = index_tokens.often(wanted)
    titles = max(IN_TITLES, 2 * most)
    tiers = [
        search.Tier(search.TITLES, wanted, titles),
        search.Tier(search.WORDS, wanted, max(ANYWHERE, 2 * most)),
    ]
    if often is not None:
        both = all_of([wanted, often])
        assert both is not None
        tiers += [search.Tier(search.TITLES, both, titles), search.Tier(search.TITLES, often, titles)]
    return await search.list_candidates(connection, tiers, narrowing.filters)


def _score(pool: Sequence[search.Indexed], scores: ranking.Ranking) -> list[Hit]:
    hits = []
    for one in pool:
        score = scores.score(ranking.Document(one.texts.title, one.texts.body, one.votes, one.last_on))
        if score is not None:
            hits.append(Hit(one.paper_id, score))
    return sorted(hits, key=lambda hit: (-hit.score.order[0], -hit.score.order[1], -hit.paper_id))


async def _total(
    connection: Connection, wanted: Wanted, narrowing: Narrowing, seen: int, complete: int, most: int
) -> int:
    """Count exactly where all were seen, else by the index, up to `MOST_COUNTED`."""
    if narrowing.paper_ids is not None or seen < max(ANYWHERE, 2 * most):
        return complete
    return max(complete, await search.count(connection, wanted, narrowing.filters, limit=MOST_COUNTED))


async def rows_of(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as a list shows them, with their scores."""
    scores = {hit.paper_id: hit.score.total for hit in hits}
    found = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in found]
