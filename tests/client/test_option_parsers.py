"""Parsing of typed dates. Times and zones are tested in `test_time_texts`, numbers through the form of `/daily`."""

from __future__ import annotations

from datetime import date

import pytest

from bot.client import options as client_options
from bot.client.router import UserError


def test_a_day_and_a_period_are_dates_and_other_text_is_refused() -> None:
    today = date(2026, 1, 1)
    assert client_options.parse_dates("오늘", today) == (today, today)
    assert client_options.parse_dates("dec", today) == (date(2025, 12, 1), date(2025, 12, 31))
    with pytest.raises(UserError):
        client_options.parse_dates("", today)
