"""The alert terms of a keyword; `test_keyword_match` tests that every match has one."""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.text import alert_terms, analyser, keywords
from tests.support import keyword_strategies


@pytest.mark.parametrize(
    ("keyword", "term"),
    [
        ("diffusion", "diffus"),
        ("language model", {"lang_mod", "languagmodel"}),
        ("large language models", {"larg_lan_mod", "larglanguagmodel"}),
        ("gpt-4o", {"gpt_4o", "gpt4o"}),
        ("gpt4o", "gpt4o"),
        ("fine-tuning", {"fine_tun", "finetun"}),
        ("pre-training", {"pre_tra", "pretrain"}),
        ("3.5", {"3.5", "3_5"}),
        ("c++", {"c", "c++"}),
        ("강화 학습", "강화학습"),
        ("추론", "추론"),
        ("뇌", "뇌"),
        ("***", None),
        ("", None),
        ("대규모 언어 모델", "대규모언어모"),
    ],
)
def test_the_alert_term_is_the_most_selective_one(keyword: str, term: str | set[str] | None) -> None:
    expected = term if isinstance(term, set) else {term}
    assert alert_terms.alert_terms(keyword) == (frozenset() if term is None else expected)


@pytest.mark.parametrize("keyword", ["finetuning", "fine-tuning", "fine tuning", "text-to-image", "LLM 추론"])
def test_a_keyword_with_letters_has_a_selective_alert_term(keyword: str) -> None:
    assert alert_terms.ANY_TERM not in alert_terms.alert_terms(keyword)


def test_fast_folding_equals_folding_for_every_letter() -> None:
    letters = [chr(codepoint) for codepoint in range(0x3000)]
    assert [alert_terms.fold_fast(letter) for letter in letters] == [
        analyser.fold(letter) for letter in letters
    ]


@given(keyword_strategies.TEXTS)
def test_fast_folding_equals_folding_for_any_text(text: str) -> None:
    assert alert_terms.fold_fast(text) == analyser.fold(text)


@given(keyword_strategies.TEXTS)
def test_alert_terms_are_short(text: str) -> None:
    assert all(len(token) <= 64 for token in keywords.KeywordText(text, text).alert_terms)
