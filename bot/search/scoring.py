"""Scores papers for an expanded query, with an explanation of each score.

Title above body; a concept is one term over all its forms; the whole phrase above its words; then votes and recency.
Only term frequencies within the paper are used, so every search engine gives the same order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from bot.search import query as search_query
from bot.text import analyser, concepts, term_keys

TITLE_WEIGHT = 2.5
_MAX_TITLE_FREQUENCY = 1.0
_BODY_WEIGHT = 2.0
_BODY_SATURATION = 1.2
REPEATED_WEIGHT = 0.5
"""About what a term weighs more that a body has twice."""
_TOPIC_FREQUENCY = 2

NAME_WEIGHT = 4.0
POPULARITY_WEIGHT = 0.1
_EPOCH = date(2023, 1, 1)
_DAYS_PER_TENFOLD_VOTES = 730

_CompiledForm = tuple[concepts.WeightedForm, term_keys.TermPattern]


class Score(NamedTuple):
    """A score by component. `matched` of `segments` parts of the query were found.

    `inside`: a part of two syllables is in the paper only within longer words, as 동화 in 자동화.
    """

    total: float
    matched: int
    segments: int
    title: float = 0.0
    body: float = 0.0
    phrase: float = 0.0
    composed: float = 0.0
    name: float = 0.0
    popularity: float = 0.0
    inside: bool = False

    def explain(self) -> dict[str, float]:
        """Return the components by name, rounded."""
        return {name: round(value, 4) for name, value in self._asdict().items()}

    @property
    def is_complete(self) -> bool:
        """Whether all parts of the query were found."""
        return self.matched >= self.segments

    @property
    def sort_key(self) -> tuple[int, bool, float]:
        """The sort key of results, greatest first: all parts found, the query as one term, the total."""
        return (self.matched, self.composed > 0 or self.name > 0, self.total)


def hot_score(votes: int | None, published_on: date | None, epoch: date = _EPOCH) -> float:
    """Return a popularity that does not decay: ten times the votes weigh as much as 730 days. `epoch` has the popularity 0."""
    days = (published_on - epoch).days if published_on else 0
    return math.log10(1 + max(0, votes or 0)) + days / _DAYS_PER_TENFOLD_VOTES


class Scorer:
    """Scores papers for one query; holds its compiled terms."""

    def __init__(
        self, expanded: concepts.Expansion, phrases: Sequence[str] = (), excluded: Sequence[str] = ()
    ) -> None:
        self._segments = list(map(CompiledSegment, expanded.parts(phrases)))
        self._composed = list(map(CompiledSegment, expanded.composed))
        self._excluded = [term_keys.compile_term(text) for text in excluded]
        self._names = expanded.names
        several = len(expanded.segments) > 1
        self._phrase = term_keys.compile_term(expanded.text) if several else None

    def score(self, document: term_keys.Document) -> Score | None:
        """Return the score of a paper; None if it has none of the parts, or an excluded term."""
        if self.excludes(document):
            return None
        counts = [segment.weighted_counts(document) for segment in self._segments]
        composed_counts = [segment.weighted_counts(document) for segment in self._composed]
        composed = max((_weighted_frequency(*pair) for pair in composed_counts), default=0.0)
        matched = sum([in_title + in_body > 0 for in_title, in_body in counts])
        name = NAME_WEIGHT * term_keys.match_titles(self._names, document.text)
        if not matched and not composed and not name:
            return None
        segments = max(1, len(self._segments))
        title = sum(_weighted_frequency(in_title, 0.0) for in_title, _ in counts) / segments
        body = sum(_weighted_frequency(0.0, in_body) for _, in_body in counts) / segments
        phrase = 0.0
        if self._phrase and matched == segments:
            phrase = _weighted_frequency(*self._phrase.count(document))
        popularity = POPULARITY_WEIGHT * hot_score(document.votes, document.published_on)
        total = title + body + phrase + composed + name + popularity
        components = title, body, phrase, composed, name, popularity
        # A part is only within longer words, and no term of the whole query is elsewhere.
        inside = (
            not name
            and any(part.is_inside(document) for part in self._segments)
            and all(
                part.is_inside(document) or not any(counts)
                for part, counts in zip(self._composed, composed_counts, strict=True)
            )
        )
        return Score(total, segments if composed or name else matched, segments, *components, inside)

    def excludes(self, document: term_keys.Document) -> bool:
        """Tell whether a paper has an excluded term."""
        return any(sum(term.count(document)) >= 1 for term in self._excluded)

    def is_about(self, document: term_keys.Document) -> bool:
        """Tell whether a paper is truly about the query: each part of it, or the whole as one term or name."""
        return (
            all(segment.is_topic_of(document) for segment in self._segments)
            or any(segment.is_topic_of(document) for segment in self._composed)
            or bool(term_keys.match_titles(self._names, document.text))
        )


def _weighted_frequency(in_title: float, in_body: float) -> float:
    frequency = min(in_body, search_query.MAX_BODY_FREQUENCY)
    return TITLE_WEIGHT * min(_MAX_TITLE_FREQUENCY, in_title) + _BODY_WEIGHT * frequency / (
        frequency + _BODY_SATURATION
    )


class CompiledSegment:
    """A segment with its forms compiled."""

    def __init__(self, segment: concepts.Segment) -> None:
        compiled = [_compile_form(form.text) for form in segment.forms]
        self._forms = [(form, term) for form, (term, _) in zip(segment.forms, compiled, strict=True)]
        self._has_short_forms = any(term.is_short for term, _ in compiled)
        self._needed = [
            (term.is_korean, text, number)
            for number, (term, needed) in enumerate(compiled)
            for text in needed
        ]

    def is_topic_of(self, document: term_keys.Document) -> bool:
        """Tell whether a paper has any form in the title, or forms twice in the body, where a keyword is twice."""
        counts = [form.count(document) for _, form in self._list_possible(document)]
        return (
            any(title >= 1 for title, _ in counts) or sum(int(body) for _, body in counts) >= _TOPIC_FREQUENCY
        )

    def is_inside(self, document: term_keys.Document) -> bool:
        """Tell whether the forms in a paper are all of two syllables and only within longer words."""
        if not self._has_short_forms:
            return False
        found = [form for _, form in self._list_possible(document) if any(form.count(document))]
        return bool(found) and all(form.is_inside(document) for form in found)

    def _list_possible(self, document: term_keys.Document) -> list[_CompiledForm]:
        """Return the forms that a document may have, in their order: most papers have few of many."""
        texts = document.text, document.without_spaces
        possible = {number for is_korean, text, number in self._needed if text in texts[is_korean]}
        return [self._forms[number] for number in sorted(possible)] if possible else []

    def weighted_counts(self, document: term_keys.Document) -> tuple[float, float]:
        """Return the weighted frequencies of all forms in title and body."""
        in_title = in_body = 0.0
        for weighted, form in self._list_possible(document):
            title, body = form.count(document)
            in_title += weighted.weight * title
            in_body += weighted.weight * body
        return in_title, in_body


@analyser.remembered(1 << 12)
def _compile_form(text: str) -> tuple[term_keys.TermPattern, list[str]]:
    term = term_keys.compile_term(text)
    return term, term.needed


# Partial matches are ranked by BM25 over the parts of a query.

BM25_TITLE_WEIGHT = 3
_SATURATION = 1.2


EXACT_COUNT_LIMIT = 1000
"""Papers whose tokens are all counted. Later papers are sampled: one in `SAMPLE_RATE`, with that weight."""
SAMPLE_RATE = 32


def inverse_document_frequency(document_frequency: float, total: int) -> float:
    """Return the IDF of BM25, always above 0."""
    frequency = min(document_frequency, total)
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def score_bm25(counts: Sequence[tuple[float, float]], weights: Sequence[float]) -> float:
    """Return the BM25 of a paper from the frequencies of each part in title and body, and the IDF of each part."""
    score = 0.0
    for (in_title, in_body), weight in zip(counts, weights, strict=True):
        frequency = BM25_TITLE_WEIGHT * in_title + in_body
        score += weight * frequency / (frequency + _SATURATION)
    return score


def count_words(title: str, body: str) -> Counter[str]:
    """Count a paper's words without particles, those of the title `BM25_TITLE_WEIGHT` times."""
    titled, words = (text.replace(analyser.PARTICLE_MARK, "").split() for text in (title, body))
    return Counter(words + BM25_TITLE_WEIGHT * titled)
