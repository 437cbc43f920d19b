"""Cleaning and bounding text fields of services."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive import fields


@given(st.text(max_size=200), st.integers(64, 100))
def test_a_key_is_bounded_and_keeps_short_locations(location: str, max_length: int) -> None:
    key = fields.bounded_key(location, max_length)
    assert len(key) <= max_length
    assert (key == location) == (len(location) <= max_length)


def test_long_locations_with_the_same_beginning_have_different_keys() -> None:
    first, second = (fields.bounded_key("a" * 100 + end, 80) for end in "xy")
    assert first != second
    assert first[:16] == second[:16] == "a" * 16


@pytest.mark.parametrize(
    ("value", "line"),
    [("  a\n b\t", "a b"), ("a\x00b\ud800", "ab"), ("abcdefgh ijk", "abcdefgh…"), (" \n", None), (3, None)],
)
def test_a_line_is_cleaned_and_truncated(value: object, line: str | None) -> None:
    assert fields.clean_line(value, 10) == line


def test_paragraphs_are_separated_by_an_empty_line() -> None:
    assert fields.clean_paragraph("a\r\nb\r\n\r\n\r\nc\n\n \n") == "a b\n\nc"
    assert fields.clean_paragraph(None) is None


def test_names_keep_their_order_without_duplicates() -> None:
    assert fields.clean_names(["Kim", " Ada\n", "Kim", 3, ""]) == ("Kim", "Ada")
    assert fields.clean_names("Kim") == ()
    assert len(fields.clean_labels(map(str, range(99)))) == 50


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (" https://h.test/a ", "https://h.test/a"),
        ("ftp://h.test/", None),
        ("https://", None),
        ("https://[h/", None),
        ("https://h.test/" + "a" * 2_000, None),
        (None, None),
    ],
)
def test_only_web_addresses_are_urls(value: object, url: str | None) -> None:
    assert fields.clean_url(value) == url


@pytest.mark.parametrize(
    ("value", "votes"), [(0, 0), (7, 7), (True, None), (-1, None), ("7", None), (10**8, None)]
)
def test_invalid_vote_counts_are_unknown(value: object, votes: int | None) -> None:
    assert fields.clean_votes(value) == votes


@pytest.mark.parametrize(
    ("value", "day"), [("2025-05-06T17:00:00.000Z", date(2025, 5, 6)), ("soon", None), (None, None)]
)
def test_the_date_of_an_iso_time_is_read(value: object, day: date | None) -> None:
    assert fields.clean_date(value) == day
