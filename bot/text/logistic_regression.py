"""L2-regularised logistic regression on sparse vectors, by dual coordinate descent. Pure Python, deterministic.

The method is that of Yu, Huang and Lin (2011), "Dual coordinate descent methods for logistic regression": each step solves
for the multiplier of one example, with a few steps of Newton's method.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Vector: TypeAlias = Mapping[str, float]
"""The features of an example with their values; those that it lacks are 0."""

Example: TypeAlias = tuple[Vector, float]
"""A vector, and how much the example counts within its class."""

COST = 1.0
"""Weight of each class's loss against the regularisation. The two classes have the same, however many examples they have."""
PASSES = 5
_NEWTON_STEPS = 3
_SEED = 0


def train(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return the weight of each feature: higher for what the positive examples have. No weights without both classes."""
    examples = [*_balanced(positives, 1.0), *_balanced(negatives, -1.0)]
    weights: dict[str, float] = defaultdict(float)
    if not positives or not negatives:
        return {}
    bias = 0.0
    multipliers = [1e-3 * bound for _, _, bound in examples]
    norms = [1.0 + sum(value * value for value in vector.values()) for vector, _, _ in examples]
    for (vector, sign, _), multiplier in zip(examples, multipliers, strict=True):
        bias += _add(weights, vector, sign * multiplier)
    order, rng = list(range(len(examples))), random.Random(_SEED)
    for _ in range(PASSES):
        rng.shuffle(order)
        for index in order:
            vector, sign, bound = examples[index]
            margin = sign * (bias + sum(weights[term] * value for term, value in vector.items()))
            updated = _solve(multipliers[index], margin, norms[index], bound)
            bias += _add(weights, vector, sign * (updated - multipliers[index]))
            multipliers[index] = updated
    return dict(weights)


def _balanced(examples: Sequence[Example], sign: float) -> list[tuple[Vector, float, float]]:
    """Return the examples with their sign and the upper bound of their multiplier; the bounds of a class add up to COST."""
    total = sum(weight for _, weight in examples) or 1.0
    return [(vector, sign, COST * weight / total) for vector, weight in examples if weight > 0]


def _add(weights: dict[str, float], vector: Vector, step: float) -> float:
    """Add a multiple of an example to the weights; returns the same for the constant feature."""
    for term, value in vector.items():
        weights[term] += step * value
    return step


def _solve(multiplier: float, margin: float, norm: float, bound: float) -> float:
    """Return the best multiplier of an example between 0 and its bound, the others being fixed."""
    found = multiplier
    for _ in range(_NEWTON_STEPS):
        slope = norm * (found - multiplier) + margin + math.log(found / (bound - found))
        curvature = norm + bound / (found * (bound - found))
        step = found - slope / curvature
        found = min(max(step, found / 10), bound - (bound - found) / 10)
    return found
