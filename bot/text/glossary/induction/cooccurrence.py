"""Counts document frequencies of terms and term pairs over any sample of papers.

One pass for thousands of terms: candidates are indexed by first syllables and first words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from operator import add

from bot.text.analysis import analyser
from bot.text.glossary.induction import evidence


class CooccurrenceCounter:
    """Document frequencies of Korean and English keys, and of the given pairs, over the papers added."""

    def __init__(
        self,
        pairs: Iterable[evidence.TermPair],
        english_forms: Mapping[str, Iterable[str]],
        sure_forms: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Take the pairs to count; `english_forms` gives further stem sequences for each English key.

        `sure_forms` are the Korean keys that surely mean an English key, of which a further form is one more.
        """
        self.papers = 0
        self.korean_counts: Counter[str] = Counter()
        self.english_counts: Counter[str] = Counter()
        self.pair_counts: Counter[evidence.TermPair] = Counter()
        self._sure_forms = {key: tuple(forms) for key, forms in (sure_forms or {}).items()}
        self._partners: dict[str, list[str]] = defaultdict(list)
        self._short_keys: set[str] = set()
        self._by_prefix: dict[str, list[str]] = defaultdict(list)
        self._by_first_word: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for pair in pairs:
            if pair.korean not in self._partners:
                if len(pair.korean) < 3:
                    self._short_keys.add(pair.korean)
                else:
                    self._by_prefix[pair.korean[:3]].append(pair.korean)
            self._partners[pair.korean].append(pair.english)
        for key, forms in english_forms.items():
            for form in {key, *forms}:
                self._by_first_word[form.split()[0]].append((f" {form} ", key))

    def add(self, canonical: str) -> None:
        """Count one paper, given as its canonical text."""
        self.papers += 1
        english = self._english_in(canonical)
        self.english_counts.update(english)
        korean = self._korean_in(canonical)
        self.korean_counts.update(korean)
        for key in korean:
            for partner in self._partners[key]:
                if partner in english or self._has_another_form(key, partner, korean):
                    self.pair_counts[evidence.TermPair(key, partner)] += 1

    def _has_another_form(self, key: str, partner: str, korean: set[str]) -> bool:
        """Tell whether a paper has another sure Korean form, neither part of this one nor the other way round."""
        return any(
            form in korean and form not in key and key not in form
            for form in self._sure_forms.get(partner, ())
        )

    def share(self, pair: evidence.TermPair) -> float:
        """Return the share of the papers with a Korean form that have another form of the term, less that by chance."""
        frequency = self.korean_counts[pair.korean]
        if not frequency or not self.papers:
            return 1.0
        by_chance = self.english_counts[pair.english] / self.papers
        return (self.pair_counts[pair] / frequency - by_chance) / max(1 - by_chance, 1 / self.papers)

    def share_of_english(self, pair: evidence.TermPair) -> float:
        """Return the share of the papers with the English term that have the Korean form, less that by chance."""
        frequency = self.english_counts[pair.english]
        if not frequency:
            return 0.0
        by_chance = self.korean_counts[pair.korean] / self.papers
        return (self.pair_counts[pair] / frequency - by_chance) / max(1 - by_chance, 1 / self.papers)

    def _english_in(self, canonical: str) -> set[str]:
        keys: set[str] = set()
        for word in set(canonical.split()) & self._by_first_word.keys():
            for form, key in self._by_first_word[word]:
                if key not in keys and form in canonical:
                    keys.add(key)
        return keys

    def _korean_in(self, canonical: str) -> set[str]:
        compact = canonical.replace(" ", "")
        pairs = list(map(add, compact, compact[1:]))
        # A short form counts where a word begins with it, of one syllable where it is the word, as search weighs them.
        words = canonical.replace(analyser.PARTICLE_MARK, "").split()
        keys = self._short_keys.intersection(word[:2] for word in words)
        for start in self._by_prefix.keys() & set(map(add, pairs, compact[2:])):
            keys.update(key for key in self._by_prefix[start] if key in compact)
        return keys
