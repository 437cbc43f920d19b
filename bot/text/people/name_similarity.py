"""Says how far a person's name is from what was typed for it: in order, spelling, length and typing errors. Finds nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bot.text.people import names

EXACT = 0.0
OTHER = 0.5
"""From here on a name is more than another spelling or order of what was typed."""
_SPELLING = 0.4
_INITIAL = 1.0
_ONLY_INITIAL = 2.5
"""For a word typed in full of which the name has the initial alone: a little nearer than a typing error."""
_BEGUN = 2.0
_ERROR = 3.0
ONE_ERROR = 3.5
"""Nobody farther away than this is as good as somebody with one typing error."""
MISSING = 9.0
"""For a word that was typed and is not in the name; whoever is farther away than that is hardly meant."""
_MISSING_INITIAL = 2.0
_MIDDLE = 0.7
_MORE = 1.2
"""For words of the name that were not typed: between those that were, and elsewhere."""
_REVERSED = 0.3
_MIXED = 0.6
_TURNED_WITH_INITIAL = 0.8
_JOINED = 0.4
_ALL_JOINED = 2.0
_TWO_ERRORS_FROM = 4
"""Letters of a word that may hold two errors; of a shorter one too little would be left."""
_SHORT = 6
_IN_SHORT = 1.0
"""What two errors count more in a word shorter than that."""


@lru_cache(maxsize=1 << 12)
def distance(typed: tuple[str, ...], name: str) -> float:
    """Return how far a name is from the words typed: 0 for the same, about 1 for an initial, 3 for each typing error."""
    own = names.words(name)
    best = _of_words(typed, own)
    if best == EXACT or len(typed) == len(own):
        return best
    longer, is_own = (own, True) if len(own) > len(typed) else (typed, False)
    for place in range(len(longer) - 1):
        joined = [*longer[:place], longer[place] + longer[place + 1], *longer[place + 2 :]]
        one = _of_words(typed, joined) if is_own else _of_words(joined, own)
        best = min(best, one + (_JOINED if len(joined) > 1 else _ALL_JOINED))
    return best


def _of_words(typed: Sequence[str], own: Sequence[str]) -> float:
    if tuple(typed) == tuple(own):
        return EXACT
    pairs = sorted(
        (far, abs(i - j), i, j)
        for i, left in enumerate(typed)
        for j, right in enumerate(own)
        if (far := between(left, right)) < MISSING
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
        _MISSING_INITIAL if len(word) == 1 else MISSING for i, word in enumerate(typed) if i not in place_of
    )
    return total + _order(typed, [place_of[i] for i in sorted(place_of)]) + _untyped(taken, len(own))


def _order(typed: Sequence[str], places: Sequence[int]) -> float:
    """Weigh in which order the words were typed: as they are, the last one first, or any other.

    An initial at the end stands behind the family name (Lin J), one at the beginning in front of it.
    """
    if len(places) < 2:
        return 0.0
    as_written = list(places) == sorted(places)
    turned = [*places[1:], *places[:1]] == sorted(places)
    first, last = len(typed[0]) == 1, len(typed[-1]) == 1
    if last and not first:
        return 0.0 if turned else _REVERSED
    if as_written:
        return 0.0
    return _MIXED if not turned else _TURNED_WITH_INITIAL if first else _REVERSED


def _untyped(taken: set[int], own: int) -> float:
    ends = {0, own - 1}
    return sum(_MORE if place in ends else _MIDDLE for place in range(own) if place not in taken)


@lru_cache(maxsize=1 << 14)
def between(typed: str, own: str) -> float:
    """Return how far one word is from another, from 0 to that of a word that is not there."""
    if typed == own:
        return EXACT
    if names.reduced(typed) == names.reduced(own):
        return _SPELLING
    if len(typed) == 1 or len(own) == 1:
        return MISSING if typed[0] != own[0] else _INITIAL if len(typed) == 1 else _ONLY_INITIAL
    found = _errors(typed, own)
    return min(found, _BEGUN + 0.1 * (len(own) - len(typed))) if own.startswith(typed) else found


def _errors(typed: str, own: str) -> float:
    shorter = min(len(typed), len(own))
    allowed = 2 if shorter >= _TWO_ERRORS_FROM else 1
    errors = names.distance(typed, own, most=allowed)
    if errors > allowed:
        return MISSING
    return _ERROR * errors + (_IN_SHORT if errors == 2 and shorter < _SHORT else 0.0)
