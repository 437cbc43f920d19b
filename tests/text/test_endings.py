"""Words of a query without particles and verb endings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import questions

_KNOWN_LIST = "로봇 모델 전문가 전문 학습 생성 이미지 확산모델 경로 LLM RAG 텍스트 원자 K평균 효율 에이전트"
_KNOWN = frozenset(_KNOWN_LIST.split())


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("LLM의", "LLM"),
        ("LoRA로", "LoRA"),
        ("GPT-4에서", "GPT-4"),
        ("RAG를", "RAG"),
        ("CLIP이란", "CLIP"),
        ("LLM에서의", "LLM"),
        ("LLM들은", "LLM"),
        ("C++로", "C++"),
        ("RAG기반", "RAG 기반"),
        ("K평균", "K평균"),
        ("3차원", "3차원"),
        ("로봇이", "로봇"),
        ("모델로", "모델"),
        ("에이전트가", "에이전트"),
        ("텍스트로", "텍스트"),
        ("학습시키나요", "학습"),
        ("생성할", "생성"),
        ("효율적인", "효율"),
        ("전문가", "전문가"),
        ("평가", "평가"),
        ("모르는이", "모르는이"),
    ],
)
def test_an_ending_is_stripped_where_a_known_word_remains(word: str, stem: str) -> None:
    assert questions.strip_query_word(word, _KNOWN.__contains__) == stem


def test_a_particle_must_agree_with_the_final_consonant() -> None:
    known = frozenset(("전문", "로봇", "모델", "확산")).__contains__
    assert questions.strip_query_word("전문가", known) == "전문가"
    assert questions.strip_query_word("로봇로", known) == "로봇로"
    assert questions.strip_query_word("모델로", known) == "모델"
    assert questions.strip_query_word("확산과", known) == "확산"


@given(st.text("가각로이를의에서LRa4-+) \n", max_size=100) | st.text(max_size=100))
def test_any_word_keeps_its_beginning(word: str) -> None:
    stem = questions.strip_query_word(word, lambda _: True)
    assert word.startswith(stem.partition(" ")[0])
    assert bool(stem) == bool(word)
