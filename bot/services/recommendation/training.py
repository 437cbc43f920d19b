"""Learns a reader's profile: logistic regression over wanted papers and others, cut to its heaviest weights. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from bot.text import logistic_regression
from bot.text.logistic_regression import Example

MAX_WEIGHTS = 200
MIN_EXAMPLES = 2
"""A feature of fewer examples says nothing about other papers."""


def train_profile(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return the at most MAX_WEIGHTS features that tell a reader's papers from others, with their weights.

    The score of a paper is the sum of weight times value over its features: their rarity among the examples is part of
    the weight.
    """
    frequencies: Counter[str] = Counter()
    for vector, _ in chain(positives, negatives):
        frequencies.update(vector.keys())
    total = len(positives) + len(negatives)
    wanted = {feature for vector, _ in positives for feature in vector}
    rarity = {
        feature: math.log((total + 1) / frequencies[feature])
        for feature in wanted
        if frequencies[feature] >= MIN_EXAMPLES
    }
    weights = logistic_regression.train(_scale(positives, rarity), _scale(negatives, rarity))
    impact = {
        feature: abs(weight) * rarity[feature] * math.sqrt(frequencies[feature])
        for feature, weight in weights.items()
    }
    heaviest = sorted(impact, key=lambda feature: (-impact[feature], feature))[:MAX_WEIGHTS]
    return {feature: weights[feature] * rarity[feature] for feature in heaviest}


def _scale(examples: Sequence[Example], rarity: Mapping[str, float]) -> list[Example]:
    """Return the examples with the features that are learnt from, each scaled by its rarity."""
    return [
        ({feature: value * rarity[feature] for feature, value in vector.items() if feature in rarity}, weight)
        for vector, weight in examples
    ]
