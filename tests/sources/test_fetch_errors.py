"""Retry-After headers and backoff delays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import fetcher

NOW = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("99999999999999999999", timedelta(days=1)),
        ("Tue, 06 May 2025 12:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 06 May 2025 21:05:00 +0900", timedelta(minutes=5)),
        ("Tue, 06 May 2025 11:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(value: str, wait: timedelta) -> None:
    assert fetcher.parse_retry_after(value, NOW) == NOW + wait


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "٣", "Tue, 99 May 2025 12:00:00 GMT"])
def test_an_invalid_retry_after_is_ignored(value: str | None) -> None:
    assert fetcher.parse_retry_after(value, NOW) is None


@given(st.text(max_size=60))
def test_any_retry_after_gives_a_bounded_time_or_none(value: str) -> None:
    moment = fetcher.parse_retry_after(value, NOW)
    assert moment is None or NOW <= moment <= NOW + timedelta(days=1)


def test_delays_have_jitter() -> None:
    early, late = fetcher.RetryPolicy(lambda: 0.0), fetcher.RetryPolicy(lambda: 0.999)
    assert early.retry_delay(1, None, NOW) == 0.5
    assert late.retry_delay(1, None, NOW) == pytest.approx(1.0, abs=0.01)
    assert early.next_poll_delay(timedelta(hours=1), 0) < late.next_poll_delay(timedelta(hours=1), 0)
