"""Resolves queries by the glossary: which concepts a query names, and the forms to search for.

The whole query first, then its longest parts. Unknown words stay as typed. Compositional readings are added to the words
of a query and never replace them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from math import prod
from typing import TypeAlias

from bot.glossary import concepts, mentions, transliteration
from bot.text import analyser, term_keys

# Concept spotting: finds the concepts that a text names by a Korean form, an English form or an abbreviation.

_AMBIGUOUS_WEIGHT = 0.25
_MIN_SHARE = 0.2
# Abbreviations that are also function words: in lower case and within texts they are the words.
_COMMON_WORD_LIST = (
    "it is in or as at an on to us we do so no up my me he if be by are can all one and for the of a am was has had "
    "not but our its this that"
)
COMMON_WORDS = frozenset(_COMMON_WORD_LIST.split())

FormIndex: TypeAlias = tuple[dict[str, list[str]], dict[str, list[str]], dict[str, str]]
"""The concepts' keys by the keys of Korean forms, of Korean forms up to synonyms, and of English forms."""


def index_forms(all_concepts: Iterable[concepts.Concept]) -> FormIndex:
    """Return the index of the concepts' forms. Stemming takes most of the time, so a stored glossary has its index."""
    by_korean: dict[str, list[str]] = defaultdict(list)
    by_synonyms: dict[str, list[str]] = defaultdict(list)
    by_english: dict[str, str] = {}
    for concept in all_concepts:
        for form in concept.forms:
            if form.language == "ko":
                key = term_keys.korean_key(form.text)
                by_korean[key].append(concept.key)
                if len(key) < len(form.text) and (form.seeded or form.papers > 1):
                    by_synonyms[concepts.canonical_synonym_key(key)].append(concept.key)
            elif form.language == "en":
                by_english.setdefault(term_keys.english_key(form.text), concept.key)
        by_english[concept.key] = concept.key
    return dict(by_korean), dict(by_synonyms), by_english


class ConceptSpotter:
    """Finds concepts by their forms."""

    def __init__(
        self,
        concepts_by_key: Mapping[str, concepts.Concept],
        senses: Mapping[str, list[concepts.AbbreviationSense]],
        form_index: FormIndex | None = None,
    ) -> None:
        self._concepts = concepts_by_key
        self._senses = senses
        self._abbreviation_by_folded: dict[str, str] = {}
        by_papers = sorted(
            senses, key=lambda abbreviation: sum(sense.papers for sense in senses[abbreviation])
        )
        for abbreviation in by_papers:
            self._abbreviation_by_folded[abbreviation.casefold()] = abbreviation
        self._by_korean, self._by_synonyms, self._by_english = form_index or index_forms(
            concepts_by_key.values()
        )

    def has_korean_form(self, key: str) -> bool:
        """Tell whether a Korean key is a form of any concept."""
        return key in self._by_korean

    def find(self, text: str, *, in_phrase: bool = False) -> tuple[list[tuple[str, float]], bool]:
        """Return (English key, weight) of each concept that a text names, best first, and whether it is an abbreviation.

        `in_phrase` says that there are other words next to it: "live" in live video is no abbreviation.
        """
        if not is_korean_only(text) and not (in_phrase and is_everyday_word(text)):
            weights = self._by_abbreviation(text)
            if weights:
                return weights, True
        english = self._by_english.get(term_keys.english_key(text))
        if english is not None:
            return [(english, 1.0)], False
        return self._korean_concepts(text), False

    def _korean_concepts(self, text: str) -> list[tuple[str, float]]:
        key = term_keys.korean_key(text)
        keys = self._by_korean.get(key) or self._by_korean.get(analyser.strip_ending(key)) or []
        if not keys:
            return self._synonymous_concepts(key)
        papers = {concept: self._supporting_papers(concept, key) for concept in keys}
        ranked = sorted(papers, key=lambda name: (-papers[name], -self._concepts[name].support, name))
        min_papers = _MIN_SHARE * papers[ranked[0]]
        return [(concept, 1.0) for concept in ranked if papers[concept] >= min_papers]

    def _synonymous_concepts(self, key: str) -> list[tuple[str, float]]:
        """Return the best supported concept that has a synonymous form of several words."""
        keys = self._by_synonyms.get(concepts.canonical_synonym_key(key), [])
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
        senses = [sense for sense in self.list_senses(text) if sense.key in self._concepts]
        if not senses:
            return []
        if senses[0].share >= concepts.DOMINANT_SHARE:
            return [(senses[0].key, 1.0)]
        return [(sense.key, _AMBIGUOUS_WEIGHT) for sense in senses if sense.share >= _MIN_SHARE]

    def list_senses(self, text: str) -> list[concepts.AbbreviationSense]:
        """Return all senses of an abbreviation in any case, best first; none for other words."""
        stripped = text.strip()
        if stripped in COMMON_WORDS or len(stripped) < 2:
            return []
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not that of SD.
        singular = folded if stripped.endswith("S") else folded.removesuffix("s")
        spellings = (key, *(self._abbreviation_by_folded.get(other, "") for other in (folded, singular)))
        return next((self._senses[spelling] for spelling in spellings if spelling in self._senses), [])


