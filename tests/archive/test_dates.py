from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import headings


@pytest.mark.parametrize(
    "heading",
    [
        "Daily Papers (2025-05-27)",
        "📰 Hugging Face Daily Papers – 2025-05-27",
        "Daily Papers 2025/05/27",
        "Daily Papers 2025.05.27.",
        "Daily Papers 2025. 5. 27",
        "Daily Papers 2025–05–27",
        "Daily Papers — 20250527",
        "데일리 페이퍼 2025년 5월 27일",
        "Daily Papers, May 27, 2025",
        "Daily Papers: 27th of".replace("27th of", "27 May 2025"),
        "Daily Papers (2025-05-27, Tue; 2025-05-27)",
    ],
)
def test_an_unambiguous_date_is_parsed(heading: str) -> None:
    assert headings.parse_date(heading) == (date(2025, 5, 27), "")


@pytest.mark.parametrize(
    "heading", ["Daily Papers", "Daily Papers 05/06/2025", "Papers of 2025-05", "9.2025-05-27"]
)
def test_an_ambiguous_date_is_not_guessed(heading: str) -> None:
    assert headings.parse_date(heading) is None


def test_an_impossible_date_is_an_error() -> None:
    reading = headings.parse_date("Daily Papers (2025-02-30)")
    assert reading is not None
    assert reading[0] is None
    assert "2025-02-30" in reading[1]


def test_two_dates_in_one_heading_are_an_error() -> None:
    reading = headings.parse_date("Daily Papers (2025-05-26 ~ 2025-05-27)")
    assert reading is not None
    assert reading[0] is None
    assert "more than one" in reading[1]


@given(st.text())
def test_any_heading_can_be_parsed(heading: str) -> None:
    headings.parse_date(heading)
