"""Chooses which papers are worth scoring for a question: the most popular ones, and those of each kind that ranks high.

The index is walked in order of popularity, which alone would not come to a paper with everything in its title. Scores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.services.search import index_query
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import Wanted, all_of, effort

ANYWHERE = 40
"""So many of the most popular papers are scored that have what is wanted anywhere."""
FURTHER = 4
"""So many times as many are looked at where too few of those truly have it."""
OF_A_KIND = 20
"""And so many of each kind that ranks high; of those with everything in the title twice as many."""
EFFORT, MORE_EFFORT = 800_000, 30_000
"""Entries of the index's lists that may be read for a query, and for each kind of better papers: 30 ms, and 1 ms. A longer
search keeps to the most popular papers, which only nonsense and very common words at many papers do.
"""
MOST_COUNTED, MOST_COUNTED_QUICKLY = 500, 150
QUICKLY = 100_000
"""Matches are counted up to the first, or up to the second if more entries than this are read for all of them."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What narrows a search. `paper_ids` are those that the named authors wrote, None when none is named."""

    filters: index.Filters = field(default_factory=index.Filters)
    paper_ids: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates; `whole` if there are no others, else `total` counts what the index has, up to some hundreds.

    `rest` are the positions of more that would do, should these not.
    """

    papers: Sequence[index.Indexed]
    total: int
    whole: bool
    rest: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Kind:
    """Papers that rank high. They are part of other kinds, by number, so only worth asking for where those are many."""

    wanted: Wanted | None
    within: tuple[int, ...] = ()


async def gather(
    connection: Connection,
    question: index_query.Question,
    narrowing: Narrowing,
    most: int,
    *,
    phrase: index_query.Question | None = None,
) -> Pool:
    """Return the papers to score for a question whose `most` best are wanted. `phrase` asks for all its words in a row."""
    if narrowing.paper_ids is not None:
        own = await index.list_indexed(connection, narrowing.paper_ids)
        allowed = [one for one in own.values() if narrowing.filters.allow(one)]
        return Pool(allowed, len(allowed), True)
    asked = index_query.tokens(question) | (index_query.tokens(phrase) if phrase else set())
    counts = await index.list_counts(connection, asked)
    question = index_query.thin(question, counts)
    phrase = None if phrase is None else index_query.thin(phrase, counts)
    many, few = max(ANYWHERE, 2 * most), max(OF_A_KIND, most + 2)
    counted = MOST_COUNTED if effort(question.anywhere, counts) <= QUICKLY else MOST_COUNTED_QUICKLY
    all_, titled = await index.list_positions(
        connection,
        [
            _tier(question.anywhere, max(2 * many, counted), counts, EFFORT),
            _tier(question.titled, 2 * few, counts, EFFORT),
        ],
        narrowing.filters,
    )
    if len(all_) <= many:
        return Pool(await index.list_at(connection, all_), len(all_), True)
    in_titles = len(titled) >= 2 * few
    kinds = _kinds_in_titles(question, phrase) if in_titles else _kinds(question, phrase)
    chosen = {*titled, *await _list_kinds(connection, kinds, narrowing, counts, few)}
    if in_titles:
        return Pool(await index.list_at(connection, chosen), len(all_), False)
    rest = all_[many : FURTHER * many]
    return Pool(await index.list_at(connection, chosen.union(all_[:many])), len(all_), False, rest)


async def _list_kinds(
    connection: Connection, kinds: Sequence[_Kind], narrowing: Narrowing, counts: Mapping[str, int], few: int
) -> set[int]:
    """Return the positions of the most popular papers of each kind; of a part of a kind only where the kind has more."""
    found: dict[Wanted, list[int]] = {}

    def has_more(number: int) -> bool:
        wanted = kinds[number].wanted
        return wanted is not None and len(found.get(wanted, ())) >= few

    while True:
        open_ = [kind.wanted for kind in kinds if all(map(has_more, kind.within))]
        asked = [one for one in dict.fromkeys(open_) if one is not None and one not in found]
        if not asked:
            return set().union(*found.values())
        tiers = [_tier(one, few, counts, MORE_EFFORT) for one in asked]
        listed = await index.list_positions(connection, tiers, narrowing.filters)
        found.update(zip(asked, listed, strict=True))


def _tier(wanted: Wanted, limit: int, counts: Mapping[str, int], most: int) -> engines.Tier:
    """Ask for papers with what is wanted, as far as so many entries of lists may be read."""
    return engines.Tier(index.WORDS, wanted, limit, most / max(most, effort(wanted, counts)))


def _kinds_in_titles(question: index_query.Question, phrase: index_query.Question | None) -> list[_Kind]:
    """Return what the best of many papers are that have everything in the title."""
    titled = question.titled
    kinds = [
        _Kind(all_of([titled, question.both])),
        _Kind(all_of([titled, question.any_again])),
        _Kind(all_of([titled, question.again]), within=(0, 1)),
        _Kind(all_of([titled, question.often]), within=(2,)),
    ]
    if phrase is not None:
        kinds.append(_Kind(phrase.titled))
        kinds.append(_Kind(all_of([phrase.titled, question.any_again]), within=(1, 4)))
        kinds.append(_Kind(all_of([phrase.titled, question.again]), within=(2, 5)))
        kinds.append(_Kind(all_of([phrase.titled, phrase.both]), within=(4,)))
    return kinds


def _kinds(question: index_query.Question, phrase: index_query.Question | None) -> list[_Kind]:
    """Return what the best papers are if few have everything in the title."""
    if question.any_titled == question.titled:
        return [_Kind(question.again), _Kind(question.often, within=(0,))]
    kinds = [
        _Kind(question.one_titled),
        _Kind(question.one_again),
        _Kind(question.again, within=(1,)),
    ]
    if question.most_titled != question.titled:
        kinds.append(_Kind(all_of([question.anywhere, question.most_titled]), within=(0,)))
        kinds.append(_Kind(all_of([question.again, question.most_titled]), within=(2, 3)))
    if phrase is not None:
        row, first = phrase.anywhere, len(kinds)
        kinds.append(_Kind(row))
        kinds.append(_Kind(all_of([row, question.any_titled]), within=(0, first)))
        kinds.append(_Kind(all_of([row, question.any_again]), within=(1, first)))
    return kinds
