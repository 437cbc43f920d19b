"""Which words of a query carry its topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import questions


def _topic(query: str) -> str:
    words = query.split()
    return " ".join(
        word for word, is_topic in zip(words, questions.topic_mask(words), strict=True) if is_topic
    )


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("how to train a large language model", "train large language model"),
        ("papers about diffusion", "diffusion"),
        ("recent papers on the diffusion", "diffusion"),
        ("diffusion AND video", "diffusion video"),
        ("is there a paper that improves speech recognition?", "speech recognition?"),
        ("state of the art text-to-video", "text-to-video"),
        ("SOTA speech recognition", "SOTA speech recognition"),
        ("what is SOTA in speech recognition", "speech recognition"),
        ("search for papers on tree search", "tree search"),
        ("how do people evaluate agents", "evaluate agents"),
        ("which papers compare LoRA and QLoRA", "LoRA QLoRA"),
        ("확산 모델에 대한 논문", "확산 모델에"),
        ("추론에 관한 연구", "추론에"),
        ("강화학습 논문을", "강화학습"),
        ("최신 비디오 생성 논문 찾아줘", "비디오 생성"),
        ("LLM을 이용한 코드 생성", "LLM을 코드 생성"),
        ("환각을 줄이는 방법을 알려주세요", "환각을"),
        ("음성 합성 논문 중에 제일 좋은 거 추천해줘", "음성 합성"),
        ("요즘 에이전트는 어떻게 평가하나요?", "에이전트는 평가하나요?"),
        ("양자화가 뭐야?", "양자화가"),
        ("추론을 더 잘하게 하는 방법은", "추론을"),
        ("추론이 더 낫게 하려면", "추론이"),
        ("번역을 잘하는 모델", "번역을 모델"),
        ("RAG 논문 추천", "RAG"),
        ("웹을 돌아다니는 연구 있나요", "웹을 돌아다니는"),
    ],
)
def test_filler_carries_no_topic(query: str, topic: str) -> None:
    assert _topic(query) == topic


@pytest.mark.parametrize(
    "query",
    [
        "과학 연구",
        "deep research",
        "연구 에이전트",
        "뉴스 추천",
        "tree search",
        "줄기세포",
        "광학 흐름",
        "reduce",
        "왜곡",
        "높이 추정",
        "computer use",
    ],
)
def test_words_that_may_be_a_topic_are_kept(query: str) -> None:
    assert _topic(query) == query


@pytest.mark.parametrize(
    "query", ["the of", "논문", "how to", "논문 연구", "?!", "뭐야", "추천해줘", "더 잘하게"]
)
def test_a_query_of_filler_alone_keeps_it_all(query: str) -> None:
    assert _topic(query) == query


def test_words_of_a_known_term_are_kept() -> None:
    words = ["what", "is", "mixture", "of", "experts"]
    assert questions.topic_mask(words, [False, False, True, True, True]) == [False, False, True, True, True]


@given(st.lists(st.text(max_size=12) | st.text("가는을하있나요주줘만드이논문 ", max_size=20), max_size=24))
def test_every_word_is_classified_and_at_least_one_is_kept(words: list[str]) -> None:
    mask = questions.topic_mask(words)
    assert len(mask) == len(words)
    assert any(mask) or not words
