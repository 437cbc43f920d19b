"""Matching of author names."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts import matcher
from bot.text import analyser
from tests.support.alert_harness import AUTHOR


@given(
    st.sampled_from(["Jürgen Müller-Lüdenscheid", "Kim Min-jun", "Søren Ågård", "王 小明", "O'Neil, Ann"]),
    st.randoms(),
)
def test_all_spellings_of_a_name_share_one_alert_term(name: str, rng: random.Random) -> None:
    words = name.replace(",", "").split()
    rng.shuffle(words)
    typed = " ".join(words)
    for change in (
        str.upper,
        analyser.fold_name,
        analyser.fold_name_german,
        lambda text: text.replace("-", ""),
    ):
        spelling = change(typed)
        assert matcher.name_variants(spelling) & matcher.name_variants(name)
        terms = matcher.author_alert_terms(name)
        assert matcher.text_alert_terms(AUTHOR, spelling) <= terms


@pytest.mark.parametrize(
    ("followed", "author"),
    [
        ("박건우", "Gunwoo Park"),
        ("박건우", "Geon-Woo Pak"),
        ("Gunwoo Park", "박건우"),
        ("유세진", "Sejin Ryu"),
    ],
)
def test_a_hangul_name_and_its_spellings_trigger_each_others_alerts(followed: str, author: str) -> None:
    terms = matcher.author_alert_terms(author)
    assert matcher.text_alert_terms(AUTHOR, followed) <= terms
