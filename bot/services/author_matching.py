"""Finds the people whom a name may mean: in any order, spelling and length, and, only if nobody fits, with typing errors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bot.text import folding, names
from storage import author_search, models
from storage.database import Connection
from storage.search_terms import AnyOf, Prefix, Wanted, all_of, any_of

MOST = 25
_POOL = 200
"""People with most papers among those who fit at all; the best of them are given back."""
_MOST_CORRECTIONS = 12


async def find(
    connection: Connection, name: str, *, limit: int = MOST, typing: bool = False
) -> list[models.Author]:
    """Return the people whom a name may mean, best first. While `typing`, the last word may go on."""
    words = names.words(name)
    if not words:
        return []
    for wanted in _questions(name, words, typing=typing):
        people = await author_search.list_people(connection, wanted, limit=limit if typing else _POOL)
        if people:
            return _ranked(people, words, typing=typing)[:limit]
    return (await _with_errors(connection, words))[:limit]


def _questions(name: str, words: Sequence[str], *, typing: bool) -> list[Wanted]:
    """Return what to ask the index, one after the other until somebody is found."""
    spellings = [any_of(list(found)) for found in _spellings(name, words)]
    exact = [one for one in spellings if one is not None]
    whole = _and(exact)
    begun = _and([*exact[:-1], any_of([exact[-1], Prefix(words[-1])])])
    initials = _and([_or_initial(word, one) for word, one in zip(words, exact, strict=True)])
    prefixes = _and([Prefix(word) for word in words])
    questions = [begun] if typing else [whole]
    questions += [*_joined(words), begun, initials, prefixes]
    return list(dict.fromkeys(question for question in questions if question is not None))


def _spellings(name: str, words: Sequence[str]) -> list[list[str]]:
    """Return for each word how else it may stand in the index."""
    written_out = folding.fold_name_german(name[:300]).split()[: len(words)]
    if len(written_out) != len(words):
        written_out = list(words)
    return [
        list(dict.fromkeys((word, german, names.reduced(word), names.reduced(german))))
        for word, german in zip(words, written_out, strict=True)
    ]


def _joined(words: Sequence[str]) -> list[Wanted]:
    """Return the name with two neighbours written as one: jun yang lin as junyang lin, and as jun yanglin."""
    found: list[Wanted] = []
    for place, (left, right) in enumerate(pairwise(words)):
        joined = all_of([*words[:place], left + right, *words[place + 2 :]])
        if joined is not None:
            found.append(joined)
    return [AnyOf(tuple(found))] if found else []


def _or_initial(word: str, spelling: Wanted) -> Wanted | None:
    """Let "J." stand for Junyang and Junyang for "J."."""
    return Prefix(word) if len(word) == 1 else any_of([spelling, word[0]])


def _and(parts: Sequence[Wanted | None]) -> Wanted | None:
    return all_of([part for part in parts if part is not None])


def _ranked(
    people: Sequence[models.Author], words: list[str], *, typing: bool = False
) -> list[models.Author]:
    if typing:
        # Whoever has most papers is most likely meant, but a name typed out to its end comes first.
        return sorted(people, key=lambda one: (names.likeness(words, one.name) > 1, -one.papers))
    return sorted(people, key=lambda one: (names.likeness(words, one.name), -one.papers, one.name))


async def _with_errors(connection: Connection, words: list[str]) -> list[models.Author]:
    """Return the people whose names differ by a typing error in a word or two, the nearest first."""
    known = await author_search.list_known_words(connection, words)
    corrected = {word: [word] if word in known else await _corrections(connection, word) for word in words}
    people: list[models.Author] = []
    if all(corrected.values()):
        wanted = all_of([part for word in words if (part := any_of([*corrected[word]])) is not None])
        if wanted is not None:
            people = await author_search.list_people(connection, wanted, limit=_POOL)
    if not people and len(words) > 1:
        people = await _but_for_one(connection, words, corrected)
    return sorted(people, key=lambda one: (_errors(words, names.words(one.name)), -one.papers, one.name))


async def _corrections(connection: Connection, word: str) -> list[str]:
    """Return known words at most an error away, or two for long ones, the nearest first."""
    deletions = names.deletions(word)
    found = await author_search.list_known_words(connection, deletions)
    found |= await author_search.list_by_deletions(connection, {word, *deletions})
    near = sorted((names.distance(word, one), one) for one in found)
    return [one for errors, one in near if errors <= 2][:_MOST_CORRECTIONS]


async def _but_for_one(
    connection: Connection, words: list[str], corrected: dict[str, list[str]]
) -> list[models.Author]:
    """Return the people who have all words but one, if that one is not too far from a word of theirs."""
    near: dict[int, models.Author] = {}
    for missing in words:
        rest = [any_of([*corrected[word]]) for word in words if word != missing and corrected[word]]
        wanted = _and(rest)
        if wanted is None or len(rest) < len(words) - 1 or len(missing) < 2:
            continue
        most = 2 if len(missing) >= names.SHORTEST_FORGIVEN else 1
        for one in await author_search.list_people(connection, wanted, limit=_POOL):
            if any(names.distance(missing, word) <= most for word in names.words(one.name)):
                near[one.id] = one
    return list(near.values())


def _errors(asked: Sequence[str], own: Sequence[str]) -> int:
    return sum(min((names.distance(word, other) for other in own), default=3) for word in asked)
