"""Chooses which papers are worth scoring for a question: the most popular ones, and those of each kind that ranks high.

The index is walked in order of popularity, which alone would not come to a paper with everything in its title. Scores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.services.search import index_query
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import BooleanQuery, all_of, estimate_cost

FULL_TEXT_LIMIT = 40
"""So many of the most popular papers are scored that have what is wanted anywhere."""
OVERFETCH_FACTOR = 4
"""So many times as many are looked at where too few of those truly have it."""
STAGE_LIMIT = 20
"""And so many of each kind that ranks high; of those with everything in the title twice as many."""
COST_LIMIT, STAGE_COST_LIMIT = 800_000, 30_000
"""Entries of the index's lists that may be read for a query, and for each kind of better papers: 30 ms, and 1 ms. A longer
search keeps to the most popular papers, which only nonsense and very common words at many papers do.
"""
COUNT_LIMIT, COUNT_LIMIT_EXPENSIVE = 500, 150
EXPENSIVE_COST = 100_000
"""Matches are counted up to the first, or up to the second if more entries than this are read for all of them."""


@dataclass(frozen=True, slots=True)
class SearchScope:
    """What narrows a search. `paper_ids` are those that the named authors wrote, None when none is named."""

    filters: index.Filters = field(default_factory=index.Filters)
    paper_ids: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Candidates; `whole` if there are no others, else `total` counts what the index has, up to some hundreds.

    `rest` are the positions of more that would do, should these not.
    """

    papers: Sequence[index.IndexRow]
    total: int
    is_complete: bool
    more_positions: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Stage:
    """Papers that rank high. They are part of other kinds, by number, so only worth asking for where those are many."""

    query: BooleanQuery | None
    subset_of: tuple[int, ...] = ()


async def gather(
    connection: Connection,
    query: index_query.IndexQuery,
    scope: SearchScope,
    limit: int,
    *,
    phrase: index_query.IndexQuery | None = None,
) -> CandidateSet:
    """Return the papers to score for a question whose `most` best are wanted. `phrase` asks for all its words in a row."""
    if scope.paper_ids is not None:
        own = await index.list_by_paper_ids(connection, scope.paper_ids)
        allowed = [one for one in own.values() if scope.filters.matches(one)]
        return CandidateSet(allowed, len(allowed), True)
    asked = index_query.collect_tokens(query) | (index_query.collect_tokens(phrase) if phrase else set())
    counts = await index.get_document_frequencies(connection, asked)
    query = index_query.prune(query, counts)
    phrase = None if phrase is None else index_query.prune(phrase, counts)
    many, few = max(FULL_TEXT_LIMIT, 2 * limit), max(STAGE_LIMIT, limit + 2)
    counted = (
        COUNT_LIMIT if estimate_cost(query.anywhere, counts) <= EXPENSIVE_COST else COUNT_LIMIT_EXPENSIVE
    )
    all_, titled = await index.list_positions(
        connection,
        [
            _request(query.anywhere, max(2 * many, counted), counts, COST_LIMIT),
            _request(query.in_title, 2 * few, counts, COST_LIMIT),
        ],
        scope.filters,
    )
    if len(all_) <= many:
        return CandidateSet(await index.list_by_positions(connection, all_), len(all_), True)
    in_titles = len(titled) >= 2 * few
    kinds = _title_stages(query, phrase) if in_titles else _general_stages(query, phrase)
    chosen = {*titled, *await _run_stages(connection, kinds, scope, counts, few)}
    if in_titles:
        return CandidateSet(await index.list_by_positions(connection, chosen), len(all_), False)
    rest = all_[many : OVERFETCH_FACTOR * many]
    return CandidateSet(
        await index.list_by_positions(connection, chosen.union(all_[:many])), len(all_), False, rest
    )


async def _run_stages(
    connection: Connection,
    kinds: Sequence[_Stage],
    narrowing: SearchScope,
    counts: Mapping[str, int],
    few: int,
) -> set[int]:
    """Return the positions of the most popular papers of each kind; of a part of a kind only where the kind has more."""
    found: dict[BooleanQuery, list[int]] = {}

    def has_more(number: int) -> bool:
        wanted = kinds[number].query
        return wanted is not None and len(found.get(wanted, ())) >= few

    while True:
        open_ = [kind.query for kind in kinds if all(map(has_more, kind.subset_of))]
        asked = [one for one in dict.fromkeys(open_) if one is not None and one not in found]
        if not asked:
            return set().union(*found.values())
        tiers = [_request(one, few, counts, STAGE_COST_LIMIT) for one in asked]
        listed = await index.list_positions(connection, tiers, narrowing.filters)
        found.update(zip(asked, listed, strict=True))


def _request(wanted: BooleanQuery, limit: int, counts: Mapping[str, int], most: int) -> engines.SearchRequest:
    """Ask for papers with what is wanted, as far as so many entries of lists may be read."""
    return engines.SearchRequest(
        index.WORDS_TABLE, wanted, limit, most / max(most, estimate_cost(wanted, counts))
    )


def _title_stages(question: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return what the best of many papers are that have everything in the title."""
    titled = question.in_title
    kinds = [
        _Stage(all_of([titled, question.in_title_and_body])),
        _Stage(all_of([titled, question.any_repeated])),
        _Stage(all_of([titled, question.repeated]), subset_of=(0, 1)),
        _Stage(all_of([titled, question.frequent]), subset_of=(2,)),
    ]
    if phrase is not None:
        kinds.append(_Stage(phrase.in_title))
        kinds.append(_Stage(all_of([phrase.in_title, question.any_repeated]), subset_of=(1, 4)))
        kinds.append(_Stage(all_of([phrase.in_title, question.repeated]), subset_of=(2, 5)))
        kinds.append(_Stage(all_of([phrase.in_title, phrase.in_title_and_body]), subset_of=(4,)))
    return kinds


def _general_stages(question: index_query.IndexQuery, phrase: index_query.IndexQuery | None) -> list[_Stage]:
    """Return what the best papers are if few have everything in the title."""
    if question.any_in_title == question.in_title:
        return [_Stage(question.repeated), _Stage(question.frequent, subset_of=(0,))]
    kinds = [
        _Stage(question.one_in_title),
        _Stage(question.one_repeated),
        _Stage(question.repeated, subset_of=(1,)),
    ]
    if question.most_in_title != question.in_title:
        kinds.append(_Stage(all_of([question.anywhere, question.most_in_title]), subset_of=(0,)))
        kinds.append(_Stage(all_of([question.repeated, question.most_in_title]), subset_of=(2, 3)))
    if phrase is not None:
        row, first = phrase.anywhere, len(kinds)
        kinds.append(_Stage(row))
        kinds.append(_Stage(all_of([row, question.any_in_title]), subset_of=(0, first)))
        kinds.append(_Stage(all_of([row, question.any_repeated]), subset_of=(1, first)))
    return kinds
