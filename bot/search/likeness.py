"""How much papers are like others: weights of features, learnt from papers that somebody wants."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TypeAlias

from bot.search.vectors import Vector

Example: TypeAlias = tuple[Vector, float]
"""A vector and its weight within its class."""

MAX_WEIGHTS = 200
MAX_TRAINED = 300
"""The number of features used for training. More would take time without improving anything."""
MIN_EXAMPLES = 2
"""Features that occur in fewer papers do not generalise."""


def train_profile(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return the MAX_WEIGHTS features that best separate positive from negative examples, with their weights.

    A weight is the difference of the class means (Rocchio's method), scaled by rarity. A paper's score is the
    sum of weight times value over its features. Negative examples with a weight above 1 are papers that the
    reader disliked. Returns {} if there are no examples of one of the classes.
    """
    if not positives or not negatives:
        return {}
    frequencies: Counter[str] = Counter()
    for vector, _ in chain(positives, negatives):
        frequencies.update(vector.keys())
    refused = [(vector, 1.0) for vector, weight in negatives if weight > 1.0]
    rarity = _measure_rarity([*positives, *refused], frequencies, len(positives) + len(negatives))
    weights: dict[str, float] = defaultdict(float)
    for examples, sign in ((positives, 1.0), (negatives, -1.0)):
        total = sum(weight for _, weight in examples)
        for vector, weight in examples:
            for feature in vector.keys() & rarity.keys():
                weights[feature] += sign * weight / total * vector[feature] * rarity[feature] ** 2
    impact = {feature: abs(weight) * math.sqrt(frequencies[feature]) for feature, weight in weights.items()}
    heaviest = sorted(impact, key=lambda feature: (-impact[feature], feature))[:MAX_WEIGHTS]
    return {feature: weights[feature] for feature in heaviest}


def _measure_rarity(
    judged: Sequence[Example], frequencies: Mapping[str, int], total: int
) -> dict[str, float]:
    """Return the rarity of the MAX_TRAINED features that are rarest overall and most frequent in the judged papers."""
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


def score(weights: Vector, vectors: Mapping[int, Vector]) -> dict[int, float]:
    """Return each paper's score: the sum of weight times value over shared features."""
    return {
        paper_id: sum(weight * vector[feature] for feature, weight in weights.items() if feature in vector)
        for paper_id, vector in vectors.items()
    }
