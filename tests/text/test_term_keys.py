"""Term keys are equal for all spellings of a term."""

from __future__ import annotations

import pytest

from bot.text import term_keys


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Large-Language Models", "large language model"),
        ("pre-training", "Pretraining"),
        ("pre training", "pretraining"),
        ("fine-tuning", "finetuned"),
        ("Multi-Agent", "multiagent"),
        ("Newton's method", "Newton methods"),
        ("Fréchet distance", "Frechet Distance"),
    ],
)
def test_english_spellings_have_one_key(first: str, second: str) -> None:
    assert term_keys.english_key(first) == term_keys.english_key(second)


def test_korean_keys_ignore_spaces_and_punctuation() -> None:
    assert term_keys.korean_key("시각-언어 '모델'") == term_keys.korean_key("시각언어모델") == "시각언어모델"


def test_abbreviation_keys_drop_only_the_plural() -> None:
    assert term_keys.abbreviation_key("LLMs") == "LLM"
    assert term_keys.abbreviation_key("MoEs") == "MoE"
    assert term_keys.abbreviation_key("Cats") == "Cats"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("LLM", True), ("GPT-4", True), ("LoRA", True), ("Model", False), ("A B", False), ("A", False)],
)
def test_abbreviations_are_recognised_by_their_capitals(text: str, expected: bool) -> None:
    assert term_keys.is_abbreviation(text) is expected


@pytest.mark.parametrize(
    ("joined", "split"),
    [
        ("llama3", "llama 3"),
        ("SAM2", "SAM 2"),
        ("gpt4o", "gpt 4o"),
        ("qwen2.5vl", "qwen2.5 vl"),
        ("FlashAttention", "Flash Attention"),
        ("OpenAI", None),
        ("LoRA", None),
        ("learning", None),
        ("라마3", None),
        ("3", None),
    ],
)
def test_a_joined_name_is_split_into_its_words(joined: str, split: str | None) -> None:
    assert term_keys.split_writing(joined) == split


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("flash attention", "flashattention"),
        ("flash", None),
        ("강화 학습", None),
        ("llama 3", None),
        ("a b c d", None),
    ],
)
def test_a_few_words_are_joined_into_one(words: str, joined: str | None) -> None:
    assert term_keys.joined_writing(words.split()) == joined
