"""Spaces out requests to Discord, and pauses them while Discord fails or rate-limits the bot. See docs/delivery.md.

A status without Discord's own JSON says nothing about a channel, a message or the token. Times are monotonic
seconds.
"""

from __future__ import annotations

import collections
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import aiolimiter
import structlog

log = structlog.get_logger(__name__)

REQUESTS_PER_SECOND = 48.8
"""Discord allows a bot 50 requests a second, not counting interactions (Discord docs, topics/rate-limits, 2026)."""

BUCKET_CAPACITY = 1.5

REFUSED_STATUSES = frozenset({401, 403, 429})
MAX_REFUSED = 1000
"""A tenth of the refusals within `REFUSED_SECONDS` that get an IP address banned (Discord docs,
topics/rate-limits, 2026), since other programs may share it.
"""
REFUSED_SECONDS = 600.0

MAX_FAILURES = 4
"""The number of failures in a row after which requests pause."""
INITIAL_PAUSE = 2.0
MAX_PAUSE = 30.0
"""This is short enough for due posts to be sent within a minute of Discord's recovery."""
MAX_LIMIT = 7200.0
"""The longest `Retry-After` that is obeyed. One request every two hours does no harm."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The HTTP response to a request or an interaction's callback.

    `is_json` is False if the body is not in Discord's format, such as a page or other JSON from a proxy.
    `code` is Discord's error code, or 0. `retry_after` (seconds) is from the body or the header,
    `answered_at` (UTC) from the `Date` header. `seconds` is how long the request took, sleep of the machine included.
    `is_shared` marks a rate limit caused by other bots.
    """

    status: int
    is_json: bool
    code: int = 0
    retry_after: float | None = None
    answered_at: datetime | None = None
    seconds: float = 0.0
    is_global: bool = False
    is_shared: bool = False
    is_interaction: bool = False

    @property
    def is_discords(self) -> bool:
        """Whether the response came from Discord itself. Its errors have a code, except for an invalid token
        or a rate-limited request.
        """
        return self.is_json and (self.status < 400 or self.code != 0 or self.status in (401, 429))


AnswerListener = Callable[[HttpAnswer], None]
"""Called with each answer on the event loop."""


class Pace:
    """The rate of all requests except interactions, evenly spaced, and the pauses between them.

    A pause lasts as long as Discord says, or else 2 s, doubled after each further failure up to 30 s. After a
    pause, requests are made one at a time (`is_well` is false) until one succeeds.
    """

    def __init__(
        self, clock: Callable[[], float], rng: random.Random, per_second: float = REQUESTS_PER_SECOND
    ) -> None:
        self.clock = clock
        self._rng = rng
        # At most capacity + rate requests leave within a second, so at most 50 arrive within one even if the first takes
        # 14 ms longer than the last. With a capacity of 1, late timers would slow the rate; 1.5 makes up for 10 ms.
        self._limiter = aiolimiter.AsyncLimiter(BUCKET_CAPACITY, BUCKET_CAPACITY / per_second)
        self._refused_times: collections.deque[float] = collections.deque(maxlen=MAX_REFUSED)
        self._failures = 0
        self._paused_until = float("-inf")
        self.waiting = 0
        """The number of requests waiting for a slot."""

    @property
    def is_well(self) -> bool:
        """Whether Discord is responding, so that requests may run concurrently."""
        return self._failures < MAX_FAILURES

    def delay(self) -> float:
        """Return the number of seconds until a request may be sent; 0 if it may be sent now."""
        until = self._paused_until
        if len(self._refused_times) == MAX_REFUSED:
            until = max(until, self._refused_times[0] + REFUSED_SECONDS)
        return max(0.0, until - self.clock())

    async def take_turn(self) -> float:
        """Wait for a slot but not for the end of a pause. Returns the seconds until the request may be sent."""
        if not self.delay():
            self.waiting += 1
            try:
                await self._limiter.acquire()
            finally:
                self.waiting -= 1
        return self.delay()

    def record_answer(self, answer: HttpAnswer) -> None:
        """Record a response, which may begin or end a pause."""
        if answer.status in REFUSED_STATUSES and not answer.is_shared:
            self._refused_times.append(self.clock())
        is_ban = answer.status == 429 and not answer.is_json
        if answer.is_interaction and not is_ban:
            return  # interactions have separate limits
        if is_ban or (answer.status == 429 and answer.is_global):
            self._fail(answer.status, answer.retry_after or 0.0, pauses=True)
        elif answer.status >= 500:
            self._fail(answer.status)
        elif not answer.is_discords:
            self._fail(answer.status, pauses=True)
        elif not self.delay():  # otherwise, this answers an earlier request
            if not self.is_well:
                log.info("Discord has recovered")
            self._failures = 0

    def record_failure(self) -> None:
        """Record a request without a response: the connection was refused or reset, or timed out."""
        self._fail(None)

    def _fail(self, status: int | None, limit: float = 0.0, *, pauses: bool = False) -> None:
        """Count a failure. If it `pauses`, or several failed in a row, pause for `limit` seconds or an increasing time."""
        now, limit = self.clock(), min(limit, MAX_LIMIT)
        if now < self._paused_until:  # this answers an earlier request, and can only extend the pause
            self._paused_until = max(self._paused_until, now + limit)
            return
        was_well = self.is_well
        if pauses and was_well:
            self._failures = MAX_FAILURES  # as if several had failed in a row
        else:
            self._failures += 1
        if self.is_well:
            return
        growing = min(MAX_PAUSE, INITIAL_PAUSE * 2.0 ** min(self._failures - MAX_FAILURES, 10))
        seconds = limit + self._rng.uniform(0.0, 0.1) if limit else growing * self._rng.uniform(0.5, 1.0)
        self._paused_until = now + seconds
        if was_well:
            log.warning("requests to Discord paused", status=status, seconds=round(seconds, 1))