def is_everyday_word(text: str) -> bool:
    """Tell whether a text in lower case is an everyday word or its plural, which among other words is no abbreviation."""
    return text in _everyday_words() or text.removesuffix("s") in _everyday_words()


@cache
def _everyday_words() -> frozenset[str]:
    """Return words that authors like to make abbreviations of."""
    return frozenset(concepts.read_data("everyday_words.txt").split())


def is_korean_only(text: str) -> bool:
    """Tell whether a text has Hangul and no Latin letters."""
    return analyser.has_hangul(text) and not any("a" <= letter <= "z" for letter in text.lower())


# Word-by-word translation by the association table, for queries that no paper explains.

_MIN_SCORE = 0.2
_MIN_SHARE_OF_BEST = 0.6
_MIN_PHRASE_SCORE = 0.15
_MIN_PHRASE_SHARE_OF_BEST = 0.34
_MIN_MUTUAL_SHARE = 0.4
_MAX_TRANSLATIONS_PER_WORD = 3
_MAX_PHRASES = 8
_MAX_WORD_LENGTH = 8


class Translator:
    """Looks words up in both directions. English words are stems."""

    def __init__(self, table: mentions.AssociationTable) -> None:
        self._table = table
        self._korean_by_stem: dict[str, dict[str, float]] = defaultdict(dict)
        for word, row in table.associations.items():
            if analyser.has_hangul(word):
                for english, score in row.items():
                    self._korean_by_stem[english][word] = score

    def is_word(self, word: str) -> bool:
        """Tell whether the table has a word."""
        return word in self._table.associations

    def list_korean_words(self) -> list[str]:
        """Return the Korean words of the table."""
        return [word for word in self._table.associations if analyser.is_hangul(word)]

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
            if analyser.has_hangul(unit):
                for word in mentions.split_context(unit):
                    words += self._decompound(word)
            else:
                words += term_keys.english_stems(unit)
        return words

    def translate_word(self, word: str, *, sure: bool = True) -> list[str]:
        """Return the translations of a word, best first: only sure ones, or all with a strong association."""
        is_sure = self._table.is_translation
        if analyser.is_hangul(word):
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
        rows = []
        for word in words:
            known = self._table.associations if analyser.is_hangul(word) else self._korean_by_stem
            row = known.get(word, {})
            likely = _top_entries(row, _MIN_PHRASE_SCORE, _MIN_PHRASE_SHARE_OF_BEST)
            rows.append([(text, row[text]) for text in likely[:_MAX_TRANSLATIONS_PER_WORD]])
        # One translation for two words covers only one of them.
        combinations = (row for row in product(*rows) if len({word for word, _ in row}) == len(row))
        ranked = sorted(combinations, key=lambda row: -prod(score for _, score in row))
        return [" ".join(word for word, _ in row) for row in ranked[:_MAX_PHRASES]]

    def _decompound(self, word: str) -> list[str]:
        """Split a closed-up Korean word into the fewest words of the table; return it whole if that is impossible."""
        if len(word) < 4 or word in self._table.associations:
            return [word]
        return analyser.fewest_pieces(word, self._table.associations.__contains__, _MAX_WORD_LENGTH) or [word]


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


_RARE_WEIGHT = 0.8
_COMMON_WORD_WEIGHT = 0.3
_WORD_BY_WORD_WEIGHT = 0.6
_TRANSLATED_WORD_WEIGHT = 0.4
_SHARED_ABBREVIATION_WEIGHT = 0.5
_MIN_SHARED_SENSE = 0.2
_UNAMBIGUOUS_PAPERS = 8
_MAX_SENSES = 5
_MAX_WORDS = 12
_PARTICLES = frozenset("서로와과을를")
"""Last syllables of particles that canonical texts do not distinguish; 의 is absent, as it forms terms."""
_MAX_SEGMENT_WORDS = 6
_MAX_PIECE_LENGTH = 14
_MAX_CACHED_TERMS = 1 << 10


