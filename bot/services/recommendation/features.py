"""Features of papers and of followed words: the tokens of the look-up, pairs of Latin words, and concepts. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bot.text import logistic_regression
from bot.text.analysis import analyser, korean, stopwords, term_keys
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import concept_spotting
from storage.search import index

Vector: TypeAlias = logistic_regression.Vector
"""Features with their values."""

CONCEPT_MARK = "="
"""Prefix of the features that are concepts. No token contains it."""
MAX_FEATURES = 600
"""Features of a paper; those that occur most are kept."""
_MAX_CONCEPT_WORDS = 4
_MIN_ABBREVIATION = 3
_MIN_SHARE = 0.6


class ConceptIndex:
    """The concepts of a glossary by their forms in canonical texts: stems in English, joined words in Korean."""

    def __init__(self, all_concepts: Iterable[concepts.Concept]) -> None:
        self._by_form: dict[str, str] = {}
        for concept in all_concepts:
            for key in _form_keys(concept):
                self._by_form.setdefault(key, concept.key)
        self._starts = {_start(key.split()[0]) for key in self._by_form}

    def count(self, words: Sequence[str]) -> Counter[str]:
        """Count the concepts that a stretch of text names, each within its longest form."""
        found: Counter[str] = Counter()
        position = 0
        while position < len(words):
            length = next(self._matches(words, position), 0)
            if length:
                found[self._by_form[_join(words[position : position + length])]] += 1
            position += length or 1
        return found

    def _matches(self, words: Sequence[str], start: int) -> Iterator[int]:
        """Yield the numbers of words that are a concept's form from `start` on, the most first."""
        if _start(words[start]) not in self._starts:
            return
        for length in range(min(_MAX_CONCEPT_WORDS, len(words) - start), 0, -1):
            if _join(words[start : start + length]) in self._by_form:
                yield length


def _form_keys(concept: concepts.Concept) -> Iterator[str]:
    """Yield the keys of the forms by which a concept is recognised within a text: no everyday word is one."""
    if " " in concept.key:
        yield concept.key
    for form in concept.forms:
        if form.language == "ko" and (form.seeded or form.papers > 1):
            key = "".join(word for run in analyser.split_runs(form.text) for word in run.words)
            if len(key) > 3:
                yield key
        elif form.language == "abbr" and form.share >= _MIN_SHARE:
            folded = term_keys.english_key(form.text)
            if len(folded) >= _MIN_ABBREVIATION and not concept_spotting.is_everyday_word(folded):
                yield folded


def _start(word: str) -> str:
    """Return what a form and the first word of its text have in common: of Hangul, whose spacing varies, two letters."""
    return word[:2] if korean.has_hangul(word) else word


def _join(words: Sequence[str]) -> str:
    return ("" if any(map(korean.is_hangul, words)) else " ").join(words)


def extract(texts: index.DocumentTexts, concept_index: ConceptIndex) -> dict[str, float]:
    """Return the features of a paper as a vector of length 1."""
    return to_vector(_count(texts.title, concept_index) + _count(texts.body, concept_index))


def extract_words(text: str, concept_index: ConceptIndex) -> dict[str, float]:
    """Return the features of words that a reader follows, as a vector of length 1."""
    return to_vector(_count(analyser.canonicalise(text), concept_index))


def to_vector(counts: Mapping[str, int]) -> dict[str, float]:
    """Return counts as a vector of length 1, damped by two logarithms: which words occur says more than how often."""
    kept = sorted(counts, key=lambda feature: (-counts[feature], feature))[:MAX_FEATURES]
    values = {feature: 1.0 + math.log(1.0 + math.log(counts[feature])) for feature in kept}
    length = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return {feature: value / length for feature, value in values.items()}


def concepts_of(vector: Mapping[str, float]) -> set[str]:
    """Return the keys of the concepts among features."""
    return {feature[1:] for feature in vector if feature.startswith(CONCEPT_MARK)}


def _count(canonical: str, concept_index: ConceptIndex) -> Counter[str]:
    counts: Counter[str] = Counter()
    in_order, _, _ = canonical.rpartition("\n")
    for phrase in in_order.replace("\n", "  ").split("  "):
        words = [word.removesuffix(analyser.PARTICLE_MARK) for word in phrase.split()]
        previous = ""
        for word in words:
            is_content = len(word) > 1 and word not in stopwords.FUNCTION_WORDS
            if is_content:
                counts.update(analyser.word_tokens(word))
            is_latin = is_content and not korean.is_hangul(word)
            if is_latin and previous:
                counts[f"{previous} {word}"] += 1
            previous = word if is_latin else ""
        for key, count in concept_index.count(words).items():
            counts[CONCEPT_MARK + key] += count
    return counts


def group_by_feature(vectors: Mapping[int, Mapping[str, float]]) -> dict[str, list[tuple[int, float]]]:
    """Return the papers that have each feature, by their position, with its value."""
    grouped: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for position, vector in enumerate(vectors.values()):
        for feature, value in vector.items():
            grouped[feature].append((position, value))
    return dict(grouped)
