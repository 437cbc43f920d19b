"""Parsing of typed dates. Times and zones are tested in `test_time_texts`, numbers through the form of `/daily`."""

from __future__ import annotations

from datetime import date

import pytest

from bot.client.interactions import option_parsers
from bot.client.interactions.errors import UserError


def test_a_day_and_a_period_are_dates_and_other_text_is_refused() -> None:
    today = date(2026, 1, 1)
    assert option_parsers.parse_dates("오늘", today) == (today, today)
    assert option_parsers.parse_dates("dec", today) == (date(2025, 12, 1), date(2025, 12, 31))
    with pytest.raises(UserError):
        option_parsers.parse_dates("", today)
