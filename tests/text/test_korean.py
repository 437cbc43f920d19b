"""Keystrokes of Hangul, final consonants, particles and segmentation."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser

TYPED_IN_ORDER = ("ㅁ", "모", "몯", "모데", "모델", "모델ㅈ", "모델저", "모델적", "모델적ㅇ", "모델적요")
SYLLABLES = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=20)


def test_each_typing_state_is_a_prefix_of_the_next() -> None:
    keys = [analyser.keystrokes(text) for text in TYPED_IN_ORDER]
    for shorter, longer in itertools.pairwise(keys):
        assert longer.startswith(shorter)
    assert analyser.keystrokes("꽃값") == "ㄲㅗㅊㄱㅏㅂㅅ"
    assert analyser.keystrokes("과학 LLM") == "ㄱㅗㅏㅎㅏㄱ LLM"


@given(SYLLABLES, SYLLABLES)
def test_keystrokes_of_a_prefix_are_a_prefix(text: str, suffix: str) -> None:
    assert analyser.keystrokes(text + suffix).startswith(analyser.keystrokes(text))


@given(SYLLABLES)
def test_composed_and_decomposed_hangul_have_equal_keystrokes(text: str) -> None:
    assert analyser.keystrokes(unicodedata.normalize("NFD", text)) == analyser.keystrokes(text)


@given(st.text())
def test_keystrokes_are_idempotent_and_keep_ascii_text(text: str) -> None:
    keys = analyser.keystrokes(text)
    assert analyser.keystrokes(keys) == keys
    if text.isascii():
        assert keys == text


def test_final_consonants_are_detected() -> None:
    assert [
        letter for letter in ("강", "가", "ㄱ", "a", "", "힣") if analyser.has_final_consonant(letter)
    ] == ["강", "힣"]


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
def test_a_syllable_is_composed_of_its_letters(syllable: str) -> None:
    first, vowel, last = analyser.split_syllable(syllable)
    letters = chr(0x1100 + first) + chr(0x1161 + vowel) + (chr(0x11A7 + last) if last else "")
    assert unicodedata.normalize("NFC", letters) == syllable


def test_only_terms_in_hangul_lose_their_endings() -> None:
    assert [analyser.strip_term(term) for term in ("추론은", "LLM은", "추론")] == ["추론", "LLM은", "추론"]


@pytest.mark.parametrize("ending", ["을", "의", "에서", "으로"])
def test_particles_are_recognised(ending: str) -> None:
    assert analyser.is_particle(ending)


@pytest.mark.parametrize("ending", ["", "용", "모델", "기반"])
def test_nouns_are_not_particles(ending: str) -> None:
    assert not analyser.is_particle(ending)


@pytest.mark.parametrize(
    ("word", "max_length", "pieces"),
    [
        ("언어모델추론", 4, ["언어모델", "추론"]),
        ("언어모델추론", 2, ["언어", "모델", "추론"]),
        ("언어모델", 4, ["언어모델"]),
        ("언어추", 4, None),
        ("", 4, []),
    ],
)
def test_a_word_is_cut_into_the_fewest_known_pieces(
    word: str, max_length: int, pieces: list[str] | None
) -> None:
    known = {"언어", "모델", "언어모델", "추론"}
    assert analyser.fewest_pieces(word, known.__contains__, max_length) == pieces
