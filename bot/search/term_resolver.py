"""The glossary: finds the concepts that a text names and the forms to search for."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from bot.search import transliteration
from bot.text import analyser, concepts, seed, term_keys, tokens

_MIN_SHARE = 0.2
"""A meaning of an ambiguous abbreviation counts if at least this share of the explaining papers use it."""
_PAPERS_PER_TITLE = 8
"""A concept is a topic if at least one in this many of its papers names it in the title."""
_LATIN = re.compile("[A-Za-z]")


class Decision(NamedTuple):
    """An operator's decision to add a form to an English term, or to remove it."""

    term: str
    form: str
    is_added: bool


class LearntForm(NamedTuple):
    """A Korean form or abbreviation of an English term, and the number of papers that define it.

    Of the `found` papers with a Korean form, `confirmed` also contain the English term or abbreviation.
    """

    term: str
    form: str
    explained: int
    found: int = 0
    confirmed: int = 0


class LearntTerms(NamedTuple):
    """Evidence from an archive: forms, paper and title counts by concept, and title counts by name."""

    forms: Sequence[LearntForm] = ()
    papers: Mapping[str, int] = {}
    titles: Mapping[str, int] = {}
    names: Mapping[str, int] = {}


_NOTHING_LEARNT = LearntTerms()


class Glossary:
    """All concepts from the seed list, an archive and its operator, indexed for lookups."""

    def __init__(
        self,
        terms: Iterable[seed.SeedTerm],
        learnt: LearntTerms = _NOTHING_LEARNT,
        decisions: Iterable[Decision] = (),
    ) -> None:
        self.title_counts = learnt.titles
        self._paper_counts = learnt.papers
        self.names = learnt.names
        """The names of models and methods in titles, with the number of their papers."""
        lexicon = _Lexicon()
        lexicon.add_seeds(terms)
        lexicon.add_learnt(learnt.forms)
        lexicon.add_decisions(decisions)
        self._words = lexicon.words
        self._senses = lexicon.rank_senses()
        self._concepts = {concept.key: concept for concept in lexicon.build_concepts(self._senses)}
        self._index = _index_forms(self._concepts.values(), lexicon.firsts)
        by_papers = sorted(self._senses, key=lambda text: sum(sense.papers for sense in self._senses[text]))
        self._abbreviation_by_folded = {text.casefold(): text for text in by_papers}
        self._forms: dict[str, tuple[concepts.Form, ...]] = {}

    def all_concepts(self) -> list[concepts.Concept]:
        """Return the concepts, those that papers define most often first."""
        return list(self._concepts.values())

    def concept(self, key: str) -> concepts.Concept | None:
        return self._concepts.get(key)

    def find_concepts(self, term: str) -> list[concepts.Concept]:
        """Return the concepts that have this form, most often defined first."""
        return [self._concepts[key] for key in self.find(term)]

    def is_topic(self, key: str) -> bool:
        """Return whether papers are about a concept, judging by titles, rather than only mention it (such as "dataset")."""
        return self.title_counts.get(key, 0) >= self._paper_counts.get(key, 0) // _PAPERS_PER_TITLE

    def is_word(self, text: str) -> bool:
        """Return whether a text is a term or, if Korean, a word in a term."""
        if not analyser.is_hangul(text):
            return bool(self.find(text))
        return text in self.korean_words or bool(self._index.get(text))

    def is_seeded(self, text: str) -> bool:
        """Return whether a text is a form of the seed list or of the operator: 키-값 캐시, but not LLM 추론."""
        key = term_keys.term_key(text)
        forms = (form for concept in self.find_concepts(text) for form in concept.forms)
        return any(form.seeded and term_keys.term_key(form.text) == key for form in forms)

    @cached_property
    def korean_words(self) -> frozenset[str]:
        forms = (form.text for concept in self._concepts.values() for form in concept.forms_in("ko"))
        words = map(analyser.strip_ending, {word for form in forms for word in re.split(r"[\s·-]+", form)})
        return frozenset(filter(analyser.is_hangul, {*words, *self._words}))

    def translate(self, word: str) -> Sequence[str]:
        """Return the translations of a common word, with or without its ending: patient for 환자."""
        key = term_keys.term_key(word)
        return self._words.get(key) or self._words.get(analyser.strip_ending(key)) or ()

    @cached_property
    def consonants(self) -> Mapping[str, str]:
        """The consonants of each name of a model or method in titles."""
        return {name: transliteration.list_consonants(name) for name in self.names}

    @cached_property
    def names_by_sound(self) -> transliteration.SoundIndex:
        """The names of models and methods, and abbreviations that may be pronounced as words, such as LoRA."""
        papers = {text: sum(sense.papers for sense in senses) for text, senses in self._senses.items()}
        spoken = {text: number for text, number in papers.items() if text.isalpha()}
        return transliteration.SoundIndex({**spoken, **self.names})

    def find(self, text: str) -> list[str]:
        """Return the English keys of the concepts that a text names, most often defined first."""
        is_word = " " in text.strip() or is_korean_only(text)
        senses = () if is_word else self._list_senses(text)
        if meant := [sense.key for sense in senses if sense.key in self._concepts]:
            return meant
        key = term_keys.term_key(text)
        if not analyser.has_hangul(text):
            return self._index.get(key, [])[:1]
        return self._index.get(key) or self._index.get(analyser.strip_ending(key)) or []

    def _list_senses(self, text: str) -> Sequence[concepts.AbbreviationSense]:
        """Return an abbreviation's dominant sense, or else its common senses, ignoring case if necessary."""
        stripped = text.strip()
        key = term_keys.abbreviation_key(stripped)
        folded = key.casefold()
        # LLMs is the plural of LLM, but SDS is not the plural of SD, nor moss of MOS.
        singular = folded if stripped.endswith(("S", "ss")) else folded.removesuffix("s")
        spellings = (key, *(self._abbreviation_by_folded.get(other, "") for other in (folded, singular)))
        senses = next((self._senses[spelling] for spelling in spellings if spelling in self._senses), [])
        if not senses or len(stripped) < 2 or stripped in seed.read_words("function_words.txt"):
            return ()
        if stripped.islower() and term_keys.english_key(stripped) in self._concepts:
            return ()  # map is not mAP
        is_clear = senses[0].share >= concepts.DOMINANT_SHARE
        return senses[:1] if is_clear else [sense for sense in senses if sense.share >= _MIN_SHARE]

    def list_senses(self, abbreviation: str) -> list[str]:
        """Return the terms that an ambiguous abbreviation may mean, most often defined first; [] for any other text."""
        senses = self._list_senses(abbreviation)
        return [sense.text for sense in senses] if len(senses) > 1 else []

    def forms_of(self, key: str) -> tuple[concepts.Form, ...]:
        """Return the forms of a concept to search for. Cached."""
        forms = self._forms.get(key)
        if forms is None:
            forms = self._forms[key] = tuple(self._list_forms(self._concepts[key]))
        return forms

    def _list_forms(self, concept: concepts.Concept) -> Iterator[concepts.Form]:
        token, in_token = tokens.concept_token(concept.key), tokens.form_keys(concept.key)
        for form in filter(lambda form: form.searched, concept.forms):
            form_token = token if term_keys.term_key(form.text) in in_token else ""
            yield concepts.Form(
                form.text, is_shown=form.is_presentable, is_sure=form.is_sure, token=form_token
            )


