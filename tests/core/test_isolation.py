"""Isolated blocks log or collect their errors, and let others pass."""

from __future__ import annotations

import pytest
import structlog

from bot.core import isolation


def test_an_isolated_error_is_logged_and_yielded() -> None:
    error = ValueError("broken")
    with (
        structlog.testing.capture_logs() as events,
        isolation.isolated(structlog.get_logger(), "step failed", step=1) as failures,
    ):
        raise error
    assert failures == [error]
    assert events == [{"event": "step failed", "step": 1, "exc_info": error, "log_level": "error"}]


def test_collected_errors_do_not_stop_the_following_blocks() -> None:
    failures: list[Exception] = []
    for number in (0, 1, 2):
        with isolation.collected(failures):
            assert 1 / number
    assert [type(failure) for failure in failures] == [ZeroDivisionError]


def test_errors_of_the_reraise_types_and_cancellation_pass_through() -> None:
    failures: list[Exception] = []
    with pytest.raises(KeyError), isolation.collected(failures, reraise=(LookupError,)):
        raise KeyError
    with pytest.raises(KeyboardInterrupt), isolation.collected(failures):
        raise KeyboardInterrupt
    assert failures == []
