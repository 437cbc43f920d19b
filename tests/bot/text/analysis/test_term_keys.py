"""Keys: writings of one term fall together."""

from __future__ import annotations

import pytest

from bot.text.analysis import term_keys


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_english_writings_have_one_key(one: str, other: str) -> None:
    assert term_keys.english_key(one) == term_keys.english_key(other)


def test_korean_keys_know_no_spaces_and_signs() -> None:
    assert term_keys.korean_key("시각-언어 '모델'") == term_keys.korean_key("시각언어모델") == "시각언어모델"


def test_abbreviations_lose_their_plural_only() -> None:
    assert term_keys.abbreviation_key("LLMs") == "LLM"
    assert term_keys.abbreviation_key("MoEs") == "MoE"
    assert term_keys.abbreviation_key("Cats") == "Cats"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("LLM", True), ("GPT-4", True), ("LoRA", True), ("Model", False), ("A B", False), ("A", False)],
)
def test_abbreviations_are_known_by_their_capitals(text: str, is_one: bool) -> None:
    assert term_keys.is_abbreviation(text) is is_one
