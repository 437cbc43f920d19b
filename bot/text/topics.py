"""Topic descriptions: a built-in table of everyday words for topics of machine learning, by which questions are compared.

A question is a vector over the topics (explicit semantic analysis, Gabrilovich and Markovitch 2007): "reading text aloud"
weighs speech synthesis most, though no paper says so. A paper's similarity to it is the cosine of their vectors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib import resources

from bot.text import analyser, questions, term_keys

_FILLER_WEIGHT = 0.5
"""Of words that may be filler (방법, improve), as they tell topics apart less often."""
_MAX_WORD_TOPICS = 80
"""Words in more descriptions tell nothing about a question's topic."""
_MAX_WORDS = 24
"""Words of a question that are compared, as many as are read of it."""
_SHARPNESS = 2
"""The exponent of a topic's weight: what describes the question best counts most."""

Vector = Mapping[int, float]
"""The weights of topics by their number; the main one has 1."""


def describe(text: str) -> Vector:
    """Return the topics that a question is about, by its words in any order; empty if no description has any of them."""
    weights: dict[int, float] = {}
    for word in map(questions.trim_filler, text.split()[:_MAX_WORDS]):
        kind = questions.classify_filler(word)
        topics = () if kind == "filler" else find_topics(word)
        if not topics or len(topics) > _MAX_WORD_TOPICS:
            continue
        weight = inverse_topic_frequency(len(topics)) * (_FILLER_WEIGHT if kind else 1)
        for topic in topics:
            weights[topic] = weights.get(topic, 0.0) + weight
    heaviest = max(weights.values(), default=1.0)
    return {topic: (weight / heaviest) ** _SHARPNESS for topic, weight in weights.items()}


def inverse_topic_frequency(topics: int) -> float:
    """Return the weight of a word that this number of descriptions have: the square of its IDF."""
    return math.log(1 + len(load_terms()) / topics) ** 2


@lru_cache(maxsize=1 << 10)
def find_topics(word: str) -> frozenset[int]:
    """Return the topics whose descriptions have a word of a question, without its particles and endings."""
    folded = analyser.fold(word)[: questions.MAX_WORD_LENGTH]
    if analyser.has_hangul(folded):
        return frozenset(_find_hangul(folded))
    found = [load_words().get(stem, ()) for stem in term_keys.english_stems(folded.replace("-", " "))]
    return frozenset(found[0]).intersection(*found[1:]) if found else frozenset()


def _find_hangul(word: str) -> Collection[int]:
    words = load_words()
    stem = questions.strip_query_word(word, lambda stem: stem != word and stem in words)
    spellings = {word, stem, analyser.strip_term(word), analyser.monosyllabic_noun(word) or word}
    if found := set[int]().union(*(words.get(spelling, ()) for spelling in spellings)):
        return found
    for end in range(len(word) - 1, 1, -1):
        if word[:end] in words:
            # Of a compound that no description has, both parts tell: 의료영상.
            rest = _find_hangul(word[end:]) if len(word) - end > 1 else ()
            return set(words[word[:end]]).intersection(rest) or {*words[word[:end]], *rest}
    return ()


@lru_cache(maxsize=1)
def load_terms() -> tuple[tuple[str, ...], ...]:
    """Return the terms by which papers call each topic, by its number."""
    return tuple(terms for terms, _ in _load_table())


@lru_cache(maxsize=1)
def load_words() -> Mapping[str, tuple[int, ...]]:
    """Return the topics of each word of the descriptions, as the analyser writes it. Takes some 100 ms once."""
    topics: dict[str, set[int]] = {}
    for number, (terms, words) in enumerate(_load_table()):
        for word in " ".join((*terms, words)).replace("-", " ").split():
            topics.setdefault(word, set()).add(number)
    stemmed: dict[str, set[int]] = {}
    for word, numbers in topics.items():
        for stem in analyser.stemmed_words(word):
            if stem not in analyser.FUNCTION_WORDS:
                stemmed.setdefault(stem, set()).update(numbers)
    return {word: tuple(sorted(numbers)) for word, numbers in stemmed.items()}


@lru_cache(maxsize=1)
def _load_table() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return the terms of each topic with the words of its description; the everyday words are topics too."""
    text = resources.files(__package__).joinpath("topic_descriptions.tsv").read_text(encoding="utf-8")
    described = [
        (terms.split("|"), words) for terms, words in (line.split("\t", 1) for line in text.splitlines())
    ]
    everyday = [(terms, " ".join(words)) for words, terms in questions.load_rows()]
    return tuple((tuple(terms), re.sub("[,\t]", " ", words)) for terms, words in (*described, *everyday))


_MAX_PAPER_WORD_TOPICS = 40
"""Words in more descriptions tell nothing about a paper's topic."""


def prepare_vector() -> None:
    """Load the topics, which takes some 100 ms: a process that answers readers does so at its start."""
    _load_weighted_words()


class Similarity:
    """Compares papers with a question's vector."""

    def __init__(self, topics: Vector) -> None:
        self._topics = topics
        self._weighted_words = _load_weighted_words() if topics else {}

    def compare(self, words: Mapping[str, int]) -> float:
        """Return the cosine of a paper, by its counted canonical words, and the question, relative to other papers."""
        weighted = self._weighted_words
        weights = [0] * len(load_terms())
        # Whole numbers, since the order of a set varies between processes, and sums of floats with it.
        for word in weighted.keys() & words.keys():
            weight, topics = weighted[word]
            if (count := words[word]) > 1:
                weight = int(weight * (1 + math.log(count)))
            for topic in topics:
                weights[topic] += weight
        length = math.hypot(*weights)
        return (
            sum(weight * weights[topic] for topic, weight in self._topics.items()) / length if length else 0.0
        )


@lru_cache(maxsize=1)
def _load_weighted_words() -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return the words of the descriptions with their weights, in thousandths, and topics."""
    return {
        word: (int(1000 * inverse_topic_frequency(len(topics))), topics)
        for word, topics in load_words().items()
        if len(topics) <= _MAX_PAPER_WORD_TOPICS
    }
