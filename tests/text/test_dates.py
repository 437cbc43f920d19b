"""Periods in questions, and dates and periods typed into a date field."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import dates

TODAY = date(2025, 5, 14)
"""A Wednesday."""
PIECES = (
    "작년 재작년 올해 지난달 이번 주 최근 3개월 2024년 2월 31일 부터 까지 이후 from to between and last 999 years 2024"
    " since 2024-02 march papers 논문 RAG 0000년 q1 in 어제"
)


@pytest.mark.parametrize(
    ("query", "rest", "period"),
    [
        ("작년 RAG 논문", "RAG 논문", "2024"),
        ("2025년 4월에 나온 확산 모델", "나온 확산 모델", "2025-04"),
        ("2025-04 LoRA", "LoRA", "2025-04"),
        ("로봇 2024년 3월 7일", "로봇", "2024-03-07"),
        ("지난달 로봇", "로봇", "2025-04"),
        ("이번 주 에이전트", "에이전트", "2025-05-12 – 2025-05-18"),
        ("지난 3개월간 LLM", "LLM", "2025-02-15 – 2025-05-14"),
        ("2024년 이후 양자화", "양자화", "since 2024-01-01"),
        ("agents from 2024 or later", "agents", "since 2024-01-01"),
        ("양자화 2024년까지", "양자화", "until 2024-12-31"),
        ("diffusion papers from March 2025", "diffusion papers", "2025-03"),
        ("what was new in robotics last month", "what was new in robotics", "2025-04"),
        ("video in the last three weeks", "video", "2025-04-24 – 2025-05-14"),
        ("reasoning in 2024", "reasoning", "2024"),
        ("2024 papers on RL", "papers on RL", "2024"),
        ("before 2024 diffusion", "diffusion", "until 2023-12-31"),
        ("agents in december", "agents", "2024-12"),
        ("11월 이후 에이전트", "에이전트", "since 2024-11-01"),
        ("에이전트 3월까지", "에이전트", "until 2025-03-31"),
        ("3월 이전 에이전트", "에이전트", "until 2025-02-28"),
        ("last week's agents", "agents", "2025-05-05 – 2025-05-11"),
        ("1월 13일부터 17일 사이에 나온 로봇", "나온 로봇", "2025-01-13 – 2025-01-17"),
        ("3월부터 5월까지 로봇", "로봇", "2025-03-01 – 2025-05-31"),
        ("robots between March and May 2024", "robots", "2024-03-01 – 2024-05-31"),
        ("robots from 2022 to 2023", "robots", "2022-01-01 – 2023-12-31"),
        ("24년 4월쯤 나온 로봇", "나온 로봇", "2024-04"),
        ("12월 초 로봇", "로봇", "2024-12-01 – 2024-12-10"),
        ("작년 하반기 로봇", "로봇", "2024-07-01 – 2024-12-31"),
        ("올해 1분기 로봇", "로봇", "2025-01-01 – 2025-03-31"),
        ("robots in Q3 2024", "robots", "2024-07-01 – 2024-09-30"),
        ("robots of the first half of 2024", "robots", "2024-01-01 – 2024-06-30"),
        ("robots since Monday", "robots", "since 2025-05-12"),
        ("robots on May 5", "robots", "2025-05-05"),
        ("robots on 5 May 2024", "robots", "2024-05-05"),
        ("robots two weeks ago", "robots", "2025-04-28 – 2025-05-04"),
        ("robots of the past week", "robots", "2025-05-08 – 2025-05-14"),
        ("robots over the last couple of months", "robots", "2025-03-15 – 2025-05-14"),
        ("지난 주말 로봇", "로봇", "2025-05-10 – 2025-05-11"),
        ("그제 올라온 로봇", "올라온 로봇", "2025-05-12"),
        ("한 달 전 로봇", "로봇", "2025-04"),
        ("robots in early december", "robots", "2024-12-01 – 2024-12-10"),
        ("robots last December", "robots", "2024-12"),
        ("robots of the second quarter of 2024", "robots", "2024-04-01 – 2024-06-30"),
        ("robots so far this year", "robots", "2025"),
        ("robots up to March 2024", "robots", "until 2024-03-31"),
        ("robots from Jan 2024 to now", "robots", "since 2024-01-01"),
        ("2024년 3월~5월 로봇", "로봇", "2024-03-01 – 2024-05-31"),
        ("최근 열흘간 로봇", "로봇", "2025-05-05 – 2025-05-14"),
        ("robots of the past fortnight", "robots", "2025-05-01 – 2025-05-14"),
        ("robots from the first week of December", "robots", "2024-12-01 – 2024-12-07"),
        ("robots in the last two weeks of november", "robots", "2024-11-17 – 2024-11-30"),
        ("11월 둘째 주 로봇", "로봇", "2024-11-08 – 2024-11-14"),
        ("작년 12월 마지막 주 로봇", "로봇", "2024-12-25 – 2024-12-31"),
        ("4월 2주차에 나온 로봇", "나온 로봇", "2025-04-08 – 2025-04-14"),
        ("robots between 11 and 22 Nov 2024", "robots", "2024-11-11 – 2024-11-22"),
        ("robots from Nov 11 to 22", "robots", "2024-11-11 – 2024-11-22"),
        ("Dec 1-7 robots", "robots", "2024-12-01 – 2024-12-07"),
        ("robots from the 3rd to the 10th of April", "robots", "2025-04-03 – 2025-04-10"),
        ("12월 1~7일 로봇", "로봇", "2024-12-01 – 2024-12-07"),
        ("11월 11일부터 22일까지 나온 로봇", "나온 로봇", "2024-11-11 – 2024-11-22"),
        ("robots in the week of December 11", "robots", "2024-12-09 – 2024-12-15"),
        ("robots from late 2024", "robots", "2024-09-01 – 2024-12-31"),
        ("mid-april robots", "robots", "2025-04-11 – 2025-04-20"),
        ("작년 말 로봇", "로봇", "2024-09-01 – 2024-12-31"),
        ("지난달 중순 로봇", "로봇", "2025-04-11 – 2025-04-20"),
        ("robots of summer 2024", "robots", "2024-06-01 – 2024-08-31"),
        ("작년 겨울 로봇", "로봇", "2024-12-01 – 2025-02-28"),
        ("지난여름 로봇", "로봇", "2024-06-01 – 2024-08-31"),
        ("robots last quarter", "robots", "2025-01-01 – 2025-03-31"),
        ("robots since Q1", "robots", "since 2025-01-01"),
        ("2024 Q4 robots", "robots", "2024-10-01 – 2024-12-31"),
        ("3분기에 나온 로봇", "나온 로봇", "2024-07-01 – 2024-09-30"),
        ("robots the week before last", "robots", "2025-04-28 – 2025-05-04"),
        ("지지난주 로봇", "로봇", "2025-04-28 – 2025-05-04"),
        ("이달 로봇", "로봇", "2025-05"),
        ("최근 24시간 로봇", "로봇", "2025-05-13 – 2025-05-14"),
        ("2주 이내 로봇", "로봇", "2025-05-01 – 2025-05-14"),
        ("robots within the last 10 days", "robots", "2025-05-05 – 2025-05-14"),
        ("robots from November on", "robots", "since 2024-11-01"),
        ("robots from february onwards", "robots", "since 2025-02-01"),
        ("robots prior to 2024", "robots", "until 2023-12-31"),
        ("robots since 12/1", "robots", "since 2024-12-01"),
        ("robots since oct", "robots", "since 2024-10-01"),
        ("3월부터 지금까지 로봇", "로봇", "since 2025-03-01"),
        ("robots from march and april", "robots", "2025-03-01 – 2025-04-30"),
        ("3월이랑 4월 로봇", "로봇", "2025-03-01 – 2025-04-30"),
        ("late March to early April robots", "robots", "2025-03-21 – 2025-04-10"),
        ("december last year robots", "robots", "2024-12"),
        ("작년 한 해 동안 로봇", "로봇", "2024"),
        ("robots of today", "robots", "2025-05-14"),
        ("robots today", "robots", "2025-05-14"),
        ("what came out today about robots", "what came out about robots", "2025-05-14"),
        ("11월달에 나온 로봇", "나온 로봇", "2024-11"),
        ("일주일 사이에 올라온 로봇", "올라온 로봇", "2025-05-08 – 2025-05-14"),
        ("어제자 로봇", "로봇", "2025-05-13"),
        ("작년 한 해 로봇", "로봇", "2024"),
        ("robots of the year 2024", "robots", "2024"),
        ("robots from Christmas week", "robots", "2024-12-23 – 2024-12-29"),
        ("크리스마스 주간 로봇", "로봇", "2024-12-23 – 2024-12-29"),
        ("크리스마스에 올라온 로봇", "올라온 로봇", "2024-12-25"),
        ("월요일에 나온 로봇", "나온 로봇", "2025-05-12"),
        ("robots since Christmas", "robots", "since 2024-12-25"),
        ("robots between Dec 22 and Christmas", "robots", "2024-12-22 – 2024-12-25"),
        ("last week (5/5~5/11) robots", ") robots", "2025-05-05 – 2025-05-11"),
        ("last weeks top robots", "top robots", "2025-05-05 – 2025-05-11"),
        ("robots from 2024 but not December", "robots", "2024-01-01 – 2024-11-30"),
        ("robots not from this month", "robots", "until 2025-04-30"),
        ("이번 주 거 제외하고 로봇", "로봇", "until 2025-05-11"),
        ("12월 말고 11월 로봇", "로봇", "2024-11"),
        ("2024년 거 말고 올해 나온 로봇", "나온 로봇", "2025"),
        ("january reasoning papers", "reasoning papers", "2025-01"),
        ("April video generation papers", "video generation papers", "2025-04"),
        ("로봇 (올해 제외)", "로봇", "until 2024-12-31"),
    ],
)
def test_a_question_is_split_into_topic_and_period(query: str, rest: str, period: str) -> None:
    left, found = dates.read_period(query, TODAY)
    assert (left, dates.format_period(found)) == (rest, period)


def test_what_is_left_out_is_a_period_if_one_side_of_it_has_papers() -> None:
    read = dates.read_period("robots not from 2024", TODAY, has_papers=lambda since, _: since is not None)
    assert (read[0], dates.format_period(read[1])) == ("robots", "since 2025-01-01")
    assert dates.read_period("robots not from 2024", TODAY) == ("robots not from 2024", (None, None))


@pytest.mark.parametrize(
    ("query", "today", "period"),
    [
        ("12월", date(2026, 1, 1), "2025-12"),
        ("12월 셋째주", date(2026, 1, 1), "2025-12-15 – 2025-12-21"),
        ("12월 3주차 논문", date(2026, 1, 6), "2025-12-15 – 2025-12-21"),
        ("robots from the first week of december", date(2026, 1, 1), "2025-12-01 – 2025-12-07"),
        ("robots from Dec 1-7", date(2026, 1, 1), "2025-12-01 – 2025-12-07"),
        ("12월 초 로봇", date(2026, 1, 1), "2025-12-01 – 2025-12-10"),
        ("12월 말 로봇", date(2025, 12, 10), "2024-12-21 – 2024-12-31"),
        ("robots in november", date(2026, 1, 1), "2024-11"),
        ("이번 주 로봇", date(2025, 12, 23), "2025-12-17 – 2025-12-23"),
    ],
)
def test_a_date_without_a_year_is_of_the_latest_year_with_papers_in_its_month(
    query: str, today: date, period: str
) -> None:
    days = [date(2024, 12, 16), date(2024, 11, 16), date(2024, 12, 30), date(2025, 12, 8), date(2025, 12, 20)]

    def has_papers(since: date | None, until: date | None) -> bool:
        return any((since or date.min) <= day <= (until or date.max) for day in days if day <= today)

    assert dates.format_period(dates.read_period(query, today, has_papers=has_papers)[1]) == period


_NO_PERIODS = (
    "NeurIPS 2024 best paper|AIME 2024 수학 추론|last mile delivery|LLMs that may help|compare 2023 and 2024 models"
    "|trained in 2000 steps|this may help|evaluated on 2024 tests"
    "|20년 동안 로봇|the march of robots|2504.01234|오늘날 언어 모델"
    "|the first half of the network|mid-level features|last layer|H100 kernels|12월 말고"
    "|recent months RL|Christmas carols|지난주에 한 대화를 기억하는|2023년 2월 31일 RL|이번 논문|작년도면서"
)


@pytest.mark.parametrize("query", _NO_PERIODS.split("|"))
def test_words_that_may_be_names_are_not_a_period(query: str) -> None:
    assert dates.read_period(query, TODAY) == (query, (None, None))


@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES.split()), max_size=12).map(" ".join)),
    st.dates(date(2020, 1, 1), date(2100, 12, 31)),
)
def test_splitting_any_question_gives_a_valid_period(query: str, today: date) -> None:
    rest, (first, last) = dates.read_period(query, today)
    if first is None and last is None:
        assert rest == query
    else:
        assert len(rest) < len(query)
        assert set(rest) <= {*query, " "}
        assert first is None or last is None or first <= last
        assert dates.format_period((first, last))
        again = dates.read_period(rest, today - timedelta(days=1))[0]
        assert len(again) <= len(rest)


NEW_YEAR = date(2026, 1, 1)  # a Thursday
DAYS = {
    "2025-12-30": "dec 30|30 dec|Dec. 30th|12/30|30/12|12-30|12.30.|12월 30일|12월30일|그저께"
    "|2025. 12. 30.|2025/12/30|20251230|2025년 12월 30일|12/30/2025|dec 30, 2025|tuesday|화요일|지난 화요일",
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
    "|soon|2025-02-30|99999999999|2025-13-01|13/13|32일|dec 32|월|feb 30"
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
