"""Ranks the passages of one paper, or of several, for a question, without a model.

BM25 over the parts of a question (Robertson and Zaragoza 2009): each part scores by its best form and a share of its
others, each form by how often the text and the headings above it have it and by how rare form and part are in the paper.
A passage gets a share of its neighbours' scores, since an answer often follows the sentence that names its subject.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from bot.features.ask.passages import Passage
from bot.search.results import WeightedPattern, compile_pattern
from bot.text import analyser, plain, tokens
from bot.text.concepts import QueryPart

_SATURATION, _LENGTH_NORM = 1.2, 0.35
"""The k1 and b parameters of BM25."""
_HEADING = 1.5
"""The weight of a form in a heading of one word; it is divided by the root of the heading's length."""
_OTHER_FORMS = 0.4
"""The share of the scores of a part's other forms that is added to its best form's score."""
_FORM_RARITY = 0.25
"""The weight of a form's own rarity, relative to its part's."""
_NEIGHBOUR = 0.2
"""The share of each neighbour's score that a passage gets."""
_NUMBER = re.compile(r"(?<![A-Za-z\d.-])\d")
"""A number, but not the one of a name, such as GPT-4."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The numbers of the passages that have any part of a question, best first.

    `scores` are theirs, by number. `weights` are the parts', by text. `found` maps each part's text to the forms that the paper
    has, the nearest first, and `having` to the passages that have it.
    """

    order: Sequence[int]
    scores: Mapping[int, float]
    weights: Mapping[str, float]
    found: Mapping[str, Sequence[str]]
    having: Mapping[str, Set[int]]

    def compile_patterns(
        self, parts: Iterable[QueryPart], weights: Mapping[str, float], *, asks_number: bool = False
    ) -> list[WeightedPattern]:
        """Return the patterns that find the parts of a question in a passage, with their weights: rewarded in "a reward" too.

        If a question `asks_number`, any number counts as much as the rarest part: the sentence that answers has one.
        """
        compiled = (
            (compile_pattern((part.text, analyser.stem(part.text.casefold()), *self.found[part.text])), part)
            for part in parts
        )
        patterns = [WeightedPattern(pattern, weights[part.text]) for pattern, part in compiled if pattern]
        most = max((pattern.weight for pattern in patterns), default=0.0)
        return [*patterns, WeightedPattern(_NUMBER, most)] if asks_number else patterns


@lru_cache(maxsize=1 << 14)
def _tokenize(sentence: str) -> tuple[str, ...]:
    """Return the tokens of a sentence. Kept, since papers are asked more than once: some 0.5 kB each."""
    return tuple(tokens.tokenize(analyser.canonicalise(sentence)).split())


def _count_phrase(words: tuple[str, ...], phrase: tuple[str, ...]) -> int:
    count, start = 0, -1
    if len(phrase) == 1:
        return words.count(phrase[0])
    for _ in range(words.count(phrase[0])):
        start = words.index(phrase[0], start + 1)
        count += words[start : start + len(phrase)] == phrase
    return count


@lru_cache(maxsize=1 << 8)
def _list_phrases(part: QueryPart) -> frozenset[tuple[str, ...]]:
    return frozenset(phrase for form in part.forms for phrase in tokens.phrases(form.token or form.text))


class PaperIndex:
    """The tokens of passages and their headings. Takes some 50 ms to build. Thread-safe."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self.sentences = [plain.split_sentences(passage.text) for passage in passages]
        headings = ([passage.section] for passage in passages)
        self._texts = [tuple(chain(*map(_tokenize, one))) for one in (*self.sentences, *headings)]
        """The tokens of the passages, then those of their headings."""
        self._distinct = list(map(frozenset, self._texts))
        self._mean = sum(map(len, self._texts[: len(passages)])) / max(len(passages), 1) or 1.0

    def rank(self, parts: Sequence[QueryPart]) -> Ranking:
        scores, weights = defaultdict[int, float](float), dict[str, float]()
        forms_found, having = dict[str, Sequence[str]](), dict[str, set[int]]()
        for part in parts:
            frequencies = {
                form.text: self._count(tokens.phrases(form.token or form.text)) for form in part.forms
            }
            forms_found[part.text] = [
                # A concept's token counts all of its forms.
                form.text
                for form in part.forms
                if frequencies[form.text] and (not form.token or self._count(tokens.phrases(form.text)))
            ]
            having[part.text] = set[int]().union(*frequencies.values())
            rarity = self._rarity(having[part.text])
            weights[part.text] = part.weight * rarity
            for number, score in self._score_part(part, frequencies, rarity).items():
                scores[number] += score
        ranked = {number: score + _NEIGHBOUR * self._near(scores, number) for number, score in scores.items()}
        order = sorted(ranked, key=lambda number: (-ranked[number], number))
        return Ranking(order, ranked, weights, forms_found, having)

    def _score_part(
        self, part: QueryPart, frequencies: Mapping[str, Mapping[int, float]], rarity: float
    ) -> dict[int, float]:
        """Score the passages that have a part, given how often each has each form, and how rare the part is."""
        by_passage = defaultdict[int, list[float]](list)
        for form in part.forms:
            form_rarity = self._rarity(frequencies[form.text])
            weight = form.weight * (_FORM_RARITY * form_rarity + (1 - _FORM_RARITY) * rarity)
            for number, frequency in frequencies[form.text].items():
                saturated = frequency * (_SATURATION + 1) / (frequency + _SATURATION)
                by_passage[number].append(weight * saturated)
        scores = dict[int, float]()
        for number, of_forms in by_passage.items():
            best = max(of_forms)
            scores[number] = part.weight * (best + _OTHER_FORMS * (sum(of_forms) - best))
        return scores

    def list_having(self, number: int, parts: Sequence[QueryPart]) -> list[list[QueryPart]]:
        """Return the parts that each sentence of a passage has in any form."""
        own = self._distinct[number]
        sought = {part: [one for one in _list_phrases(part) if one[0] in own] for part in parts}
        return [
            [part for part in parts if any(_count_phrase(words, phrase) for phrase in sought[part])]
            for words in map(_tokenize, self.sentences[number])
        ]

    def _near(self, scores: Mapping[int, float], number: int) -> float:
        """Return the sum of the neighbours' scores in the same section."""
        near = (other for other in (number - 1, number + 1) if 0 <= other < len(self.passages))
        section = self.passages[number].section
        return sum(scores.get(other, 0.0) for other in near if self.passages[other].section == section)

    def _rarity(self, having: Collection[int]) -> float:
        """Return the IDF of what these passages have."""
        return math.log(1 + (len(self.passages) - len(having) + 0.5) / (len(having) + 0.5))

    def _count(self, phrases: Iterable[tuple[str, ...]]) -> dict[int, float]:
        """Return how often each passage has a form in its most frequent spelling, with its headings and its length."""
        counts = Counter[int]()
        for phrase in phrases:
            having = (number for number, words in enumerate(self._distinct) if phrase[0] in words)
            counted = {number: _count_phrase(self._texts[number], phrase) for number in having}
            counts |= Counter(counted)
        first_heading, weighted = len(self.passages), defaultdict[int, float](float)
        for number, count in counts.items():
            length = len(self._texts[number])
            if number < first_heading:
                weighted[number] += count / (1 - _LENGTH_NORM + _LENGTH_NORM * length / self._mean)
            else:
                weighted[number - first_heading] += _HEADING * count / math.sqrt(length)
        return weighted
