"""Which words of a query carry its topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import stopwords


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("how to train a large language model", "train large language model"),
        ("papers about diffusion", "diffusion"),
        ("recent papers on the diffusion", "diffusion"),
        ("diffusion AND video", "diffusion video"),
        ("확산 모델에 대한 논문", "확산 모델에"),
        ("추론에 관한 연구", "추론에"),
        ("강화학습 논문을", "강화학습"),
        ("최신 비디오 생성 논문 찾아줘", "비디오 생성"),
        ("LLM을 이용한 코드 생성", "LLM을 코드 생성"),
    ],
)
def test_stop_words_carry_no_topic(query: str, topic: str) -> None:
    words = query.split()
    mask = stopwords.topic_mask(words)
    assert [word for word, is_topic in zip(words, mask, strict=True) if is_topic] == topic.split()


@pytest.mark.parametrize(
    "query", ["과학 연구", "deep research", "연구 에이전트", "paper review", "not all tokens"]
)
def test_words_that_may_be_a_topic_are_kept(query: str) -> None:
    words = query.split()
    expected = [word not in {"paper"} for word in words]
    assert stopwords.topic_mask(words) == expected


@pytest.mark.parametrize("query", ["the of", "논문", "how to", "논문 연구", "?!"])
def test_a_query_of_stop_words_alone_keeps_them_all(query: str) -> None:
    assert all(stopwords.topic_mask(query.split()))


@given(st.lists(st.text(max_size=12), max_size=12))
def test_every_word_is_classified_and_at_least_one_is_kept(words: list[str]) -> None:
    mask = stopwords.topic_mask(words)
    assert len(mask) == len(words)
    assert any(mask) or not words
