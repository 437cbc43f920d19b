"""Limits of one fetch: time, size and number of requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one fetch. Times in seconds, size in bytes; `total_timeout` covers all redirects."""

    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    total_timeout: float = 60.0
    max_bytes: int = 20_000_000
    max_redirects: int = 5
    max_attempts: int = 3
    max_connections_per_host: int = 2
