"""Spacing and pausing of requests to Discord, in virtual time."""

import asyncio
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.outbox import request_pacing
from bot.outbox.request_pacing import MAX_FAILURES, MAX_PAUSE, HttpAnswer, Pace
from tests.support.virtual_time import VirtualTimeLoop

OK = HttpAnswer(200, is_json=True)
PAGE = HttpAnswer(403, is_json=False)
CODELESS = HttpAnswer(404, is_json=True)
VERDICT = HttpAnswer(403, is_json=True, code=50001)
SERVER_ERROR = HttpAnswer(503, is_json=True)
BAN = HttpAnswer(429, is_json=False)
BAN_OF_AN_HOUR = HttpAnswer(429, is_json=False, retry_after=3600.0)
GLOBAL = HttpAnswer(429, is_json=True, retry_after=25.0, is_global=True)
OF_CHANNEL = HttpAnswer(429, is_json=True, retry_after=2.0)
FAILURE = None
"""A request without an answer."""


class Bench:
    """A pace whose clock is moved by the tests."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 0.0
        self.pace = Pace(lambda: self.now, random.Random(seed))

    def answer(self, *answers: HttpAnswer | None) -> None:
        for answer in answers:
            if answer is None:
                self.pace.record_failure()
            else:
                self.pace.record_answer(answer)

    def wait(self) -> float:
        """Move the clock until a request may be sent; return how many seconds that took."""
        delay = self.pace.delay()
        while self.pace.delay() > 0.0:  # once may not be enough because of rounding
            self.now = math.nextafter(self.now + self.pace.delay(), math.inf)
        return delay


@pytest.mark.parametrize("answer", [PAGE, CODELESS, HttpAnswer(200, is_json=False), BAN, GLOBAL])
def test_a_single_global_rate_limit_or_proxy_response_pauses_requests(answer: HttpAnswer) -> None:
    bench = Bench()
    bench.answer(OK, answer)
    assert not bench.pace.is_well
    assert bench.pace.delay() > 0.0


@pytest.mark.parametrize("answer", [OK, VERDICT, HttpAnswer(401, is_json=True), OF_CHANNEL])
def test_ordinary_responses_from_discord_do_not_pause_requests(answer: HttpAnswer) -> None:
    bench = Bench()
    bench.answer(*[answer] * 20)
    assert (bench.pace.is_well, bench.pace.delay()) == (True, 0.0)


@pytest.mark.parametrize("failure", [FAILURE, SERVER_ERROR])
def test_several_failures_in_a_row_pause_requests(failure: HttpAnswer | None) -> None:
    bench = Bench()
    bench.answer(*[failure] * (MAX_FAILURES - 1), OK, *[failure] * (MAX_FAILURES - 1))
    assert bench.pace.is_well
    bench.answer(failure)
    assert not bench.pace.is_well


@pytest.mark.parametrize(("answer", "seconds"), [(GLOBAL, 25.0), (BAN_OF_AN_HOUR, 3600.0)])
def test_an_expired_pause_ends_with_the_first_successful_request(answer: HttpAnswer, seconds: float) -> None:
    bench = Bench()
    bench.answer(OK, answer, OK, SERVER_ERROR, FAILURE)
    assert not bench.pace.is_well, "they answer earlier requests"
    assert seconds <= bench.wait() <= seconds + 1.0
    assert not bench.pace.is_well, "one request at a time"
    bench.answer(OK)
    assert (bench.pace.is_well, bench.pace.delay()) == (True, 0.0)


def test_responses_to_interactions_pause_requests_only_during_a_ban() -> None:
    bench = Bench()
    bench.answer(
        *(
            HttpAnswer(status, is_json=True, is_interaction=True)
            for status in (403, 404, 429, 500)
            for _ in "1234"
        )
    )
    assert bench.pace.is_well
    bench.answer(HttpAnswer(429, is_json=False, is_interaction=True))
    assert not bench.pace.is_well


def test_a_thousand_refusals_in_ten_minutes_pause_requests() -> None:
    bench = Bench()
    for _ in range(request_pacing.MAX_REFUSED):
        assert bench.pace.delay() == 0.0
        bench.answer(VERDICT)
        bench.now += 0.1
    assert bench.wait() == pytest.approx(request_pacing.REFUSED_SECONDS - 100.0)
    bench.answer(HttpAnswer(429, is_json=True, retry_after=1.0, is_shared=True), VERDICT)
    assert bench.pace.delay() == pytest.approx(0.1), "by then the second refusal is ten minutes old too"


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
def test_requests_resume_after_a_pause_and_one_success(
    history: list[tuple[HttpAnswer | None, float]], seed: int
) -> None:
    bench = Bench(seed=seed)
    for answer, seconds in history:
        if bench.pace.delay() == 0.0:
            bench.answer(answer)
        bench.now += seconds
    assert bench.wait() <= MAX_PAUSE
    bench.answer(OK)
    assert (bench.pace.is_well, bench.pace.delay()) == (True, 0.0)


def test_requests_are_evenly_spaced() -> None:
    async def take_turns(count: int) -> float:
        loop = asyncio.get_running_loop()
        spaced = Pace(loop.time, random.Random(1), 200)
        for _ in range(count):
            assert await spaced.take_turn() == 0.0
        return loop.time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert 0.19 <= runner.run(take_turns(41)) < 0.21
