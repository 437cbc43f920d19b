"""The fields of digests: dates in headings, labelled lines and single values."""

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields, languages
from storage import models


def test_cleans_valid_field_values_and_drops_others() -> None:
    for clean, cleaned in (
        (fields.clean_line, {"  a\n b\t": "a b", "a\x00b\ud800": "ab", "a" * 1_001: "a" * 999 + "…", " \n": None, 3: None}),
        (
            fields.clean_url,
            {" https://h.test/a ": "https://h.test/a", None: None}
            | dict.fromkeys(["ftp://h.test/", "https://", "https://[h/", "https://h.test/" + "a" * 2_000]),
        ),
        (fields.clean_votes, {0: 0, 7: 7, -1: None, "7": None, 10**8: None}),
        (fields.clean_date, {"2025-05-06T17:00:00.000Z": date(2025, 5, 6), "soon": None, None: None}),
    ):  # fmt: skip
        assert {value: clean(value) for value in cleaned} == cleaned, clean
        assert clean(True) is None, clean


def test_detects_the_language_of_summaries() -> None:
    for body, expected in (
        ("소형 언어 모델(Small Language Model; SLM)의 개발을 다룹니다.", "ko"),
        ("A small model with one Korean word, 모델, in a long English sentence.", "en"),
        ("", "en"),
        ("2026: 42 %", "en"),
    ):
        entry = models.Entry(1, "2601.00001", None, "", sections=(models.Section("What's New", body),))
        assert languages.detect_language([entry]).value == expected, body


def test_parses_votes_and_authors_with_any_label() -> None:
    rows = [
        *((line, ("votes", "47")) for line in ("Vote: 47", "**Votes:** 47", "- Upvotes : 47", "👍 **Vote**: 47")),
        *((line, ("authors", "A B")) for line in ("Authors: A B", "👥 **author**: A B", "저자: A B")),
        ("Vote:", ("votes", "")),
        *((line, None) for line in ("Voters: 3", "Vote early", "A line", "- ***Authors agree***: text", "")),
    ]  # fmt: skip
    assert [(line, fields.parse_labelled_field(line)) for line, _ in rows] == rows


def test_parses_votes_as_a_number_or_unknown() -> None:
    for values, votes in (
        (["0"], (0, True)),
        (["47", "47 votes", "47 👍", "**47**"], (47, True)),
        (["1,234,567"], (1234567, True)),
        (["-", "", "–", "N/A", "none", "?", "unknown"], (None, True)),
        (["abc", "1.2k", "12.5", "-3", "1,23", "12,34", "about 40", "9" * 12, "²"], (None, False)),
    ):
        assert {value: fields.parse_votes(value) for value in values} == dict.fromkeys(values, votes), values


def test_parses_authors_in_every_notation() -> None:
    for values, names, truncated in (
        (["A B, C D", "A B; C D", "A B,, C D,", "A B, and C D", "['A B', 'C D']", "[A B, C D]"], ("A B", "C D"), False),
        (["A B, C D and E F", "A B; C D & E F", "A B, C D 그리고 E F", "A B · C D · E F"], ("A B", "C D", "E F"), False),
        (["", "-", "[]", "unknown"], (), False),
        (
            [
                *("A B, C D, +", "A B, +, C D", "A B, C D, ...", "A B, C D, …", "A B, C D, et al.", "A B, C D et al."),
                *("A B, C D, +12 authors", "A B, C D and 12 others", "A B, C D, and 3 more", "A B, C D 외 5명"),
                *("['A B', 'C D', ...]", "['A B', 'C D'] +"),
            ],
            ("A B", "C D"),
            True,
        ),
        (["A B, Model 4 (Team)"], ("A B", "Model 4 (Team)"), False),
        (["Alice al, aespa crew, others unknown"], ("Alice al", "aespa crew", "others unknown"), False),
        (["""['A B', "C O'D", 'E "F" G']"""], ("A B", "C O'D", 'E "F" G'), False),
        ([r"""['A \'x\' "B"', 'C\xa0D']"""], ("A 'x' \"B\"", "C\u00a0D"), False),
        (['["A B", "C D, Jr.", "null", "E+"]'], ("A B", "C D, Jr.", "null", "E+"), False),
    ):  # fmt: skip
        found = {value: fields.parse_authors(value) for value in values}
        assert found == dict.fromkeys(values, (names, truncated))


def test_drops_titles_without_visible_characters() -> None:
    for filler in ("\u3164" * 5, "\u2800", "\ufe0f", "\u200b \U000e0041"):
        for heading in (f"[{filler}](https://arxiv.org/abs/2505.00009)", f"2505.00009 {filler}"):
            assert fields.parse_paper_heading(heading) == fields.PaperHeading(
                "2505.00009", None, "https://arxiv.org/abs/2505.00009" if "[" in heading else None
            ), filler
        assert fields.clean_line(filler) is None, filler
        assert (fields.clean_line(f"A{filler}") or "").startswith("A"), filler


@given(st.lists(st.sampled_from([r"\ud83d", r"\uDE00", r"\\", r"\"", r"\u00e9", "ud83d", "가"]), max_size=12))
def test_json_keeps_emoji_but_drops_lone_surrogates(pieces: list[str]) -> None:
    value = fields.decode_json(f'{{"a": ["{"".join(pieces)}"]}}')
    kept = (char for char in json.loads(f'"{"".join(pieces)}"') if not "\ud800" <= char <= "\udfff")
    assert value == {"a": ["".join(kept)]}
