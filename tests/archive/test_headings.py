"""What all digest formats have in common: dates in headings, and labelled lines."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields, headings, parse
from storage import models


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


@pytest.mark.parametrize(
    ("dates", "reason"), [("2025-02-30", "2025-02-30"), ("2025-05-26 ~ 2025-05-27", "more than one")]
)
def test_an_impossible_date_and_two_dates_are_errors(dates: str, reason: str) -> None:
    reading = headings.parse_date(f"Daily Papers ({dates})")
    assert reading is not None
    assert reading[0] is None
    assert reason in reading[1]


@given(st.text())
def test_any_heading_can_be_parsed(heading: str) -> None:
    headings.parse_date(heading)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Vote: 47", ("votes", "47")),
        ("Votes: 47", ("votes", "47")),
        ("**Vote**: 47", ("votes", "47")),
        ("**Votes:** 47", ("votes", "47")),
        ("- Upvotes : 47", ("votes", "47")),
        ("👍 47", ("votes", "47")),
        ("⬆️ 1,047", ("votes", "1,047")),
        ("👍 Votes: 47", ("votes", "47")),
        ("👥 **Authors**: A B", ("authors", "A B")),
        ("추천: 47", ("votes", "47")),
        ("Vote:", ("votes", "")),
        ("Authors: A B, C D", ("authors", "A B, C D")),
        ("author: A B", ("authors", "A B")),
        ("저자: 김 아무", ("authors", "김 아무")),
        ("*Authors*: A B", ("authors", "A B")),
    ],
)
def test_a_labelled_line_is_parsed_in_every_spelling(line: str, expected: tuple[str, str]) -> None:
    assert headings.parse_labelled_field(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "Voters: 3",
        "Vote early",
        "👍 well done",
        "🔗 https://example.org",
        "A line",
        "- ***Authors agree***: text",
        "",
    ],
)
def test_other_lines_have_no_field(line: str) -> None:
    assert headings.parse_labelled_field(line) is None


@pytest.mark.parametrize(
    ("values", "votes"),
    [
        (["0"], (0, True)),
        (["47", "47 votes", "47 👍", "**47**"], (47, True)),
        (["1,234"], (1234, True)),
        (["1,234,567"], (1234567, True)),
        (["-", "", "–", "N/A", "none", "?", "unknown"], (None, True)),
        (
            ["abc", "1.2k", "12.5", "-3", "1,23", "12,34", "about 40", "9" * 12, "9" * 5000, "²"],
            (None, False),
        ),
    ],
)
def test_votes_are_a_number_or_unknown_and_never_guessed(
    values: list[str], votes: tuple[int | None, bool]
) -> None:
    assert {value: headings.parse_votes(value) for value in values} == dict.fromkeys(values, votes)


@pytest.mark.parametrize(
    ("value", "names", "truncated"),
    [
        ("A B, C D", ("A B", "C D"), False),
        ("A B", ("A B",), False),
        ("", (), False),
        ("-", (), False),
        ("A B, C D, +", ("A B", "C D"), True),
        ("A B, +, C D", ("A B", "C D"), True),
        ("A B, C D+", ("A B", "C D"), True),
        ("A B, C D, ...", ("A B", "C D"), True),
        ("A B, C D...", ("A B", "C D"), True),
        ("A B, C D, …", ("A B", "C D"), True),
        ("A B, C D (+12)", ("A B", "C D"), True),
        ("A B, C D +12 more", ("A B", "C D"), True),
        ("A B, Model 4 (Team)", ("A B", "Model 4 (Team)"), False),
        ("A B, C D, et al.", ("A B", "C D"), True),
        ("A B et al.", ("A B",), True),
        ("A B, C D, +12 authors", ("A B", "C D"), True),
        ("A B, C D and 12 others", ("A B", "C D"), True),
        ("A B, C D, and 3 more", ("A B", "C D"), True),
        ("김 아무, 이 아무 외 5명", ("김 아무", "이 아무"), True),
        ("A B, C D, and E F", ("A B", "C D", "E F"), False),
        ("A B; C D", ("A B", "C D"), False),
        ("A B,, C D,", ("A B", "C D"), False),
        ("Alice al, aespa crew, others unknown", ("Alice al", "aespa crew", "others unknown"), False),
        ("['A B', 'C D']", ("A B", "C D"), False),
        ("""['A B', "C O'D", 'E "F" G']""", ("A B", "C O'D", 'E "F" G'), False),
        (r"""['A \'x\' "B"', 'C\xa0D']""", ("A 'x' \"B\"", "C\u00a0D"), False),
        ('["A B", "C D, Jr."]', ("A B", "C D, Jr."), False),
        ("['A B', 'C D', ...]", ("A B", "C D"), True),
        ("['A B', 'C D'] +", ("A B", "C D"), True),
        ("[A B, C D]", ("A B", "C D"), False),
        ("[]", (), False),
    ],
)
def test_authors_are_parsed_in_every_spelling(value: str, names: tuple[str, ...], truncated: bool) -> None:
    assert headings.parse_authors(value) == (names, truncated)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1), min_size=1))
def test_a_python_list_of_names_round_trips(names: list[str]) -> None:
    expected = tuple(re.sub("[\n\r\t]", " ", name).strip() for name in names)
    read, _ = headings.parse_authors(repr([*names, "Last Author"]))
    assert set(read) - {"Last Author"} <= set(expected)


@pytest.mark.parametrize(
    ("line", "thumbnail", "video"),
    [
        ("![](https://example.org/a.png)", "https://example.org/a.png", None),
        ("![cover [1]](https://example.org/a.png)", "https://example.org/a.png", None),
        ("[![](https://example.org/a.png)](https://example.org)", "https://example.org/a.png", None),
        ('<img src="https://example.org/a.png" width="400">', "https://example.org/a.png", None),
        ("[Watch Video](https://example.org/a.mp4)", None, "https://example.org/a.mp4"),
        ("[영상 보기](https://example.org/a)", None, "https://example.org/a"),
        ('<video controls src="https://example.org/a.mp4"></video>', None, "https://example.org/a.mp4"),
        (
            "<div><video src='https://example.org/a.mp4' muted></video></div>",
            None,
            "https://example.org/a.mp4",
        ),
        ('<source src="https://example.org/a.webm" type="video/webm">', None, "https://example.org/a.webm"),
        ("![](https://example.org/a.mp4)", None, "https://example.org/a.mp4"),
    ],
)
def test_covers_and_videos_are_distinguished(line: str, thumbnail: str | None, video: str | None) -> None:
    assert headings.parse_media(line) == (thumbnail, video)


@pytest.mark.parametrize(
    "line", ["[Code](https://example.org)", "text", "<div>", "![broken", "[a](javascript:x)"]
)
def test_other_lines_have_no_media(line: str) -> None:
    assert headings.parse_media(line) is None


def test_the_text_of_a_paper_is_cut_and_the_rest_is_named() -> None:
    sections = tuple(models.Section(f"{number}", "x" * 30_000) for number in range(3))
    draft = headings.PaperDraft(7, "2505.01234", "A title", "https://a.example", sections=sections)
    [entry], [problem] = headings.build_entries([draft])
    assert [len(section.body) for section in entry.sections] == [30_000, 10_000]
    assert problem == models.Problem(
        7, "a paper's text has at most 40000 characters; 50000 of 2505.01234 are left out"
    )


@given(st.text())
def test_any_value_can_be_parsed(value: str) -> None:
    headings.parse_labelled_field(value)
    headings.parse_votes(value)
    headings.parse_authors(value)
    headings.parse_media(value)


@pytest.mark.parametrize(
    "filler", ["\u3164" * 5, "\u2800", "\uffa0", "\ufe0f", "\u200c\u200d", "\u200b \U000e0041"]
)
def test_a_title_of_characters_without_a_glyph_is_not_a_title(filler: str) -> None:
    for heading in (f"### [{filler}](https://arxiv.org/abs/2505.00009)", f"### {filler} (2505.00009)"):
        [digest] = parse.parse_text(f"## Daily Papers (2026-01-01)\n\n{heading}\n\nVote: 3\n\nAuthors: A B\n")
        assert [entry.title for entry in digest.entries] == [None]
    assert fields.clean_line(filler) is None
    assert fields.clean_line(f"A{filler}") == f"A{filler}"
