"""Knows which concepts a text names: as a Korean form, an English one or an abbreviation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from bot.text.analysis import korean, term_keys
from bot.text.glossary.model import concepts, synonyms

_AMBIGUOUS_WEIGHT = 0.25
_MIN_SHARE = 0.2
# Abbreviations that are also small words: in lower case and inside of texts they are the words.
_COMMON_WORD_LIST = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
COMMON_WORDS = frozenset(_COMMON_WORD_LIST.split())


class SpottedConcepts(NamedTuple):
    """The English keys of concepts with their weights, best first, and whether the text is an abbreviation."""

    weights: list[tuple[str, float]]
    is_abbreviation: bool = False


class ConceptSpotter:
    """Finds concepts by their forms."""

    def __init__(
        self, found: Mapping[str, concepts.Concept], senses: Mapping[str, list[concepts.AbbreviationSense]]
    ) -> None:
        self._concepts = found
        self._senses = senses
        self._abbreviation_by_folded: dict[str, str] = {}
        for abbreviation in sorted(senses, key=self._papers_of_abbreviation):
            self._abbreviation_by_folded[abbreviation.casefold()] = abbreviation
        self._by_korean: dict[str, list[str]] = defaultdict(list)
        self._by_synonyms: dict[str, list[str]] = defaultdict(list)
        self._by_english: dict[str, str] = {}
        for concept in found.values():
            self._index_forms(concept)

    def _papers_of_abbreviation(self, abbreviation: str) -> int:
        return sum(reading.papers for reading in self._senses[abbreviation])

    def _index_forms(self, concept: concepts.Concept) -> None:
        for form in concept.forms:
            if form.language == "ko":
                key = term_keys.korean_key(form.text)
                self._by_korean[key].append(concept.key)
                if len(key) < len(form.text) and (form.seeded or form.papers > 1):
                    self._by_synonyms[synonyms.canonical_key(key)].append(concept.key)
            elif form.language == "en":
                self._by_english.setdefault(term_keys.english_key(form.text), concept.key)
        self._by_english[concept.key] = concept.key

    def has_korean_form(self, key: str) -> bool:
        """Tell whether a Korean key is a form of any concept."""
        return key in self._by_korean

    def find(self, text: str) -> SpottedConcepts:
        """Return the concepts that a text names."""
        if not is_korean_only(text):
            found = self._by_abbreviation(text)
            if found:
                return SpottedConcepts(found, is_abbreviation=True)
        english = self._by_english.get(term_keys.english_key(text))
        if english is not None:
            return SpottedConcepts([(english, 1.0)])
        return SpottedConcepts(self._korean_concepts(text))

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = term_keys.korean_key(text)
        found = self._by_korean.get(key) or self._by_korean.get(korean.strip_ending(key)) or []
        if not found:
            return self._synonymous_concepts(key)
        ranked = sorted(
            set(found),
            key=lambda one: (-self._supporting_papers(one, key), -self._concepts[one].support, one),
        )
        return [
            (one, 1.0)
            for one in ranked
            if self._supporting_papers(one, key) >= _MIN_SHARE * self._supporting_papers(ranked[0], key)
        ]

    def _synonymous_concepts(self, key: str) -> list[tuple[str, float]]:
        """Return the best supported concept of several words for which a text is said in words that mean the same."""
        found = self._by_synonyms.get(synonyms.canonical_key(key), [])
        return [(max(found, key=lambda one: (self._concepts[one].support, one)), 1.0)] if found else []

    def _supporting_papers(self, concept: str, korean_key: str) -> int:
        """Return how many papers say that a Korean form stands for a concept; our list counts as some."""
        return max(
            (
                form.papers + (concepts.SEED_PAPERS if form.seeded else 0)
                for form in self._concepts[concept].forms_in("ko")
                if term_keys.korean_key(form.text) == korean_key
            ),
            default=0,
        )

    def _by_abbreviation(self, text: str) -> list[tuple[str, float]]:
        """Return the readings of an abbreviation: the main one, or all that are not rare at a small weight."""
        stripped = text.strip()
        if stripped in COMMON_WORDS or len(stripped) < 2:
            return []
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not that of SD.
        singular = folded if stripped.endswith("S") else folded.removesuffix("s")
        written = (
            key,
            self._abbreviation_by_folded.get(folded, ""),
            self._abbreviation_by_folded.get(singular, ""),
        )
        one = next((one for one in written if one in self._senses), None)
        if one is None:
            return []
        known = [reading for reading in self._senses[one] if reading.key in self._concepts]
        if not known:
            return []
        if known[0].share >= concepts.DOMINANT_SHARE:
            return [(known[0].key, 1.0)]
        return [(reading.key, _AMBIGUOUS_WEIGHT) for reading in known if reading.share >= _MIN_SHARE]


def is_korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return korean.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())
