"""Anchors: which token stands for a keyword. That every match has it is tested with `keywords`."""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.text.analysis import normalisation
from bot.text.matching import candidate_terms, keyword_match
from tests.support import keyword_strategies


@pytest.mark.parametrize(
    ("keyword", "anchor"),
    [
        ("diffusion", "diffus"),
        ("language model", "lang_mod"),
        ("language models", "lang_mod"),
        ("gpt-4o", "gpt_4o"),
        ("gpt4o", "gpt4o"),
        ("fine-tuning", "fine_tun"),
        ("pre-training", "pre_tra"),
        ("3.5", "3"),
        ("c++", "c"),
        ("강화 학습", "강화학"),
        ("추론", "추론"),
        ("뇌", "뇌"),
        ("***", None),
        ("", None),
    ],
)
def test_the_most_telling_token_is_the_anchor(keyword: str, anchor: str | None) -> None:
    assert candidate_terms.trigger_term(keyword) == anchor


@pytest.mark.parametrize("keyword", ["finetuning", "fine-tuning", "fine tuning", "text-to-image", "LLM 추론"])
def test_a_keyword_of_letters_is_found_by_more_than_every_text_has(keyword: str) -> None:
    assert candidate_terms.trigger_term(keyword) != candidate_terms.ANY_TERM


def test_folding_in_haste_folds_every_letter_as_ever() -> None:
    letters = [chr(place) for place in range(0x3000)]
    assert [candidate_terms.fold_fast(letter) for letter in letters] == [
        normalisation.fold(letter) for letter in letters
    ]


@given(keyword_strategies.TEXTS)
def test_folding_in_haste_folds_any_text_as_ever(text: str) -> None:
    assert candidate_terms.fold_fast(text) == normalisation.fold(text)


@given(keyword_strategies.TEXTS)
def test_anchors_are_short(text: str) -> None:
    assert all(len(token) <= 64 for token in keyword_match.KeywordText(text, text).candidate_terms)
