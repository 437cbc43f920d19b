"""The budget of invalid requests: Discord's edge bans an address after 10,000 answers of 401, 403 or 429 in ten minutes."""

from __future__ import annotations

import collections
from collections.abc import Callable

INVALID_STATUSES = frozenset({401, 403, 429})
PERIOD_SECONDS = 600.0

MAX_INVALID = 1000
"""A tenth of Discord's limit (Discord docs, topics/rate-limits, 2026), which other programs at the same address share."""

SLOW_FROM = MAX_INVALID // 2
SPACING_SECONDS = 1.5
STOP_FROM = 920
"""The rest is for interactions, which cannot wait."""

INTERACTIONS_STOP_FROM = 960
"""The last ones are for what is open then."""


class InvalidRequestBudget:
    """Counts invalid answers, and spaces the requests outside interactions so that their number stays below `MAX_INVALID`.

    Any request may bring an invalid answer. Before the last one that left unspaced, fewer than `SLOW_FROM` had come within
    the period, the open ones counted; after it at most a period's number of spaced ones leave: 500 + 400. `clock` is
    monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._invalid_times: collections.deque[float] = collections.deque()
        self._open_requests = 0
        self._last_begun_at = float("-inf")

    @property
    def spent(self) -> int:
        """The number of invalid answers within the last ten minutes."""
        period_start = self._clock() - PERIOD_SECONDS
        while self._invalid_times and self._invalid_times[0] <= period_start:
            self._invalid_times.popleft()
        return len(self._invalid_times)

    @property
    def is_spacing(self) -> bool:
        """Whether requests are spaced, because half of the budget is spent or may be by the open requests."""
        return self.spent + self._open_requests >= SLOW_FROM

    @property
    def is_spent(self) -> bool:
        """Whether not even an interaction may be answered."""
        return self.spent >= INTERACTIONS_STOP_FROM

    def delay(self) -> float:
        """Return the seconds until a request outside interactions may leave; 0 if one may now."""
        spent = self.spent
        if spent + self._open_requests < SLOW_FROM:
            return 0.0
        now = self._clock()
        if self._invalid_times and spent + self._open_requests >= STOP_FROM:
            return self._invalid_times[0] + PERIOD_SECONDS - now
        return max(0.0, self._last_begun_at + SPACING_SECONDS - now)

    def begin(self) -> None:
        """Count a request outside interactions that leaves now."""
        self._open_requests += 1
        self._last_begun_at = self._clock()

    def end(self) -> None:
        """Count the end of a request."""
        self._open_requests -= 1

    def record(self, status: int, *, is_shared: bool) -> None:
        """Count an answer. A shared rate limit is not the bot's fault and not counted by Discord."""
        if status in INVALID_STATUSES and not is_shared:
            self._invalid_times.append(self._clock())
