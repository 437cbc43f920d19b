"""The circuit breaker of the model's server, with a clock of its own."""

from __future__ import annotations

import pytest

from bot.writer.drafting import FAILURES, PAUSES_SECONDS, CircuitBreaker
from bot.writer.language_model import ModelError

OUTAGE = ModelError("no answer", is_outage=True)


class Clock:
    """A clock that moves by what is slept."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(lambda: clock.seconds, clock.sleep)


async def test_outages_in_a_row_pause_the_calls_longer_each_time_and_end_them(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(FAILURES - 1):
        breaker.record_failure(OUTAGE)
    await breaker.wait()
    assert clock.seconds == 0
    for seconds in PAUSES_SECONDS:
        began_at = clock.seconds
        breaker.record_failure(OUTAGE)
        breaker.record_failure(OUTAGE)  # of a call that was sent before the pause
        await breaker.wait()
        assert clock.seconds - began_at == seconds
    breaker.record_failure(OUTAGE)
    with pytest.raises(ModelError, match="no answer"):
        await breaker.wait()


async def test_an_answer_closes_the_circuit(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        breaker.record_success()
        breaker.record_failure(OUTAGE)
    await breaker.wait()
    assert clock.seconds == 0


async def test_all_calls_wait_as_long_as_the_server_asks(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.record_failure(ModelError("slow down", retry_after=7))
    breaker.record_failure(ModelError("slow down", retry_after=3))
    await breaker.wait()
    assert clock.seconds == 7


@pytest.mark.parametrize(
    "error", [ModelError("wrong key", is_fatal=True), ModelError("come tomorrow", retry_after=86_400)]
)
async def test_a_failure_that_will_not_pass_ends_the_calls(
    breaker: CircuitBreaker, error: ModelError
) -> None:
    breaker.record_failure(error)
    with pytest.raises(ModelError, match=str(error)):
        await breaker.wait()