class Glossary:
    """The concepts with the indexes to find them by. `title_counts` are the numbers of titles with each.

    `names` are the names of models and methods in titles, with their numbers of papers. `form_index` is
    derived from the concepts; a stored glossary has it, since it takes most of the time.
    """

    def __init__(
        self,
        all_concepts: Iterable[concepts.Concept],
        senses: Mapping[str, list[concepts.AbbreviationSense]] | None = None,
        table: mentions.AssociationTable | None = None,
        title_counts: Mapping[str, int] | None = None,
        names: Mapping[str, int] | None = None,
        form_index: FormIndex | None = None,
    ) -> None:
        self.title_counts = title_counts or {}
        self._concepts = {concept.key: concept for concept in all_concepts}
        self._translator = Translator(table or mentions.AssociationTable({}, {}))
        self._spotter = ConceptSpotter(self._concepts, senses or {}, form_index)
        self._shared_abbreviations = _shared_abbreviations(senses or {})
        self._keys_by_word: dict[str, set[str]] = defaultdict(set)
        for key in self._concepts:
            for word in term_keys.content_words(key):
                self._keys_by_word[word].add(key)
        # Abbreviations that may be spoken as words, such as LoRA.
        spoken = {
            text: sum(sense.papers for sense in ranked)
            for text, ranked in (senses or {}).items()
            if text.isalpha()
        }
        self._sounds = transliteration.SoundIndex({**spoken, **(names or {})})
        self._forms_by_terms: dict[tuple[str, ...], tuple[concepts.WeightedForm, ...]] = {}

    def all_concepts(self) -> list[concepts.Concept]:
        """Return all concepts, best supported first."""
        return list(self._concepts.values())

    def concept(self, key: str) -> concepts.Concept | None:
        """Return the concept of an English key, or None."""
        return self._concepts.get(key)

    def expand(self, text: str) -> concepts.Expansion:
        """Expand a query; unknown words stay as typed."""
        units = text.split()[:_MAX_WORDS]
        if not units:
            return concepts.Expansion(text, ())
        whole_segment = self._segment(text)
        if whole_segment is not None:
            main_form = whole_segment.forms[0]
            spaced = main_form.text.split() if main_form.key == term_keys.korean_key(text) else units
            parts = self._longest_match_segments(spaced) if len(spaced) > 1 else []
            if parts and analyser.has_hangul(text) and not is_korean_only(text):
                # Two languages are usually two terms, not one: "LLM 추론" asks for both.
                return concepts.Expansion(text, tuple(parts), (whole_segment,))
            return concepts.Expansion(text, (whole_segment,), fallback=tuple(parts))
        composed = [*(self._compose_concept(units) or self._translate_query(units))]
        joined = term_keys.joined_writing(units)
        if joined is not None:  # which a name may be: flashattention
            form = concepts.WeightedForm(joined, 1.0, is_shown=False)
            composed.append(concepts.Segment(" ".join(units), (form,)))
        return concepts.Expansion(text, tuple(self._longest_match_segments(units)), tuple(composed))

    def list_forms(self, terms: tuple[str, ...]) -> tuple[concepts.WeightedForm, ...]:
        """Return the forms of several terms of one meaning; that of a phrase that is no term is itself. Cached."""
        # Not with lru_cache: over a method it is a cycle, which keeps a replaced glossary in memory. Threads share the forms.
        known = self._forms_by_terms.get(terms)
        if known is None:
            forms: list[concepts.WeightedForm] = []
            for term in terms:
                segments = self.expand(term).segments if " " not in term or self.is_term(term) else ()
                forms += segments[0].forms if len(segments) == 1 else [concepts.WeightedForm(term, 1.0)]
            known = concepts.deduplicate_forms(forms)
            if len(self._forms_by_terms) >= _MAX_CACHED_TERMS:
                self._forms_by_terms.clear()
            self._forms_by_terms[terms] = known
        return known

    def is_term(self, text: str) -> bool:
        """Tell whether a text as a whole is a form of a concept."""
        return bool(self._spotter.find(text)[0])

    def is_word(self, text: str) -> bool:
        """Tell whether a text is a term, or a Korean word that terms consist of."""
        if not is_korean_only(text):
            return self.is_term(text)
        return self._spotter.has_korean_form(text) or self._translator.is_word(text)

    def list_korean_words(self) -> list[str]:
        """Return the Korean words that terms consist of."""
        return self._translator.list_korean_words()

    def find_names(self, text: str) -> list[str]:
        """Return the names of models and methods that a Korean spelling sounds like: 제미나이 like Gemini."""
        return self._sounds.find(text)

    def find_concepts(self, term: str) -> list[concepts.Concept]:
        """Return the concepts that have this form, best supported first."""
        weights, _ = self._spotter.find(term)
        return [self._concepts[key] for key, _ in weights]

    def list_senses(self, abbreviation: str) -> list[str]:
        """Return the terms that an abbreviation is short for, best supported first, if they are several; else none."""
        senses = self._distinct_senses(abbreviation)
        return [sense.text or sense.key for sense in senses[:_MAX_SENSES]] if len(senses) > 1 else []

    def _distinct_senses(self, abbreviation: str) -> list[concepts.AbbreviationSense]:
        """Return the senses of an abbreviation that are terms of their own: no other writings, none rare but seeded ones."""
        senses = self._spotter.list_senses(abbreviation)
        seeded = {
            sense.key
            for sense in senses
            if sense.key in self._concepts and any(form.seeded for form in self._concepts[sense.key].forms)
        }
        return concepts.distinct_senses(senses, seeded)

    def _segment(self, text: str, *, sure: bool = True) -> concepts.Segment | None:
        """Return the segment of a text that is a form of concepts as a whole; of a term alone with sure forms only."""
        weights, is_abbreviation = self._spotter.find(text, in_phrase=not sure)
        if not weights:
            return None
        forms = {form.text: form for form in _typed_forms(text)}
        for key, weight in weights:
            word_factor = _COMMON_WORD_WEIGHT if not is_abbreviation and self._is_single_word(key) else 1.0
            concept = self._concepts[key]
            for form in (*self._weighted_forms(concept), *self._word_by_word_forms(concept)):
                factor = 1.0 if _are_transliterations(text, form.text) else word_factor
                form = form._replace(weight=form.weight * weight * factor)
                previous = forms.get(form.text)
                if previous is None or previous.weight < form.weight:
                    forms[form.text] = form
        if all(self._is_single_word(key) for key, _ in weights):
            for form in self._translated_forms(text, sure=sure):
                forms.setdefault(form.text, form._replace(weight=_COMMON_WORD_WEIGHT))
        return concepts.Segment(text, concepts.deduplicate_forms(forms.values()), weights[0][0])

    def _is_single_word(self, key: str) -> bool:
        """Tell whether a concept is a single word, which may be an everyday one; fine-tuning is two words."""
        main_forms = self._concepts[key].forms_in("en")[:1]
        is_compound = any("-" in form.text or " " in form.text for form in main_forms)
        return len(term_keys.content_words(key)) == 1 and not is_compound

    def _weighted_forms(self, concept: concepts.Concept) -> Iterable[concepts.WeightedForm]:
        for form in concept.forms:
            if form.is_alias or not form.expands:
                continue
            if form.language != "abbr":
                # In a canonical text 텍스트에서 이미지 cannot be told from 텍스트와 이미지.
                if not _has_inner_particle(form.text):
                    weight = _RARE_WEIGHT if form.is_rare else 1.0
                    yield concepts.WeightedForm(form.text, weight, is_shown=not form.is_rare)
            elif form.text.casefold() not in COMMON_WORDS:
                rivals = self._rivals(concept, form.text)
                context = self._context(concept) if rivals or form.papers < _UNAMBIGUOUS_PAPERS else ()
                yield concepts.WeightedForm(form.text, 1.0, context, rivals=rivals)
        for abbreviation in self._shared_abbreviations.get(concept.key, ()):
            yield concepts.WeightedForm(
                abbreviation,
                _SHARED_ABBREVIATION_WEIGHT,
                self._context(concept),
                is_shown=False,
                rivals=self._rivals(concept, abbreviation),
            )

    def _word_by_word_forms(self, concept: concepts.Concept) -> Iterable[concepts.WeightedForm]:
        """Yield Korean translations word by word, if at most one paper has a Korean form of the term."""
        if any(form.seeded or form.papers > 1 for form in concept.forms_in("ko")):
            return
        english = next((form.text for form in concept.forms_in("en")), concept.key)
        head, of, complement = english.partition(" of ")
        for text in self._translator.translate_phrase(
            f"{complement} {head}".split() if of else english.split()
        ):
            yield concepts.WeightedForm(text, _WORD_BY_WORD_WEIGHT, is_shown=False)

    def _context(self, concept: concepts.Concept) -> tuple[str, ...]:
        korean_forms = [form.text for form in concept.forms_in("ko") if not form.is_alias][:4]
        return (*term_keys.content_words(concept.key), *korean_forms)

    def _rivals(self, concept: concepts.Concept, abbreviation: str) -> tuple[str, ...]:
        """Return the writings of the other terms that an abbreviation is short for; none if these are rare."""
        if len(concepts.distinct_senses(self._spotter.list_senses(abbreviation), ())) < 2:
            return ()
        others = [sense for sense in self._distinct_senses(abbreviation) if sense.key != concept.key]
        forms = [form for sense in others if (other := self._concepts.get(sense.key)) for form in other.forms]
        texts = [form.text for form in forms if form.language != "abbr" and not form.is_alias]
        return tuple(dict.fromkeys([*(sense.text or sense.key for sense in others), *texts]))

    def _longest_match_segments(self, units: list[str]) -> list[concepts.Segment]:
        """Split a query into its longest known parts; other words become segments as typed."""
        parts: list[concepts.Segment] = []
        position = 0
        while position < len(units):
            for length in range(min(_MAX_SEGMENT_WORDS, len(units) - position), 0, -1):
                text = " ".join(units[position : position + length])
                segment = self._segment(text, sure=False) if length < len(units) or position else None
                if segment is not None:
                    parts.append(segment)
                    position += length
                    break
            else:
                parts += self._split_compound(units[position], sure=len(units) == 1)
                position += 1
        return [part for part in parts if analyser.stemmed_words(part.text)]

    def _split_compound(self, unit: str, *, sure: bool) -> list[concepts.Segment]:
        """Split one long Korean word into known forms (대규모언어모델추론), or keep it as typed."""
        word = analyser.strip_ending(term_keys.korean_key(unit))
        if not is_korean_only(unit) or len(word) < 4:
            return [self._word_segment(unit, sure=sure)]
        pieces = analyser.fewest_pieces(word, self._spotter.has_korean_form, _MAX_PIECE_LENGTH)
        if pieces is None:
            words = self._translator.split_words([unit])
            if len(words) == 1:
                return [self._word_segment(unit, sure=sure)]
            return [self._segment(part, sure=False) or self._word_segment(part, sure=False) for part in words]
        return [self._segment(piece) or concepts.literal_segment(piece) for piece in pieces]

    def _compose_concept(self, units: list[str]) -> list[concepts.Segment]:
        """Translate a Korean query word by word and return the one concept whose words it covers."""
        words = self._translator.split_words(units)
        if len(words) < 2 or not all(map(analyser.is_hangul, words)):
            return []
        translated = [self._translator.to_english(word, mentions.MIN_ASSOCIATION) for word in words]
        if not all(translated):
            return []
        candidates = set().union(*(self._keys_by_word[stem] for row in translated for stem in row))
        fitting = [key for key in candidates if _is_covered(term_keys.content_words(key), translated)]
        ranked = sorted(fitting, key=lambda key: (-self._concepts[key].support, key))
        supports = [self._concepts[key].support for key in ranked[:2]]
        if not ranked or (len(supports) > 1 and supports[0] <= 2 * supports[1]):
            return []
        text = " ".join(units)
        forms = [concepts.WeightedForm(text, 1.0), *self._weighted_forms(self._concepts[ranked[0]])]
        return [concepts.Segment(text, concepts.deduplicate_forms(forms), ranked[0])]

    def _translate_query(self, units: list[str]) -> list[concepts.Segment]:
        query_text = " ".join(units)
        texts = self._translator.translate_phrase(units)
        forms = [concepts.WeightedForm(text, _WORD_BY_WORD_WEIGHT, is_shown=False) for text in texts]
        if not forms:
            return []
        typed_form = concepts.WeightedForm(query_text, 1.0)
        return [concepts.Segment(query_text, concepts.deduplicate_forms([typed_form, *forms]))]

    def _word_segment(self, unit: str, *, sure: bool) -> concepts.Segment:
        """Return the segment of one word with its translations, only `sure` ones if it is the whole query."""
        translated = self._translated_forms(unit, sure=sure)
        return concepts.Segment(unit, (*_typed_forms(unit), *translated))

    def _translated_forms(self, unit: str, *, sure: bool) -> list[concepts.WeightedForm]:
        """Return the translations of one word: the sure ones, or all with a strong association."""
        words = self._translator.split_words([unit])
        translations = self._translator.translate_word(words[0], sure=sure) if len(words) == 1 else []
        return [concepts.WeightedForm(word, _TRANSLATED_WORD_WEIGHT, is_shown=False) for word in translations]


