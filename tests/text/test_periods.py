"""Periods of questions: which dates are read as a filter, and which words stay words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import dates

TODAY = date(2025, 5, 14)
"""A Wednesday."""
PIECES = (
    "작년 재작년 올해 지난달 이번 주 최근 3개월 2024년 2월 31일 부터 까지 이후 상반기 from to between and last 999 years 2024"
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
        ("지난 3개월간 LLM", "LLM", "2025-02-14 – 2025-05-14"),
        ("작년 하반기 추론", "추론", "2024-07-01 – 2024-12-31"),
        ("2024년 3월부터 5월까지 RL", "RL", "2024-03-01 – 2024-05-31"),
        ("2024년 이후 양자화", "양자화", "≥ 2024-01-01"),
        ("양자화 2024년까지", "양자화", "≤ 2024-12-31"),
        ("diffusion papers from March 2025", "diffusion papers", "2025-03"),
        ("what was new in robotics last month", "what was new in robotics", "2025-04"),
        ("video in the last three weeks", "video", "2025-04-23 – 2025-05-14"),
        ("reasoning in 2024", "reasoning", "2024"),
        ("2024 papers on RL", "papers on RL", "2024"),
        ("agents from March to May 2024", "agents", "2024-03-01 – 2024-05-31"),
        ("nerf between 2023 and 2024", "nerf", "2023-01-01 – 2024-12-31"),
        ("before 2024 diffusion", "diffusion", "≤ 2023-12-31"),
        ("agents in december", "agents", "2024-12"),
        ("Q1 2025 agents", "agents", "2025-01-01 – 2025-03-31"),
        ("last week's agents", "agents", "2025-05-05 – 2025-05-11"),
    ],
)
def test_a_period_is_read_and_leaves_the_topic(query: str, rest: str, period: str) -> None:
    left, found = dates.read_period(query, TODAY)
    assert (left, dates.format_period(found)) == (rest, period)


@pytest.mark.parametrize(
    "query", ["papers from last month", "2025년 4월 논문 추천해줘", "어제 나온 논문 알려줘"]
)
def test_a_question_of_a_period_alone_leaves_nothing(query: str) -> None:
    left, (first, last) = dates.read_period(query, TODAY)
    assert left == ""
    assert first is not None
    assert last is not None


@pytest.mark.parametrize(
    "query",
    [
        "NeurIPS 2024 best paper",
        "AIME 2024 수학 추론",
        "last mile delivery",
        "LLMs that may help",
        "compare 2023 and 2024 models",
        "trained in 2000 steps",
        "2504.01234",
        "오늘날 언어 모델",
        "recent months RL",
        "2023년 2월 31일 RL",
        "이번 논문",
        "작년도면서",
    ],
)
def test_words_that_are_no_period_stay(query: str) -> None:
    assert dates.read_period(query, TODAY) == (query, (None, None))


@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES.split()), max_size=12).map(" ".join)),
    st.dates(date(2020, 1, 1), date(2100, 12, 31)),
)
def test_any_question_is_read(query: str, today: date) -> None:
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
