"""Which words of a question say something of its topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import stopwords


@pytest.mark.parametrize(
    ("typed", "kept"),
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
def test_words_that_only_hold_a_question_together_are_no_topic(typed: str, kept: str) -> None:
    words = typed.split()
    topical = stopwords.topic_mask(words)
    assert [word for word, says in zip(words, topical, strict=True) if says] == kept.split()


@pytest.mark.parametrize(
    "typed", ["과학 연구", "deep research", "연구 에이전트", "paper review", "not all tokens"]
)
def test_words_that_may_be_a_topic_stay(typed: str) -> None:
    words = typed.split()
    expected = [word not in {"paper"} for word in words]
    assert stopwords.topic_mask(words) == expected


@pytest.mark.parametrize("typed", ["the of", "논문", "how to", "논문 연구", "?!"])
def test_a_question_of_such_words_alone_keeps_them_all(typed: str) -> None:
    assert all(stopwords.topic_mask(typed.split()))


@given(st.lists(st.text(max_size=12), max_size=12))
def test_every_word_is_judged_and_something_is_left(words: list[str]) -> None:
    topical = stopwords.topic_mask(words)
    assert len(topical) == len(words)
    assert any(topical) or not words
