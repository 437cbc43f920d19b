"""Word-by-word translation by the association table, for queries that no paper explains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from math import prod

from bot.text.analysis import korean, term_keys
from bot.text.glossary.extraction import alignment

_MIN_SCORE = 0.2
_MIN_SHARE_OF_BEST = 0.6
_MIN_PHRASE_SCORE = 0.15
_MIN_PHRASE_SHARE_OF_BEST = 0.34
_MIN_MUTUAL_SHARE = 0.4
_MAX_TRANSLATIONS_PER_WORD = 3
_MAX_PHRASES = 8
_MAX_PIECE_LENGTH = 8


class Translator:
    """Looks words up in both directions. English words are stems."""

    def __init__(self, table: alignment.AssociationTable) -> None:
        self._table = table
        self._korean_by_stem: dict[str, dict[str, float]] = defaultdict(dict)
        for word, row in table.associations.items():
            if korean.has_hangul(word):
                for english, score in row.items():
                    self._korean_by_stem[english][word] = score

    def is_word(self, word: str) -> bool:
        """Tell whether the table has a word."""
        return word in self._table.associations

    def list_korean_words(self) -> list[str]:
        """Return the Korean words of the table."""
        return [word for word in self._table.associations if korean.is_hangul(word)]

    def to_english(self, word: str, min_score: float = _MIN_SCORE) -> list[str]:
        """Return the stems that a Korean word mainly translates to, best first."""
        row = self._table.associations.get(word, {})
        return _top_entries(_filter_mutual(row, self._korean_by_stem), min_score)

    def to_korean(self, stem: str, min_score: float = _MIN_SCORE) -> list[str]:
        """Return the Korean words that an English stem mainly translates to, best first."""
        row = self._korean_by_stem.get(stem, {})
        return _top_entries(_filter_mutual(row, self._table.associations), min_score)

    def split_words(self, units: list[str]) -> list[str]:
        """Split a query into words: at spaces and hyphens, and long Korean words into known ones."""
        words: list[str] = []
        for unit in units:
            if korean.has_hangul(unit):
                for word in alignment.split_context(unit):
                    words += self._decompound(word)
            else:
                words += term_keys.english_stems(unit)
        return words

    def translate_word(self, word: str, *, sure: bool = True) -> list[str]:
        """Return the translations of a word, best first: only sure ones, or all with a strong association."""
        is_sure = self._table.is_translation
        if korean.is_hangul(word):
            stems = self.to_english(word)
            return [stem for stem in stems if not sure or is_sure(word, stem, to_korean=False)]
        texts = self.to_korean(word)
        translations = [text for text in texts if not sure or is_sure(text, word, to_korean=True)]
        # A single syllable is in too many words: 대 does not mean signal, although 신호 대 잡음비 contains it.
        return [text for text in translations if len(text) > 1 or text == translations[0]]

    def translate_phrase(self, units: list[str]) -> list[str]:
        """Return word-by-word translations of a query in the same word order, likeliest first.

        Weaker associations are allowed than for a single word, because neighbouring words disambiguate each other.
        """
        words = self.split_words(units)
        if not 2 <= len(words) <= 5:
            return []
        rows = [list(self._likely_translations(word).items())[:_MAX_TRANSLATIONS_PER_WORD] for word in words]
        # One translation for two words covers only one of them.
        combinations = (row for row in product(*rows) if len({word for word, _ in row}) == len(row))
        ranked = sorted(combinations, key=lambda row: -prod(score for _, score in row))
        return [" ".join(word for word, _ in row) for row in ranked[:_MAX_PHRASES]]

    def _likely_translations(self, word: str) -> dict[str, float]:
        rows = self._table.associations if korean.is_hangul(word) else self._korean_by_stem
        row = rows.get(word, {})
        return {text: row[text] for text in _top_entries(row, _MIN_PHRASE_SCORE, _MIN_PHRASE_SHARE_OF_BEST)}

    def _decompound(self, word: str) -> list[str]:
        """Split a closed-up Korean word into the fewest words of the table; return it whole if that is impossible."""
        if len(word) < 4 or word in self._table.associations:
            return [word]
        return korean.fewest_pieces(word, self._table.associations.__contains__, _MAX_PIECE_LENGTH) or [word]


def _filter_mutual(row: Mapping[str, float], reverse: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Drop entries that go much better with another word: 강화 is not "learning", though always near it."""
    return {
        word: score for word, score in row.items() if score >= _MIN_MUTUAL_SHARE * max(reverse[word].values())
    }


def _top_entries(
    row: Mapping[str, float], min_score: float, share_of_best: float = _MIN_SHARE_OF_BEST
) -> list[str]:
    """Return the entries of a row that are strong enough and close to the best one, best first."""
    top = max(row.values(), default=0.0)
    entries = [word for word, score in row.items() if score >= max(min_score, share_of_best * top)]
    return sorted(entries, key=lambda word: (-row[word], word))
