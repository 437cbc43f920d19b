"""Keywords of alerts: where they match, where not, and how rules are found by their anchor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import keywords

PIECES = st.sampled_from(
    [
        "강화학습",
        "강화",
        " ",
        "학습",
        "을",
        "LLM",
        "llm",
        "-",
        "C++",
        "é",
        "e\u0301",
        "ﬁ",
        "㍿",
        "\u1100\u1161",
        "RAG",
        "\n",
        "뇌",
        "ß",
    ]
)
TEXTS = st.one_of(st.text(max_size=100), st.lists(PIECES, max_size=20).map("".join))


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("RAG", "RAG을 쓴다", ["RAG"]),
        ("rag", "A fragment of RAG-based work", ["RAG"]),
        ("gan", "An organ", []),
        ("추론", "대규모추론모델은 추론한다", ["추론", "추론"]),
        ("강화학습", "강화 학습을 쓰는 강화학습", ["강화 학습", "강화학습"]),
        ("강화 학습", "강화학습", ["강화학습"]),
        ("지도", "이미지 도메인", []),
        ("LLM 추론", "llm  추론의 비용", ["llm  추론"]),
        ("c++", "In C++ and C", ["C++"]),
        ("café", "A CAFE\u0301 in cafe", ["CAFE\u0301", "cafe"]),
        ("language model", "Language\nmodel", ["Language\nmodel"]),
        ("gpt-4", "GPT-4는, GPT-4o", ["GPT-4"]),
        ("***", "***", []),
        ("", "text", []),
    ],
)
def test_keywords_match_as_the_rules_say(keyword: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in keywords.match_keyword(keyword, text)] == found


@given(TEXTS, TEXTS, TEXTS)
def test_whenever_a_keyword_matches_its_anchor_is_among_those_of_the_text(
    before: str, keyword: str, after: str
) -> None:
    text = before + keyword + after
    if keywords.match_keyword(keyword, text):
        assert keywords.anchor(keyword) in keywords.anchors(text)


@given(TEXTS)
def test_a_keyword_with_letters_matches_itself(keyword: str) -> None:
    if keywords.anchor(keyword) is not None:
        assert keywords.match_keyword(keyword, keyword)


@given(TEXTS, TEXTS)
def test_spans_lie_in_the_text_in_order(keyword: str, text: str) -> None:
    last = 0
    for start, end in keywords.match_keyword(keyword, text):
        assert last <= start < end <= len(text)
        last = end
