"""The budget of invalid requests, on virtual time."""

from __future__ import annotations

import bisect
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbox import discord_health


def send_as_fast_as_allowed(
    seconds: float, statuses: Callable[[], int], answer_seconds: float, in_flight: int
) -> list[float]:
    """Times of invalid answers of a sender that makes 49 requests a second whenever the budget lets it."""
    now = 0.0
    budget = discord_health.InvalidRequestBudget(lambda: now)
    invalid: list[float] = []
    open_until: list[tuple[float, int]] = []
    while now < seconds:
        while open_until and open_until[0][0] <= now:
            _, status = open_until.pop(0)
            budget.end()
            budget.record(status, is_shared=False)
            if status in discord_health.INVALID_STATUSES:
                invalid.append(now)
        delay = budget.delay()
        if delay == 0.0 and len(open_until) < in_flight:
            budget.begin()
            open_until.append((now + answer_seconds, statuses()))
        now += max(0.02, min(delay, open_until[0][0] - now if open_until else delay))
    return invalid


def most_in_a_period(times: list[float]) -> int:
    return max(
        (
            bisect.bisect_right(times, at + discord_health.PERIOD_SECONDS) - index
            for index, at in enumerate(times)
        ),
        default=0,
    )


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.sampled_from([200, 200, 401, 403, 404, 429]), min_size=1, max_size=50),
    st.floats(0.01, 15.0),
    st.integers(1, 64),
)
def test_no_period_of_ten_minutes_has_more_invalid_requests_than_allowed(
    statuses: list[int], answer_seconds: float, in_flight: int
) -> None:
    turn = 0

    def next_status() -> int:
        nonlocal turn
        turn += 1
        return statuses[turn % len(statuses)]

    invalid = send_as_fast_as_allowed(1500.0, next_status, answer_seconds, in_flight)
    assert most_in_a_period(invalid) <= discord_health.MAX_INVALID


def test_only_refusals_are_refused_without_end() -> None:
    invalid = send_as_fast_as_allowed(3600.0, lambda: 403, 0.05, 40)
    assert discord_health.SLOW_FROM < most_in_a_period(invalid) <= discord_health.MAX_INVALID
    assert invalid[-1] > 3590.0, "the requests go on"


def test_successes_and_shared_limits_cost_nothing() -> None:
    budget = discord_health.InvalidRequestBudget(lambda: 0.0)
    for _ in range(2000):
        budget.record(200, is_shared=False)
        budget.record(429, is_shared=True)
    assert (budget.spent, budget.delay()) == (0, 0.0)


def test_the_last_requests_are_left_to_interactions() -> None:
    now = 0.0
    budget = discord_health.InvalidRequestBudget(lambda: now)
    for _ in range(discord_health.STOP_FROM):
        budget.record(403, is_shared=False)
    now = 100.0
    assert budget.delay() == discord_health.PERIOD_SECONDS - 100.0
    now = discord_health.PERIOD_SECONDS
    assert (budget.spent, budget.delay()) == (0, 0.0)
