"""Retry delays, and a rate limiter per destination. Pure; never sleeps."""

from __future__ import annotations

import collections
import random
from collections.abc import Callable, Hashable, Iterable
from datetime import timedelta

INITIAL_DELAY = 2.0
MAX_DELAY = 30.0
"""Short, because `DiscordHealth` handles an outage of all of Discord, in which few parts are attempted."""

SLOW_RETRY_AFTER = 20
SLOW_RETRY_DELAY = 300.0
"""After this many attempts the fault is the part's own; it is retried every five minutes."""

MAX_MESSAGES = 4
WINDOW_SECONDS = 5.0
"""Messages per channel within `WINDOW_SECONDS`. Discord allows 5 in 5 s (as of 2026, api#20): with four its responses
never report an exhausted bucket, so that discord.py does not sleep before it returns."""


def retry_delay(attempts: int, rng: random.Random, minimum: float = 0.0) -> timedelta:
    """Return the delay after this many attempts: doubling up to a limit, with 50 % jitter, at least `minimum` seconds."""
    max_delay = MAX_DELAY if attempts <= SLOW_RETRY_AFTER else SLOW_RETRY_DELAY
    delay = min(max_delay, INITIAL_DELAY * 2.0 ** (min(attempts, 10) - 1))
    return timedelta(seconds=max(minimum, delay * rng.uniform(0.5, 1.5)))


class RateLimiter:
    """A sliding window over the messages to each destination. `clock` is monotonic, in seconds."""

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
        """Return the seconds until the destination may receive its next message; 0 if now."""
        times = self._sent_times.get(destination)
        if times is None or len(times) < self._max_messages:
            return 0.0
        return max(0.0, times[0] + self._window_seconds - self._clock())

    def shortest_delay(self, destinations: Iterable[Hashable]) -> float:
        """Return the seconds until the first of these destinations may receive its next message."""
        return min(map(self.delay, destinations), default=0.0)

    def list_throttled(self) -> list[Hashable]:
        """Return the destinations that may not receive a message now."""
        return [destination for destination in self._sent_times if self.delay(destination)]

    def hit(self, destination: Hashable) -> None:
        """Count a message to this destination, now."""
        self._sent_times.setdefault(destination, collections.deque(maxlen=self._max_messages)).append(
            self._clock()
        )

    def prune(self) -> None:
        """Remove the destinations without a message in the current window."""
        window_start = self._clock() - self._window_seconds
        self._sent_times = {
            destination: times for destination, times in self._sent_times.items() if times[-1] > window_start
        }
