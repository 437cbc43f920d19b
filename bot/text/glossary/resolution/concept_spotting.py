"""Knows which concepts a text names: as a Korean form, an English one or an abbreviation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from bot.text.analysis import korean, term_keys
from bot.text.glossary.induction import abbreviation_senses, evidence, synonyms
from bot.text.glossary.model import concepts

_OTHER_READING = 0.25
_LEAST_READING = 0.2
# Abbreviations that are also small words: in lower case and inside of texts they are the words.
_SMALL = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
SMALL_WORDS = frozenset(_SMALL.split())


class Named(NamedTuple):
    """The English keys of concepts with their weights, the best first, and how they were found."""

    weights: list[tuple[str, float]]
    how: str


class Names:
    """Finds concepts by their forms."""

    def __init__(
        self, found: Mapping[str, concepts.Concept], abbreviated: Mapping[str, list[concepts.Reading]]
    ) -> None:
        self._concepts = found
        self._readings = abbreviated
        self._folded: dict[str, str] = {}
        for abbreviation in sorted(abbreviated, key=self._papers_of_abbreviation):
            self._folded[abbreviation.casefold()] = abbreviation
        self._by_korean: dict[str, list[str]] = defaultdict(list)
        self._by_synonyms: dict[str, list[str]] = defaultdict(list)
        self._by_english: dict[str, str] = {}
        for concept in found.values():
            self._enter(concept)

    def _papers_of_abbreviation(self, abbreviation: str) -> int:
        return sum(reading.papers for reading in self._readings[abbreviation])

    def _enter(self, concept: concepts.Concept) -> None:
        for form in concept.forms:
            if form.language == "ko":
                key = term_keys.korean_key(form.text)
                self._by_korean[key].append(concept.key)
                if len(key) < len(form.text) and (form.seeded or form.papers > 1):
                    self._by_synonyms[synonyms.canonical(key)].append(concept.key)
            elif form.language == "en":
                self._by_english.setdefault(term_keys.english_key(form.text), concept.key)
        self._by_english[concept.key] = concept.key

    def knows_korean(self, key: str) -> bool:
        """Tell whether a Korean key is a form of any concept."""
        return key in self._by_korean

    def find(self, text: str) -> Named:
        """Return the concepts that a text names, with weights, and how they were found."""
        if not korean_only(text):
            found = self._by_abbreviation(text)
            if found:
                return Named(found, "abbreviation")
        english = self._by_english.get(term_keys.english_key(text))
        if english is not None:
            return Named([(english, 1.0)], "English term")
        return Named(self._korean_concepts(text), "Korean term")

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = term_keys.korean_key(text)
        found = self._by_korean.get(key) or self._by_korean.get(korean.strip_ending(key)) or []
        if not found:
            return self._in_other_words(key)
        ranked = sorted(
            set(found), key=lambda one: (-self._papers(one, key), -self._concepts[one].support, one)
        )
        return [
            (one, 1.0)
            for one in ranked
            if self._papers(one, key) >= _LEAST_READING * self._papers(ranked[0], key)
        ]

    def _in_other_words(self, key: str) -> list[tuple[str, float]]:
        """Return the best supported concept of several words for which a text is said in words that mean the same."""
        found = self._by_synonyms.get(synonyms.canonical(key), [])
        return [(max(found, key=lambda one: (self._concepts[one].support, one)), 1.0)] if found else []

    def _papers(self, concept: str, korean_key: str) -> int:
        """Return how many papers say that a Korean form stands for a concept; our list counts as some."""
        return max(
            (
                form.papers + (abbreviation_senses.SEED_PAPERS if form.seeded else 0)
                for form in self._concepts[concept].of("ko")
                if term_keys.korean_key(form.text) == korean_key
            ),
            default=0,
        )

    def _by_abbreviation(self, text: str) -> list[tuple[str, float]]:
        """Return the readings of an abbreviation: the main one, or all that are not rare at a small weight."""
        stripped = text.strip()
        if stripped in SMALL_WORDS or len(stripped) < 2:
            return []
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not that of SD.
        singular = folded if stripped.endswith("S") else folded.removesuffix("s")
        written = (key, self._folded.get(folded, ""), self._folded.get(singular, ""))
        one = next((one for one in written if one in self._readings), None)
        if one is None:
            return []
        known = [reading for reading in self._readings[one] if reading.key in self._concepts]
        if not known:
            return []
        if known[0].share >= evidence.MAIN_SHARE:
            return [(known[0].key, 1.0)]
        return [(reading.key, _OTHER_READING) for reading in known if reading.share >= _LEAST_READING]


def korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return term_keys.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())
