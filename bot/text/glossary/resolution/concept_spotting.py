"""Concept spotting: finds the concepts that a text names by a Korean form, an English form or an abbreviation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from bot.text.analysis import korean, term_keys
from bot.text.glossary.model import concepts, synonyms

_AMBIGUOUS_WEIGHT = 0.25
_MIN_SHARE = 0.2
# Abbreviations that are also function words: in lower case and within texts they are the words.
_COMMON_WORD_LIST = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
COMMON_WORDS = frozenset(_COMMON_WORD_LIST.split())


class ConceptSpotter:
    """Finds concepts by their forms."""

    def __init__(
        self,
        concepts_by_key: Mapping[str, concepts.Concept],
        senses: Mapping[str, list[concepts.AbbreviationSense]],
    ) -> None:
        self._concepts = concepts_by_key
        self._senses = senses
        self._abbreviation_by_folded: dict[str, str] = {}
        by_papers = sorted(
            senses, key=lambda abbreviation: sum(sense.papers for sense in senses[abbreviation])
        )
        for abbreviation in by_papers:
            self._abbreviation_by_folded[abbreviation.casefold()] = abbreviation
        self._by_korean: dict[str, list[str]] = defaultdict(list)
        self._by_synonyms: dict[str, list[str]] = defaultdict(list)
        self._by_english: dict[str, str] = {}
        for concept in concepts_by_key.values():
            self._index_forms(concept)

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

    def find(self, text: str) -> tuple[list[tuple[str, float]], bool]:
        """Return (English key, weight) of each concept that a text names, best first, and whether it is an abbreviation."""
        if not is_korean_only(text):
            weights = self._by_abbreviation(text)
            if weights:
                return weights, True
        english = self._by_english.get(term_keys.english_key(text))
        if english is not None:
            return [(english, 1.0)], False
        return self._korean_concepts(text), False

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = term_keys.korean_key(text)
        keys = self._by_korean.get(key) or self._by_korean.get(korean.strip_ending(key)) or []
        if not keys:
            return self._synonymous_concepts(key)
        papers = {concept: self._supporting_papers(concept, key) for concept in keys}
        ranked = sorted(papers, key=lambda name: (-papers[name], -self._concepts[name].support, name))
        min_papers = _MIN_SHARE * papers[ranked[0]]
        return [(concept, 1.0) for concept in ranked if papers[concept] >= min_papers]

    def _synonymous_concepts(self, key: str) -> list[tuple[str, float]]:
        """Return the best supported concept that has a synonymous form of several words."""
        keys = self._by_synonyms.get(synonyms.canonical_key(key), [])
        ranked = sorted(keys, key=lambda key: (self._concepts[key].support, key))
        return [(key, 1.0) for key in ranked[-1:]]

    def _supporting_papers(self, concept: str, korean_key: str) -> int:
        """Return the number of papers that explain a concept by a Korean form; the seed list counts as some."""
        return max(
            (
                form.papers + (concepts.SEED_PAPERS if form.seeded else 0)
                for form in self._concepts[concept].forms_in("ko")
                if term_keys.korean_key(form.text) == korean_key
            ),
            default=0,
        )

    def _by_abbreviation(self, text: str) -> list[tuple[str, float]]:
        """Return the senses of an abbreviation: the dominant one, or all that are not rare at a small weight."""
        stripped = text.strip()
        if stripped in COMMON_WORDS or len(stripped) < 2:
            return []
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not that of SD.
        singular = folded if stripped.endswith("S") else folded.removesuffix("s")
        spellings = (key, *(self._abbreviation_by_folded.get(other, "") for other in (folded, singular)))
        senses = next((self._senses[spelling] for spelling in spellings if spelling in self._senses), [])
        senses = [sense for sense in senses if sense.key in self._concepts]
        if not senses:
            return []
        if senses[0].share >= concepts.DOMINANT_SHARE:
            return [(senses[0].key, 1.0)]
        return [(sense.key, _AMBIGUOUS_WEIGHT) for sense in senses if sense.share >= _MIN_SHARE]


def is_korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return korean.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())
