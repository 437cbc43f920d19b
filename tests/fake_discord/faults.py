"""Fault injection: seeded rules that make requests fail."""

import math
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class FaultRule:
    """A fault for matching requests.

    The `kind` "status" responds with `status` and `code`, "page" with `status` and a proxy's HTML; "lose"
    resets the connection instead of responding; "slow" waits `seconds`. If `stored`, the request takes effect
    before the fault. With a `text`, only requests are matched whose body contains it, as an AutoMod rule does.
    The rule applies `times` times, or always if None. A 429 with `retry_after` (seconds) is
    a global rate limit.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    probability: float = 1.0
    times: int | None = None
    stored: bool = False
    status: int = 500
    code: int | str = 0
    message: str = "injected fault"
    seconds: float = 0.0
    retry_after: float | None = None
    text: str = ""
    hits: int = 0

    def matches(self, method: str, path: str, body: str) -> bool:
        is_available = (self.times is None or self.hits < self.times) and self.text in body
        return is_available and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class FaultInjector:
    """The active fault rules, and an outage that overrides them."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []
        self.outage_until = -math.inf
        self.outage_resets = False
        self.random = random.Random(1)

    def draw(self, method: str, path: str, body: str = "") -> FaultRule | None:
        """Return the first matching rule that applies to a request by chance, or None."""
        for rule in self.rules:
            if rule.matches(method, path, body) and self.random.random() < rule.probability:
                rule.hits += 1
                return rule
        return None
