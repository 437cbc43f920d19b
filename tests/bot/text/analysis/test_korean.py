"""Hangul by the keys that are typed for it, and particles behind a noun."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import korean

TYPED_IN_ORDER = ("ㅁ", "모", "몯", "모데", "모델", "모델ㅈ", "모델저", "모델적", "모델적ㅇ", "모델적요")
SYLLABLES = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=20)


def test_each_state_of_typing_begins_the_next() -> None:
    keys = [korean.keystrokes(text) for text in TYPED_IN_ORDER]
    for shorter, longer in itertools.pairwise(keys):
        assert longer.startswith(shorter)
    assert korean.keystrokes("꽃값") == "ㄲㅗㅊㄱㅏㅂㅅ"
    assert korean.keystrokes("과학 LLM") == "ㄱㅗㅏㅎㅏㄱ LLM"


@given(SYLLABLES, SYLLABLES)
def test_a_text_begins_with_whatever_it_was_written_on_from(text: str, more: str) -> None:
    assert korean.keystrokes(text + more).startswith(korean.keystrokes(text))


@given(SYLLABLES)
def test_composed_and_decomposed_hangul_is_typed_alike(text: str) -> None:
    assert korean.keystrokes(unicodedata.normalize("NFD", text)) == korean.keystrokes(text)


@given(st.text())
def test_any_text_has_keystrokes_and_without_hangul_they_are_itself(text: str) -> None:
    typed = korean.keystrokes(text)
    assert korean.keystrokes(typed) == typed
    if text.isascii():
        assert typed == text


def test_a_syllable_is_closed_by_a_consonant() -> None:
    assert [letter for letter in ("강", "가", "ㄱ", "a", "", "힣") if korean.has_final_consonant(letter)] == [
        "강",
        "힣",
    ]


@pytest.mark.parametrize("ending", ["을", "의", "에서", "으로"])
def test_particles_are_known(ending: str) -> None:
    assert korean.is_particle(ending)


@pytest.mark.parametrize("ending", ["", "용", "모델", "기반"])
def test_nouns_are_no_particles(ending: str) -> None:
    assert not korean.is_particle(ending)
