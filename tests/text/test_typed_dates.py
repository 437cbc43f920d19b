"""Dates and periods as people type them into an option or behind an operator."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import typed_dates

WEDNESDAY, SATURDAY, THURSDAY = date(2025, 5, 14), date(2026, 11, 28), date(2026, 1, 1)
READ = {
    WEDNESDAY: {
        "2025-05-12 2025-05-18": "this week|이번 주",
        "2025-04-28 2025-05-04": "지지난주|two weeks ago",
        "2025-05-10 2025-05-11": "지난 주말",
        "2025-01-01 2025-03-31": "last quarter|올해 1분기",
        "2025-05-08 2025-05-14": "last 7 days",
        "2025-05-01 2025-05-14": "최근 2주",
        "2025-02-15 2025-05-14": "지난 3개월간",
        "2025-04-01 2025-04-30": "한 달 전",
        "2025-05-11": "3 days ago",
        "2024-07-01 2024-09-30": "Q3 2024|3분기|q3 last year",
        "2024-10-01 2024-12-31": "2024 Q4",
        "2024-07-01 2024-12-31": "작년 하반기",
        "2024-12-01 2024-12-31": "December 2024|작년 12월|december last year",
        "2024-03-01 2024-05-31": "2024년 3월~5월|march to may 2024",
        "2025-03-01 2025-05-31": "3월부터 5월까지",
        "2022-01-01 2023-12-31": "2022 to 2023",
        "2024-12-22 2024-12-28": "dec 22 to dec 28",
        "2024-11-01 2024-11-30": "1.11.2024~30.11.2024",
        "2025-01-01 2025-02-03": "2025-01-01..2025-02-03",
        "2024-05-01 2025-05-14": "2024-05 to today",
    },
    SATURDAY: {
        "2026-03-01 2026-05-31": "march-may|march - may|from march to may|Mar–May 2026|3-5월|3월-5월|2026년 3~5월",
        "2026-01-01 2026-03-31": "jan-mar|between January and March|1~3월",
        "2025-01-01 2025-06-30": "between 2025-01 and 2025-06|25년 1월~6월|25년 상반기|H1 '25|2025-h1"
        "|first half of 2025|the first half of 2025",
        "2025-11-01 2026-01-31": "nov-jan|11월~1월",
        "2026-11-20 2026-11-27": "11/20-11/27|11월 20일~27일|11월 20일(금) ~ 27일(금)|Nov 20–27|Nov 20th - 27th, 2026"
        "|20-27 November|2026-11-20~27|2026-11-20-2026-11-27|20261120-20261127|11월 20일부터 27일까지",
        "2022-01-01 2023-12-31": "2022-2023",
        "2026-11-22 2026-11-28": "past week|the past week|in the last week|over the past week|the last seven days"
        "|최근 일주일|지난 1 주 동안|지난 일주일간",
        "2026-11-15 2026-11-28": "지난 2 주 동안|최근 이 주|past two weeks",
        "2026-10-29 2026-11-28": "past month|within the last month|최근 한 달 동안|최근 한달간|한 달 이내",
        "2025-11-29 2026-11-28": "past year",
        "2026-11-26 2026-11-28": "within the last three days|over the past 3 days|사흘 이내",
        "2026-11-03 2026-11-05": "11월 3일부터 5일까지|11월 3일에서 5일까지|11월 3일에서 5일 사이",
        "2026-11-01 2026-11-28": "이번 달 들어|11월 들어서",
        "2026-11-01 2026-11-30": "early november|11월 초|11월 말|mid-november|this month",
        "2025-12-01 2025-12-31": "last december|지난 12월|dec-2025|2025-dec|Dec '25|25년 12월",
        "2026-11-14 2026-11-28": "최근 보름",
        "2026-11-27 2026-11-28": "past 24 hours",
        "2026-01-01 2026-12-31": "year to date",
        "2026-01-01 2026-11-28": "since the beginning of the year|since the start of this year",
        "2023-01-01 2024-12-31": "2023년과 2024년 사이|between 2023 and 2024",
        "2026-03-01 2026-11-28": "since March|3월부터",
        "2025-01-01 2026-11-28": "since 2025|2025년부터",
        "2026-11-23 2026-11-28": "since Monday|after last week|지난주 지나서",
        "2025-11-01 2026-11-28": "since November 2025|after October 2025|later than 2025-10|2025년 11월부터|작년 11월 이후"
        "|2025년 11월 이후로|2025년 10월 지나서",
        "0001-01-01 2025-10-31": "before November 2025|prior to 2025-11|earlier than Nov 1 2025|by October 2025|up to Oct 2025"
        "|no later than October 2025|by the end of October 2025|2025년 10월 말까지|2025년 11월 전까지"
        "|until October 2025|till 10/31/2025|2025년 11월 이전|작년 11월 전|2025년 10월까지",
        "0001-01-01 2025-12-31": "before 2026|until 2025|before this year|2026 이전|작년까지|올해 전",
        "2024-01-01 2026-11-28": "after 2023 and before 2027|since 2024 until the end of 2026",
        "2024-01-01 2025-12-31": "after 2023 and before 2026|since 2024 until 2025|2024년 이후 2026년 이전",
        "2026-11-23 2026-11-29": "11월 넷째 주",
        "2026-11-16 2026-11-22": "2026-W47|week 47, 2026|11월 셋째 주|11월 3주차|the week of Nov 16|week of 18 November",
        "2025-12-15 2025-12-21": "12월 셋째 주|3rd week of december 2025",
        "2026-11-27": "11월 27일 (금)|11월27일(금)|Fri, 27 Nov 2026|the 27th of November"
        "|27th of November|이번 주 금요일",
        "2026-11-26": "the day before yesterday",
        "2026-11-25": "사흘 전",
        "2026-11-21": "일주일 전 토요일",
        "2026-11-20": "지난주 금요일|friday of last week|last week friday",
        "2026-11-23": "이번 주 월요일",
    },
    THURSDAY: {
        # A day without a year is in the past.
        "2025-12-30": "dec 30|30 dec|Dec. 30th|12/30|30/12|12-30|12.30.|12월 30일|12월30일|그저께"
        "|2025. 12. 30.|2025/12/30|20251230|2025년 12월 30일|12/30/2025|dec 30, 2025|tuesday|화요일|지난 화요일",
        "2026-11-27": "27 novembre 2026|27. 11. 2026|27. November 2026|27 de noviembre de 2026"
        "|27-Nov-2026|27.11.2026|2026年11月27日",
        "2026-11-01": "1.11.2026|01. 11. 2026",
        "2025-12-29": "last monday|monday|mon|지난 월요일|월요일",
        "2025-12-25": "last thursday",
        "2026-01-01": "today|오늘|thursday|1/1",
        "2025-12-31": " Yesterday |어제|12/31",
        "2025-01-02": "jan 2|1월 2일",
        "2024-02-29": "feb 29 2024|29/2/2024|feb 29|2월 29일|29/2",
        "2025-12-01 2025-12-31": "dec|December|12월|지난달|last month|2025-12|2025년 12월|dec 2025",
        "2026-01-01 2026-01-31": "jan|1월|this month",
        "2025-12-22 2025-12-28": "지난주|지난 주|last week",
        "2025-01-01 2025-12-31": "2025|2025년|작년|last year",
    },
}  # fmt: skip
"""By the day on which it is typed: the day, or the first and the last one, and what is typed."""


@pytest.mark.parametrize(
    ("today", "days", "typed"), [(today, *row) for today, rows in READ.items() for row in rows.items()]
)
def test_a_day_or_a_period_is_read_as_people_type_it(today: date, days: str, typed: str) -> None:
    span = [date.fromisoformat(day) for day in days.split()]
    read = {text: typed_dates.read_typed_date(text, today) for text in typed.split("|")}
    assert read == dict.fromkeys(read, (span[0], span[-1]))


NO_PERIODS = (
    # Two months are no day of one, nor are numbers that fall a span.
    "oct nov|may/june|march may 2024|nov 27-25|27-20 nov|1-2-3|1-2 3|feb 20-30|11월 27일 (목)"
    # What may follow a date in a query is a word of the query.
    "|2025-06 may|2026-11-27 nov|2026-11-27 11|2025-06 papers|2026-W47 papers|nov 27 new|2025 week|since:2025"
    # A bound is of a date, which is not ahead, and of no word that may be another.
    "|before sunrise|after training|by 2 points|up to 2048|by SAT|before sun|before|이전|학습 이후|3일 후|after 2026"
    "|before|until soon|before 2025 papers|after 2026 and before 2024|by week"
    "|past|the|week|주|일 전|주 전|lora 2|gpt 4|gpt-4|week 2|2주|fri-2|mon 17:00|sat solver|the march of robots|may 2024 -"
)
NO_DATES = (
    "set 3|soon|2025-02-30|99999999999|2025-13-01|13/13|32일|dec 32|월|feb 30"
    "|2025-13|2025-99|2026-00|202513|2025년 13월|2026-01-00"
)
OTHER_WORDS = "robots last week|지난주 로봇|NeurIPS 2024|the march of robots|2504.01234|may 2024 to"


@pytest.mark.parametrize(
    ("today", "typed"),
    [
        *((SATURDAY, typed) for typed in NO_PERIODS.split("|")),
        *((THURSDAY, typed) for typed in NO_DATES.split("|")),
        *((WEDNESDAY, typed) for typed in OTHER_WORDS.split("|")),
    ],
)
def test_what_is_within_other_words_impossible_or_another_period_is_no_date(today: date, typed: str) -> None:
    assert typed_dates.read_typed_date(typed, today) is None


@given(
    st.text(max_size=80)
    | st.from_regex(
        r"[0-9]{1,4}[-./ 년]{0,2}[0-9]{1,4}[-./ 월]{0,2}[0-9]{0,4}(일|th| ago|일 전)?", fullmatch=True
    ),
    st.dates(),
)
def test_any_typed_text_gives_ordered_days_or_nothing(typed: str, today: date) -> None:
    span = typed_dates.read_typed_date(typed, today)
    assert span is None or span[0] <= span[1]
