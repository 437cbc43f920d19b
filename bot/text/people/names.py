"""Takes people's names apart for look-up: the words that they are found by, however they are written. Finds nobody itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rapidfuzz.distance import OSA

from bot.text.analysis import normalisation

MAX_WORDS = 8
MIN_FUZZY_LENGTH = 4
"""Letters from which a word may hold a typing error; shorter ones are too much like each other."""
_MAX_WORD_LENGTH = 24
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_UMLAUT_SPELLINGS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


def name_tokens(name: str) -> list[str]:
    """Return a name's words folded, in order: "Lin, Junyang" gives lin and junyang."""
    return [word[:_MAX_WORD_LENGTH] for word in normalisation.fold_name(name[:300]).split()][:MAX_WORDS]


def given_name_first(name: str) -> str:
    """Return a name whose family name stands in front of a comma the other way round: "Lin, Junyang" is Junyang Lin."""
    family, _, given = name.partition(",")
    return f"{given} {family}" if family.strip() and given.strip() and "," not in given else name


def index_terms(name: str) -> list[str]:
    """Return all words that a name is found by: its own, umlauts written out or reduced, and neighbours joined.

    "Jürgen Müller" also under juergen, mueller; "Mueller" also under muller; "Xuan-Son" also under xuanson.
    """
    plain = name_tokens(name)
    found = dict.fromkeys(plain)
    if not name.isascii():
        found.update(dict.fromkeys(normalisation.fold_name_german(name[:300]).split()[:MAX_WORDS]))
    for word in plain:
        found.update(dict.fromkeys(_umlaut_variants(word)))
    if len(plain) > 2:
        found.update(dict.fromkeys(left + right for left, right in pairwise(plain)))
    return [word[:_MAX_WORD_LENGTH] for word in found]


def _umlaut_variants(word: str) -> Iterator[str]:
    for written, short in _UMLAUT_SPELLINGS:
        if written in word:
            yield word.replace(written, short)


def deletion_variants(word: str) -> set[str]:
    """Return a word without one of its letters, in each way, for words long enough to forgive an error in."""
    if len(word) < MIN_FUZZY_LENGTH:
        return set()
    return {word[:place] + word[place + 1 :] for place in range(len(word))}


def edit_neighbours(word: str) -> set[str]:
    """Return all that a short word of two or three Latin letters may be a typing error of, at least two letters long."""
    if not 2 <= len(word) < MIN_FUZZY_LENGTH or not (word.isascii() and word.isalpha()):
        return set()
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {left + right[1:] for left, right in cuts if right and len(word) > 2}
    found |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in cuts if right for letter in _ALPHABET}
    found |= {left + letter + right for left, right in cuts for letter in _ALPHABET}
    return found - {word}


def edit_distance(one: str, other: str, *, max_distance: int = 2) -> int:
    """Return the optimal string alignment distance: a swap of neighbours is one edit; `max_distance` + 1 means more."""
    return OSA.distance(one, other, score_cutoff=max_distance)


def collapse_umlauts(word: str) -> str:
    """Return a word with written-out umlauts as plain vowels, so that mueller and muller are one."""
    for written, short in _UMLAUT_SPELLINGS:
        word = word.replace(written, short)
    return word
