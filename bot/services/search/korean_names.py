"""Korean names: finds authors across Hangul and its spellings in Latin letters, by looking up the spellings as words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from bot.text.analysis import korean, normalisation
from bot.text.people import romanisation
from storage import models
from storage.database import Connection
from storage.search import author_index
from storage.search.query import BooleanQuery, Prefix, all_of, any_of

_LIMIT = 100
_MAX_PREFIXES = 12
"""Spellings of an incomplete given name that are looked up as prefixes."""
_MAX_READINGS = 6
"""Hangul readings of a name in Latin letters whose other spellings are looked up."""
_MAX_RESPELLING_COST = 5
"""Of a name in Latin letters written in other ones: with an initial, but without other words."""


async def find_by_hangul(
    connection: Connection, name: str, *, is_prefix: bool = False
) -> list[models.Author]:
    """Return the authors whose names in Latin letters spell a Hangul name, the likeliest first; none for other names."""
    pairs = romanisation.split_hangul(_complete_syllables(name) if is_prefix else name)
    authors = await _find(connection, pairs, is_prefix=is_prefix)
    costs = {author.id: _cost(pairs, author.name) for author in authors}
    kept = [author for author in authors if is_prefix or costs[author.id] is not None]
    return sorted(
        kept, key=lambda author: (0 if is_prefix else costs[author.id], -author.paper_count, author.name)
    )


async def find_by_spelling(connection: Connection, name: str) -> list[models.Author]:
    """Return the authors with the name in Hangul that a name in Latin letters may spell, or with its other spellings."""
    readings = romanisation.hangul_readings(name)[:_MAX_READINGS]
    found = await _find(connection, readings, is_prefix=False)
    costs = {
        author.id: min(
            (
                cost
                for family, given in readings
                if (cost := _written_cost(family, given, author.name)) is not None
            ),
            default=_MAX_RESPELLING_COST + 1,
        )
        for author in found
    }
    near = [author for author in found if costs[author.id] <= _MAX_RESPELLING_COST]
    return sorted(near, key=lambda author: (costs[author.id], -author.paper_count, author.name))


def list_namesakes(authors: Sequence[models.Author], name: str) -> list[models.Author]:
    """Return the authors whose names spell a Hangul name as well as the first of them does."""
    pairs = romanisation.split_hangul(normalisation.fold_name(name))
    costs = [_cost(pairs, author.name) for author in authors]
    if not costs or costs[0] is None:
        return []
    return [author for author, cost in zip(authors, costs, strict=True) if cost == costs[0]]


async def _find(
    connection: Connection, pairs: Sequence[tuple[str, str]], *, is_prefix: bool
) -> list[models.Author]:
    if not pairs:
        return []
    words = {word for family, given in pairs for word in _spellings(family, given)}
    known = await author_index.list_known_words(connection, words)
    query = any_of(_query(family, given, known, is_prefix=is_prefix) for family, given in pairs)
    return [] if query is None else await author_index.find_authors(connection, query, limit=_LIMIT)


def _spellings(family: str, given: str) -> list[str]:
    of_family = romanisation.family_spellings(family) if family else ()
    return [family + given, family, given, *of_family, *romanisation.given_spellings(given)]


def _query(family: str, given: str, known: set[str], *, is_prefix: bool) -> BooleanQuery | None:
    """Return the query for a name in Hangul, in one word or two, and for the known spellings of its parts."""
    given_terms: list[BooleanQuery] = [word for word in romanisation.given_spellings(given) if word in known]
    if is_prefix:
        given_terms += map(Prefix, islice(filter(None, romanisation.given_spellings(given)), _MAX_PREFIXES))
    if not family:
        return any_of([*given_terms, given])
    of_family = romanisation.family_spellings(family).items()
    families = [word for word, cost in of_family if word in known and not (is_prefix and cost)]
    whole: BooleanQuery = Prefix(family + given) if is_prefix else family + given
    if not given:
        return any_of([*families, whole])
    in_latin = all_of((any_of(families), any_of(given_terms))) if families and given_terms else None
    return any_of((in_latin, all_of((family, given)), whole))


def _cost(pairs: Sequence[tuple[str, str]], name: str) -> int | None:
    costs = (_written_cost(family, given, name) for family, given in pairs)
    return min((cost for cost in costs if cost is not None), default=None)


def _written_cost(family: str, given: str, name: str) -> int | None:
    """Return the cost of an author's name as a writing of a Hangul name: 0 for Hangul itself."""
    if normalisation.fold_name(name).replace(" ", "") in {family + given, given + family}:
        return 0
    return romanisation.match_cost(family, given, name)


def _complete_syllables(name: str) -> str:
    """Return a name that is being typed without the letters that do not form a syllable yet: 김ㄱ gives 김."""
    return " ".join(part for word in name.split() if (part := "".join(filter(korean.is_syllables, word))))
