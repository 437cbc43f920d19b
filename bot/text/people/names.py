"""Parses people's names into the words that author search looks up, in any spelling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rapidfuzz.distance import OSA

from bot.text.analysis import normalisation

MAX_WORDS = 8
MIN_FUZZY_LENGTH = 4
"""Letters; shorter words are too similar to each other to allow a typing error."""
_MAX_WORD_LENGTH = 24
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_UMLAUT_SPELLINGS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


def name_tokens(name: str) -> list[str]:
    """Return the folded words of a name in order: "Lin, Junyang" gives lin and junyang."""
    return [word[:_MAX_WORD_LENGTH] for word in normalisation.fold_name(name[:300]).split()][:MAX_WORDS]


def given_name_first(name: str) -> str:
    """Return a name with the family name last if a comma follows it: "Lin, Junyang" gives Junyang Lin."""
    family, _, given = name.partition(",")
    return f"{given} {family}" if family.strip() and given.strip() and "," not in given else name


def index_terms(name: str) -> list[str]:
    """Return all index terms of a name: its words, umlauts written out or reduced, and joined neighbours.

    "Jürgen Müller" also has juergen and mueller, "Mueller" also muller, "Xuan-Son Nguyen" also xuanson.
    """
    words = name_tokens(name)
    terms = dict.fromkeys(words)
    if not name.isascii():
        terms.update(dict.fromkeys(normalisation.fold_name_german(name[:300]).split()[:MAX_WORDS]))
    for word in words:
        terms.update(dict.fromkeys(_umlaut_variants(word)))
    if len(words) > 2:
        terms.update(dict.fromkeys(left + right for left, right in pairwise(words)))
    return [word[:_MAX_WORD_LENGTH] for word in terms]


def _umlaut_variants(word: str) -> Iterator[str]:
    for spelling, vowel in _UMLAUT_SPELLINGS:
        if spelling in word:
            yield word.replace(spelling, vowel)


def deletion_variants(word: str) -> set[str]:
    """Return every spelling of a word with one letter deleted; empty for words too short for a typing error."""
    if len(word) < MIN_FUZZY_LENGTH:
        return set()
    return {word[:index] + word[index + 1 :] for index in range(len(word))}


def edit_neighbours(word: str) -> set[str]:
    """Return all strings one edit away from a Latin word of two or three letters, at least two letters long."""
    if not 2 <= len(word) < MIN_FUZZY_LENGTH or not (word.isascii() and word.isalpha()):
        return set()
    splits = [(word[:index], word[index:]) for index in range(len(word) + 1)]
    neighbours = {left + right[1:] for left, right in splits if right and len(word) > 2}
    neighbours |= {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    neighbours |= {left + letter + right[1:] for left, right in splits if right for letter in _ALPHABET}
    neighbours |= {left + letter + right for left, right in splits for letter in _ALPHABET}
    return neighbours - {word}


def edit_distance(left: str, right: str, *, max_distance: int = 2) -> int:
    """Return the optimal string alignment distance (a swap of neighbours is one edit), at most `max_distance` + 1."""
    return OSA.distance(left, right, score_cutoff=max_distance)


def collapse_umlauts(word: str) -> str:
    """Return a word with written-out umlauts as plain vowels, so that mueller and muller are equal."""
    for spelling, vowel in _UMLAUT_SPELLINGS:
        word = word.replace(spelling, vowel)
    return word
