"""Which parentheses give a mention, and which do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import mentions
from tests.support import growth

FRAGMENTS = st.sampled_from(
    ["(", ")", "강화 학습", "Reinforcement Learning", ";", "RL", " ", ",", "\n", "예:", "*", "\x00"]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=60).map("".join))


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        (
            "우리는 강화 학습(Reinforcement Learning; RL)을",
            ("우리는 강화 학습", "Reinforcement Learning", "RL", ""),
        ),
        ("강화 학습(RL)", ("강화 학습", "", "RL", "")),
        ("**강화 학습**(RL)", ("강화 학습", "", "RL", "")),
        ("새 Proximal Policy Optimization(PPO)", ("Proximal Policy Optimization", "", "PPO", "")),
        ("PPO(Proximal Policy Optimization)", ("PPO", "Proximal Policy Optimization", "", "")),
        ("Reinforcement Learning(강화 학습)", ("Reinforcement Learning", "", "", "강화 학습")),
        ("언어 모델（Language Model）", ("언어 모델", "Language Model", "", "")),
        ("첫째, 언어 모델(LM)", ("언어 모델", "", "LM", "")),
        ("GPT-3.5 기반 모델(Model)", ("GPT-3.5 기반 모델", "Model", "", "")),
        ("Chain of Thought를 쓰며 COT도", None),
        ("모델(예: LLaMA)", None),
        ("모델(e.g. LLaMA)", None),
        ("성능(24%)", None),
        ("모델(GPT, BERT, LLaMA, Qwen)", None),
        ("모델()", None),
        ("(Model)", None),
    ],
)
def test_mentions_are_extracted_from_parentheses(
    text: str, mention: tuple[str, str, str, str] | None
) -> None:
    expected = [] if mention is None else [mentions.Mention(*mention)]
    assert [
        extracted for extracted in mentions.extract_mentions(text) if extracted.abbreviation != "COT"
    ] == expected


def test_abbreviations_find_their_long_form_elsewhere_in_the_text() -> None:
    extracted = mentions.extract_mentions("OCR이 필요하다. Optical Character Recognition 모델은")
    assert extracted == [mentions.Mention("Optical Character Recognition", "", "OCR", "")]


def test_an_abbreviation_explained_in_parentheses_gives_one_mention() -> None:
    extracted = mentions.extract_mentions("Optical Character Recognition(OCR)은 OCR이다")
    assert extracted == [mentions.Mention("Optical Character Recognition", "", "OCR", "")]


@given(TEXTS)
def test_any_text_gives_bounded_mentions(text: str) -> None:
    extracted = mentions.extract_mentions(text)
    assert len(extracted) <= mentions.MAX_MENTIONS
    assert all(mention.left_context and len(mention.left_context) <= 400 for mention in extracted)


@pytest.mark.parametrize("piece", ["(", "a(", "가(RL)", "((RL)", "ABC ", "Aa-", ". ", "A B C "])
def test_extraction_takes_linear_time(piece: str) -> None:
    growth.assert_linear(lambda length: mentions.extract_mentions(piece * (length // len(piece))), 25_000)
