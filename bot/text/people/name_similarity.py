"""Name similarity: the distance between a query and a person's name by order, spelling, length and typing errors.

The word alignment and its costs are ours: string metrics have no costs for initials, umlauts and missing words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bot.text.people import names, romanisation

EXACT = 0.0
DIFFERENT_NAME = 0.5
"""From this distance on, a name is more than another spelling or word order of the query."""
_SPELLING_VARIANT_COST = 0.4
_INITIAL_TYPED_COST = 1.0
_INITIAL_IN_NAME_COST = 2.5
"""A full query word for which the name has only the initial; slightly less than a typing error."""
_PREFIX_COST = 2.0
_TYPO_COST = 3.0
ONE_TYPO = 3.5
"""Distance of one typing error; upper bound for a confident match."""
MISSING_WORD = 9.0
"""A query word that is not in the name; names at a greater distance are hardly relevant."""
_MISSING_INITIAL_COST = 2.0
_UNTYPED_MIDDLE_COST = 0.7
_UNTYPED_END_COST = 1.2
"""Words of the name that are not in the query: in the middle, and at either end."""
_REVERSED_COST = 0.3
_SHUFFLED_COST = 0.6
_REVERSED_WITH_INITIAL_COST = 0.8
_JOINED_COST = 0.4
_ALL_JOINED_COST = 2.0
_MIN_LENGTH_FOR_TWO_TYPOS = 4
"""Letters; shorter words allow one error only."""
_SHORT_WORD_LENGTH = 6
_SHORT_WORD_PENALTY = 1.0
"""Extra cost of two errors in a word shorter than `_SHORT_WORD_LENGTH`."""


@lru_cache(maxsize=1 << 12)
def name_distance(query_words: tuple[str, ...], name: str) -> float:
    """Return the distance of a name from the query words: 0 for equal, about 1 for an initial, 3 per typing error."""
    name_words = names.name_tokens(name)
    best = _aligned_distance(query_words, name_words)
    if best == EXACT or len(query_words) == len(name_words):
        return best
    joins_name = len(name_words) > len(query_words)
    longer = name_words if joins_name else query_words
    for index in range(len(longer) - 1):
        joined = [*longer[:index], longer[index] + longer[index + 1], *longer[index + 2 :]]
        pair = (query_words, joined) if joins_name else (joined, name_words)
        distance = _aligned_distance(*pair)
        best = min(best, distance + (_JOINED_COST if len(joined) > 1 else _ALL_JOINED_COST))
    return best


def _aligned_distance(query_words: Sequence[str], name_words: Sequence[str]) -> float:
    if tuple(query_words) == tuple(name_words):
        return EXACT
    pairs = sorted(
        (distance, abs(i - j), i, j)
        for i, left in enumerate(query_words)
        for j, right in enumerate(name_words)
        if (distance := word_distance(left, right)) < MISSING_WORD
    )
    position_of: dict[int, int] = {}
    taken: set[int] = set()
    total = 0.0
    for distance, _, i, j in pairs:
        if i not in position_of and j not in taken:
            position_of[i] = j
            taken.add(j)
            total += distance
    missing = [word for i, word in enumerate(query_words) if i not in position_of]
    total += sum(_MISSING_INITIAL_COST if len(word) == 1 else MISSING_WORD for word in missing)
    if _is_middle_initial_typed_whole(query_words, name_words, position_of):
        total += MISSING_WORD
    order_cost = _order_cost(query_words, [position_of[i] for i in sorted(position_of)])
    return total + order_cost + _untyped_cost(taken, len(name_words))


def _is_middle_initial_typed_whole(
    query_words: Sequence[str], name_words: Sequence[str], position_of: dict[int, int]
) -> bool:
    """Tell whether a whole word matches an initial next to a whole given name: Junho Kim is not Bryan J. Kim."""
    for_initial = any(len(query_words[i]) > 1 == len(name_words[j]) for i, j in position_of.items())
    untyped = (word for j, word in enumerate(name_words) if j not in position_of.values())
    return for_initial and any(len(word) > 1 for word in untyped)


def _order_cost(query_words: Sequence[str], positions: Sequence[int]) -> float:
    """Return the cost of the word order: as in the name, last word first, or any other.

    A trailing initial follows the family name (Lin J), a leading one precedes it.
    """
    if len(positions) < 2:
        return 0.0
    is_in_order = list(positions) == sorted(positions)
    is_rotated = [*positions[1:], *positions[:1]] == sorted(positions)
    first, last = len(query_words[0]) == 1, len(query_words[-1]) == 1
    if last and not first:
        return 0.0 if is_rotated else _REVERSED_COST
    if is_in_order:
        return 0.0
    return _SHUFFLED_COST if not is_rotated else _REVERSED_WITH_INITIAL_COST if first else _REVERSED_COST


def _untyped_cost(taken: set[int], word_count: int) -> float:
    ends, untyped = {0, word_count - 1}, set(range(word_count)) - taken
    return sum(_UNTYPED_END_COST if index in ends else _UNTYPED_MIDDLE_COST for index in sorted(untyped))


def is_correction(query_words: tuple[str, ...], name: str) -> bool:
    """Tell whether a word of the query is in the name only with a typing error, as a prefix, or in another spelling."""
    return name_distance(query_words, name) > _ALL_JOINED_COST and bool(_differing_words(query_words, name))


def is_plausible(query_words: tuple[str, ...], name: str) -> bool:
    """Tell whether a name may be meant by the query words, and is not just another person's.

    One word may have one error, or be short for one of the name. Two errors are typing errors only if the words keep
    their first letters and a word with both is long; two Korean names that differ so are two people's.
    """
    if name_distance(query_words, name) <= ONE_TYPO:
        return True
    differing = _differing_words(query_words, name)
    errors = [names.edit_distance(typed, meant) for typed, meant in differing]
    if len(differing) < 2 and all(
        count < 2 or meant.startswith(typed) or len(meant) == 1
        for count, (typed, meant) in zip(errors, differing, strict=True)
    ):
        return True
    if sum(errors) > 2 or all(map(romanisation.hangul_readings, (" ".join(query_words), name))):
        return False
    return all(
        typed[0] == meant[0] and (count < 2 or len(typed) >= _SHORT_WORD_LENGTH)
        for count, (typed, meant) in zip(errors, differing, strict=True)
    )


def _differing_words(query_words: Sequence[str], name: str) -> list[tuple[str, str]]:
    """Return the query words but initials that the name does not have, each with the nearest word of the name."""
    terms = names.index_terms(name)
    whole = [word for word in query_words if len(word) > 1 and terms]
    nearest = [(word, min(terms, key=lambda term: word_distance(word, term))) for word in whole]
    return [(word, term) for word, term in nearest if word_distance(word, term) > _INITIAL_TYPED_COST]


@lru_cache(maxsize=1 << 14)
def word_distance(query_word: str, name_word: str) -> float:
    """Return the distance between two words, from 0 to `MISSING_WORD`."""
    if query_word == name_word:
        return EXACT
    if names.collapse_umlauts(query_word) == names.collapse_umlauts(name_word):
        return _SPELLING_VARIANT_COST
    if len(query_word) == 1 or len(name_word) == 1:
        if query_word[0] != name_word[0]:
            return MISSING_WORD
        return _INITIAL_TYPED_COST if len(query_word) == 1 else _INITIAL_IN_NAME_COST
    distance = _typo_distance(query_word, name_word)
    if name_word.startswith(query_word):
        return min(distance, _PREFIX_COST + 0.1 * (len(name_word) - len(query_word)))
    return distance


def _typo_distance(query_word: str, name_word: str) -> float:
    shorter = min(len(query_word), len(name_word))
    allowed = 2 if shorter >= _MIN_LENGTH_FOR_TWO_TYPOS else 1
    errors = names.edit_distance(query_word, name_word, max_distance=allowed)
    if errors > allowed:
        return MISSING_WORD
    penalty = _SHORT_WORD_PENALTY if errors == 2 and shorter < _SHORT_WORD_LENGTH else 0.0
    return _TYPO_COST * errors + penalty
