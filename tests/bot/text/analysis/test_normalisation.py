"""Folding of case, diacritics and compatibility forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import normalisation


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert normalisation.fold(normalisation.fold(text)) == normalisation.fold(text)
    assert normalisation.fold_name(normalisation.fold_name(text)) == normalisation.fold_name(text)


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
def test_case_and_diacritics_fall_away(text: str, folded: str) -> None:
    assert normalisation.fold(text) == folded


def test_names_lose_punctuation_but_not_their_order() -> None:
    assert normalisation.fold_name("Hoàng-Anh  O’Neil, Jr.") == "hoang anh oneil jr"
    assert normalisation.fold_name("Mu\u0308ller") == "muller"


def test_umlauts_can_be_written_out() -> None:
    assert normalisation.fold_name_german("Jörg Mu\u0308ller") == "joerg mueller"
