"""Liveness: what counts as a sign of life, and what is overdue when."""

from __future__ import annotations

import pytest

from bot.operations import health
from bot.outbox.discord_health import Answer, HealthState


class ManualTime:
    """A monotonic clock that a test moves, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def monotonic() -> ManualTime:
    return ManualTime()


@pytest.fixture
def signs(monotonic: ManualTime) -> health.Liveness:
    """A bot that has been waiting for Discord since before DISCORD_SECONDS, and otherwise works."""
    signs = health.Liveness(monotonic)
    monotonic.seconds += health.DISCORD_SECONDS + 1
    signs.record_tick()
    signs.record_claim()
    return signs


def test_silence_of_discord_without_a_failed_request_is_a_fault_of_the_process(
    signs: health.Liveness,
) -> None:
    [problem] = signs.find_problems()
    assert "no request to Discord has succeeded for 120 s" in problem
    assert not signs.is_outage()


@pytest.mark.parametrize(
    "answer", [Answer(200, True), Answer(204, True), Answer(403, True, 50001), Answer(404, True, 10003)]
)
def test_an_answer_of_discord_itself_is_a_sign_of_life(signs: health.Liveness, answer: Answer) -> None:
    signs.record_answer(answer)
    assert signs.find_problems() == []
    assert signs.get_fields()["discord_seconds"] == 0


@pytest.mark.parametrize(
    "answer", [Answer(403, False), Answer(200, False), Answer(502, True), Answer(429, True)]
)
def test_while_requests_to_discord_fail_its_silence_is_an_outage(
    signs: health.Liveness, monotonic: ManualTime, answer: Answer
) -> None:
    signs.record_answer(answer)
    assert len(signs.find_problems()) == 1
    assert signs.is_outage()
    assert signs.get_fields()["discord_seconds"] is None
    monotonic.seconds += health.DISCORD_FAILURE_SECONDS + 1
    signs.record_tick()
    signs.record_claim()
    assert len(signs.find_problems()) == 1
    assert not signs.is_outage()


def test_a_limit_of_discord_is_an_outage_for_as_long_as_it_lasts(monotonic: ManualTime) -> None:
    states = [HealthState.LIMITED]
    signs = health.Liveness(monotonic, get_discord_state=lambda: states[0])
    monotonic.seconds += 7200
    assert signs.is_outage()  # the login waits for Discord
    signs.record_tick()
    signs.record_claim()
    assert signs.is_outage()
    states[0] = HealthState.WELL
    assert len(signs.find_problems()) == 1
    assert not signs.is_outage()


def test_no_outage_of_discord_excuses_a_planner_or_relay_that_stands_still(
    signs: health.Liveness, monotonic: ManualTime
) -> None:
    monotonic.seconds += health.TICK_SECONDS + 1
    signs.record_discord_failure()
    assert len(signs.find_problems()) == 3
    assert not signs.is_outage()


def test_a_start_begins_the_grace_again_and_keeps_the_signs(
    signs: health.Liveness, monotonic: ManualTime
) -> None:
    monotonic.seconds += 500
    signs.record_start()
    assert signs.find_problems() == []
    assert signs.get_fields() == {
        "discord": "well",
        "outage": False,
        "tick_seconds": 500,
        "claim_seconds": 500,
        "discord_seconds": None,
    }
