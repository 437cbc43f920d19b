"""Correction of typing errors by a vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import questions

_WORDS = {
    "diffusion": 9,
    "Decoding": 3,
    "decodings": 1,
    "모델": 50,
    "모듈": 1,
    "멀티모달": 4,
    "환각": 3,
    "mode": 2,
}
_VOCABULARY = questions.Vocabulary(
    [*_WORDS.items(), ("model", 40), ("causal", 5), ("casual", 4), ("LoRA2", 3)]
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("difusion", "diffusion"),
        ("diffuison", "diffusion"),
        ("decodng", "decoding"),
        ("modle", "model"),
        ("모댈", "모델"),
        ("멀티모덜", "멀티모달"),
        ("환긱", "환각"),
    ],
)
def test_a_word_that_one_known_word_is_near_is_corrected(typed: str, meant: str) -> None:
    assert _VOCABULARY.correct(typed) == meant


@pytest.mark.parametrize(
    "typed", ["diffusion", "모델", "casaul2", "lora3", "quaternion", "모", "", "cassal", "-----"]
)
def test_known_unlike_short_and_ambiguous_words_stay(typed: str) -> None:
    assert _VOCABULARY.correct(typed) is None


@given(st.text(max_size=60))
def test_any_word_is_corrected_to_a_known_one_or_not_at_all(word: str) -> None:
    meant = _VOCABULARY.correct(word)
    assert meant is None or meant.casefold() in {
        known.casefold() for known in [*_WORDS, "model", "causal", "casual"]
    }