def form_language(text: str) -> concepts.Language:
    return "ko" if analyser.has_hangul(text) else "abbr" if term_keys.is_abbreviation(text) else "en"


def is_same_form(left: str, right: str) -> bool:
    if form_language(left) == form_language(right) == "abbr":
        return term_keys.abbreviation_key(left) == term_keys.abbreviation_key(right)
    return term_keys.term_key(left) == term_keys.term_key(right)


def is_korean_only(text: str) -> bool:
    """Return whether a text has Hangul but no Latin letters."""
    return analyser.has_hangul(text) and not _LATIN.search(text)


class _Lexicon:
    """Collects forms of concepts from the seed list, then from papers, then from the operator."""

    def __init__(self) -> None:
        self.words = defaultdict[str, list[str]](list)
        """Translations of common words by term key."""
        self.firsts: set[tuple[str, str]] = set()
        """Pairs of keys: a form that the operator added, and its concept."""
        self._decided: set[str] = set()
        self._forms = defaultdict[str, dict[str, concepts.SurfaceForm]](dict)
        self._main_keys: dict[str, str] = {}
        self._owners = defaultdict[str, set[str]](set)
        self._names: dict[str, str] = {}
        self._explained = defaultdict[str, Counter[str]](Counter)
        self._weights = defaultdict[str, Counter[str]](Counter)

    def add_seeds(self, terms: Iterable[seed.SeedTerm]) -> None:
        for term in terms:
            english = [term_keys.english_key(text) for text in term.english]
            korean = [term_keys.korean_key(text) for text in term.korean]
            for key in korean:
                self._owners[key].add(english[0])
            if term.is_common_word:
                for keys, others in ((korean, term.english), (english, term.korean)):
                    for key in keys:
                        self.words[key] += others
                continue
            forms = self._own(english[0], term.english[0])
            for key, text in zip(english, term.english, strict=True):
                if key not in forms or not forms[key].seeded:
                    forms[key] = concepts.SurfaceForm(text, "en", seeded=True)
                self._main_keys.setdefault(key, english[0])
            for key, text in zip(korean, term.korean, strict=True):
                forms[key] = concepts.SurfaceForm(
                    text, "ko", seeded=True, searched=text not in term.only_read
                )
            for short in term.abbreviations:
                self._weights[short][english[0]] += concepts.SEED_PAPERS

    def add_learnt(self, rows: Iterable[LearntForm]) -> None:
        """Add the forms learnt from papers, except Korean forms seeded for another term or as common words.

        A seeded term gets no form that a single paper defines, which is often a slip, nor the end of a seeded one: 퓨전 모델.
        """
        seeded = {
            key: [form for form in forms if analyser.has_hangul(form)] for key, forms in self._forms.items()
        }
        for row in rows:
            key = self._key_of(row.term)
            language, form = form_language(row.form), term_keys.term_key(row.form)
            korean = seeded.get(key, [])
            is_slip = row.explained < 2 or any(seeded_form.endswith(form) for seeded_form in korean)
            if language == "abbr":
                self._own(key, row.term)
                self._explained[row.form][key] += row.explained
            elif korean and form not in korean and is_slip:
                continue
            elif key in self._owners.get(form, (key,)):
                forms = self._own(key, row.term)
                former = forms.get(form, concepts.SurfaceForm(row.form, language))
                forms[form] = former._replace(papers=row.explained, confirmed=row.confirmed)

    def add_decisions(self, decisions: Iterable[Decision]) -> None:
        """Add and remove forms as decided by the operator. The last decision on a form wins."""
        for term, text, is_added in decisions:
            key, language = self._key_of(term), form_language(text)
            forms, form = self._own(key, term), term_keys.term_key(text)
            self._decided.add(key)
            if language == "abbr":
                form = term_keys.abbreviation_key(text)
                self._explained[form].pop(key, None)
                self._weights[form].pop(key, None)
                if is_added:
                    others = self._explained[form].total() + self._weights[form].total()
                    self._weights[form][key] = concepts.SEED_PAPERS * (1 + others)
            forms.pop(form, None)
            self.firsts.discard((form, key))
            if is_added:
                forms[form] = concepts.SurfaceForm(text, language, seeded=True)
                self.firsts.add((form, key))

    def _key_of(self, term: str) -> str:
        key = term_keys.english_key(term)
        return self._main_keys.get(key, key)

    def _own(self, key: str, name: str) -> dict[str, concepts.SurfaceForm]:
        """Return the forms of a concept, after adding the concept if it is new."""
        if key not in self._forms:
            self._names[key] = name
            self._forms[key][key] = concepts.SurfaceForm(name, "en")
        return self._forms[key]

    def rank_senses(self) -> dict[str, list[concepts.AbbreviationSense]]:
        """Return each abbreviation's senses, most often defined first."""
        senses = dict[str, list[concepts.AbbreviationSense]]()
        for short in {**self._weights, **self._explained}:
            papers = self._explained[short]
            counts = papers + self._weights[short]
            ranked = sorted(counts, key=lambda key: (-counts[key], len(key), key))
            senses[short] = [
                concepts.AbbreviationSense(key, counts[key] / counts.total(), papers[key], self._names[key])
                for key in ranked
            ]
        return senses

    def build_concepts(
        self, senses: Mapping[str, Sequence[concepts.AbbreviationSense]]
    ) -> list[concepts.Concept]:
        """Return the concepts that have several forms or an operator's decision, most often defined first."""
        short_forms = defaultdict[str, list[concepts.SurfaceForm]](list)
        for short, ranked in senses.items():
            if ranked and ranked[0].share >= concepts.DOMINANT_SHARE:
                key, _, papers, _ = ranked[0]
                # Two letters mean too much: OD is object detection, and a part of OD-VAE. Typed, they are searched for.
                is_searched = len(short) > 2 and short.casefold() not in seed.read_words("function_words.txt")
                is_seeded = key in self._weights[short]
                form = concepts.SurfaceForm(short, "abbr", papers, is_seeded, searched=is_searched)
                short_forms[key].append(form)
        built = []
        for key, by_form in self._forms.items():
            forms = [form for form in by_form.values() if form.language != "ko"]
            shorts = [form for form in short_forms[key] if form.text not in by_form]
            forms += sorted(shorts, key=lambda form: (-form.papers, not form.seeded))
            forms += (form for form in by_form.values() if form.language == "ko")
            if len(forms) > 1 or key in self._decided:
                built.append(concepts.Concept(key, tuple(forms)))
        return sorted(built, key=lambda concept: (-concept.support, concept.key))


def _index_forms(
    all_concepts: Iterable[concepts.Concept], firsts: Container[tuple[str, str]]
) -> dict[str, list[str]]:
    """Map each form's term key, and it without spaces (ecommerce) where that is no other form's, to the keys of the concepts.

    A concept's own key lists that concept first.
    """
    index = defaultdict[str, list[str]](list)
    for concept in all_concepts:
        index[concept.key].insert(0, concept.key)
        for key in {term_keys.term_key(form.text) for form in concept.forms if form.language != "abbr"}:
            if (key, concept.key) in firsts:
                index[key].insert(0, concept.key)
            elif key != concept.key:
                index[key].append(concept.key)
    return {analyser.stem(key.replace(" ", "")): found for key, found in index.items() if " " in key} | index
