"""Dates and periods as people type them into a date field."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import dates

TODAY = date(2026, 1, 1)  # a Thursday
DAYS = {
    "2025-12-30": "dec 30|30 dec|Dec. 30th|the 30th of December|12/30|30/12|12-30|12.30.|12월 30일|12월30일|30일|30th|그저께"
    "|2 days ago|2일 전|2025. 12. 30.|2025/12/30|20251230|2025년 12월 30일|12/30/2025|dec 30, 2025|tuesday|화요일|지난 화요일",
    "2025-12-29": "last monday|monday|mon|지난 월요일|월요일|사흘 전",
    "2025-12-22": "지난주 월요일|last week monday",
    "2025-12-25": "last thursday|일주일 전",
    "2026-01-01": "today|오늘|thursday|1/1|이번 주 목요일",
    "2025-12-31": " Yesterday |어제|12/31",
    "2025-01-02": "jan 2|1월 2일",
    "2024-02-29": "feb 29|2월 29일|29/2/2024",
}
PERIODS = {
    ("2025-12-01", "2025-12-31"): "dec|December|12월|지난달|last month|2025-12|2025년 12월|dec 2025",
    ("2026-01-01", "2026-01-31"): "jan|1월|this month",
    ("2025-01-01", "2025-01-31"): "last january",
    ("2025-12-22", "2025-12-28"): "지난주|지난 주|last week",
    ("2025-01-01", "2025-12-31"): "2025|2025년|작년|last year",
}


@pytest.mark.parametrize(("day", "typed"), DAYS.items())
def test_a_day_is_read_in_korean_and_english_in_the_latest_year_that_is_past(day: str, typed: str) -> None:
    expected = date.fromisoformat(day)
    assert {text: dates.read_typed_date(text, TODAY) for text in typed.split("|")} == dict.fromkeys(
        typed.split("|"), (expected, expected)
    )


@pytest.mark.parametrize(("span", "typed"), PERIODS.items())
def test_a_period_is_read_as_its_first_and_last_day(span: tuple[str, str], typed: str) -> None:
    expected = tuple(map(date.fromisoformat, span))
    assert {text: dates.read_typed_date(text, TODAY) for text in typed.split("|")} == dict.fromkeys(
        typed.split("|"), expected
    )


@pytest.mark.parametrize(
    "typed",
    ["", "soon", "2025-02-30", "99999999999", "2025-13-01", "13/13", "32일", "dec 32", "월", "feb 30"],
)
def test_what_is_no_date_is_not_read(typed: str) -> None:
    assert dates.read_typed_date(typed, TODAY) is None


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 364))
def test_each_name_of_a_day_of_the_last_year_is_read_as_that_day(today: date, days_ago: int) -> None:
    day = today - timedelta(days=days_ago)
    names = dates.list_names(day, today)
    assert {dates.read_typed_date(name, today) for name in names} == {(day, day)}


@given(
    st.text(max_size=80)
    | st.from_regex(
        r"[0-9]{1,4}[-./ 년]{0,2}[0-9]{1,4}[-./ 월]{0,2}[0-9]{0,4}(일|th| ago|일 전)?", fullmatch=True
    ),
    st.dates(),
)
def test_any_text_is_read_without_an_error_as_days_in_order(typed: str, today: date) -> None:
    span = dates.read_typed_date(typed, today)
    assert span is None or span[0] <= span[1]
