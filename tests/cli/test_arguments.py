"""Arguments of shell commands as people type them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.cli import output
from bot.core import errors


def test_a_day_is_read_as_people_type_it_and_a_period_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_TIMEZONE", "UTC")
    days = {output.parse_date(text) for text in ("dec 30 2024", "2024-12-30", "2024년 12월 30일")}
    assert days == {date(2024, 12, 30)}
    assert output.parse_date("yesterday") == output.parse_date("오늘") - timedelta(days=1)
    for text in ("dec 2024", "soon"):
        with pytest.raises(errors.UsageError):
            output.parse_date(text)
