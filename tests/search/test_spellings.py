"""Spellings and endings of names and terms that questions have and papers write otherwise."""

import pytest

from bot.search.results import SearchRequest
from storage.database import Database
from tests.support import sample_archive

TITLES = (
    "EXAONE 3.0 Technical Report",
    "EXAONE Path: A Model of Pathology",
    "Three Phases of Phi: Golden Ratios in 3 Ponds",
    "Phi-3 Technical Report: A Small Model on Your Phone",
    "Movie Gen: A Cast of Media Foundation Models",
    "Movie Trailers by Video Generation",
    "Video Generation for Films",
    "k-NN Search in Deep Water",
    "Sampling with Top-k Truncation",
    "Agents in E-Commerce",
    "Text2SQL over Ponds",
    "Text-to-SQL over Rivers",
    "Anew: Herons in a New Pond",
)


async def _find(db: Database, *queries: str) -> dict[str, list[str]]:
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", title, "연못의 생물을 다룬다.", votes=number)
        for number, title in enumerate(TITLES, 1)
    ]
    service = await sample_archive.search_over(db, *papers)
    return {
        query: [row.title or "" for row in (await service.search(SearchRequest(query))).rows]
        for query in queries
    }


@pytest.mark.parametrize("ending", ["", "은", "은 무엇인가요", "의 구조", "을", "에서"])
async def test_an_ending_behind_a_version_is_an_ending(db: Database, ending: str) -> None:
    found = await _find(db, f"EXAONE 3.0{ending}", f"Phi 3{ending}", f"Phi-3{ending}")
    for titles in found.values():
        assert titles[0] in (TITLES[0], TITLES[3]), found
    assert "Three Phases of Phi: Golden Ratios in 3 Ponds" not in found[f"EXAONE 3.0{ending}"]


@pytest.mark.parametrize(
    "query", ["Movie Gen", "Movie Gen은 무엇인가요", "Movie Gen이란?", "what is Movie Gen"]
)
async def test_a_name_of_two_plain_words_is_a_name(db: Database, query: str) -> None:
    found = await _find(db, query)
    assert found[query][0] == "Movie Gen: A Cast of Media Foundation Models"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("kNN", "k-NN Search in Deep Water"),
        ("knn search", "k-NN Search in Deep Water"),
        ("topk", "Sampling with Top-k Truncation"),
        ("topk sampling", "Sampling with Top-k Truncation"),
        ("ecommerce", "Agents in E-Commerce"),
        ("ecommerce agents", "Agents in E-Commerce"),
        ("text to sql", "Text-to-SQL over Rivers"),
        ("text to sql", "Text2SQL over Ponds"),
        ("text2sql", "Text-to-SQL over Rivers"),
        ("text2sql", "Text2SQL over Ponds"),
    ],
)
async def test_a_spelling_with_and_without_a_hyphen_or_a_digit_is_one(
    db: Database, query: str, title: str
) -> None:
    assert title in (await _find(db, query))[query]


async def test_a_letter_that_is_a_word_is_no_half_of_one(db: Database) -> None:
    found = await _find(db, "anew")
    assert found["anew"] == ["Anew: Herons in a New Pond"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("how are newts understood", "Understanding Newts"),
        ("models shrunk for phones", "Shrinking Models for Phones"),
        ("sped up rivers", "Speeding Up Rivers"),
        ("chosen herons", "Choosing Herons"),
        ("longer newts", "Understanding Newts"),
    ],
)
async def test_an_irregular_form_or_a_word_that_no_summary_has_hides_no_paper(
    db: Database, query: str, title: str
) -> None:
    titles = ("Understanding Newts", "Shrinking Models for Phones", "Speeding Up Rivers", "Choosing Herons")
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", one, "연못의 생물을 다룬다.", votes=number)
        for number, one in enumerate((*titles, *TITLES), 1)
    ]
    service = await sample_archive.search_over(db, *papers)
    result = await service.search(SearchRequest(query))
    assert [row.title for row in result.rows][:1] == [title], result.read.absent
    assert not result.read.absent
