"""Scores papers for an expanded query, with an explanation of each score.

Title above body; a concept is one term over all its forms; the whole phrase above its words; then votes and recency.
Only term frequencies within the paper are used, so every search engine gives the same order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TypeVar

from bot.text.glossary.model import expansion
from bot.text.matching import term_variants

_TITLE_WEIGHT = 2.5
_MAX_TITLE_FREQUENCY = 1.0
_BODY_WEIGHT = 2.0
_BODY_SATURATION = 1.2
MAX_BODY_FREQUENCY = 3
"""Cap on the term frequency in the body: beyond it votes and recency decide, and the index need not count further."""
_PROXIMITY_WEIGHT = 2.0
_MAX_PROXIMITY_LINES = 1
_COMPOSED_WEIGHT = 1.0
_POPULARITY_WEIGHT = 0.1
_EPOCH = date(2023, 1, 1)
_DAYS_PER_TENFOLD_VOTES = 730
MIN_COMPLETE_MATCHES = 3
"""With fewer complete matches than this, partial matches follow."""
_MAX_PARTIAL_MATCHES = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """A score by component. `matched` of `segments` parts of the query were found."""

    total: float
    matched: int
    segments: int
    title: float
    body: float
    together: float
    phrase: float
    composed: float
    popularity: float

    def explain(self) -> dict[str, float]:
        """Return the components by name, rounded."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @property
    def is_complete(self) -> bool:
        """Whether all parts of the query were found."""
        return self.matched >= self.segments

    @property
    def sort_key(self) -> tuple[int, bool, float]:
        """The sort key of results, greatest first: all parts found, then the query as one term, then the total."""
        return (self.matched, self.composed > 0, self.total)


def hot_score(votes: int | None, published_on: date | None, epoch: date = _EPOCH) -> float:
    """Return a popularity that does not decay: ten times the votes weigh as much as 730 days. `epoch` has the popularity 0."""
    days = (published_on - epoch).days if published_on else 0
    return math.log10(1 + max(0, votes or 0)) + days / _DAYS_PER_TENFOLD_VOTES


class Scorer:
    """Scores papers for one query; holds its compiled terms."""

    def __init__(
        self, expanded: expansion.Expansion, phrases: Sequence[str] = (), excluded: Sequence[str] = ()
    ) -> None:
        quoted = [expansion.literal_segment(phrase) for phrase in phrases]
        self._segments = [_CompiledSegment(segment) for segment in (*expanded.segments, *quoted)]
        self._composed = [_CompiledSegment(segment) for segment in expanded.composed]
        self._fallback = [_CompiledSegment(segment) for segment in expanded.fallback]
        self._excluded = [term_variants.compile_term(text) for text in excluded]
        several = len(expanded.segments) > 1
        self._phrase = term_variants.compile_term(expanded.text) if several else None

    def score(self, document: term_variants.Document) -> Score | None:
        """Return the score of a paper; None if it has none of the parts, or an excluded term."""
        if any(sum(term.count(document)) >= 1 for term in self._excluded):
            return None
        counts = [segment.weighted_counts(document) for segment in self._segments]
        composed_counts = [segment.weighted_counts(document) for segment in self._composed]
        composed = max((_weighted_frequency(*pair) for pair in composed_counts), default=0.0)
        matched = sum(1 for in_title, in_body in counts if in_title + in_body > 0)
        if not matched and not composed:
            return self._score_fallback(document)
        segments = max(1, len(self._segments))
        title, body = _mean_frequencies(counts)
        proximity = self._proximity(document) if 1 < len(self._segments) == matched else 0.0
        phrase = 0.0
        if self._phrase and matched == segments:
            phrase = _weighted_frequency(*self._phrase.count(document))
        popularity = _POPULARITY_WEIGHT * hot_score(document.votes, document.published_on)
        total = title + body + proximity + phrase + _COMPOSED_WEIGHT * composed + popularity
        matched_segments = segments if composed else matched
        return Score(total, matched_segments, segments, title, body, proximity, phrase, composed, popularity)

    def _score_fallback(self, document: term_variants.Document) -> Score | None:
        """Score a paper that has all words of a term but not the term: it matches no part of the query."""
        counts = [segment.weighted_counts(document) for segment in self._fallback]
        if not counts or not all(map(sum, counts)):
            return None
        title, body = _mean_frequencies(counts)
        popularity = _POPULARITY_WEIGHT * hot_score(document.votes, document.published_on)
        total = title + body + popularity
        return Score(total, 0, max(1, len(self._segments)), title, body, 0.0, 0.0, 0.0, popularity)

    def _proximity(self, document: term_variants.Document) -> float:
        """Return the weight of the lines (the title is one) that contain all parts."""
        lines = self._segments[0].line_numbers(document)
        for part in self._segments[1:]:
            if not lines:
                return 0.0
            lines &= part.line_numbers(document)
        return _PROXIMITY_WEIGHT * min(len(lines), _MAX_PROXIMITY_LINES)


def _mean_frequencies(counts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean weighted frequencies in title and body of (title, body) counts per segment."""
    segments = max(1, len(counts))
    title = sum(_weighted_frequency(in_title, 0.0) for in_title, _ in counts) / segments
    body = sum(_weighted_frequency(0.0, in_body) for _, in_body in counts) / segments
    return title, body


def _weighted_frequency(in_title: float, in_body: float) -> float:
    frequency = min(in_body, MAX_BODY_FREQUENCY)
    return _TITLE_WEIGHT * min(_MAX_TITLE_FREQUENCY, in_title) + _BODY_WEIGHT * frequency / (
        frequency + _BODY_SATURATION
    )


class _CompiledSegment:
    """A segment with its forms compiled."""

    def __init__(self, segment: expansion.Segment) -> None:
        compile_term = term_variants.compile_term
        self._forms = [
            (form, compile_term(form.text), [compile_term(word) for word in form.context])
            for form in segment.forms
        ]

    def line_numbers(self, document: term_variants.Document) -> set[int]:
        """Return the lines that contain any form."""
        return {line for _, form, _ in self._forms for line in form.line_numbers(document)}

    def weighted_counts(self, document: term_variants.Document) -> tuple[float, float]:
        """Return the weighted frequencies of all forms in title and body."""
        in_title = in_body = 0.0
        for weighted, form, context in self._forms:
            title, body = form.count(document)
            if not title and not body:
                continue
            weight = weighted.weight
            if context and not _has_context(context, document):
                weight *= expansion.OUT_OF_CONTEXT_FACTOR
            in_title += weight * title
            in_body += weight * body
        return in_title, in_body


def _has_context(context: list[term_variants.TermPattern], document: term_variants.Document) -> bool:
    """Tell whether a paper has the context of a concept: a Korean form, or half of the English content words."""
    english = [form for form in context if not form.is_korean]
    if any(sum(form.count(document)) >= 1 for form in context if form.is_korean):
        return True
    held_words = sum(1 for form in english if any(form.count(document)))
    return 2 * held_words >= len(english)


def rank(scored: Iterable[tuple[Score, T]], limit: int) -> list[tuple[Score, T]]:
    """Return the best scored papers, in order.

    Papers with all parts of the query; if there are fewer than `MIN_COMPLETE_MATCHES`, also partial matches after them.
    """
    ranked = sorted(scored, key=lambda pair: pair[0].sort_key, reverse=True)
    complete = sum(score.is_complete for score, _ in ranked)
    return ranked[: min(limit, complete if complete >= MIN_COMPLETE_MATCHES else _MAX_PARTIAL_MATCHES)]
