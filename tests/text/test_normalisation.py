"""Folding of case, diacritics and compatibility forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser


@given(st.text(max_size=200))
def test_folding_is_idempotent(text: str) -> None:
    assert analyser.fold(analyser.fold(text)) == analyser.fold(text)
    assert analyser.fold_name(analyser.fold_name(text)) == analyser.fold_name(text)


@given(st.text("aB ~1\0\x7f가힣각", max_size=20))
def test_korean_and_ascii_text_folds_as_it_does_within_other_text(text: str) -> None:
    assert analyser.fold(f"{text} ŁÓDŹ") == f"{analyser.fold(text)} lodz"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("ŁÓDŹ", "lodz"),
        ("Straße", "strasse"),
        ("ｶﾞ", "ガ"),
        ("강화", "강화"),
        ("Ångström", "angstrom"),
    ],
)
def test_folding_removes_case_and_diacritics(text: str, folded: str) -> None:
    assert analyser.fold(text) == folded


def test_folding_a_name_removes_punctuation_and_keeps_the_order() -> None:
    assert analyser.fold_name("Hoàng-Anh  O’Neil, Jr.") == "hoang anh oneil jr"
    assert analyser.fold_name("Mu\u0308ller") == "muller"


def test_german_folding_writes_umlauts_out() -> None:
    assert analyser.fold_name_german("Jörg Mu\u0308ller") == "joerg mueller"
