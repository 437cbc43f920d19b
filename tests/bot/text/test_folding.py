"""Folding of case, diacritics and compatibility forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import folding


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folding.fold(folding.fold(text)) == folding.fold(text)
    assert folding.fold_name(folding.fold_name(text)) == folding.fold_name(text)


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
    assert folding.fold(text) == folded


def test_names_lose_punctuation_but_not_their_order() -> None:
    assert folding.fold_name("Hoàng-Anh  O’Neil, Jr.") == "hoang anh oneil jr"
    assert folding.fold_name("Mu\u0308ller") == "muller"


def test_umlauts_can_be_written_out() -> None:
    assert folding.fold_name_german("Jörg Mu\u0308ller") == "joerg mueller"
