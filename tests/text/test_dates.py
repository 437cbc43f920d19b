"""Dates and periods as people type them into an option or behind an operator."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import dates

TODAY = date(2025, 5, 14)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("this week", "2025-05-12", "2025-05-18"),
        ("이번 주", "2025-05-12", "2025-05-18"),
        ("지지난주", "2025-04-28", "2025-05-04"),
        ("지난 주말", "2025-05-10", "2025-05-11"),
        ("last quarter", "2025-01-01", "2025-03-31"),
        ("last 7 days", "2025-05-08", "2025-05-14"),
        ("최근 2주", "2025-05-01", "2025-05-14"),
        ("지난 3개월간", "2025-02-15", "2025-05-14"),
        ("two weeks ago", "2025-04-28", "2025-05-04"),
        ("한 달 전", "2025-04-01", "2025-04-30"),
        ("3 days ago", "2025-05-11", "2025-05-11"),
        ("Q3 2024", "2024-07-01", "2024-09-30"),
        ("2024 Q4", "2024-10-01", "2024-12-31"),
        ("3분기", "2024-07-01", "2024-09-30"),
        ("작년 하반기", "2024-07-01", "2024-12-31"),
        ("올해 1분기", "2025-01-01", "2025-03-31"),
        ("December 2024", "2024-12-01", "2024-12-31"),
        ("작년 12월", "2024-12-01", "2024-12-31"),
        ("december last year", "2024-12-01", "2024-12-31"),
        ("2024년 3월~5월", "2024-03-01", "2024-05-31"),
        ("march to may 2024", "2024-03-01", "2024-05-31"),
        ("3월부터 5월까지", "2025-03-01", "2025-05-31"),
        ("2022 to 2023", "2022-01-01", "2023-12-31"),
        ("dec 22 to dec 28", "2024-12-22", "2024-12-28"),
        ("1.11.2024~30.11.2024", "2024-11-01", "2024-11-30"),
        ("2025-01-01..2025-02-03", "2025-01-01", "2025-02-03"),
    ],
)
def test_a_period_is_read_as_people_type_it(typed: str, first: str, last: str) -> None:
    assert dates.read_typed_date(typed, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "typed",
    ["robots last week", "지난주 로봇", "NeurIPS 2024", "the march of robots", "2504.01234", "may 2024 to"],
)
def test_a_date_within_other_words_is_none(typed: str) -> None:
    assert dates.read_typed_date(typed, TODAY) is None


NEW_YEAR = date(2026, 1, 1)  # a Thursday
DAYS = {
    "2025-12-30": "dec 30|30 dec|Dec. 30th|12/30|30/12|12-30|12.30.|12월 30일|12월30일|그저께"
    "|2025. 12. 30.|2025/12/30|20251230|2025년 12월 30일|12/30/2025|dec 30, 2025|tuesday|화요일|지난 화요일",
    "2026-11-27": "27 novembre 2026|27. 11. 2026|27. November 2026|27 de noviembre de 2026|27-Nov-2026|27.11.2026|2026年11月27日",
    "2026-11-01": "1.11.2026|01. 11. 2026",
    "2025-12-29": "last monday|monday|mon|지난 월요일|월요일",
    "2025-12-25": "last thursday",
    "2026-01-01": "today|오늘|thursday|1/1",
    "2025-12-31": " Yesterday |어제|12/31",
    "2025-01-02": "jan 2|1월 2일",
    "2024-02-29": "feb 29 2024|29/2/2024|feb 29|2월 29일|29/2",
}
PERIODS = {
    ("2025-12-01", "2025-12-31"): "dec|December|12월|지난달|last month|2025-12|2025년 12월|dec 2025",
    ("2026-01-01", "2026-01-31"): "jan|1월|this month",
    ("2025-12-22", "2025-12-28"): "지난주|지난 주|last week",
    ("2025-01-01", "2025-12-31"): "2025|2025년|작년|last year",
}


@pytest.mark.parametrize(("day", "typed"), DAYS.items())
def test_a_typed_day_without_a_year_is_in_the_past(day: str, typed: str) -> None:
    expected = date.fromisoformat(day)
    assert {text: dates.read_typed_date(text, NEW_YEAR) for text in typed.split("|")} == dict.fromkeys(
        typed.split("|"), (expected, expected)
    )


@pytest.mark.parametrize(("span", "typed"), PERIODS.items())
def test_a_typed_period_has_a_first_and_last_day(span: tuple[str, str], typed: str) -> None:
    expected = tuple(map(date.fromisoformat, span))
    assert {text: dates.read_typed_date(text, NEW_YEAR) for text in typed.split("|")} == dict.fromkeys(
        typed.split("|"), expected
    )


NO_DATES = (
    "|16-20 november 2026|set 3|soon|2025-02-30|99999999999|2025-13-01|13/13|32일|dec 32|월|feb 30"
    "|2025-13|2025-99|2026-00|202513|2025년 13월|2026-01-00"
)


@pytest.mark.parametrize("typed", NO_DATES.split("|"))
def test_text_without_a_date_is_rejected(typed: str) -> None:
    assert dates.read_typed_date(typed, NEW_YEAR) is None


@given(
    st.text(max_size=80)
    | st.from_regex(
        r"[0-9]{1,4}[-./ 년]{0,2}[0-9]{1,4}[-./ 월]{0,2}[0-9]{0,4}(일|th| ago|일 전)?", fullmatch=True
    ),
    st.dates(),
)
def test_any_typed_text_gives_ordered_days_or_nothing(typed: str, today: date) -> None:
    span = dates.read_typed_date(typed, today)
    assert span is None or span[0] <= span[1]
