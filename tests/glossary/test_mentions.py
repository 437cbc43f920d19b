"""Which mentions a text has, long forms of abbreviations, word alignment, and the phrases of titles."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import mentions
from bot.text import query_parser, term_keys
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


WORDS = "Video video Diffusion Models for of the : , 확산 모델을 위한 LLM의 C++ $x$"
TITLES = st.lists(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)),
    max_size=12,
)


def count_phrases(*titles: str) -> dict[str, int]:
    counter = mentions.TitlePhraseCounter()
    for title in titles:
        counter.add(title)
    phrases, _ = counter.summarise()
    return {text: papers for text, _, papers in phrases}


@pytest.mark.parametrize(
    ("titles", "phrases"),
    [
        (["Fast Video Diffusion", "Video Diffusion: A Survey", "Video Games"], {"Video Diffusion": 2}),
        # In its most common spelling; singular and plural are one.
        (
            ["Image Editing at Scale", "On image editing", "Image Editing", "image-editing tools"],
            {"Image Editing": 4},
        ),
        (["Reward Models", "A Reward Model", "Reward Models Again"], {"Reward Models": 3}),
        # It neither begins nor ends with a function word, and crosses no punctuation.
        (["Rethinking the Power of Attention Maps for Everyone"] * 3, {"Power of Attention Maps": 3}),
        (["Robots, Maps: Paths (Plans) – Goals"] * 3, {}),
        # One that is mostly part of a longer one is left out; one that also occurs alone is kept.
        (
            [*["State Space Models"] * 4, "Space Weather Models", "Space Weather Maps"],
            {"State Space Models": 4, "Space Weather": 2},
        ),
        (
            ["Sparse Depth Maps", "Sparse Depth Maps", "Depth Maps", "Good Depth Maps"],
            {"Depth Maps": 4, "Sparse Depth Maps": 2},
        ),
        # Korean phrases lose their final particle.
        (
            ["언어 모델을 위한 지도", "언어 모델의 지도", "작은 언어모델", "LLM 추론에서 배우기", "LLM 추론"],
            {"언어 모델": 3, "LLM 추론": 2},
        ),
        (["작은 LLM의 하루", "작은 LLM을 위한 집"], {"작은 LLM": 2}),
        # A mostly hyphenated term is one word; LaTeX is converted before counting.
        (["Zero-Shot Maps", "Zero-Shot Plans", "Zero Shot"], {}),
        ([r"\textbf{Graph} Search ($O(n)$)"] * 2, {"Graph Search": 2}),
    ],
)
def test_phrases_are_shared_by_titles(titles: list[str], phrases: dict[str, int]) -> None:
    assert count_phrases(*titles) == phrases


def test_concepts_are_counted_instead_of_listed_as_phrases() -> None:
    counter = mentions.TitlePhraseCounter()
    for title in ("Diffusion Models", "A diffusion model", "RL for Robot Arms", "Robot Arms"):
        counter.add(title)
    concept_forms = {(text, text) for text in ("diffusion model", "RL", "transformer")}
    phrases, concept_counts = counter.summarise(concept_forms)
    assert [text for text, _, _ in phrases] == ["Robot Arms"]
    assert concept_counts == {"diffusion model": 2, "RL": 1}


def test_a_concept_is_not_counted_for_other_words_of_its_stem() -> None:
    counter = mentions.TitlePhraseCounter()
    for title in ("Generation of Maps", "Generators", "A generator"):
        counter.add(title)
    assert counter.summarise({("generator", "generat")})[1] == {"generat": 2}


def test_a_large_archive_requires_three_papers() -> None:
    other_titles = [f"Thing{number}" for number in range(1000)]
    assert count_phrases("Robot Arms", "Robot Arms", *other_titles) == {}
    assert count_phrases("Robot Arms", "Robot Arms", "Robot Arms", *other_titles) == {"Robot Arms": 3}


@given(TITLES)
def test_any_titles_give_phrases_that_are_valid_queries(titles: list[str]) -> None:
    counter = mentions.TitlePhraseCounter()
    for title in titles:
        counter.add(title)
    phrases, _ = counter.summarise(limit=5)
    assert len(phrases) <= 5
    frequencies = [papers for _, _, papers in phrases]
    assert frequencies == sorted(frequencies, reverse=True)
    for text, _, papers in phrases:
        assert len(text.split()) <= mentions.MAX_PHRASE_WORDS
        assert len(text) <= mentions.MAX_PHRASE_LENGTH
        assert 2 <= papers <= len(titles)
        query = query_parser.parse_query(text)
        assert query == query_parser.Query(text=unicodedata.normalize("NFKC", text)), (
            "the phrase contains no operator"
        )
    assert len({term_keys.term_key(text) for text, _, _ in phrases}) == len(phrases)


@given(TITLES)
def test_the_order_of_titles_is_irrelevant(titles: list[str]) -> None:
    assert count_phrases(*titles) == count_phrases(*reversed(titles))


def test_memory_is_bounded_and_frequent_phrases_are_kept() -> None:
    random_source = random.Random(5)
    counter = mentions.TitlePhraseCounter(max_counted=2000)
    for number in range(3000):
        noise = [f"w{random_source.randrange(10**6)}" for _ in range(8)]
        counter.add(" ".join([*noise, *(["Robot Arms"] if number % 10 == 0 else [])]))
        assert len(counter._surface_counts) <= 2000
    ((text, _, papers),) = counter.summarise()[0]
    assert text == "Robot Arms"
    assert papers >= 250


@pytest.mark.parametrize("piece", ["a-", "가", "a ", "$", "\\a{"])
def test_hostile_titles_take_linear_time(piece: str) -> None:
    def count_title(length: int) -> None:
        counter = mentions.TitlePhraseCounter()
        for _ in range(20):
            counter.add(piece * (length // len(piece)))
        counter.summarise()
        assert sys.getsizeof(counter) < 1000

    growth.assert_linear(count_title, 25_000)


def test_names_are_heads_of_titles_and_words_with_a_capital_within() -> None:
    counter = mentions.TitlePhraseCounter()
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
