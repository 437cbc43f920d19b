"""Corrects typing errors by a vocabulary: a word that exactly one word of it is near."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.text.analysis import analyser, korean, normalisation

_MIN_KEYSTROKES, _MIN_KEYSTROKES_OF_TWO_ERRORS = 5, 9
_MAX_KEYSTROKES = 40
_DOMINANCE = 4
"""A word that is this many times as frequent as all others at the same distance is the one that was meant."""


class Vocabulary:
    """The words that may be meant, by their keystrokes: in Korean, one wrong key changes one letter of a syllable."""

    def __init__(self, weighted_words: Iterable[tuple[str, int]]) -> None:
        weight_of: dict[str, int] = defaultdict(int)
        for word, weight in weighted_words:
            weight_of[word] += weight
        spellings: dict[str, dict[str, int]] = defaultdict(dict)
        for word, weight in weight_of.items():
            if word.isalpha() or not any(map(str.isdigit, word)):
                spellings[_key(word)][word] = weight
        self._words: dict[str, tuple[str, int]] = {}
        self._keys_by_first: dict[str, list[str]] = defaultdict(list)
        for key, weights in spellings.items():
            if _MIN_KEYSTROKES - 1 <= len(key) <= _MAX_KEYSTROKES:
                self._words[key] = max(weights, key=lambda word: weights[word]), sum(weights.values())
                self._keys_by_first[key[0]].append(key)

    def correct(self, word: str) -> str | None:
        """Return the word that was meant by a word with one typing error, or two in a longer one; None if unsure."""
        key = _key(word)
        if not _MIN_KEYSTROKES <= len(key) <= _MAX_KEYSTROKES or key in self._words or not key.isalpha():
            return None
        max_errors = 1 if len(key) < _MIN_KEYSTROKES_OF_TWO_ERRORS else 2
        near = process.extract(
            key, self._keys_by_first[key[0]], scorer=OSA.distance, score_cutoff=max_errors, limit=None
        )
        least = min((errors for _, errors, _ in near), default=0)
        meant = self._choose([found for found, errors, _ in near if errors == least])
        return meant.lower() if meant and word.islower() and meant.istitle() else meant

    def _choose(self, keys: Iterable[str]) -> str | None:
        """Return the one word of several spellings and inflections, or the most frequent by far."""
        by_stem: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for word, weight in (self._words[key] for key in keys):
            by_stem["".join(analyser.stemmed_words(word))].append((weight, word))
        ranked = sorted((sum(weight for weight, _ in group), max(group)[1]) for group in by_stem.values())
        if not ranked or (len(ranked) > 1 and ranked[-1][0] < _DOMINANCE * sum(w for w, _ in ranked[:-1])):
            return None
        return ranked[-1][1]


def _key(word: str) -> str:
    return korean.keystrokes(normalisation.fold(word))
