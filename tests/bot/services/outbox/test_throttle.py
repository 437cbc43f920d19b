"""Retry delays, the rate limiter and the circuit breaker."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from bot.services.outbox import throttle

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_delays_double_with_jitter_up_to_a_limit() -> None:
    rng = random.Random(1)
    for attempts in range(1, 40):
        limit = throttle.MAX_DELAY if attempts <= throttle.SLOW_RETRY_AFTER else throttle.SLOW_RETRY_DELAY
        base_delay = min(limit, 2.0**attempts)
        seconds = throttle.retry_delay(attempts, rng).total_seconds()
        assert 0.5 * base_delay <= seconds <= 1.5 * base_delay
    assert throttle.retry_delay(1, rng, minimum=600.0) == timedelta(seconds=600)


def test_a_channel_gets_four_messages_in_any_five_seconds() -> None:
    now = 0.0
    rate_limiter = throttle.RateLimiter(lambda: now)
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


def test_the_circuit_breaker_trips_on_consecutive_failures_and_resets_on_an_answer() -> None:
    circuit_breaker = throttle.CircuitBreaker(random.Random(1))
    for _ in range(throttle.FAILURE_THRESHOLD - 1):
        circuit_breaker.record(NOW, failed=True)
    assert not circuit_breaker.is_tripped
    circuit_breaker.record(NOW, failed=True)
    assert circuit_breaker.is_tripped
    assert circuit_breaker.is_open(NOW)
    assert not circuit_breaker.is_open(NOW + timedelta(seconds=61))
    assert not circuit_breaker.is_open(NOW - timedelta(hours=1)), "a clock set back must not stop delivery"
    circuit_breaker.record(NOW, failed=False)
    assert not circuit_breaker.is_tripped
    assert not circuit_breaker.is_open(NOW)
