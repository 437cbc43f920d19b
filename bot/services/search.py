"""Finds papers by what they say: understands nothing itself, gathers candidates and scores them. Shows nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

ANYWHERE = 80
"""So many of the most popular papers are scored that have what is wanted anywhere."""
OF_A_KIND = 20
"""And so many of each kind that ranks high; of those with everything in the title twice as many."""
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
    if pool.rest and _complete(scored) < most:
        # The index lets papers through in which the words only meet by chance: then there are more to look at.
        scored += score(await search.list_at(connection, pool.rest), scores)
    complete = _complete(scored)
    if complete >= ranking.FEW:
        # Where all were seen, only those that truly match are counted.
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


def _complete(scored: Sequence[tuple[ranking.Score, int]]) -> int:
    return sum(score.matched >= score.segments for score, _ in scored)


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
    """Candidates; `whole` if there are no others, else `total` counts what the index has, up to `MOST_COUNTED`.

    `rest` are the positions of more that would do, should these not.
    """

    papers: Sequence[search.Indexed]
    total: int
    whole: bool
    rest: Sequence[int] = ()


async def _gather(
    connection: Connection,
    question: questions.Question,
    narrowing: Narrowing,
    most: int,
    *,
    several: bool,
    phrase: questions.Question | None = None,
) -> _Pool:
    """Return the most popular papers that have what is asked for, and the most popular ones of each kind that ranks high.

    An index that is walked in order of popularity would not come to those by itself.
    """
    if narrowing.paper_ids is not None:
        own = await search.list_indexed(connection, narrowing.paper_ids)
        allowed = [one for one in own.values() if narrowing.filters.allow(one)]
        return _Pool(allowed, len(allowed), True)
    asked = questions.tokens(question) | (questions.tokens(phrase) if phrase else set())
    counts = await search.list_counts(connection, asked)
    question = questions.thin(question, counts)
    phrase = None if phrase is None else questions.thin(phrase, counts)
    many, few = max(ANYWHERE, 2 * most), max(OF_A_KIND, most + 2)
    all_, titled = await search.list_positions(
        connection,
        [
            _tier(question.anywhere, max(many, MOST_COUNTED), counts, EFFORT),
            _tier(question.titled, 2 * few, counts, EFFORT),
        ],
        narrowing.filters,
    )
    if len(all_) <= many:
        return _Pool(await search.list_at(connection, all_), len(all_), True)
    if len(titled) >= 2 * few:
        kinds = _kinds_in_titles(question, phrase)
        popular, rest = all_[:0], all_[:0]
    else:
        kinds = _kinds(question, phrase) if several else [question.often, question.again]
        popular, rest = all_[:many], all_[many:]
    best = await search.list_positions(
        connection, [_tier(one, few, counts, MORE_EFFORT) for one in kinds], narrowing.filters
    )
    chosen = {*titled, *chain(*best), *popular}
    return _Pool(await search.list_at(connection, chosen), len(all_), False, rest)


def _tier(wanted: Wanted, limit: int, counts: Mapping[str, int], most: int) -> engines.Tier:
    """Ask for papers with what is wanted, as far as so many entries of lists may be read."""
    return engines.Tier(search.WORDS, wanted, limit, most / max(most, effort(wanted, counts)))


def _kinds_in_titles(question: questions.Question, phrase: questions.Question | None) -> list[Wanted]:
    """Return what the best of many papers hold that have everything in the title."""
    kinds = [all_of([question.titled, one]) for one in (question.often, question.again, question.some_again)]
    if phrase is not None:
        kinds += [all_of([phrase.titled, question.some_again]), phrase.titled]
    return list(dict.fromkeys(one for one in kinds if one is not None))


def _kinds(question: questions.Question, phrase: questions.Question | None) -> list[Wanted]:
    """Return what the best papers hold if few have everything in the title: it as a phrase, a part in the title, and more."""
    here = question.anywhere
    some = (question.some_titled, question.some_again)
    kinds = [
        *(all_of([here, question.some_titled, one]) for one in (question.again, question.some_again)),
        *(all_of([here, one]) for one in (*some, question.again)),
    ]
    if question.most_titled != question.titled:
        most = (question.most_titled, question.most_again)
        kinds += [all_of([here, *ones]) for ones in (most, most[:1], most[1:])]
    if phrase is not None:
        kinds += [all_of([phrase.anywhere, *ones]) for ones in (some, some[:1], some[1:], ())]
    return list(dict.fromkeys(one for one in kinds if one is not None))


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
