"""The day that a date, a heading, a line or a path states."""

from datetime import date

import pytest
from babel.dates import get_month_names
from hypothesis import given
from hypothesis import strategies as st

from bot.text import date_reader

STATED = {
    "2025-05-27": "(2025-05-27) | 2025_05_27 | 2025/05/27 | 2025.05.27. | 2025. 5. 27 | 2025–05–27 | — 20250527"
    " | 2025년 5월 27일 | 25.05.27 (화) | 25. 5. 27(화) | '25.05.27 | ’25. 5. 27."
    " | 2025年05月27日 | May 27, 2025 | 27 May 2025 | 27th of May 2025 | 27. May 2025 | (2025-05-27, Tue; 2025-05-27)"
    " | 2025-05-27 ~ 12편 | 2025년 5월 27일~30편 | 2025-05-27 -- 30 papers"
    " | 27/05/2025 | 05/27/2025 | 27.05.2025 | 27. Mai 2025 | 27 de mayo de 2025 | 2025. május 27. | 27-May-2025"
    " | ２０２５年５月２７日（火） | 2025．05．27"
    " | 2025-05-27T05:00:00Z | ep2:20250527 | 2025-05-27 - 30 papers | 2025.05.27 – 3 picks | Week ending May 27, 2025",
    # Spans have their last day, in the year that one of their ends has.
    "2026-11-20": "2026년 11월 16일 ~ 20일 | 2026년 11월 16일(월) ~ 20일(금) | 2026년 11월 16일부터 20일까지 | 2026-11-16~20"
    " | 2026-11-16 to 2026-11-20 | 2026.11.16-20 주간 논문 | 2026. 11. 16. ~ 11. 20. | 2026/11/16-11/20 | 20261116-20261120"
    " | 2026年11月16日〜20日 | 16–20 November 2026 | November 16 - 20, 2026 | (Nov 16 - Nov 20) - 2026"
    " | Nov. 16th to 20th, 2026",
    "2027-01-03": "2026년 12월 28일 ~ 1월 3일 | 2026-12-28 ~ 01-03 | Dec 28 - Jan 3, 2027 | 28 Dec 2026 – 3 Jan 2027"
    " | 2026-W53 | Week 53, 2026 | 2026년 53주차 | 2026年第53周",
    "2026-11-22": "2026-W47 | 2026W47 | W47 2026 | Week 47 of 2026 | 2026, week 47 | 2026년 제47주 | 2026년 11월 3주차"
    " | 2026년 11월 셋째 주 | 2026年11月第3周 | 3rd week of November 2026 | November 2026, week 3 | 2026-11 week 3"
    " | Week of November 16, 2026 | 2026.11월 3째주 | 2026년 11월 3째 주 | 2026-11월 3번째 주"
    " | Nov week 3 2026 | November, week 3, 2026 | 2026 Nov week 3 | Nov 2026 (week 3)",
    "2021-01-03": "2020-W53 | 2020년 53주차",
    # Impossible, open, or not stated.
    "None": "2025-02-30 | 2026-11-33 | Nov 31, 2026 | 2025-W53 | 2024-W53 | Week 60, 2026 | 05/06/2025 | 2025-05 | 28th of August"
    " | 9.2025-05-27 | FRB 20240114A | 2611.20001 | since 2024-09-30 | 2024-09-30 ~ | Papers from Sep 30, 2024 - Now"
    # Numbers of which each may be the month, and words that are months in other languages.
    " | 25.05.27 | 05/06/2025 | 5.6.2025 | 03-11-2026 | 2025/27/05 | Set 3 | Gemini 3 Pro 2026"
    # A span or a number of papers.
    " | 2026-11-02 -- 12 | 2026-11-02 - 12 | 2026.11.02 — 12"
    " | 2024년 9월 30일부터 현재까지 | 2024年9月30日至今 | after May 2, 2025",
}  # fmt: skip


@pytest.mark.parametrize("day", STATED)
def test_reads_a_day_and_the_last_day_of_a_span_or_week_in_many_spellings(day: str) -> None:
    read = {text: str(date_reader.find_date(text)) for text in STATED[day].split(" | ")}
    assert read == dict.fromkeys(read, day)


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
    "None": "gen-3-2024.md sets/set-5-2026.md"
    " 2026-06-31.md highlights/2026-06-june.md README.md 2025-W53.md papers/2611.20001/notes.md 2026/11/2611.20001.md",
}


WITH_SPACES = (
    "2026 11 22.md|2026-11-22 (copy of 2026-11-28).md|2026-11-22 [2026-11-28].md|[2026-11-22] b.md"
    "|papers 2026 11 22/list.md|2026/11/22 papers.md|2026/Nov 22.md"
)


@pytest.mark.parametrize(
    ("day", "paths"),
    [*((day, paths.split()) for day, paths in PATHS.items()), ("2026-11-22", WITH_SPACES.split("|"))],
)
def test_reads_the_date_in_a_path(day: str, paths: list[str]) -> None:
    read = {path: str(date_reader.find_path_date(path)) for path in paths}
    assert read == dict.fromkeys(read, day)


