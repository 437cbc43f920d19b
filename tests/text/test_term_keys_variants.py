"""Term frequencies over all variants of a term."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser, term_keys

WORDS = st.sampled_from(
    ["강화", "학습", "강화학습", "대규모", "언어모델", "pre-training", "GPT-4o", "LLM", "a", "을"]
)
PHRASES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)


def count(form: str, text: str) -> float:
    in_title, in_body = term_keys.compile_term(form).count(
        term_keys.Document("", analyser.canonicalise(text))
    )
    assert (in_body, in_title) == term_keys.compile_term(form).count(
        term_keys.Document(analyser.canonicalise(text), "")
    )
    assert in_title == 0
    return in_body


@pytest.mark.parametrize(
    ("form", "text", "times"),
    [
        ("강화 학습", "강화학습과 강화 학습은 같다", 2),
        ("강화학습", "강화 학습을 쓴다", 1),
        ("화학", "강화학습", term_keys.SUBSTRING_WEIGHT),
        ("지도", "이미지 도메인", 0),
        ("의학", "LLM의 학습과 의학", 1),
        ("긴 글", "긴 글과 긴글", 2),
        ("large language model", "Large-Language Models", 1),
        ("fine-tuning", "fine tuning, finetuned", 1),
        ("fine-tuning", "fine-tuned and fine-tuning", 2),
        ("GPT-4o", "gpt4o", 1),
        ("gpt4o", "GPT-4o mini", 1),
        ("3D 가우시안 스플래팅", "3D 가우시안스플래팅", 1),
        ("LLM 판정", "LLM판정을 쓴다", 1),
        ("LLM 판정", "MLLM 판정", 0),
        ("RAG", "fragment", 0),
        ("사고의 연쇄", "사고의 연쇄를", 1),
        ("이미지 생성", "이미지를 생성한다", 0),
        ("이미지 생성", "텍스트, 이미지 생성을", 1),
        ("텍스트 이미지", "텍스트, 이미지", 0),
        ("추론을", "추론은", 1),
        ("C++", "C++ code", 1),
        ("***", "text", 0),
    ],
)
def test_all_variants_of_a_term_are_counted(form: str, text: str, times: float) -> None:
    assert count(form, text) == pytest.approx(times)


@given(PHRASES, PHRASES, PHRASES)
def test_title_and_body_are_counted_separately(form: str, title: str, body: str) -> None:
    counts = term_keys.compile_term(form).count(
        term_keys.Document(analyser.canonicalise(title), analyser.canonicalise(body))
    )
    assert counts == (count(form, title), count(form, body))


@given(st.text(max_size=100))
def test_any_text_is_a_valid_term(text: str) -> None:
    term = term_keys.compile_term(text)
    counts = term.count(term_keys.Document("", analyser.canonicalise(text)))
    assert counts == (0, 0) or term._korean_variants or term._latin_variants
