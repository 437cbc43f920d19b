"""Extracting mentions from parentheses, long forms of abbreviations, and names in titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.search import term_mentions

FRAGMENTS = st.sampled_from(
    ["(", ")", "강화 학습", "Reinforcement Learning", ";", "RL", " ", ",", "\n", "예:", "*", "\x00"]
)


TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=60).map("".join))


@pytest.mark.parametrize(
    ("text", "mention"),
    {
        "우리는 강화 학습(Reinforcement Learning; RL)을": (
            "우리는 강화 학습",
            "Reinforcement Learning",
            "RL",
        ),
        "강화 학습(RL)": ("강화 학습", "", "RL"),
        "**강화 학습**(RL)": ("강화 학습", "", "RL"),
        "새 Proximal Policy Optimization(PPO)": ("Proximal Policy Optimization", "", "PPO"),
        "PPO(Proximal Policy Optimization)": ("PPO", "Proximal Policy Optimization", ""),
        "Proximal Policy Optimization(PPO; 근접 정책)": ("Proximal Policy Optimization", "", "PPO"),
        "언어 모델（Language Model）": ("언어 모델", "Language Model", ""),
        "첫째, 언어 모델(LM)": ("언어 모델", "", "LM"),
        "GPT-3.5 기반 모델(Model)": ("GPT-3.5 기반 모델", "Model", ""),
        "Reinforcement Learning(강화 학습)": None,
        "모델(예: LLaMA)": None,
        "모델(e.g. LLaMA)": None,
        "성능(24%)": None,
        "모델(GPT, BERT, LLaMA, Qwen)": None,
        "모델()": None,
        "(Model)": None,
    }.items(),
)
def test_mentions_are_extracted_from_parentheses(text: str, mention: tuple[str, str, str] | None) -> None:
    assert term_mentions.extract_mentions(text) == [term_mentions.Mention(*one) for one in (mention,) if one]


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("Proximal Policy Optimization(PPO)", ("PPO", "Proximal Policy Optimization")),
        ("PPO(Proximal Policy Optimization)", ("PPO", "Proximal Policy Optimization")),
        ("근접 정책(Proximal Policy Optimization; PPO)", ("PPO", "Proximal Policy Optimization")),
        ("근접 정책(PPO)", ("", "")),
        ("PPO(a method of ours)", ("", "")),
    ],
)
def test_a_mention_defines_an_abbreviation_in_either_order(text: str, definition: tuple[str, str]) -> None:
    (mention,) = term_mentions.extract_mentions(text)
    assert mention.definition() == definition


@given(TEXTS)
def test_mentions_in_any_text_are_limited_in_number_and_length(text: str) -> None:
    extracted = term_mentions.extract_mentions(text)
    assert len(extracted) <= term_mentions.MAX_MENTIONS
    assert all(mention.left_context and len(mention.left_context) <= 400 for mention in extracted)


@pytest.mark.parametrize(
    ("text", "abbreviation", "words"),
    [
        ("we use Proximal Policy Optimization", "PPO", "Proximal Policy Optimization"),
        ("new Large Language Models", "LLMs", "Large Language Models"),
        ("Text-to-Image", "T2I", "Text-to-Image"),
        ("the Chain of Thought", "CoT", "Chain of Thought"),
        ("3D Gaussian Splatting", "3DGS", "3D Gaussian Splatting"),
        ("Reinforcement Learning from Human Feedback", "RLHF", "Reinforcement Learning from Human Feedback"),
        ("a big model", "XYZ", None),
        ("", "RL", None),
    ],
)
def test_the_shortest_matching_long_form_is_found(text: str, abbreviation: str, words: str | None) -> None:
    assert term_mentions.long_form(text, abbreviation) == words


def test_finds_names_before_a_titles_colon_and_in_camel_case_words() -> None:
    titles = (
        "Gemini: A Family of Models|Qwen2.5 Technical Report|Mistral 7B|Janus-Pro: Unified Understanding"
        "|Taming LoRA for a Very Long and Winding Title|Cosmos World Foundation Model Platform for Physical AI"
    )
    names = {name for title in titles.split("|") for name in term_mentions.list_names(title)}
    assert {"Gemini", "Qwen", "Mistral", "Janus-Pro", "Janus", "LoRA", "Cosmos"} <= names
    assert not {"Taming", "Winding", "Family"} & names
