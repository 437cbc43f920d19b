"""Finds papers by what they say: understands nothing itself, gathers candidates and scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, combinations

from bot.services import index_questions as questions
from bot.text import query as queries
from bot.text import ranking
from bot.text.glossary import expansion
from storage import models, papers, search
from storage import search_engines as engines
from storage.database import Connection
from storage.search_terms import Wanted, all_of, effort

IN_TITLES = 40
ANYWHERE = 80
"""So many of the most popular papers are scored that have what is wanted in the title, and anywhere."""
MOST_COUNTED = 500
EFFORT, MORE_EFFORT = 800_000, 120_000
"""Entries of the index's lists that may be read for a query, and for each kind of better papers: 30 ms, and 4 ms. A longer
search keeps to the most popular papers, which only nonsense and very common words at many papers do.
"""


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
    phrase = questions.of_text(understood.typed) if len(understood.segments) > 1 else None
    segments = [*understood.segments, *map(expansion.as_typed, asked.phrases)]
    question = all_words(segments, understood)
    if question is None:
        return Found()
    pool = await _gather(connection, question, narrowing, most, several=len(segments) > 1, phrase=phrase)
    scored = score(pool.papers, scores)
    complete = sum(score.matched >= score.segments for score, _ in scored)
    if complete >= ranking.FEW:
        # The index lets a few too many through; where all were seen, only those that truly match are counted.
        return Found(_best(scored, complete), complete if pool.whole else max(complete, pool.total))
    fewer = questions.either(
        [one for few in _fewer(segments, understood) if (one := questions.of_segments(few)) is not None]
    )
    if fewer is not None:
        known = {one.paper_id for one in pool.papers}
        more = await _gather(connection, fewer, narrowing, most, several=True)
        scored += score([one for one in more.papers if one.paper_id not in known], scores)
    hits = _best(scored, len(scored))
    return Found(hits, len(hits), any(hit.score.matched < hit.score.segments for hit in hits))


def _best(scored: Sequence[tuple[ranking.Score, int]], most: int) -> tuple[Hit, ...]:
    newest_first = sorted(scored, key=lambda one: -one[1])
    return tuple(Hit(paper_id, score) for score, paper_id in ranking.best(newest_first, most))


def all_words(
    segments: Sequence[expansion.Segment], understood: expansion.Expansion
) -> questions.Question | None:
    """Ask the index for papers with all of a query, or with what the whole of it is composed to."""
    plain = questions.of_segments(segments)
    composed = [questions.of_forms(one) for one in understood.composed]
    return questions.either([one for one in (plain, *composed) if one is not None])


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


@dataclass(frozen=True, slots=True)
class _Pool:
    """Candidates; `whole` if there are no others, else `total` counts what the index has, up to `MOST_COUNTED`."""

    papers: Sequence[search.Indexed]
    total: int
    whole: bool


async def _gather(
    connection: Connection,
    question: questions.Question,
    narrowing: Narrowing,
    most: int,
    *,
    several: bool,
    phrase: questions.Question | None = None,
) -> _Pool:
    """Return the most popular papers that have it in the title and, if those are few, that have it anywhere.

    Of each kind also the most popular ones whose text says it often: an index that is walked in order of popularity
    would not come to them.
    """
    if narrowing.paper_ids is not None:
        own = await search.list_indexed(connection, narrowing.paper_ids)
        allowed = [one for one in own.values() if narrowing.filters.allow(one)]
        return _Pool(allowed, len(allowed), True)
    counts = await search.list_counts(
        connection, questions.tokens(question) | (questions.tokens(phrase) if phrase else set())
    )
    question = questions.thin(question, counts)
    in_titles, anywhere = max(IN_TITLES, 2 * most), max(ANYWHERE, 2 * most)

    def tier(table: str, wanted: Wanted, limit: int, most_effort: int = MORE_EFFORT) -> engines.Tier:
        return engines.Tier(table, wanted, limit, most_effort / max(most_effort, effort(wanted, counts)))

    all_, titles = await search.list_positions(
        connection,
        [
            tier(search.WORDS, question.anywhere, max(anywhere, MOST_COUNTED), EFFORT),
            tier(search.TITLES, question.anywhere, in_titles, EFFORT),
        ],
        narrowing.filters,
    )
    whole = len(all_) <= anywhere
    chosen = set(all_)
    if not whole:
        full = len(titles) >= in_titles
        best = await search.list_positions(
            connection,
            [
                *(tier(search.WORDS, one, in_titles) for one in _titled(question, several)),
                *(tier(search.TITLES, one, in_titles) for one in _best_kinds(question, full, several)),
                *(
                    tier(table, phrase.anywhere, in_titles)
                    for table in (search.WORDS, search.TITLES)
                    if phrase is not None
                ),
            ],
            narrowing.filters,
        )
        chosen = {*titles, *chain(*best), *(() if full else all_[:anywhere])}
    return _Pool(await search.list_at(connection, chosen), len(all_), whole)


def _best_kinds(question: questions.Question, full: bool, several: bool) -> list[Wanted]:
    """Return what the best papers hold, beside having everything in the title: those are more than `full` if it is."""
    if full:
        kinds = [all_of([one, question.anywhere]) for one in (question.often, question.again)]
    else:
        kinds = [] if several else [question.often, question.again]
    if several:
        kinds += [question.strongest, question.strong]
    return [kind for kind in kinds if kind is not None]


def _titled(question: questions.Question, several: bool) -> list[Wanted]:
    """Return what papers hold that have one of several parts in the title, and all of them anywhere."""
    both = all_of([question.titled, question.anywhere])
    return [both] if several and both is not None else []


def score(pool: Sequence[search.Indexed], scores: ranking.Ranking) -> list[tuple[ranking.Score, int]]:
    """Score papers; those that have nothing of the query are left out."""
    scored = []
    for one in pool:
        made_of = scores.score(ranking.Document(one.texts.title, one.texts.body, one.votes, one.last_on))
        if made_of is not None:
            scored.append((made_of, one.paper_id))
    return scored


async def rows_of(connection: Connection, hits: Sequence[Hit]) -> list[models.PaperRow]:
    """Return the papers of these hits as a list shows them, with their scores."""
    scores = {hit.paper_id: hit.score.total for hit in hits}
    found = await papers.list_rows(connection, list(scores))
    return [replace(row, score=round(scores[row.id], 4)) for row in found]
