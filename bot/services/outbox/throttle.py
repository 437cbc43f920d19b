"""When to try again, and when to leave a place or all of Discord alone for a while. Only sums; nothing sleeps here."""

from __future__ import annotations

import collections
import random
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta

FIRST_DELAY = 2.0
LONGEST_DELAY = 30.0
"""Short, because an outage of all of Discord is `Trouble`'s business: few parts are tried in one."""

PATIENT_AFTER = 20
PATIENT_DELAY = 300.0
"""After so many attempts it is the part's own misfortune, and seldom trying is enough."""

MESSAGES = 4
PERIOD = 5.0
"""Messages in one channel within so many seconds. Discord is known to allow 5 in 5 s (facts of 2026, api#20): with one
less its answers never say that the bucket is empty, so that discord.py never sleeps it out before it returns."""

TROUBLES = 8
LONGEST_REST = 60.0


def retry_delay(attempts: int, dice: random.Random, at_least: float = 0.0) -> timedelta:
    """Return how long to wait after so many attempts: doubling to a limit, with half up or down at random."""
    longest = LONGEST_DELAY if attempts <= PATIENT_AFTER else PATIENT_DELAY
    delay = min(longest, FIRST_DELAY * 2.0 ** (min(attempts, 10) - 1))
    return timedelta(seconds=max(at_least, delay * dice.uniform(0.5, 1.5)))


class Buckets:
    """How many messages each place had lately. Times are seconds of a clock that only goes forward."""

    def __init__(self, clock: Callable[[], float], messages: int = MESSAGES, period: float = PERIOD) -> None:
        self._clock = clock
        self._messages = messages
        self._period = period
        self._times: dict[Hashable, collections.deque[float]] = {}

    def wait(self, place: Hashable) -> float:
        """Return in how many seconds the place may have its next message; 0 for now."""
        times = self._times.get(place)
        if times is None or len(times) < self._messages:
            return 0.0
        return max(0.0, times[0] + self._period - self._clock())

    def shortest_wait(self, places: Iterable[Hashable]) -> float:
        """Return in how many seconds the first of these places may have its next message."""
        return min(map(self.wait, places), default=0.0)

    def list_waiting(self) -> list[Hashable]:
        """Return the places that may have nothing just now."""
        return [place for place in self._times if self.wait(place)]

    def hit(self, place: Hashable) -> None:
        """Count a message to this place, now."""
        self._times.setdefault(place, collections.deque(maxlen=self._messages)).append(self._clock())

    def forget(self) -> None:
        """Drop the places that had nothing for a period."""
        edge = self._clock() - self._period
        self._times = {place: times for place, times in self._times.items() if times[-1] > edge}


class Trouble:
    """Notices that Discord as a whole is down: then one attempt at a time is made, with growing rests between.

    So an outage touches few parts, and nearly all go out at once when it ends.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._in_a_row = 0
        self._rest_until: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Whether so many attempts in a row met trouble that it is not theirs alone."""
        return self._in_a_row >= TROUBLES

    def is_resting(self, now: datetime) -> bool:
        """Whether nothing is to be tried at `now`."""
        if not self.is_on or self._rest_until is None:
            return False
        # A longer rest than that was never meant: the clock was set back.
        return timedelta(0) < self._rest_until - now <= timedelta(seconds=LONGEST_REST)

    def note(self, now: datetime, *, trouble: bool) -> None:
        """Count an attempt that ended at `now` (UTC). Any answer of Discord's that is its own ends the trouble."""
        self._in_a_row = self._in_a_row + 1 if trouble else 0
        if self.is_on:
            seconds = min(LONGEST_REST, 2.0 ** min(10, self._in_a_row - TROUBLES))
            self._rest_until = now + timedelta(seconds=seconds * self._dice.uniform(0.5, 1.0))
