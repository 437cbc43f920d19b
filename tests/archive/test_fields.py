"""What digests are made of: dates in headings, labelled lines, and single fields, cleaned and bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields, parse
from storage import models


@given(st.text(max_size=200), st.integers(64, 100))
def test_a_key_is_bounded_and_keeps_short_locations(location: str, max_length: int) -> None:
    key = fields.bounded_key(location, max_length)
    assert len(key) <= max_length
    assert (key == location) == (len(location) <= max_length)


def test_long_locations_with_the_same_beginning_have_different_keys() -> None:
    first, second = (fields.bounded_key("a" * 100 + end, 80) for end in "xy")
    assert first != second
    assert first[:16] == second[:16] == "a" * 16


def test_paragraphs_are_separated_by_an_empty_line() -> None:
    assert fields.clean_paragraph("a\r\nb\r\n\r\n\r\nc\n\n \n") == "a b\n\nc"
    assert fields.clean_paragraph(None) is None


def test_names_keep_their_order_without_duplicates() -> None:
    assert fields.clean_names(["Kim", "*", " Ada\n", "Kim", 3, "", "…"]) == ("Kim", "Ada", "Kim")
    assert fields.clean_names("Kim") == ()
    assert len(fields.clean_labels(map(str, range(99)))) == 50


@pytest.mark.parametrize(
    ("clean", "value", "cleaned"),
    [
        (fields.clean_line, "  a\n b\t", "a b"),
        (fields.clean_line, "a\x00b\ud800", "ab"),
        (fields.clean_line, "a" * 1_001, "a" * 999 + "…"),
        (fields.clean_line, " \n", None),
        (fields.clean_line, 3, None),
        (fields.clean_url, " https://h.test/a ", "https://h.test/a"),
        (fields.clean_url, "ftp://h.test/", None),
        (fields.clean_url, "https://", None),
        (fields.clean_url, "https://[h/", None),
        (fields.clean_url, "https://h.test/" + "a" * 2_000, None),
        (fields.clean_url, None, None),
        (fields.clean_votes, 0, 0),
        (fields.clean_votes, 7, 7),
        (fields.clean_votes, True, None),
        (fields.clean_votes, -1, None),
        (fields.clean_votes, "7", None),
        (fields.clean_votes, 10**8, None),
        (fields.clean_date, "2025-05-06T17:00:00.000Z", date(2025, 5, 6)),
        (fields.clean_date, "soon", None),
        (fields.clean_date, None, None),
    ],
)
def test_a_value_is_cleaned_or_unknown(
    clean: Callable[[object], object], value: object, cleaned: object
) -> None:
    assert clean(value) == cleaned


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("소형 언어 모델(Small Language Model; SLM)의 개발을 다룹니다.", "ko"),
        ("A small model with one Korean word, 모델, in a long English sentence.", "en"),
        ("", "en"),
        ("2026: 42 %", "en"),
    ],
)
def test_the_language_is_that_of_the_summaries_letters(body: str, expected: str) -> None:
    entry = models.Entry(1, "2601.00001", None, "", sections=(models.Section("What's New", body),))
    assert fields.detect_language([entry]).value == expected


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
        "Daily Papers: 27 May 2025",
        "Daily Papers (2025-05-27, Tue; 2025-05-27)",
    ],
)
def test_an_unambiguous_date_is_parsed(heading: str) -> None:
    assert fields.parse_date(heading) == (date(2025, 5, 27), "")


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Daily Papers", None),
        ("Daily Papers 05/06/2025", None),
        ("Papers of 2025-05", None),
        ("9.2025-05-27", None),
        ("Daily Papers (2025-02-30)", (None, "the date 2025-02-30 does not exist")),
        ("2025-05-26 ~ 2025-05-27", (None, "the heading has more than one date")),
    ],
)
def test_an_ambiguous_or_impossible_date_is_not_guessed(
    heading: str, expected: tuple[None, str] | None
) -> None:
    assert fields.parse_date(heading) == expected


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
        ("Voters: 3", None),
        ("Vote early", None),
        ("👍 well done", None),
        ("🔗 https://example.org", None),
        ("A line", None),
        ("- ***Authors agree***: text", None),
        ("", None),
    ],
)
def test_a_labelled_line_is_parsed_in_every_spelling(line: str, expected: tuple[str, str] | None) -> None:
    assert fields.parse_labelled_field(line) == expected


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
    assert {value: fields.parse_votes(value) for value in values} == dict.fromkeys(values, votes)


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
        ("['A B', 'C D+']", ("A B", "C D+"), False),
        ('["null"]', ("null",), False),
        ("[A B, C D]", ("A B", "C D"), False),
        ("[A B, C D +]", ("A B", "C D"), True),
        ("[A B, C D+]", ("A B", "C D"), True),
        ("[]", (), False),
    ],
)
def test_authors_are_parsed_in_every_spelling(value: str, names: tuple[str, ...], truncated: bool) -> None:
    assert fields.parse_authors(value) == (names, truncated)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1), min_size=1))
def test_a_python_list_of_names_round_trips(names: list[str]) -> None:
    expected = tuple(re.sub("[\n\r\t]", " ", name).strip() for name in names)
    read, _ = fields.parse_authors(repr([*names, "Last Author"]))
    assert set(read) - {"Last Author"} <= set(expected)


PICTURE, VIDEO = ("https://example.org/a.png", None), (None, "https://example.org/a.mp4")


@pytest.mark.parametrize(
    ("line", "media"),
    [
        ("![](https://example.org/a.png)", PICTURE),
        ("![cover [1]](https://example.org/a.png)", PICTURE),
        ("[![](https://example.org/a.png)](https://example.org)", PICTURE),
        ('<img src="https://example.org/a.png" width="400">', PICTURE),
        ("[Watch Video](https://example.org/a.mp4)", VIDEO),
        ("[영상 보기](https://example.org/a)", (None, "https://example.org/a")),
        ('<video controls src="https://example.org/a.mp4"></video>', VIDEO),
        ("<div><video src='https://example.org/a.mp4' muted></video></div>", VIDEO),
        ('<source src="https://example.org/a.mp4" type="video/mp4">', VIDEO),
        ("![](https://example.org/a.mp4)", VIDEO),
        ("[Code](https://example.org)", None),
        ("text", None),
        ("<div>", None),
        ("![broken", None),
        ("[a](javascript:x)", None),
    ],
)
def test_covers_and_videos_are_distinguished(line: str, media: tuple[str | None, str | None] | None) -> None:
    assert fields.parse_media(line) == media


@pytest.mark.parametrize(
    "filler", ["\u3164" * 5, "\u2800", "\uffa0", "\ufe0f", "\u200c\u200d", "\u200b \U000e0041"]
)
def test_a_title_of_characters_without_a_glyph_is_not_a_title(filler: str) -> None:
    for heading in (f"### [{filler}](https://arxiv.org/abs/2505.00009)", f"### {filler} (2505.00009)"):
        [digest] = parse.parse_text(f"## Daily Papers (2026-01-01)\n\n{heading}\n\nVote: 3\n\nAuthors: A B\n")
        assert [entry.title for entry in digest.entries] == [None]
    assert fields.clean_line(filler) is None
    assert fields.clean_line(f"A{filler}") == f"A{filler}"


@given(st.lists(st.sampled_from([r"\ud83d", r"\uDE00", r"\\", r"\"", r"\u00e9", "ud83d", "가"]), max_size=12))
def test_a_json_text_keeps_its_emoji_and_no_half_of_one(pieces: list[str]) -> None:
    value = fields.decode_json(f'{{"a": ["{"".join(pieces)}"]}}')
    kept = (char for char in json.loads(f'"{"".join(pieces)}"') if not "\ud800" <= char <= "\udfff")
    assert value == {"a": ["".join(kept)]}


def test_a_json_text_with_emoji_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = mock.Mock(wraps=json.loads)
    monkeypatch.setattr(json, "loads", loads)
    assert fields.decode_json(json.dumps("A kite 🪁😀")) == "A kite 🪁😀"
    assert loads.call_count == 1
