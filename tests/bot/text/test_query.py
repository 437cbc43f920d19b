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
        "until: ",
        "votes:",
        "NOT ",
        "|",
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
        ("since:yesterday RAG", query.Query(text="RAG", ignored=("since:yesterday",))),
        ('an "open quote', query.Query(text="an", phrases=("open quote",))),
        ("text-to-image", query.Query(text="text-to-image")),
        ('" * ^ NEAR ( ) : -', query.Query(phrases=("* ^ NEAR ( ) : -",))),
        ("* ^ ( ) : - 👍", query.Query()),
        ("C++", query.Query(text="C++")),
        ("author: lin reasoning", query.Query(text="reasoning", authors=("lin",))),
        ('저자: "Lin, Junyang" 추론', query.Query(text="추론", authors=("Lin, Junyang",))),
        ("by:lin", query.Query(authors=("lin",))),
        ("since: 2025-5-1", query.Query(since=date(2025, 5, 1))),
        ("since:2025년5월", query.Query(since=date(2025, 5, 1))),
        ("after:>=2025", query.Query(since=date(2025, 1, 1))),
        ("until:2024-02", query.Query(until=date(2024, 2, 29))),
        ("before:2025", query.Query(until=date(2024, 12, 31))),
        ("까지:2025-01-05", query.Query(until=date(2025, 1, 5))),
        ("before:0001", query.Query(until=date.min)),
        ("votes: 50 RAG", query.Query(text="RAG", min_votes=50)),
        ("votes>50", query.Query(min_votes=51)),
        ("표:50+", query.Query(min_votes=50)),
        ("RAG votes:50..100", query.Query(text="RAG", ignored=("votes:50..100",))),
        ("RAG -author:lin", query.Query(text="RAG", ignored=("-author:lin",))),
        ("RAG author:", query.Query(text="RAG", ignored=("author:",))),
        ("since: the beginning", query.Query(text="since the beginning")),
        ("title:diffusion", query.Query(text="diffusion")),
        ("diffusion −video –image", query.Query(text="diffusion", excluded=("video", "image"))),
        ("diffusion – video", query.Query(text="diffusion video")),
        ("diffusion NOT video", query.Query(text="diffusion", excluded=("video",))),
        ("ATTENTION IS NOT ALL", query.Query(text="ATTENTION IS NOT ALL")),
        ("reasoning|inference 추론/학습", query.Query(text="reasoning inference 추론 학습")),
        ("I/O 3/4", query.Query(text="I/O 3/4")),
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
    assert not query.parse_query("until:2025").is_empty


@pytest.mark.parametrize("piece", ['"', "-", "author:", "author: ", "a ", '-"', "since:2", "NOT  ", "ab/"])
def test_time_grows_with_the_length_alone(piece: str) -> None:
    started = time.perf_counter()
    query.parse_query(piece * 100_000)
    assert time.perf_counter() - started < 1
