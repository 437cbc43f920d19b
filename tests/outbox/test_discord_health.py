"""The state machine of Discord's health and the budget of invalid requests, on virtual time."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbox import discord_health
from bot.outbox.discord_health import MAX_DELAY, START_WINDOW, Answer, DiscordHealth, HealthState

OK = Answer(200, is_json=True)
PAGE = Answer(403, is_json=False)
CODELESS = Answer(404, is_json=True)
VERDICT = Answer(403, is_json=True, code=50001)
WRONG_TOKEN = Answer(401, is_json=True)
SERVER_ERROR = Answer(503, is_json=True)
BAN = Answer(429, is_json=False)
BAN_OF_AN_HOUR = Answer(429, is_json=False, retry_after=3600.0)
GLOBAL = Answer(429, is_json=True, retry_after=25.0, is_global=True)
OF_CHANNEL = Answer(429, is_json=True, retry_after=2.0)
SHARED = Answer(429, is_json=True, retry_after=2.0, is_shared=True)
FAILURE = None
"""No answer at all."""


@dataclass
class Bench:
    """A health with a clock that the test moves."""

    now: float = 0.0
    seed: int = 1
    health: DiscordHealth = field(init=False)

    def __post_init__(self) -> None:
        self.health = DiscordHealth(lambda: self.now, random.Random(self.seed))

    def answer(self, *answers: Answer | None) -> None:
        for answer in answers:
            if answer is None:
                self.health.record_failure()
            else:
                self.health.record_answer(answer)

    def request(self, answer: Answer | None) -> None:
        """One request outside interactions, which must be allowed now, and its answer."""
        assert self.health.delay() == 0.0
        token = self.health.begin()
        self.answer(answer)
        self.health.end(token)

    def wait(self) -> float:
        """Move the clock until a request may leave. Returns the seconds."""
        delay = self.health.delay()
        while self.health.delay() > 0.0:  # adding the delay once can end just before, by rounding
            self.now = math.nextafter(self.now + self.health.delay(), math.inf)
        return delay


def test_a_fan_out_starts_slowly_and_doubles() -> None:
    bench = Bench()
    windows = []
    for _ in range(5):
        windows.append(bench.health.window)
        bench.answer(*[OK] * bench.health.window)
    assert windows == [4, 8, 16, 32, 64]
    bench.now += 60.0
    assert bench.health.window == START_WINDOW, "Discord may have changed since the last answer"


@pytest.mark.parametrize("answer", [PAGE, CODELESS, Answer(200, is_json=False)])
def test_one_answer_that_is_not_discords_ends_the_fan_out(answer: Answer) -> None:
    bench = Bench()
    bench.answer(*[OK] * 60, answer)
    assert (bench.health.state, bench.health.window) == (HealthState.TROUBLED, 1)
    assert bench.health.delay() > 0.0


@pytest.mark.parametrize("answer", [OK, VERDICT, WRONG_TOKEN, SHARED, Answer(204, is_json=True)])
def test_discords_own_answers_are_not_trouble(answer: Answer) -> None:
    bench = Bench()
    bench.answer(*[answer] * 20)
    assert bench.health.state is HealthState.WELL
    assert bench.health.delay() == 0.0


@pytest.mark.parametrize("failure", [FAILURE, SERVER_ERROR, OF_CHANNEL])
def test_a_few_failures_narrow_the_window_and_many_close_it(failure: Answer | None) -> None:
    bench = Bench()
    bench.answer(*[OK] * 60, failure)
    assert bench.health.window == 32
    bench.answer(*[failure] * 5)
    assert bench.health.window == 1
    assert bench.health.state is HealthState.WELL
    bench.answer(failure)
    assert bench.health.state is not HealthState.WELL


@pytest.mark.parametrize(("answer", "seconds"), [(GLOBAL, 25.0), (BAN_OF_AN_HOUR, 3600.0)])
def test_a_limit_is_waited_for_and_one_probe_ends_it(answer: Answer, seconds: float) -> None:
    bench = Bench()
    bench.answer(OK, answer)
    assert bench.health.state is HealthState.LIMITED
    bench.answer(OK)
    assert bench.health.state is HealthState.LIMITED, "the answer to an earlier request proves nothing"
    assert seconds <= bench.wait() <= seconds + 1.0
    probe = bench.health.begin()
    assert bench.health.delay() > 0.0, "one probe at a time"
    bench.answer(OK)
    bench.health.end(probe)
    assert (bench.health.state, bench.health.delay()) == (HealthState.WELL, 0.0)


@pytest.mark.parametrize("answer", [PAGE, BAN, SERVER_ERROR, FAILURE])
def test_a_ban_of_fifteen_seconds_sees_few_requests(answer: Answer | None) -> None:
    for seed in range(20):
        bench, requests = Bench(seed=seed), 0
        while bench.now < 15.0:
            for _ in range(bench.health.window):
                bench.answer(answer)
                requests += 1
            bench.wait()
        assert requests <= 10


def test_interactions_say_nothing_about_health_except_for_a_ban() -> None:
    bench = Bench()
    for status in (403, 404, 429, 500):
        bench.answer(Answer(status, is_json=True, is_interaction=True))
    assert bench.health.is_well
    assert bench.health.budget.spent == 2
    bench.answer(Answer(429, is_json=False, is_interaction=True))
    assert bench.health.state is HealthState.LIMITED
    bench.wait()
    bench.answer(Answer(200, is_json=True, is_interaction=True))
    assert bench.health.state is HealthState.LIMITED


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([OK, PAGE, CODELESS, BAN, GLOBAL, OF_CHANNEL, SERVER_ERROR, FAILURE, VERDICT]),
            st.floats(0.0, 40.0),
        ),
        max_size=60,
    ),
    st.integers(0, 1000),
)
def test_every_trouble_ends_with_the_first_success_after_at_most_one_delay(
    history: list[tuple[Answer | None, float]], seed: int
) -> None:
    bench = Bench(seed=seed)
    for answer, seconds in history:
        if bench.health.delay() == 0.0:
            bench.request(answer)
        bench.now += seconds
    assert bench.wait() <= MAX_DELAY
    bench.request(OK)
    assert (bench.health.state, bench.health.delay()) == (HealthState.WELL, 0.0)


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


def test_the_last_requests_are_left_to_interactions() -> None:
    now = 0.0
    budget = discord_health.InvalidRequestBudget(lambda: now)
    for _ in range(discord_health.STOP_FROM):
        budget.record(403, is_shared=False)
    now = 100.0
    assert budget.delay() == discord_health.PERIOD_SECONDS - 100.0
    now = discord_health.PERIOD_SECONDS
    assert (budget.spent, budget.delay()) == (0, 0.0)
