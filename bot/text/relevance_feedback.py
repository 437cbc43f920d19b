"""Ranking of partial matches: BM25 over the parts of a query, and the relevance model RM3 learnt from the best papers. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from bot.text.analysis import analyser

FEEDBACK_DOCUMENTS = 12
FEEDBACK_TERMS = 25
MAX_DOCUMENT_SHARE = 0.1
"""Words in a larger share of the papers are no feedback terms."""
_MAX_CANDIDATES = 100
"""Words whose document frequencies are read to choose the feedback terms."""
_TITLE_WEIGHT = 3
_SATURATION = 1.2
_MIN_WORD_LENGTH = 2


def inverse_document_frequency(document_frequency: float, total: int) -> float:
    """Return the IDF of BM25, always above 0."""
    frequency = min(document_frequency, total)
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def score_bm25(counts: Sequence[tuple[float, float]], weights: Sequence[float]) -> float:
    """Return the BM25 of a paper from the frequencies of each part in title and body, and the IDF of each part."""
    score = 0.0
    for (in_title, in_body), weight in zip(counts, weights, strict=True):
        frequency = _TITLE_WEIGHT * in_title + in_body
        score += weight * frequency / (frequency + _SATURATION)
    return score


def count_words(title: str, body: str) -> Counter[str]:
    """Count a paper's words without particles, those of the title `_TITLE_WEIGHT` times."""
    counts = Counter(_without_particles(body).split())
    for word in _without_particles(title).split():
        counts[word] += _TITLE_WEIGHT
    return counts


def _without_particles(canonical: str) -> str:
    return canonical.replace(analyser.PARTICLE_MARK, "")


def list_candidates(best: Sequence[tuple[float, Counter[str]]]) -> dict[str, float]:
    """Return the most probable words of the relevance model of the best papers, given as scores with counted words."""
    model: dict[str, float] = {}
    for score, words in best:
        length = max(words.total(), 1)
        for word, count in words.items():
            model[word] = model.get(word, 0.0) + score * count / length
    probable = {
        word: probability
        for word, probability in model.items()
        if len(word) >= _MIN_WORD_LENGTH and not word.isdigit()
    }
    # Of some thousand words only these are sorted with a key, which takes longer.
    least = min(sorted(probable.values(), reverse=True)[:_MAX_CANDIDATES], default=0.0)
    likely = [word for word, probability in probable.items() if probability >= least]
    return {
        word: probable[word]
        for word in sorted(likely, key=lambda word: (-probable[word], word))[:_MAX_CANDIDATES]
    }


def choose_terms(
    candidates: Mapping[str, float], document_frequencies: Mapping[str, int], total: int
) -> dict[str, float]:
    """Return the feedback terms with their weights, which add up to 1: the likeliest words that are not common."""
    rare_enough = max(3.0, MAX_DOCUMENT_SHARE * total)
    weights = {
        word: probability * inverse_document_frequency(document_frequencies[word], total)
        for word, probability in candidates.items()
        if 1 < document_frequencies.get(word, 0) <= rare_enough
    }
    chosen = sorted(weights, key=lambda word: (-weights[word], word))[:FEEDBACK_TERMS]
    weight_sum = sum(weights[word] for word in chosen) or 1.0
    return {word: weights[word] / weight_sum for word in chosen}


def score_feedback(words: Mapping[str, int], terms: Mapping[str, float]) -> float:
    """Return how much of the relevance model a paper has, from 0 to 1, given its counted words."""
    # Few papers have many of the terms, so only these are counted.
    counts = [(weight, words[term]) for term, weight in terms.items() if term in words]
    return sum(weight * count / (count + _SATURATION) for weight, count in counts)
