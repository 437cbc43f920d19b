"""Says words in the other language by the word table: for queries that no paper has ever glossed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from math import prod

from bot.text.analysis import korean, term_keys
from bot.text.glossary.extraction import alignment

_SURE = 0.2
_NEAR_BEST = 0.6
_LIKELY = 0.15
_NEAR_LIKELIEST = 0.34
_MUTUAL = 0.4
_MOST_A_WORD = 3
_MOST_PHRASES = 8
_LONGEST_PIECE = 8


class Translator:
    """Looks words up in both directions. English words are stems."""

    def __init__(self, table: alignment.WordTable, surfaces: Mapping[str, str] | None = None) -> None:
        self._table = table
        self._surfaces = surfaces or {}
        self._korean: dict[str, dict[str, float]] = defaultdict(dict)
        for word, row in table.associations.items():
            if term_keys.has_hangul(word):
                for english, score in row.items():
                    self._korean[english][word] = score

    def to_english(self, word: str, least: float = _SURE) -> list[str]:
        """Return the stems that a Korean word mostly stands for, best first."""
        return _best(self._mutual(self._table.associations.get(word, {}), self._korean), least)

    def to_korean(self, stem: str, least: float = _SURE) -> list[str]:
        """Return the Korean words that mostly stand for an English stem, best first."""
        return _best(self._mutual(self._korean.get(stem, {}), self._table.associations), least)

    def _mutual(
        self, row: Mapping[str, float], back: Mapping[str, Mapping[str, float]]
    ) -> Mapping[str, float]:
        """Keep of a row what does not go far better with something else: 강화 is no "learning", though always near it."""
        return {one: score for one, score in row.items() if score >= _MUTUAL * max(back[one].values())}

    def words_of(self, units: list[str]) -> list[str]:
        """Cut a query into words: at spaces and hyphens, and long Korean ones by the words known."""
        found: list[str] = []
        for unit in units:
            if term_keys.has_hangul(unit):
                for word in alignment.words_of(unit):
                    found += self._split(word)
            else:
                found += term_keys.english_words(unit)
        return found

    def translate(self, word: str) -> list[str]:
        """Return a word in the other language, best first; empty when the table does not know it well."""
        if korean.is_hangul(word):
            return self.to_english(word)
        found = self.to_korean(word)
        # A single syllable stands in too many words: 대 is no signal, although 신호 대 잡음비 has it.
        return [one for one in found if len(one) > 1 or one == found[0]]

    def phrases(self, units: list[str]) -> list[str]:
        """Return a query said in the other language word by word, in the same order, the likeliest first.

        Each word may be a less usual one than alone: words that stand side by side tell enough about each other.
        """
        words = self.words_of(units)
        if not 2 <= len(words) <= 5:
            return []
        rows = [list(self._likely(word).items())[:_MOST_A_WORD] for word in words]
        # One word for two of the other language says only one of them.
        said = (row for row in product(*rows) if len({word for word, _ in row}) == len(row))
        choices = sorted(said, key=lambda row: -prod(score for _, score in row))
        return [" ".join(word for word, _ in row) for row in choices[:_MOST_PHRASES]]

    def _likely(self, word: str) -> dict[str, float]:
        row = self._table.associations.get(word, {}) if korean.is_hangul(word) else self._korean.get(word, {})
        return {one: row[one] for one in _best(row, _LIKELY, _NEAR_LIKELIEST)}

    def _split(self, word: str) -> list[str]:
        """Cut a closed-up Korean word into the fewest words of the table; itself when that is not possible."""
        if len(word) < 4 or word in self._table.associations:
            return [word]
        best: list[list[str] | None] = [[]] + [None] * len(word)
        for end in range(2, len(word) + 1):
            for start in range(max(0, end - _LONGEST_PIECE), end - 1):
                before, piece = best[start], word[start:end]
                if before is None or piece not in self._table.associations:
                    continue
                now = best[end]
                if now is None or len(before) + 1 < len(now):
                    best[end] = [*before, piece]
        return best[len(word)] or [word]


def _best(row: Mapping[str, float], least: float, near: float = _NEAR_BEST) -> list[str]:
    """Return the entries of a row that are sure enough and near its best, best first."""
    top = max(row.values(), default=0.0)
    found = [word for word, score in row.items() if score >= max(least, near * top)]
    return sorted(found, key=lambda word: (-row[word], word))
