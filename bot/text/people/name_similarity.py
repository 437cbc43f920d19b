"""Says how far a person's name is from what was typed for it: in order, spelling, length and typing errors. Finds nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bot.text.people import names

EXACT = 0.0
DIFFERENT_NAME = 0.5
"""From here on a name is more than another spelling or order of what was typed."""
_SPELLING_VARIANT_COST = 0.4
_INITIAL_TYPED_COST = 1.0
_INITIAL_IN_NAME_COST = 2.5
"""For a word typed in full of which the name has the initial alone: a little nearer than a typing error."""
_PREFIX_COST = 2.0
_TYPO_COST = 3.0
ONE_TYPO = 3.5
"""Nobody farther away than this is as good as somebody with one typing error."""
MISSING_WORD = 9.0
"""For a word that was typed and is not in the name; whoever is farther away than that is hardly meant."""
_MISSING_INITIAL_COST = 2.0
_UNTYPED_MIDDLE_COST = 0.7
_UNTYPED_END_COST = 1.2
"""For words of the name that were not typed: between those that were, and elsewhere."""
_REVERSED_COST = 0.3
_SHUFFLED_COST = 0.6
_REVERSED_WITH_INITIAL_COST = 0.8
_JOINED_COST = 0.4
_ALL_JOINED_COST = 2.0
_MIN_LENGTH_FOR_TWO_TYPOS = 4
"""Letters of a word that may hold two errors; of a shorter one too little would be left."""
_SHORT_WORD_LENGTH = 6
_SHORT_WORD_PENALTY = 1.0
"""What two errors count more in a word shorter than that."""


@lru_cache(maxsize=1 << 12)
def name_distance(query_words: tuple[str, ...], name: str) -> float:
    """Return how far a name is from the words typed: 0 for the same, about 1 for an initial, 3 for each typing error."""
    name_words = names.name_tokens(name)
    best = _aligned_distance(query_words, name_words)
    if best == EXACT or len(query_words) == len(name_words):
        return best
    longer, joins_name = (name_words, True) if len(name_words) > len(query_words) else (query_words, False)
    for index in range(len(longer) - 1):
        joined = [*longer[:index], longer[index] + longer[index + 1], *longer[index + 2 :]]
        distance = (
            _aligned_distance(query_words, joined) if joins_name else _aligned_distance(joined, name_words)
        )
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
    total += sum(
        _MISSING_INITIAL_COST if len(word) == 1 else MISSING_WORD
        for i, word in enumerate(query_words)
        if i not in position_of
    )
    return (
        total
        + _order_cost(query_words, [position_of[i] for i in sorted(position_of)])
        + _untyped_cost(taken, len(name_words))
    )


def _order_cost(query_words: Sequence[str], positions: Sequence[int]) -> float:
    """Weigh in which order the words were typed: as they are, the last one first, or any other.

    An initial at the end stands behind the family name (Lin J), one at the beginning in front of it.
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
    ends = {0, word_count - 1}
    return sum(
        _UNTYPED_END_COST if index in ends else _UNTYPED_MIDDLE_COST
        for index in range(word_count)
        if index not in taken
    )


@lru_cache(maxsize=1 << 14)
def word_distance(query_word: str, name_word: str) -> float:
    """Return how far one word is from another, from 0 to that of a word that is not there."""
    if query_word == name_word:
        return EXACT
    if names.collapse_umlauts(query_word) == names.collapse_umlauts(name_word):
        return _SPELLING_VARIANT_COST
    if len(query_word) == 1 or len(name_word) == 1:
        return (
            MISSING_WORD
            if query_word[0] != name_word[0]
            else _INITIAL_TYPED_COST
            if len(query_word) == 1
            else _INITIAL_IN_NAME_COST
        )
    distance = _typo_distance(query_word, name_word)
    return (
        min(distance, _PREFIX_COST + 0.1 * (len(name_word) - len(query_word)))
        if name_word.startswith(query_word)
        else distance
    )


def _typo_distance(query_word: str, name_word: str) -> float:
    shorter = min(len(query_word), len(name_word))
    allowed = 2 if shorter >= _MIN_LENGTH_FOR_TWO_TYPOS else 1
    errors = names.edit_distance(query_word, name_word, max_distance=allowed)
    if errors > allowed:
        return MISSING_WORD
    return _TYPO_COST * errors + (
        _SHORT_WORD_PENALTY if errors == 2 and shorter < _SHORT_WORD_LENGTH else 0.0
    )
