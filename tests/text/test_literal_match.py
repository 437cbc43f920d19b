"""Literal matches of keywords: at word boundaries in Latin, anywhere in Korean."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given

from bot.text import analyser, keywords
from tests.support import keyword_strategies


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        ("gan", "Organs of a GAN", True),
        ("gan", "An organ", False),
        ("a a", "ba a a", True),
        ("language models", "language model", False),
        ("language model", "Language \n model", True),
        ("c++", "In C++", True),
        ("c", "In C++", True),
        ("LLM 추론", "llm  추론의", True),
        ("LLM 추론", "LLM추론", False),
        ("LLM 추론", "VLLM 추론, LLM 추론", True),
        ("LLM 추론", "VLLM 추론", False),
        ("추론 LLM", "추론 LLMs", False),
        ("강화학습", "강화\t학습", True),
        ("강화 학습", "강화학습", True),
        ("지도", "이미지 도메인", False),
        ("합니다", "제안합니다", True),
        ("***", "***", False),
        ("", "text", False),
        ("text", "", False),
    ],
)
def test_a_keyword_is_matched_literally(keyword: str, text: str, expected: bool) -> None:
    assert keywords.contains_keyword(keyword, keywords.FoldedText(text)) is expected


@example("\u3097", "")  # unassigned, between the Kana letters
@example("・", "가")
@given(keyword_strategies.TEXTS, keyword_strategies.TEXTS)
def test_a_keyword_with_letters_matches_between_spaces(keyword: str, around: str) -> None:
    has_letters = re.search(r"[^\W_]", analyser.fold(keyword)) is not None
    text = f"{around} {keyword.strip()} {around}"
    assert keywords.contains_keyword(keyword, keywords.FoldedText(text)) is has_letters