def _shared_abbreviations(senses: Mapping[str, list[concepts.AbbreviationSense]]) -> dict[str, list[str]]:
    """Return for each term the abbreviations that it shares with others, none of which is dominant."""
    by_term: dict[str, list[str]] = defaultdict(list)
    for abbreviation, ranked in senses.items():
        is_shared = bool(ranked) and ranked[0].share < concepts.DOMINANT_SHARE
        if is_shared and abbreviation.casefold() not in COMMON_WORDS:
            for sense in ranked:
                if sense.papers and sense.share >= _MIN_SHARED_SENSE:
                    by_term[sense.key].append(abbreviation)
    return by_term


def _typed_forms(text: str) -> list[concepts.WeightedForm]:
    """Return the form of a text as typed, and of a joined name also its words: Llama 3 for Llama3."""
    split = term_keys.split_writing(text)
    typed = [concepts.WeightedForm(text, 1.0)]
    return [*typed, concepts.WeightedForm(split, 1.0, is_shown=False)] if split else typed


def _is_covered(content: list[str], translated: list[list[str]]) -> bool:
    """Tell whether each content word is a translation of a query word, and each query word has such a translation."""
    covered = [set(row) & set(content) for row in translated]
    return all(covered) and set().union(*covered) >= set(content)


def _has_inner_particle(text: str) -> bool:
    """Tell whether a form has a particle between two nouns: 텍스트에서 이미지 would also match 텍스트와 이미지."""
    first, _, second = text.partition(" ")
    return (
        bool(second)
        and " " not in second
        and first[-1] in _PARTICLES
        and analyser.strip_ending(first) != first
    )


