"""The time, size and number of requests that one fetch may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one exchange may cost at most. Times in seconds, size in bytes; `whole` covers all of its redirects."""

    connect: float = 10.0
    read: float = 20.0
    whole: float = 60.0
    size: int = 20_000_000
    redirects: int = 5
    attempts: int = 3
    per_host: int = 2
