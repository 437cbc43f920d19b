"""Where the keywords of alerts match, literally and in any variant, and where they do not."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given

from bot.text import analyser, keywords
from tests.support import keyword_strategies

TITLE, BODY = (True, False), (False, True)


def is_match(keyword: str, text: str) -> bool:
    match = keywords.KeywordText(text, "").match(keyword)
    assert keywords.KeywordText("", text).match(keyword) == match[::-1]
    assert not match[1]
    return match[0]


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("RAG", "RAG을 쓴다"),
        ("rag", "A fragment of RAG-based work"),
        ("추론", "대규모추론모델은 생각한다"),
        ("강화학습", "강화 학습을 쓴다"),
        ("강화 학습", "강화학습"),
        ("강화-학습", "강화학습으로"),
        ("제로샷", "제로 샷을 쓴다"),
        ("제로샷", "제로 샷이 아닌"),
        ("제로샷", "제로-샷"),
        ("제로-샷", "제로샷이"),
        ("생성기", "이미지생성기가"),
        ("학습", "강화학습"),
        ("화학", "강화학습"),
        ("추론을", "추론은 비싸다"),
        ("합니다", "제안합니다"),
        ("LLM 추론", "llm  추론의 비용"),
        ("LLM 추론", "LLM추론"),
        ("c++", "In C++ and C"),
        ("c", "In C++"),
        ("café", "A CAFE\u0301"),
        ("cafe", "Café"),
        ("GPT-4", "GPT-4는"),
        ("gpt-4", "gpt4"),
        ("gpt-4o", "GPT4o mini"),
        ("gpt4o", "GPT-4o mini"),
        ("gpt 4o", "GPT-4o"),
        ("3.5", "GPT-3.5"),
        ("GPT-3.5", "gpt 3.5를"),
        ("language model", "Language\nmodel"),
        ("language model", "Large-Language Models"),
        ("language models", "언어 모델(Language Model)"),
        ("LLM", "Many LLMs"),
        ("LLMs", "An LLM을"),
        ("fine-tuning", "Finetuning of it"),
        ("fine-tuning", "fine tuning"),
        ("finetuning", "a fine-tuned one"),
        ("fine tuning", "fine-tuning"),
        ("pre-training", "pretraining"),
        ("pretrained", "pre-trained"),
        ("self attention", "Self-Attention"),
        ("data set", "datasets"),
        ("text-to-image", "Text to Image"),
        ("diffusion", "확산(diffusion)"),
        ("学習", "強化学習"),
        ("ai, ml", "AI, ML"),
    ],
)
def test_a_keyword_matches_every_variant(keyword: str, text: str) -> None:
    assert is_match(keyword, text)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("gan", "An organ"),
        ("RAG", "storage, fragment, drag"),
        ("c++", "C and C#"),
        ("GPT-4", "GPT-4o and GPT-40"),
        ("LLM 판정", "MLLM 판정"),
        ("지도", "이미지 도메인"),
        ("화학", "강화 학습"),
        ("의학", "LLM의 학습"),
        ("생성기", "생성 기반의 방법"),
        ("생성기를", "생성 기반의 방법"),
        ("이미지 생성", "이미지를 생성한다"),
        ("텍스트 이미지", "텍스트, 이미지"),
        ("reinforcement learning", "강화 학습(RL)"),
        ("adapter", "adaptation"),
        ("***", "***"),
        ("", "text"),
    ],
)
def test_false_friends_do_not_match(keyword: str, text: str) -> None:
    assert not is_match(keyword, text)


def test_title_and_body_match_separately() -> None:
    text = keywords.KeywordText("A study of agents", "언어 모델을 쓰는 에이전트")
    assert text.match("agent") == TITLE
    assert text.match("언어모델") == BODY
    assert text.match("agents language") == (False, False)


@given(keyword_strategies.TEXTS, keyword_strategies.TEXTS, keyword_strategies.TEXTS)
def test_every_matching_text_has_a_needle(prefix: str, keyword: str, suffix: str) -> None:
    for content in (prefix + keyword + suffix, f"{prefix} {keyword}s, {suffix}", prefix + suffix):
        for text in (keywords.KeywordText(content, ""), keywords.KeywordText(prefix, content)):
            if any(text.match(keyword)):
                assert any(needle in text.haystack for needle in keywords.list_needles(keyword))


@given(keyword_strategies.VARIANT_PAIRS, keyword_strategies.TEXTS, keyword_strategies.TEXTS)
def test_every_text_with_a_variant_has_a_needle_and_is_quoted(
    variants: tuple[str, str], prefix: str, suffix: str
) -> None:
    keyword, variant = variants
    text = keywords.KeywordText(f"{prefix} {variant} {suffix}", "")
    if any(text.match(keyword)):
        assert any(needle in text.haystack for needle in keywords.list_needles(keyword))
        quoted = text.quote(keyword)
        assert " ".join(f"{prefix} {variant} {suffix}".split()).count(quoted)
        assert is_match(keyword, quoted)


def test_a_quote_reads_a_text_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    class Counted(keywords.KeywordText):
        def __init__(self, title: str, body: str) -> None:
            nonlocal read
            read += len(title) + len(body)
            super().__init__(title, body)

    monkeypatch.setattr(keywords, "KeywordText", Counted)
    filler = "other words " * 5000
    for keyword, variant in (("optimize network", "optimized networks"), ("강화 학습법", "강화학습법을")):
        for at in (0, 30_000, 60_000):
            read = 0
            text = f"{filler[:at]} {variant}. {filler[at:]}"
            assert keywords._quote(keyword, text).startswith(variant[:5])
            assert read <= 3 * len(text) + 50_000
    read = 0
    assert keywords._quote("optimize network", filler) == ""
    assert read <= 3 * len(filler)


@given(keyword_strategies.KEYWORDS)
def test_a_term_matches_without_hyphens_and_in_capitals(term: str) -> None:
    for variant in (term, term.replace("-", " "), term.upper(), f"({term})", f"{term}을"):
        assert is_match(term, variant)


@given(keyword_strategies.TEXTS)
def test_a_keyword_with_letters_matches_itself(keyword: str) -> None:
    if keywords.list_needles(keyword):
        assert is_match(keyword, keyword)


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        ("gan", "Organs of a GAN", True),
        ("gan", "An organ", False),
        ("a a", "ba a a", True),
        ("language models", "language model", False),
        ("language model", "Language \n model", True),
        ("c++", "In C++", True),
        ("c", "In C++", True),
        ("LLM 추론", "llm  추론의", True),
        ("LLM 추론", "LLM추론", False),
        ("LLM 추론", "VLLM 추론, LLM 추론", True),
        ("LLM 추론", "VLLM 추론", False),
        ("추론 LLM", "추론 LLMs", False),
        ("강화학습", "강화\t학습", True),
        ("강화 학습", "강화학습", True),
        ("지도", "이미지 도메인", False),
        ("합니다", "제안합니다", True),
        ("***", "***", False),
        ("", "text", False),
        ("text", "", False),
    ],
)
def test_a_keyword_is_matched_literally(keyword: str, text: str, expected: bool) -> None:
    assert keywords.contains_keyword(keyword, keywords.FoldedText(text)) is expected


@example("\u3097", "")  # unassigned, between the Kana letters
@example("・", "가")
@given(keyword_strategies.TEXTS, keyword_strategies.TEXTS)
def test_a_keyword_with_letters_matches_between_spaces(keyword: str, around: str) -> None:
    has_letters = re.search(r"[^\W_]", analyser.fold(keyword)) is not None
    text = f"{around} {keyword.strip()} {around}"
    assert keywords.contains_keyword(keyword, keywords.FoldedText(text)) is has_letters