WRITTEN = {
    "2026-11-27": "Fri, 27 Nov 2026 15:07:41 | Fri, 27 Nov 2026 15:07:41 GMT | 27 Nov 26 15:07 EST"
    " | Fri Nov 27 15:07:41 KST 2026"
    " | 20261127150741 | 27.Nov.2026 | пт, 27 ноя 2026 15:07:41 +0300 | 27 kas 2026 | 11월 27, 2026"
    " | 2026/11/27 15:07:41 | 2026/11/27 | 2026.11.27 | 2026. 11. 27. 오후 3:07 | 2026년 11월 27일"
    " | 2026년 11월 27일 (금) 15:07:41 +0900"
    " | 2026년11월27일 | 2026年11月27日 | 2026/11/27(金) 15:07 | 2026-11-27T15:07:41 | 2026-11-27T15:07:41.123+09:00"
    " | 20261127T150741Z | 27-Nov-26 | Pe, 27 Mar 2026 11:34:37 +0000"
    " | 2026-11-27 15:07:41 KST | 2026-W48-5 | 27/Nov/2026:15:07:41 +0900 | 27-Nov-2026 | 27/11/2026 15:07 | 11/27/2026"
    " | 27.11.2026"
    " | 27 novembre 2026 | vendredi 27 novembre 2026 à 15h07 | 27 de noviembre de 2026"
    " | vie, 27 nov 2026 10:00:00 +0100 | 27. November 2026"
    " | Freitag, 27. November 2026, 15:07 Uhr | 27 ноября 2026 г. | пт, 27 нояб. 2026 15:07 | 27 kasım 2026"
    " | 27 listopada 2026"
    " | 2026. november 27. | ２０２６／１１／２７ | Friday, November 27, 2026 at 3:07 PM | Nov 27, 2026, 3:07 PM",
    # As programs write it in other languages and with short years.
    "2026-11-07": "7 Nov 26",
    "2026-08-05": "5 aout 2026",
    "2026-02-05": "5 fevrier 2026",
    "2026-12-12": "12 decembre 2026",
    "2026-10-28": "Ke, 28 Lok 2026 11:34:37 +0000",
    "2026-03-27": "Fri, 27 Mar 2026 11:34:37 +0000",
    "2026-07-01": "su 1 Hei 2026",
    # The writer's day, not that of UTC.
    "2026-11-28": "Sat, 28 Nov 2026 08:00:00 +0900 | 2026-11-28T00:30:00+09:00 | 2026년 11월 28일 오전 8:00"
    " | Sat, 28 Nov 2026 23:00:00 -0800",
    # A Tuesday in French, Spanish and Italian.
    "2026-11-24": "mar. 24 nov. 2026 | mar. 24 nov. 2026 08:00 | mar 24 noviembre 2026 | mar., 24 nov. 2026 | mar. 24/11/2026",
    "2026-03-24": "mar. 24, 2026 | 24 mar. 2026 | Mar 24 2026 08:00:00 | 2026 Mar 24 08:00:00 | 2026-Mar-24 08:00:00 +0900",
    "2026-12-01": "1er décembre 2026 | 1. Dezember 2026 | 1º de dezembro de 2026 | 1 de diciembre del 2026"
    " | Tue, 01 Dec 2026 00:00:00 +0900",
    # Something is missing, impossible, or may be another part.
    "None": "2026-11 | 2026/11 | November 2026 | 2026 | 2026년 11월 | 27 Nov | 11월 27일 | 05/06/2026 | 05-06-2026"
    " | 5.6.2026 | 26-11-27"
    " | 2026/27/11 | 2026-11-31 | Mon, 31 Nov 2026 10:00:00 GMT | 2026-331 | 1795775261 | yesterday | 3 days ago"
    " | 令和8年11月27日 | 15:07:41"
    " | Fri, 27 Nov 126 15:07:41 GMT | 28 2026 Nov 10:00 | reading set 5 2026",
}  # fmt: skip


@pytest.mark.parametrize("day", WRITTEN)
def test_reads_the_day_of_a_date_in_the_spellings_of_feeds(day: str) -> None:
    read = {text: str(date_reader.read_date(text)) for text in WRITTEN[day].split(" | ")}
    assert read == dict.fromkeys(read, day)


LOCALES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "ru"),
    *("uk", "tr", "sv", "da", "nb", "fi", "id", "hu", "ro", "el"),
)


@pytest.mark.parametrize("locale", LOCALES)
def test_reads_the_months_of_the_usual_languages_as_cldr_names_them(locale: str) -> None:
    for month, name in get_month_names("wide", locale=locale).items():
        assert date_reader.read_date(f"27 {name} 2026") == date(2026, month, 27), name


YEAR_FIRST = "{0}-{1:02}-{2:02}|{0}/{1}/{2} 08:00|{0}. {1}. {2}.|{0}년 {1}월 {2}일"
OTHER_ORDERS = "{2:02}/{1:02}/{0}|{1}-{2}-{0} 08:00|{2}.{1}.{0}|{2:02} {1:02} {0}|{1:02}/{0}|{0}-{1:02}"


@given(st.dates(date(1991, 8, 1), date(2050, 12, 31)))
def test_no_part_of_a_date_is_taken_for_another(on: date) -> None:
    for orders, may_be_none in ((YEAR_FIRST, False), (OTHER_ORDERS, True)):
        for order in orders.split("|"):
            read = date_reader.read_date(order.format(on.year, on.month, on.day))
            assert read == on or (read is None and may_be_none), order


@given(st.text(max_size=60) | st.text("0123456789 -/.:,년월일TZ+Novembrdé", max_size=40))
def test_any_text_is_a_day_or_none(text: str) -> None:
    assert date_reader.read_date(text) is None or isinstance(date_reader.read_date(text), date)
