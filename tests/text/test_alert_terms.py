"""The alert terms and the exact keys of a keyword; `test_keywords` tests that every match has an alert term."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.text import alert_terms, analyser
from bot.text import keywords as text_keywords
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
    assert all(len(token) <= 64 for token in text_keywords.KeywordText(text, text).alert_terms)


_LATIN = re.findall(
    r"\S+",
    "language model models Language-Models gpt 4o llm LLMs pre training pre-training fine-tuning c++ 3.1 qwen2.5 few-shot a the",
)
_KOREAN = re.findall(
    r"\S+",
    "강화 학습 강화학습 학습을 학습의 학습기 학습기를 제로 샷 샷을 제로샷 제로샷을 모델 모델은 모델의 생성"
    " 생성기 기반 기 을 가 나 다 가나 나다 에서 하는 뇌 의학 자동화 동화 애플 애플리케이션",
)
_WORDS = st.sampled_from((*_LATIN, *_KOREAN))
_JOINTS = st.sampled_from(
    (*(" ",) * 8, *("",) * 4, *"\n-·/'\"(_+\u1100", "  ", " \n", ", ", ". ", "의 ", "# ")
)
_KEYWORDS = st.tuples(st.lists(_WORDS, min_size=1, max_size=4), st.sampled_from((" ", "", "-"))).map(
    lambda drawn: drawn[1].join(drawn[0])
)


def _texts(words: int) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(_WORDS, _JOINTS).map("".join), max_size=words)
    return pairs.map("".join)


def _text_keys(text: text_keywords.KeywordText) -> set[str]:
    return text.exact_keys | text.long_keys(text.exact_keys)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_texts(5), _texts(14), st.lists(_KEYWORDS, min_size=4, max_size=12))
def test_a_plain_keyword_matches_by_its_keys_alone(title: str, body: str, keywords: list[str]) -> None:
    text = text_keywords.KeywordText(title, body)
    keys = _text_keys(text)
    for keyword in keywords:
        if own := alert_terms.keyword_keys(keyword):
            assert any(text.match(keyword)) == (not own.isdisjoint(keys)), (keyword, own)


def test_common_keywords_are_plain_and_hidden_ones_are_not_found() -> None:
    text = text_keywords.KeywordText(
        "강화 학습의 응용", "LLMs with few-shot prompts; 제로 샷을 쓴다. 생성 기반 동화가 아닌 자동화"
    )
    keys = _text_keys(text)
    keyword_list = "강화학습|강화 학습|학습의 응용|LLM|few-shot|few shot|제로샷|생성기|응용 동화"
    keywords = keyword_list.split("|")
    found = {keyword: not alert_terms.keyword_keys(keyword).isdisjoint(keys) for keyword in keywords}
    assert all(map(alert_terms.keyword_keys, keywords))
    assert [keyword for keyword, is_found in found.items() if not is_found] == ["생성기", "응용 동화"]


def test_keywords_that_need_a_comparison_have_no_keys() -> None:
    assert not any(
        map(
            alert_terms.keyword_keys,
            ("c++", "LLM의 추론", "다다", "a b c d e f g", "가나다라마바사아자차카타파"),
        )
    )
