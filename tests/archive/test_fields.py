"""The single fields of digests and services: cleaned, bounded, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields
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
    assert fields.clean_names(["Kim", " Ada\n", "Kim", 3, ""]) == ("Kim", "Ada", "Kim")
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
    ("comment", "venue"),
    [
        ("Accepted at NeurIPS 2025", "NeurIPS 2025"),
        ("15 pages, 4 figures. Accepted to ICML 2025 (Spotlight)", "ICML 2025"),
        ("To appear in CVPR 2025. Project page: https://a.example/", "CVPR 2025"),
        ("CVPR2025", "CVPR 2025"),
        ("CVPR'25 Highlight", "CVPR 2025"),
        ("AAAI-26, 9 pages", "AAAI 2026"),
        ("ICLR 2025 Oral; code at https://github.com/a/b", "ICLR 2025"),
        ("Published as a conference paper at ICLR 2025", "ICLR 2025"),
        ("Accepted by IEEE TPAMI", "TPAMI"),
        ("neurips 2024 Datasets and Benchmarks Track", "NeurIPS 2024"),
        ("Camera-ready version, ACL 2025 Main", "ACL 2025"),
        ("Findings of EMNLP 2025", "Findings of EMNLP 2025"),
        ("Accepted to EMNLP 2025 (Findings)", "Findings of EMNLP 2025"),
        ("Accepted at the ICML 2025 Workshop on Long Context", "ICML 2025 workshop"),
        ("SIGGRAPH Asia 2025 (journal track)", "SIGGRAPH Asia 2025"),
        ("Accepted to Transactions on Machine Learning Research (TMLR)", "TMLR"),
        ("Accepted to Nature Communications", "Nature Communications"),
        (
            "Accepted for publication in IEEE Robotics and Automation Letters, 8 pages",
            "IEEE Robotics and Automation Letters",
        ),
        ("Published in Neural Networks; 12 pages", "Neural Networks"),
        ("Submitted to ICLR 2026", None),
        ("Under review at NeurIPS 2025", None),
        ("Under review. 10 pages", None),
        ("Preprint, 20 pages, 3 figures", None),
        ("Code is published at https://github.com/a/b", None),
        ("Fixes a bug. Extended version of our ICML 2024 paper", None),
        ("Uses the WWW and an ASE library", None),
        ("24 pages, v2.1 of the report", None),
        ("A miracle, oracles and obstacles", None),
        ("", None),
        (None, None),
    ],
)
def test_a_venue_is_found_in_the_forms_that_authors_write(comment: str | None, venue: str | None) -> None:
    assert fields.find_venue(comment) == venue


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("This paper has been withdrawn by the author due to a crucial error in equation 1", True),
        ("Withdrawn. The proof of Lemma 2 is wrong", True),
        ("The paper is withdrawn because of an authorship dispute", True),
        ("This submission was retracted", True),
        ("Withdrawn from ICLR 2025, now 12 pages", False),
        ("12 pages; money is withdrawn in the experiments", False),
        (None, False),
    ],
)
def test_a_withdrawal_is_found(comment: str | None, withdrawn: bool) -> None:
    assert fields.says_withdrawn(comment) is withdrawn


@given(st.text(max_size=300))
def test_no_comment_raises(comment: str) -> None:
    venue = fields.find_venue(comment)
    assert venue is None or 0 < len(venue) <= 90
    fields.says_withdrawn(comment)
