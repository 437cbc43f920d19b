"""Retry delays and the rate limiter."""

from __future__ import annotations

import random
from datetime import timedelta

from bot.outbox import outcomes


def test_delays_double_with_jitter_up_to_a_limit() -> None:
    rng = random.Random(1)
    for attempts in range(1, 40):
        limit = outcomes.MAX_DELAY if attempts <= outcomes.SLOW_RETRY_AFTER else outcomes.SLOW_RETRY_DELAY
        base_delay = min(limit, 2.0**attempts)
        seconds = outcomes.retry_delay(attempts, rng).total_seconds()
        assert 0.5 * base_delay <= seconds <= 1.5 * base_delay
    assert outcomes.retry_delay(1, rng, minimum=600.0) == timedelta(seconds=600)


def test_a_channel_gets_four_messages_in_any_five_seconds() -> None:
    now = 0.0
    rate_limiter = outcomes.RateLimiter(lambda: now)
    sent: list[float] = []
    while len(sent) < 20:
        delay = rate_limiter.delay("a")
        assert rate_limiter.delay("b") == 0.0
        now += delay or 0.01
        if not delay:
            rate_limiter.hit("a")
            sent.append(now)
    assert all(later - sent[index] >= 5.0 for index, later in enumerate(sent[4:]))
    assert rate_limiter.shortest_delay(["a", "b"]) == 0.0
    now += 5.1
    rate_limiter.prune()
    assert rate_limiter.delay("a") == 0.0
