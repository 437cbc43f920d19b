"""Folding of case, diacritics and compatibility forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import normalisation


@given(st.text(max_size=200))
def test_folding_is_idempotent(text: str) -> None:
    assert normalisation.fold(normalisation.fold(text)) == normalisation.fold(text)
    assert normalisation.fold_name(normalisation.fold_name(text)) == normalisation.fold_name(text)


@given(st.text("aB ~1\0\x7f가힣각", max_size=20))
def test_korean_and_ascii_text_folds_as_it_does_within_other_text(text: str) -> None:
    assert normalisation.fold(f"{text} ŁÓDŹ") == f"{normalisation.fold(text)} lodz"


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
    assert normalisation.fold(text) == folded


def test_folding_a_name_removes_punctuation_and_keeps_the_order() -> None:
    assert normalisation.fold_name("Hoàng-Anh  O’Neil, Jr.") == "hoang anh oneil jr"
    assert normalisation.fold_name("Mu\u0308ller") == "muller"


def test_german_folding_writes_umlauts_out() -> None:
    assert normalisation.fold_name_german("Jörg Mu\u0308ller") == "joerg mueller"