def _are_transliterations(left: str, right: str) -> bool:
    """Tell whether one word transliterates the other: 트랜스포머 is unambiguously transformer."""
    if analyser.has_hangul(left) == analyser.has_hangul(right):
        return False
    hangul, latin = (left, right) if analyser.has_hangul(left) else (right, left)
    words = term_keys.english_stems(latin)
    return len(words) == 1 and transliteration.is_transliteration(term_keys.korean_key(hangul), words[0])


# Serialises a glossary to JSON and back, so that it is built only once.

_VERSION = 9
_HEADER = f'{{"version":{_VERSION},'


def dump_glossary(
    built: Iterable[concepts.Concept],
    senses: Mapping[str, list[concepts.AbbreviationSense]],
    table: mentions.AssociationTable,
    title_counts: Mapping[str, int],
    names: Mapping[str, int] | None = None,
) -> str:
    """Return all parts of a `Glossary` as JSON."""
    ordered = list(built)
    return json.dumps(
        {
            "version": _VERSION,
            "concepts": [
                [concept.key, [form._replace(share=round(form.share, 3)) for form in concept.forms]]
                for concept in ordered
            ],
            "readings": senses,
            "words": {
                word: {english: round(score, 3) for english, score in row.items()}
                for word, row in table.associations.items()
            },
            "confirmed": sorted(table.confirmed),
            "titled": title_counts,
            "names": names or {},
            "forms": index_forms(ordered),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def is_current(text: str) -> bool:
    """Tell whether `load` can read a text, by its header only."""
    return text.startswith(_HEADER)


def load_glossary(text: str) -> Glossary | None:
    """Return the glossary of a dumped text; None if another version wrote it, so that it must be rebuilt."""
    if not is_current(text):
        return None
    stored = json.loads(text)
    built = [
        concepts.Concept(key, tuple(map(concepts.SurfaceForm._make, rows)))
        for key, rows in stored["concepts"]
    ]
    senses = {
        abbreviation: [concepts.AbbreviationSense(*row) for row in rows]
        for abbreviation, rows in stored["readings"].items()
    }
    table = mentions.AssociationTable(
        stored["words"], {}, [(word, stem) for word, stem in stored["confirmed"]]
    )
    by_korean, by_synonyms, by_english = stored["forms"]
    return Glossary(
        built, senses, table, stored["titled"], stored["names"], (by_korean, by_synonyms, by_english)
    )
