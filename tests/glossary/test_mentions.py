"""Which mentions a text has, long forms of abbreviations, word alignment, and the names of titles."""

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


@pytest.mark.parametrize(
    ("text", "abbreviation", "words"),
    [
        ("we use Proximal Policy Optimization", "PPO", "Proximal Policy Optimization"),
        ("new Large Language Models", "LLMs", "Large Language Models"),
        ("Text-to-Image", "T2I", "Text-to-Image"),
        ("the Chain of Thought", "CoT", "Chain of Thought"),
        ("3D Gaussian Splatting", "3DGS", "3D Gaussian Splatting"),
        ("Low-Rank Adaptation", "LoRA", "Low-Rank Adaptation"),
        ("Reinforcement Learning from Human Feedback", "RLHF", "Reinforcement Learning from Human Feedback"),
        ("Variational Autoencoder", "VAE", "Variational Autoencoder"),
        ("Rotary Position Embedding", "RoPE", "Rotary Position Embedding"),
        ("a big model", "XYZ", None),
        ("", "RL", None),
    ],
)
def test_the_shortest_long_form_is_found(text: str, abbreviation: str, words: str | None) -> None:
    assert mentions.long_form(text, abbreviation) == words


@given(st.text(max_size=80), st.text(min_size=1, max_size=12))
def test_a_long_form_is_a_suffix_of_the_text(text: str, abbreviation: str) -> None:
    long_form = mentions.long_form(text, abbreviation)
    assert long_form is None or text.rstrip().endswith(long_form)


GLOSSES = [
    ("강화 학습", "reinforc learn", 2),
    ("대조 학습", "contrast learn", 2),
    ("언어 모델", "languag model", 2),
    ("확산 모델", "diffus model", 2),
    ("보상 모델", "reward model", 2),
    ("지도 학습", "supervis learn", 2),
]


def test_a_word_aligns_with_the_word_that_it_translates_in_several_terms() -> None:
    table = mentions.learn_associations(GLOSSES)
    assert table.align("학습", ["reinforc", "learn"]) == ["learn"]
    assert table.align("모델", ["reward", "model"]) == ["model"]
    assert table.align("강화", ["model"]) == []


def test_seed_words_and_transliterations_align_without_evidence() -> None:
    table = mentions.add_seed_words(mentions.AssociationTable({}, {}), [("손실", "loss")])
    assert table.align("손실", ["loss", "diffus"]) == ["loss"]
    assert table.align("트랜스포머", ["transformer"]) == ["transformer"]
    assert not table.is_known("손실")


def test_particles_are_stripped_from_the_words_of_a_context() -> None:
    assert mentions.split_context("강화 학습을 위한-모델의") == ["강화", "학습", "위한", "모델"]


def test_concepts_are_counted_in_titles_once_each() -> None:
    counter = mentions.TitleCounter()
    for title in (
        "Diffusion Models",
        "A diffusion model of diffusion models",
        "RL for Robot Arms",
        "언어모델을 위한 지도",
    ):
        counter.add(title)
    forms = {(text, text) for text in ("diffusion model", "RL", "transformer", "언어 모델")}
    assert counter.count_concepts(forms) == {"diffusion model": 2, "RL": 1, "언어 모델": 1}


def test_a_concept_is_not_counted_for_other_words_of_its_stem() -> None:
    counter = mentions.TitleCounter()
    for title in ("Generation of Maps", "Generators", "A generator"):
        counter.add(title)
    assert counter.count_concepts({("generator", "generat"), ("generation", "gen")}) == {
        "generat": 2,
        "gen": 1,
    }


@pytest.mark.parametrize("piece", ["a-", "가", "a ", "$", "\\a{"])
def test_hostile_titles_take_linear_time(piece: str) -> None:
    def count_title(length: int) -> None:
        counter = mentions.TitleCounter()
        for _ in range(20):
            counter.add(piece * (length // len(piece)))
        counter.count_concepts({("a b", "a")})

    growth.assert_linear(count_title, 25_000)


def test_names_are_heads_of_titles_and_words_with_a_capital_within() -> None:
    counter = mentions.TitleCounter()
    for title in (
        "Gemini: A Family of Models",
        "Qwen2.5 Technical Report",
        "Mistral 7B",
        "Janus-Pro: Unified Understanding",
        "Taming LoRA for a Very Long and Winding Title",
        "Cosmos World Foundation Model Platform for Physical AI",
    ):
        counter.add(title)
    names = counter.list_names()
    assert {"Gemini", "Qwen", "Mistral", "Janus-Pro", "Janus", "LoRA", "Cosmos"} <= set(names)
    assert not {"Taming", "Winding", "Family"} & set(names)
