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
def name_distance(typed: tuple[str, ...], name: str) -> float:
    """Return how far a name is from the words typed: 0 for the same, about 1 for an initial, 3 for each typing error."""
    own = names.name_tokens(name)
    best = _aligned_distance(typed, own)
    if best == EXACT or len(typed) == len(own):
        return best
    longer, is_own = (own, True) if len(own) > len(typed) else (typed, False)
    for place in range(len(longer) - 1):
        joined = [*longer[:place], longer[place] + longer[place + 1], *longer[place + 2 :]]
        one = _aligned_distance(typed, joined) if is_own else _aligned_distance(joined, own)
        best = min(best, one + (_JOINED_COST if len(joined) > 1 else _ALL_JOINED_COST))
    return best


def _aligned_distance(typed: Sequence[str], own: Sequence[str]) -> float:
    if tuple(typed) == tuple(own):
        return EXACT
    pairs = sorted(
        (far, abs(i - j), i, j)
        for i, left in enumerate(typed)
        for j, right in enumerate(own)
        if (far := word_distance(left, right)) < MISSING_WORD
    )
    place_of: dict[int, int] = {}
    taken: set[int] = set()
    total = 0.0
    for far, _, i, j in pairs:
        if i not in place_of and j not in taken:
            place_of[i] = j
            taken.add(j)
            total += far
    total += sum(
        _MISSING_INITIAL_COST if len(word) == 1 else MISSING_WORD
        for i, word in enumerate(typed)
        if i not in place_of
    )
    return (
        total + _order_cost(typed, [place_of[i] for i in sorted(place_of)]) + _untyped_cost(taken, len(own))
    )


def _order_cost(typed: Sequence[str], places: Sequence[int]) -> float:
    """Weigh in which order the words were typed: as they are, the last one first, or any other.

    An initial at the end stands behind the family name (Lin J), one at the beginning in front of it.
    """
    if len(places) < 2:
        return 0.0
    as_written = list(places) == sorted(places)
    turned = [*places[1:], *places[:1]] == sorted(places)
    first, last = len(typed[0]) == 1, len(typed[-1]) == 1
    if last and not first:
        return 0.0 if turned else _REVERSED_COST
    if as_written:
        return 0.0
    return _SHUFFLED_COST if not turned else _REVERSED_WITH_INITIAL_COST if first else _REVERSED_COST


def _untyped_cost(taken: set[int], own: int) -> float:
    ends = {0, own - 1}
    return sum(
        _UNTYPED_END_COST if place in ends else _UNTYPED_MIDDLE_COST
        for place in range(own)
        if place not in taken
    )


@lru_cache(maxsize=1 << 14)
def word_distance(typed: str, own: str) -> float:
    """Return how far one word is from another, from 0 to that of a word that is not there."""
    if typed == own:
        return EXACT
    if names.collapse_umlauts(typed) == names.collapse_umlauts(own):
        return _SPELLING_VARIANT_COST
    if len(typed) == 1 or len(own) == 1:
        return (
            MISSING_WORD
            if typed[0] != own[0]
            else _INITIAL_TYPED_COST
            if len(typed) == 1
            else _INITIAL_IN_NAME_COST
        )
    found = _typo_distance(typed, own)
    return min(found, _PREFIX_COST + 0.1 * (len(own) - len(typed))) if own.startswith(typed) else found


def _typo_distance(typed: str, own: str) -> float:
    shorter = min(len(typed), len(own))
    allowed = 2 if shorter >= _MIN_LENGTH_FOR_TWO_TYPOS else 1
    errors = names.edit_distance(typed, own, max_distance=allowed)
    if errors > allowed:
        return MISSING_WORD
    return _TYPO_COST * errors + (
        _SHORT_WORD_PENALTY if errors == 2 and shorter < _SHORT_WORD_LENGTH else 0.0
    )
