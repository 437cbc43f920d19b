"""Learns a reader's profile: logistic regression over wanted papers and others, cut to its heaviest weights. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

from bot.text import logistic_regression
from bot.text.logistic_regression import Example

MAX_WEIGHTS = 200
MAX_TRAINED = 300
"""Features that are learnt from. More cost time and gain nothing."""
MIN_EXAMPLES = 2
"""A feature of fewer examples says nothing about other papers."""


def train_profile(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return the at most MAX_WEIGHTS features that tell a reader's papers from others, with their weights.

    The score of a paper is the sum of weight times value over its features: their rarity among the examples is part of
    the weight. A negative example that counts more than 1 is a paper that the reader refused.
    """
    frequencies: Counter[str] = Counter()
    for vector, _ in chain(positives, negatives):
        frequencies.update(vector.keys())
    refused = [(vector, 1.0) for vector, weight in negatives if weight > 1.0]
    rarity = _measure_rarity([*positives, *refused], frequencies, len(positives) + len(negatives))
    weights = logistic_regression.train(_scale(positives, rarity), _scale(negatives, rarity))
    impact = {
        feature: abs(weight) * rarity[feature] * math.sqrt(frequencies[feature])
        for feature, weight in weights.items()
    }
    heaviest = sorted(impact, key=lambda feature: (-impact[feature], feature))[:MAX_WEIGHTS]
    return {feature: weights[feature] * rarity[feature] for feature in heaviest}


def _measure_rarity(
    judged: Sequence[Example], frequencies: Mapping[str, int], total: int
) -> dict[str, float]:
    """Return the rarity of the MAX_TRAINED features that weigh most in the judged papers: rare ones of many papers."""
    sums: dict[str, float] = defaultdict(float)
    for vector, weight in judged:
        for feature, value in vector.items():
            sums[feature] += weight * value
    rarity = {
        feature: math.log((total + 1) / frequencies[feature])
        for feature in sums
        if frequencies[feature] >= MIN_EXAMPLES
    }
    ordered = sorted(rarity, key=lambda feature: (-sums[feature] * rarity[feature], feature))
    return {feature: rarity[feature] for feature in ordered[:MAX_TRAINED]}


def _scale(examples: Sequence[Example], rarity: Mapping[str, float]) -> list[Example]:
    """Return the examples with the features that are learnt from, each scaled by its rarity."""
    return [
        ({feature: value * rarity[feature] for feature, value in vector.items() if feature in rarity}, weight)
        for vector, weight in examples
    ]
