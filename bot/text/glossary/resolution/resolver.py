"""Resolves queries by the glossary: which concepts a query names, and the forms to search for.

The whole query first, then its longest parts. Unknown words stay as typed. Compositional readings are added to the words
of a query and never replace them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bot.text.analysis import analyser, korean, term_keys
from bot.text.glossary.extraction import alignment, sound_patterns, title_phrases, transliteration
from bot.text.glossary.model import concepts, expansion
from bot.text.glossary.resolution import concept_spotting, translation

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
    """The concepts with the indexes to find them by. `title_statistics` is only for autocomplete.

    `names` are the names of models and methods in titles, with their numbers of papers. `form_index` and `skeletons` are
    derived from the concepts; a stored glossary has them, since they take most of the time.
    """

    def __init__(
        self,
        all_concepts: Iterable[concepts.Concept],
        senses: Mapping[str, list[concepts.AbbreviationSense]] | None = None,
        table: alignment.AssociationTable | None = None,
        title_statistics: title_phrases.TitleStatistics | None = None,
        names: Mapping[str, int] | None = None,
        form_index: concept_spotting.FormIndex | None = None,
        skeletons: Mapping[str, str] | None = None,
    ) -> None:
        self.title_statistics = title_statistics or ((), {})
        self._concepts = {concept.key: concept for concept in all_concepts}
        self._translator = translation.Translator(table or alignment.AssociationTable({}, {}))
        self._spotter = concept_spotting.ConceptSpotter(self._concepts, senses or {}, form_index)
        self._shared_abbreviations = _shared_abbreviations(senses or {})
        self._keys_by_word: dict[str, set[str]] = defaultdict(set)
        for key in self._concepts:
            for word in term_keys.content_words(key):
                self._keys_by_word[word].add(key)
        self._transliterations = transliteration.TransliterationIndex(
            skeletons or transliteration.list_skeletons(self._keys_by_word)
        )
        self._sounds = sound_patterns.SoundIndex({**_spoken_abbreviations(senses or {}), **(names or {})})
        self._forms_by_terms: dict[tuple[str, ...], tuple[expansion.WeightedForm, ...]] = {}

    def all_concepts(self) -> list[concepts.Concept]:
        """Return all concepts, best supported first."""
        return list(self._concepts.values())

    def concept(self, key: str) -> concepts.Concept | None:
        """Return the concept of an English key, or None."""
        return self._concepts.get(key)

    def expand(self, text: str) -> expansion.Expansion:
        """Expand a query; unknown words stay as typed."""
        units = text.split()[:_MAX_WORDS]
        if not units:
            return expansion.Expansion(text, ())
        whole_segment = self._segment(text)
        if whole_segment is not None:
            main_form = whole_segment.forms[0]
            spaced = main_form.text.split() if main_form.key == term_keys.korean_key(text) else units
            parts = self._longest_match_segments(spaced) if len(spaced) > 1 else []
            if parts and korean.has_hangul(text) and not concept_spotting.is_korean_only(text):
                # Two languages are usually two terms, not one: "LLM 추론" asks for both.
                return expansion.Expansion(text, tuple(parts), (whole_segment,))
            return expansion.Expansion(text, (whole_segment,), fallback=tuple(parts))
        composed = [*(self._compose_concept(units) or self._translate_query(units)), *_joined_segments(units)]
        return expansion.Expansion(text, tuple(self._longest_match_segments(units)), tuple(composed))

    def list_forms(self, terms: tuple[str, ...]) -> tuple[expansion.WeightedForm, ...]:
        """Return the forms of several terms of one meaning; that of a phrase that is no term is itself. Cached."""
        # Not with lru_cache: over a method it is a cycle, which keeps a replaced glossary in memory.
        if terms not in self._forms_by_terms:
            if len(self._forms_by_terms) >= _MAX_CACHED_TERMS:
                self._forms_by_terms.clear()
            self._forms_by_terms[terms] = self._find_forms(terms)
        return self._forms_by_terms[terms]

    def _find_forms(self, terms: tuple[str, ...]) -> tuple[expansion.WeightedForm, ...]:
        forms: list[expansion.WeightedForm] = []
        for term in terms:
            segments = self.expand(term).segments if " " not in term or self.is_term(term) else ()
            forms += segments[0].forms if len(segments) == 1 else [expansion.WeightedForm(term, 1.0)]
        return expansion.deduplicate_forms(forms)

    def is_term(self, text: str) -> bool:
        """Tell whether a text as a whole is a form of a concept."""
        return bool(self._spotter.find(text)[0])

    def is_word(self, text: str) -> bool:
        """Tell whether a text is a term, or a Korean word that terms consist of."""
        if not concept_spotting.is_korean_only(text):
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

    def _segment(self, text: str, *, sure: bool = True) -> expansion.Segment | None:
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
        return expansion.Segment(text, expansion.deduplicate_forms(forms.values()), weights[0][0])

    def _is_single_word(self, key: str) -> bool:
        """Tell whether a concept is a single word, which may be an everyday one; fine-tuning is two words."""
        main_forms = self._concepts[key].forms_in("en")[:1]
        is_compound = any("-" in form.text or " " in form.text for form in main_forms)
        return len(term_keys.content_words(key)) == 1 and not is_compound

    def _weighted_forms(self, concept: concepts.Concept) -> Iterable[expansion.WeightedForm]:
        for form in concept.forms:
            if form.is_alias or not form.expands:
                continue
            if form.language != "abbr":
                # In a canonical text 텍스트에서 이미지 cannot be told from 텍스트와 이미지.
                if not _has_inner_particle(form.text):
                    weight = _RARE_WEIGHT if form.is_rare else 1.0
                    yield expansion.WeightedForm(form.text, weight, is_shown=not form.is_rare)
            elif form.text.casefold() not in concept_spotting.COMMON_WORDS:
                rivals = self._rivals(concept, form.text)
                context = self._context(concept) if rivals or form.papers < _UNAMBIGUOUS_PAPERS else ()
                yield expansion.WeightedForm(form.text, 1.0, context, rivals=rivals)
        for abbreviation in self._shared_abbreviations.get(concept.key, ()):
            yield expansion.WeightedForm(
                abbreviation,
                _SHARED_ABBREVIATION_WEIGHT,
                self._context(concept),
                is_shown=False,
                rivals=self._rivals(concept, abbreviation),
            )

    def _word_by_word_forms(self, concept: concepts.Concept) -> Iterable[expansion.WeightedForm]:
        """Yield Korean translations word by word, if at most one paper has a Korean form of the term."""
        if any(form.seeded or form.papers > 1 for form in concept.forms_in("ko")):
            return
        english = next((form.text for form in concept.forms_in("en")), concept.key)
        head, of, complement = english.partition(" of ")
        for text in self._translator.translate_phrase(
            f"{complement} {head}".split() if of else english.split()
        ):
            yield expansion.WeightedForm(text, _WORD_BY_WORD_WEIGHT, is_shown=False)

    def _context(self, concept: concepts.Concept) -> tuple[str, ...]:
        """Return the English content words of a concept, followed by its Korean forms."""
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

    def _longest_match_segments(self, units: list[str]) -> list[expansion.Segment]:
        """Split a query into its longest known parts; other words become segments as typed."""
        parts: list[expansion.Segment] = []
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

    def _split_compound(self, unit: str, *, sure: bool) -> list[expansion.Segment]:
        """Split one long Korean word into known forms (대규모언어모델추론), or keep it as typed."""
        word = korean.strip_ending(term_keys.korean_key(unit))
        if not concept_spotting.is_korean_only(unit) or len(word) < 4:
            return [self._word_segment(unit, sure=sure)]
        pieces = korean.fewest_pieces(word, self._spotter.has_korean_form, _MAX_PIECE_LENGTH)
        if pieces is None:
            words = self._translator.split_words([unit])
            if len(words) == 1:
                return [self._word_segment(unit, sure=sure)]
            return [self._segment(part, sure=False) or self._word_segment(part, sure=False) for part in words]
        return [self._segment(piece) or expansion.literal_segment(piece) for piece in pieces]

    def _compose_concept(self, units: list[str]) -> list[expansion.Segment]:
        """Translate a Korean query word by word and return the one concept whose words it covers."""
        words = self._translator.split_words(units)
        if len(words) < 2 or not all(map(korean.is_hangul, words)):
            return []
        translated = [self._english_translations(word) for word in words]
        if not all(translated):
            return []
        candidates = set().union(*(self._keys_by_word[stem] for row in translated for stem in row))
        fitting = [key for key in candidates if _is_covered(term_keys.content_words(key), translated)]
        ranked = sorted(fitting, key=lambda key: (-self._concepts[key].support, key))
        supports = [self._concepts[key].support for key in ranked[:2]]
        if not ranked or (len(supports) > 1 and supports[0] <= 2 * supports[1]):
            return []
        text = " ".join(units)
        forms = [expansion.WeightedForm(text, 1.0), *self._weighted_forms(self._concepts[ranked[0]])]
        return [expansion.Segment(text, expansion.deduplicate_forms(forms), ranked[0])]

    def _translate_query(self, units: list[str]) -> list[expansion.Segment]:
        """Translate a query of several words word by word."""
        query_text = " ".join(units)
        texts = self._translator.translate_phrase(units)
        forms = [expansion.WeightedForm(text, _WORD_BY_WORD_WEIGHT, is_shown=False) for text in texts]
        if not forms:
            return []
        typed_form = expansion.WeightedForm(query_text, 1.0)
        return [expansion.Segment(query_text, expansion.deduplicate_forms([typed_form, *forms]))]

    def _word_segment(self, unit: str, *, sure: bool) -> expansion.Segment:
        """Return the segment of one word with its translations, only `sure` ones if it is the whole query."""
        translated = self._translated_forms(unit, sure=sure)
        return expansion.Segment(unit, (*_typed_forms(unit), *translated))

    def _translated_forms(self, unit: str, *, sure: bool) -> list[expansion.WeightedForm]:
        """Return the translations of one word: the sure ones, or all with a strong association."""
        words = self._translator.split_words([unit])
        translations = self._translator.translate_word(words[0], sure=sure) if len(words) == 1 else []
        return [
            expansion.WeightedForm(word, _TRANSLATED_WORD_WEIGHT, is_shown=False) for word in translations
        ]

    def _english_translations(self, word: str) -> list[str]:
        stems = self._translator.to_english(word, alignment.MIN_ASSOCIATION)
        return stems or self._transliterations.find(word)


def _shared_abbreviations(senses: Mapping[str, list[concepts.AbbreviationSense]]) -> dict[str, list[str]]:
    """Return for each term the abbreviations that it shares with others, none of which is dominant."""
    by_term: dict[str, list[str]] = defaultdict(list)
    for abbreviation, ranked in senses.items():
        is_shared = bool(ranked) and ranked[0].share < concepts.DOMINANT_SHARE
        if is_shared and abbreviation.casefold() not in concept_spotting.COMMON_WORDS:
            for sense in ranked:
                if sense.papers and sense.share >= _MIN_SHARED_SENSE:
                    by_term[sense.key].append(abbreviation)
    return by_term


def _typed_forms(text: str) -> list[expansion.WeightedForm]:
    """Return the form of a text as typed, and of a joined name also its words: Llama 3 for Llama3."""
    split = term_keys.split_writing(text)
    typed = [expansion.WeightedForm(text, 1.0)]
    return [*typed, expansion.WeightedForm(split, 1.0, is_shown=False)] if split else typed


def _joined_segments(units: list[str]) -> list[expansion.Segment]:
    """Return the segment of a query written as one word, which a name may be: flashattention."""
    joined = term_keys.joined_writing(units)
    form = None if joined is None else expansion.WeightedForm(joined, 1.0, is_shown=False)
    return [expansion.Segment(" ".join(units), (form,))] if form else []


def _spoken_abbreviations(senses: Mapping[str, list[concepts.AbbreviationSense]]) -> dict[str, int]:
    """Return the abbreviations that may be spoken as words, such as LoRA, with their numbers of papers."""
    return {text: sum(sense.papers for sense in ranked) for text, ranked in senses.items() if text.isalpha()}


def _is_covered(content: list[str], translated: list[list[str]]) -> bool:
    """Tell whether each content word is a translation of a query word, and each query word has such a translation."""
    covered = [set(row) & set(content) for row in translated]
    return all(covered) and set().union(*covered) >= set(content)


def _has_inner_particle(text: str) -> bool:
    """Tell whether a form has a particle between two nouns: 텍스트에서 이미지 would also match 텍스트와 이미지."""
    first, _, second = text.partition(" ")
    return (
        bool(second) and " " not in second and first[-1] in _PARTICLES and korean.strip_ending(first) != first
    )


def _are_transliterations(left: str, right: str) -> bool:
    """Tell whether one word transliterates the other: 트랜스포머 is unambiguously transformer."""
    if korean.has_hangul(left) == korean.has_hangul(right):
        return False
    hangul, latin = (left, right) if korean.has_hangul(left) else (right, left)
    if sound_patterns.sounds_like(term_keys.korean_key(hangul), latin):
        return True
    words = term_keys.english_stems(latin)
    return len(words) == 1 and transliteration.is_transliteration(term_keys.korean_key(hangul), words[0])
