"""When to try again, and when to leave a place or all of Discord alone for a while. Only sums; nothing sleeps here."""

from __future__ import annotations

import collections
import random
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta

INITIAL_DELAY = 2.0
MAX_DELAY = 30.0
"""Short, because an outage of all of Discord is `Trouble`'s business: few parts are tried in one."""

SLOW_RETRY_AFTER = 20
SLOW_RETRY_DELAY = 300.0
"""After so many attempts it is the part's own misfortune, and seldom trying is enough."""

MAX_MESSAGES = 4
WINDOW_SECONDS = 5.0
"""Messages in one channel within so many seconds. Discord is known to allow 5 in 5 s (facts of 2026, api#20): with one
less its answers never say that the bucket is empty, so that discord.py never sleeps it out before it returns."""

FAILURE_THRESHOLD = 8
MAX_OPEN_SECONDS = 60.0


def retry_delay(attempts: int, rng: random.Random, minimum: float = 0.0) -> timedelta:
    """Return how long to wait after so many attempts: doubling to a limit, with half up or down at random."""
    longest = MAX_DELAY if attempts <= SLOW_RETRY_AFTER else SLOW_RETRY_DELAY
    delay = min(longest, INITIAL_DELAY * 2.0 ** (min(attempts, 10) - 1))
    return timedelta(seconds=max(minimum, delay * rng.uniform(0.5, 1.5)))


class RateLimiter:
    """How many messages each place had lately. Times are seconds of a clock that only goes forward."""

    def __init__(
        self,
        clock: Callable[[], float],
        max_messages: int = MAX_MESSAGES,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._clock = clock
        self._max_messages = max_messages
        self._window_seconds = window_seconds
        self._sent_times: dict[Hashable, collections.deque[float]] = {}

    def delay(self, destination: Hashable) -> float:
        """Return in how many seconds the place may have its next message; 0 for now."""
        times = self._sent_times.get(destination)
        if times is None or len(times) < self._max_messages:
            return 0.0
        return max(0.0, times[0] + self._window_seconds - self._clock())

    def shortest_delay(self, destinations: Iterable[Hashable]) -> float:
        """Return in how many seconds the first of these places may have its next message."""
        return min(map(self.delay, destinations), default=0.0)

    def list_throttled(self) -> list[Hashable]:
        """Return the places that may have nothing just now."""
        return [place for place in self._sent_times if self.delay(place)]

    def hit(self, destination: Hashable) -> None:
        """Count a message to this place, now."""
        self._sent_times.setdefault(destination, collections.deque(maxlen=self._max_messages)).append(
            self._clock()
        )

    def prune(self) -> None:
        """Drop the places that had nothing for a period."""
        edge = self._clock() - self._window_seconds
        self._sent_times = {place: times for place, times in self._sent_times.items() if times[-1] > edge}


class CircuitBreaker:
    """Notices that Discord as a whole is down: then one attempt at a time is made, with growing rests between.

    So an outage touches few parts, and nearly all go out at once when it ends.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._consecutive_failures = 0
        self._open_until: datetime | None = None

    @property
    def is_tripped(self) -> bool:
        """Whether so many attempts in a row met trouble that it is not theirs alone."""
        return self._consecutive_failures >= FAILURE_THRESHOLD

    def is_open(self, now: datetime) -> bool:
        """Whether nothing is to be tried at `now`."""
        if not self.is_tripped or self._open_until is None:
            return False
        # A longer rest than that was never meant: the clock was set back.
        return timedelta(0) < self._open_until - now <= timedelta(seconds=MAX_OPEN_SECONDS)

    def record(self, now: datetime, *, failed: bool) -> None:
        """Count an attempt that ended at `now` (UTC). Any answer of Discord's that is its own ends the trouble."""
        self._consecutive_failures = self._consecutive_failures + 1 if failed else 0
        if self.is_tripped:
            seconds = min(MAX_OPEN_SECONDS, 2.0 ** min(10, self._consecutive_failures - FAILURE_THRESHOLD))
            self._open_until = now + timedelta(seconds=seconds * self._rng.uniform(0.5, 1.0))
