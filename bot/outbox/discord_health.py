"""The health of Discord as a whole, judged from every answer: a circuit breaker with slow start. See docs/delivery.md.

It replaces verdicts that an answer does not carry: without Discord's own JSON, a status says nothing about a channel, a
message or the token. Times are of a monotonic clock, in seconds; nothing sleeps here.
"""

from __future__ import annotations

import collections
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)

INVALID_STATUSES = frozenset({401, 403, 429})
PERIOD_SECONDS = 600.0
"""Discord's edge bans an address after 10,000 answers with these statuses in ten minutes."""

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


INITIAL_DELAY = 2.0
MAX_DELAY = 30.0
"""Delay between probes: what is due is sent at most a minute after Discord has recovered."""

MAX_LIMIT = 7200.0
"""A longer `Retry-After` is not waited for to its end: one probe every two hours does no harm."""

START_WINDOW = 4.0
MAX_WINDOW = 64.0
IDLE_SECONDS = 10.0
"""After this time without an answer the window starts again, because Discord may have changed meanwhile."""

PROBE_WAIT = 0.5


class HealthState(StrEnum):
    """Discord's health as far as it is known. Outside interactions only single probes are sent unless it is `WELL`."""

    WELL = "well"
    LIMITED = "limited"
    """Discord or its edge limits the whole bot: a global rate limit, or one without Discord's JSON."""
    TROUBLED = "troubled"
    """Answers fail or are not Discord's: pages instead of JSON, server errors, resets, time-outs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request of the client, interactions included.

    `is_json` is whether the body is in Discord's own format; a proxy or Cloudflare answers with a page, or with JSON of its
    own. `code` is Discord's error code, 0 without one. `retry_after` is in seconds, from the body or the header.
    `answered_at` is the `Date` header (UTC). A `shared` rate limit is not the bot's.
    """

    status: int
    is_json: bool
    code: int = 0
    retry_after: float | None = None
    answered_at: datetime | None = None
    is_global: bool = False
    is_shared: bool = False
    is_interaction: bool = False

    @property
    def is_discords(self) -> bool:
        """Whether Discord itself gave this answer; Discord's answers to a wrong token and too many requests have no code."""
        return self.is_json and (self.status < 400 or self.code != 0 or self.status in (401, 429))


AnswerListener = Callable[[Answer], None]
"""Is called with each answer, on the event loop."""

FailureListener = Callable[[BaseException], None]
"""Is called with the error of each request that got no answer: a connection refused or reset, a time-out."""


class DiscordHealth:
    """The state machine. It hears of each answer and failure, and says when and how many requests may leave.

    `window` is the number of requests that may be open at once: it grows with each success and halves with each failure
    (slow start and multiplicative decrease, as in TCP), so that a failing Discord sees few requests of a large fan-out.
    """

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self.budget = InvalidRequestBudget(clock)
        self._state = HealthState.WELL
        self._window = START_WINDOW
        self._closed_until = float("-inf")
        self._unwell_since = 0.0
        self._failed_probes = 0
        self._probe: object | None = None
        self._last_answer_at = float("-inf")

    @property
    def state(self) -> HealthState:
        """The state by the last answer."""
        return self._state

    @property
    def is_well(self) -> bool:
        """Whether requests may leave without being probes."""
        return self._state is HealthState.WELL

    @property
    def window(self) -> int:
        """How many attempts may be in flight at once."""
        if not self.is_well or self.budget.is_spacing:
            return 1
        if self._clock() - self._last_answer_at > IDLE_SECONDS:
            self._window = min(self._window, START_WINDOW)
        return max(1, int(self._window))

    def closed_seconds(self) -> float:
        """Return the seconds until the next probe may leave; 0 if one may now, or if Discord is well."""
        if self.is_well:
            return 0.0
        remaining = self._closed_until - self._clock()
        return max(remaining, PROBE_WAIT if self._probe is not None else 0.0)

    def delay(self) -> float:
        """Return the seconds until a request outside interactions may leave; 0 if one may now."""
        return max(self.closed_seconds(), self.budget.delay())

    def part_delay(self) -> float:
        """Return the seconds after which a part that failed by Discord's fault is due: other parts are the next probes."""
        return self.closed_seconds() + self._rng.uniform(1.0, 3.0)

    def begin(self) -> object:
        """Count a request outside interactions that leaves now, and return a token for `end`."""
        self.budget.begin()
        token = object()
        if not self.is_well:
            self._probe = token
        return token

    def end(self, token: object) -> None:
        """Count the end of a request."""
        self.budget.end()
        if self._probe is token:
            self._probe = None

    def record_answer(self, answer: Answer) -> None:
        """Judge an answer."""
        self.budget.record(answer.status, is_shared=answer.is_shared)
        is_ban = answer.status == 429 and not answer.is_json
        if answer.is_interaction and not is_ban:
            return  # interactions have limits of their own
        self._last_answer_at = self._clock()
        if is_ban or (answer.status == 429 and answer.is_global):
            self._close(HealthState.LIMITED, answer.retry_after, answer.status)
        elif answer.status == 429 and not answer.is_shared:
            self._weaken(HealthState.LIMITED, answer.retry_after, answer.status)
        elif answer.status >= 500:
            self._weaken(HealthState.TROUBLED, None, answer.status)
        elif answer.is_discords:
            self._record_success()
        else:
            self._close(HealthState.TROUBLED, None, answer.status)

    def record_failure(self) -> None:
        """Judge a request without an answer: a refused or reset connection, or no answer in time."""
        self._weaken(HealthState.TROUBLED, None, None)

    def _record_success(self) -> None:
        if self.is_well:
            self._window = min(MAX_WINDOW, self._window + 1.0)
            return
        if self._clock() < self._closed_until:
            return  # the answer to an earlier request
        log.info("Discord is well again", after_seconds=round(self._clock() - self._unwell_since, 1))
        self._state, self._window, self._failed_probes = HealthState.WELL, START_WINDOW, 0

    def _weaken(self, state: HealthState, seconds: float | None, status: int | None) -> None:
        self._window /= 2.0
        if not self.is_well or self._window < 1.0:
            self._close(state, seconds, status)

    def _close(self, state: HealthState, seconds: float | None, status: int | None) -> None:
        """Send nothing for `seconds`, or for a delay that grows with each failed probe."""
        now = self._clock()
        limit = min(seconds or 0.0, MAX_LIMIT)
        if not self.is_well and now < self._closed_until:
            # The answer to an earlier request: only a longer limit is news.
            if now + limit > self._closed_until:
                self._state, self._closed_until = state, now + limit
            return
        growing = min(MAX_DELAY, INITIAL_DELAY * 2.0 ** min(self._failed_probes, 10))
        delay = growing * self._rng.uniform(0.5, 1.0)
        if limit and not self._failed_probes:
            delay = limit + self._rng.uniform(0.0, 0.1)  # Discord says how long, and has not been asked since
        self._failed_probes += 1
        self._closed_until = now + max(delay, limit)
        if self.is_well:
            self._unwell_since = now
        if self._state is not state:
            seconds_closed = round(self._closed_until - now, 1)
            log.warning(
                "requests to Discord are held back",
                state=state.value,
                status=status,
                next_probe_in_seconds=seconds_closed,
            )
        self._state, self._window, self._probe = state, START_WINDOW, None
