"""The table of lay words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import questions


@pytest.mark.parametrize(
    ("words", "term"),
    [
        ("lies", "hallucination"),
        ("Lying", "hallucination"),
        ("옷", "garment"),
        ("옷을", "garment"),
        ("사진으로", "image"),
        ("같은 인물이", "personalization"),
        ("손글씨가", "OCR"),
        ("without labels", "unsupervised"),
        ("잊어버리는", "unlearning"),
        ("코드를 고쳐주는", "program repair"),
        ("코드 고치기", "program repair"),
    ],
)
def test_a_lay_word_is_found_in_any_form(words: str, term: str) -> None:
    assert term in questions.find_terms(words)


@pytest.mark.parametrize("words", ["diffusion", "환각", "", "🤖", "without"])
def test_other_words_are_none(words: str) -> None:
    assert questions.find_terms(words) == ()


@given(st.text(max_size=40))
def test_any_text_can_be_looked_up(text: str) -> None:
    assert isinstance(questions.find_terms(text), tuple)
