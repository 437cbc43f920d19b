"""Finds papers by what they say: understands nothing itself, asks for candidates and scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from bot.services.search import candidates, index_query
from bot.services.search.candidates import Narrowing as Narrowing
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
class Found:
    """All that was scored, best first; `total` is what there is, `partial` whether some lack words."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    partial: bool = False


async def find(
    connection: Connection,
    asked: query_parser.Query,
    understood: expansion.Expansion,
    narrowing: Narrowing,
    *,
    most: int,
) -> Found:
    """Return the papers for a query that has words, at least `most` of them scored if there are so many."""
    scores = scoring.Ranking(understood, asked.phrases, asked.excluded)
    phrase = index_query.of_text(understood.typed) if len(understood.segments) > 1 else None
    segments = [*understood.segments, *map(expansion.as_typed, asked.phrases)]
    question = all_words(segments, understood)
    if question is None:
        return Found()
    pool = await candidates.gather(connection, question, narrowing, most, phrase=phrase)
    scored = score(pool.papers, scores)
    if pool.rest and _complete(scored) < most:
        # The index lets papers through in which the words only meet by chance: then there are more to look at.
        scored += score(await index.list_at(connection, pool.rest), scores)
    complete = _complete(scored)
    if complete >= scoring.FEW:
        # Where all were seen, only those that truly match are counted.
        return Found(_best(scored, complete), complete if pool.whole else max(complete, pool.total))
    fewer = index_query.either(
        [one for few in _fewer(segments, understood) if (one := index_query.of_segments(few)) is not None]
    )
    if fewer is not None:
        known = {one.paper_id for one in pool.papers}
        more = await candidates.gather(connection, fewer, narrowing, most)
        scored += score([one for one in more.papers if one.paper_id not in known], scores)
    hits = _best(scored, len(scored))
    return Found(hits, len(hits), any(hit.score.matched < hit.score.segments for hit in hits))


def _complete(scored: Sequence[tuple[scoring.Score, int]]) -> int:
    return sum(score.matched >= score.segments for score, _ in scored)


def _best(scored: Sequence[tuple[scoring.Score, int]], most: int) -> tuple[Hit, ...]:
    newest_first = sorted(scored, key=lambda one: -one[1])
    return tuple(Hit(paper_id, score) for score, paper_id in scoring.best(newest_first, most))


def all_words(
    segments: Sequence[expansion.Segment], understood: expansion.Expansion
) -> index_query.Question | None:
    """Ask the index for papers with all of a query, or with what the whole of it is composed to."""
    plain = index_query.of_segments(segments)
    composed = [index_query.of_forms(one) for one in understood.composed]
    return index_query.either([one for one in (plain, *composed) if one is not None])


def _fewer(
    segments: Sequence[expansion.Segment], understood: expansion.Expansion
) -> list[Sequence[expansion.Segment]]:
    """Return the choices of most words: all but one of two to four, at least half of more; of one term its words."""
    if len(segments) < 2:
        return [understood.parts] if understood.parts else []
    if len(segments) <= 4:
        return list(combinations(segments, len(segments) - 1))
    half = (len(segments) + 1) // 2
    return [segments[start : start + half] for start in range(len(segments) - half + 1)]


def score(pool: Sequence[index.Indexed], scores: scoring.Ranking) -> list[tuple[scoring.Score, int]]:
    """Score papers; those that have nothing of the query are left out."""
    scored = []
    for one in pool:
        made_of = scores.score(scoring.Document(one.texts.title, one.texts.body, one.votes, one.last_on))
        if made_of is not None:
            scored.append((made_of, one.paper_id))
    return scored


async def rows_of(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as a list shows them, with their scores."""
    scores = {hit.paper_id: hit.score.total for hit in hits}
    found = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in found]
