"""The query language: operators are read, and nothing that people type is an error."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import query

PIECES = st.sampled_from(
    [
        '"',
        "-",
        "author:",
        "since:",
        "votes:",
        "강화 학습",
        "LLM",
        " ",
        "2025-01",
        "*",
        "^",
        "NEAR(",
        ")",
        ":",
        "\x00",
        "👍",
    ]
)
TYPED = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=60).map("".join))


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("", query.Query()),
        ("LLM 추론", query.Query(text="LLM 추론")),
        ('"chain of thought" 추론', query.Query(text="추론", phrases=("chain of thought",))),
        ("“생각의 사슬”", query.Query(phrases=("생각의 사슬",))),
        ("diffusion -video", query.Query(text="diffusion", excluded=("video",))),
        ('-"large language model" RL', query.Query(text="RL", excluded=("large language model",))),
        ('author:"Junyang Lin" votes:20', query.Query(authors=("Junyang Lin",), min_votes=20)),
        ("author:Müller since:2025-01-15", query.Query(authors=("Müller",), since=date(2025, 1, 15))),
        ("저자:홍길동 이후:2025", query.Query(authors=("홍길동",), since=date(2025, 1, 1))),
        ("votes:>=5 RAG", query.Query(text="RAG", min_votes=5)),
        ("since:yesterday RAG", query.Query(text="RAG")),
        ('an "open quote', query.Query(text="an", phrases=("open quote",))),
        ("text-to-image", query.Query(text="text-to-image")),
        ('" * ^ NEAR ( ) : -', query.Query(phrases=("* ^ NEAR ( ) : -",))),
        ("* ^ ( ) : - 👍", query.Query()),
        ("C++", query.Query(text="C++")),
    ],
)
def test_what_is_typed_is_understood(typed: str, understood: query.Query) -> None:
    assert query.parse_query(typed) == understood


@given(TYPED)
def test_any_text_gives_a_query_without_control_characters(typed: str) -> None:
    found = query.parse_query(typed)
    assert not any(
        character < " " for part in (found.text, *found.phrases, *found.authors) for character in part
    )


def test_an_empty_query_says_so() -> None:
    assert query.parse_query("  👍 ").is_empty
    assert not query.parse_query("votes:1").is_empty
    assert not query.parse_query("votes:1").has_words


@pytest.mark.parametrize("piece", ['"', "-", "author:", "a ", '-"', "since:2"])
def test_time_grows_with_the_length_alone(piece: str) -> None:
    started = time.perf_counter()
    query.parse_query(piece * 100_000)
    assert time.perf_counter() - started < 1
