"""Faults on demand: which request goes wrong, and how. Seeded, so that a run can be repeated."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase

KINDS = ("status", "lose", "slow")


@dataclass
class FaultRule:
    """One way to go wrong.

    `kind`: `status` answers with `status` and `code`; `lose` resets the connection instead of answering; `slow`
    waits `seconds`. `stored` says whether the request takes effect first. `times` None means for ever.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    probability: float = 1.0
    times: int | None = None
    stored: bool = False
    status: int = 500
    code: int = 0
    message: str = "fault on demand"
    seconds: float = 0.0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {self.kind}")

    def matches(self, method: str, path: str) -> bool:
        """Whether this rule still has something to do and is about such a request."""
        left = self.times is None or self.hits < self.times
        return left and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class FaultInjector:
    """The rules in force, and the outage that goes over all of them."""

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[FaultRule] = []
        self.outage_until = -math.inf
        self.outage_resets = False
        self._random = random.Random(seed)

    def reseed(self, seed: int) -> None:
        """Begin the dice's sequence again."""
        self._random = random.Random(seed)

    def draw(self, method: str, path: str) -> FaultRule | None:
        """The fault that befalls this request, if any: the first matching rule whose dice comes up."""
        for rule in self.rules:
            if rule.matches(method, path) and self._random.random() < rule.probability:
                rule.hits += 1
                return rule
        return None
