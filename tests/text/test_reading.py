"""How a question is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import concepts, resolver
from bot.text import questions
from tests.support import glossary_in_memory, growth

_HOSTILE = "가이를의에서로LLM의 논문을 추천해줘? how to of RAG기반 김건우가 줄이는 \t\n.,;()\"'"


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    """The glossary of the seed list alone."""
    return glossary_in_memory.build_glossary([], concepts.load_terms())


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("LLM의 환각을 줄이는 방법 알려줘", "LLM 환각을"),
        ("LoRA로 파인튜닝", "LoRA 파인튜닝"),
        ("what is chain of thought?", "chain of thought"),
        ("chain of thought", "chain of thought"),
        ("코드를 자동으로 고쳐주는 모델 추천해줘", "코드를 고쳐주는 모델"),
        ("비위를 맞추는 문제", "비위를 맞추는"),
        ("성능이 좋은 모델 추천해줘", "모델"),
        ("수학 문제를 푸는 모델", "수학 문제를 모델"),
        ("how to stop language models from saying wrong things", "language models"),
        ("프롬프트를 바꿔서 얻는 LLM의 환각", "프롬프트를 LLM 환각"),
        ("강화학습으로 로봇을 학습시키나요?", "강화학습 로봇을 학습"),
        ("is there a paper that uses diffusion for video generation", "diffusion video generation"),
        ("논문", "논문"),
        ("", ""),
        ("???", "???"),
    ],
)
def test_a_question_is_read_as_its_topic(glossary: resolver.Glossary, question: str, read: str) -> None:
    assert questions.read_question(question, glossary.is_term, glossary.is_word) == read


@given(st.text(_HOSTILE, max_size=300) | st.text(max_size=300))
def test_any_text_can_be_read(glossary: resolver.Glossary, text: str) -> None:
    read = questions.read_question(text, glossary.is_term, glossary.is_word)
    assert bool(read.strip()) or not text.strip()


@pytest.mark.parametrize("piece", ["LLM의 ", "로봇이", "what is ", "가", "a-", "의 "])
def test_reading_takes_linear_time(glossary: resolver.Glossary, piece: str) -> None:
    growth.assert_growth(
        lambda: questions.read_question(piece * 2_000, glossary.is_term, glossary.is_word),
        lambda: questions.read_question(piece * 8_000, glossary.is_term, glossary.is_word),
        8,
    )
