"""When it is tried again: delays that grow, channels that rest, and an outage that is noticed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from bot.services.outbox import throttle

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_delays_double_with_jitter_up_to_a_limit() -> None:
    dice = random.Random(1)
    for attempts in range(1, 40):
        limit = throttle.MAX_DELAY if attempts <= throttle.SLOW_RETRY_AFTER else throttle.SLOW_RETRY_DELAY
        full = min(limit, 2.0**attempts)
        seconds = throttle.retry_delay(attempts, dice).total_seconds()
        assert 0.5 * full <= seconds <= 1.5 * full
    assert throttle.retry_delay(1, dice, minimum=600.0) == timedelta(seconds=600)


def test_a_channel_gets_four_messages_in_any_five_seconds() -> None:
    now = 0.0
    buckets = throttle.RateLimiter(lambda: now)
    sent: list[float] = []
    while len(sent) < 20:
        wait = buckets.delay("a")
        assert buckets.delay("b") == 0.0
        now += wait or 0.01
        if not wait:
            buckets.hit("a")
            sent.append(now)
    assert all(later - sent[i] >= 5.0 for i, later in enumerate(sent[4:]))
    assert buckets.shortest_delay(["a", "b"]) == 0.0
    now += 5.1
    buckets.prune()
    assert buckets.delay("a") == 0.0


def test_many_failures_in_a_row_are_an_outage_until_an_answer_comes() -> None:
    trouble = throttle.CircuitBreaker(random.Random(1))
    for _ in range(throttle.FAILURE_THRESHOLD - 1):
        trouble.record(NOW, failed=True)
    assert not trouble.is_tripped
    trouble.record(NOW, failed=True)
    assert trouble.is_tripped
    assert trouble.is_open(NOW)
    assert not trouble.is_open(NOW + timedelta(seconds=61))
    assert not trouble.is_open(NOW - timedelta(hours=1)), "a clock set back must not stop delivery"
    trouble.record(NOW, failed=False)
    assert not trouble.is_tripped
    assert not trouble.is_open(NOW)
