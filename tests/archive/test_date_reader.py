"""The day that a heading, a line or a path states."""

from datetime import date

import pytest

from bot.archive import date_reader

STATED = {
    "2025-05-27": "(2025-05-27) | 2025_05_27 | 2025/05/27 | 2025.05.27. | 2025. 5. 27 | 2025–05–27 | — 20250527 | 2025년 5월 27일"
    " | 2025年05月27日 | May 27, 2025 | 27 May 2025 | 27th of May 2025 | 27. May 2025 | (2025-05-27, Tue; 2025-05-27)"
    " | 2025-05-27 ~ 12편 | 2025년 5월 27일~30편 | 2025-05-27 -- 30 papers"
    " | 2025-05-27T05:00:00Z | ep2:20250527 | 2025-05-27 - 30 papers | 2025.05.27 – 3 picks | Week ending May 27, 2025",
    # Spans have their last day, in the year that one of their ends has.
    "2026-11-20": "2026년 11월 16일 ~ 20일 | 2026년 11월 16일(월) ~ 20일(금) | 2026년 11월 16일부터 20일까지 | 2026-11-16~20"
    " | 2026-11-16 to 2026-11-20 | 2026.11.16-20 주간 논문 | 2026. 11. 16. ~ 11. 20. | 2026/11/16-11/20 | 20261116-20261120"
    " | 2026年11月16日〜20日 | 16–20 November 2026 | November 16 - 20, 2026 | (Nov 16 - Nov 20) - 2026 | Nov. 16th to 20th, 2026",
    "2027-01-03": "2026년 12월 28일 ~ 1월 3일 | 2026-12-28 ~ 01-03 | Dec 28 - Jan 3, 2027 | 28 Dec 2026 – 3 Jan 2027"
    " | 2026-W53 | Week 53, 2026 | 2026년 53주차 | 2026年第53周",
    "2026-11-22": "2026-W47 | 2026W47 | W47 2026 | Week 47 of 2026 | 2026, week 47 | 2026년 제47주 | 2026년 11월 3주차"
    " | 2026년 11월 셋째 주 | 2026年11月第3周 | 3rd week of November 2026 | November 2026, week 3 | 2026-11 week 3"
    " | Week of November 16, 2026 | 2026.11월 3째주 | 2026년 11월 3째 주 | 2026-11월 3번째 주"
    " | Nov week 3 2026 | November, week 3, 2026 | 2026 Nov week 3 | Nov 2026 (week 3)",
    "2021-01-03": "2020-W53 | 2020년 53주차",
}  # fmt: skip
UNKNOWN = (
    "2025-02-30 | 2026-11-33 | Nov 31, 2026 | 2025-W53 | 2024-W53 | Week 60, 2026 | 05/06/2025 | 2025-05 | 28th of August"
    " | 9.2025-05-27 | FRB 20240114A | 2611.20001 | since 2024-09-30 | 2024-09-30 ~ | Papers from Sep 30, 2024 - Now"
    # A span or a number of papers.
    " | 2026-11-02 -- 12 | 2026-11-02 - 12 | 2026.11.02 — 12"
    " | 2024년 9월 30일부터 현재까지 | 2024年9月30日至今 | after May 2, 2025"
)


@pytest.mark.parametrize("day", STATED)
def test_reads_a_day_and_the_last_day_of_a_span_or_week_in_many_spellings(day: str) -> None:
    read = {text: str(date_reader.find_date(text)) for text in STATED[day].split(" | ")}
    assert read == dict.fromkeys(read, day)


def test_reads_no_day_that_is_impossible_open_or_not_stated() -> None:
    read = {text: date_reader.find_date(text) for text in UNKNOWN.split(" | ")}
    assert read == dict.fromkeys(read)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(("11월 18일 (수)", "2026-11-18"), ("Wed, Nov 18", "2026-11-18"), ("11/18 (수)", "2026-11-18")),
        *(("1월 2일", "2027-01-02"), ("11월 3주차", "2026-11-22"), ("Week 46", "2026-11-15"), ("1.2", None)),
    ],
)
def test_a_day_without_a_year_is_the_one_closest_to_the_day_above(text: str, day: str | None) -> None:
    stated = date_reader.read(text, date(2026, 11, 20))
    assert (stated and stated.on) == (date.fromisoformat(day) if day else None)
    assert day is None or date_reader.find_date(text) is None


PATHS = {
    "2026-06-02": "archive/2026/06/02.md 2-Jun-2026/AI/README.md data/20260602.md daily20260602.json notes/2026.06.02"
    " https://h.test/a/2026-06-02_daily_paper.md?x=2025-01-01 data/2026-06/arxiv_digest_2026-06-02.md"
    " _posts/2026-06-02-30-papers-of-may-1-2024.md",
    "2026-11-27": "2026_11_27.md daily_2026_11_27.md inbox/2026_11_27_papers.json 2026_11_27/list.md",
    "2026-11-21": "2026/November/21.md 2026/Nov/21/README.md 21/november/2026/x.md 2026_November_21.md",
    "2026-11-29": "2026/November/week-4.md 2026_Nov_week_4.md",
    "2025-12-26": "2025/1222-1226.md 2025-12-22_2025-12-26.md",
    "2025-01-03": "2024/1230-0103.md",
    "2026-07-26": "digests/2026-W30.html 2026/W30.md 2026/week-30.md week-30-2026.txt 2026_week30.md 2026년_30주차.md",
    "2027-01-03": "2026-W53.md weeks/2026/W53.md",
    "None": "2026-06-31.md highlights/2026-06-june.md README.md 2025-W53.md papers/2611.20001/notes.md 2026/11/2611.20001.md",
}


@pytest.mark.parametrize("day", PATHS)
def test_reads_the_date_in_a_path(day: str) -> None:
    read = {path: str(date_reader.find_path_date(path)) for path in PATHS[day].split()}
    assert read == dict.fromkeys(read, day)


def test_reads_the_date_in_a_path_with_spaces() -> None:
    paths = ("2026 11 22.md", "papers 2026 11 22/list.md", "2026/11/22 papers.md", "2026/Nov 22.md")
    read = {path: str(date_reader.find_path_date(path)) for path in paths}
    assert read == dict.fromkeys(read, "2026-11-22")
