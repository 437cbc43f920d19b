"""Spellings and endings of names and terms that questions have and papers write otherwise."""

import pytest

from bot.search import glossary_service
from bot.search.results import SearchRequest
from bot.search.service import SearchService
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
    "Virtual Try-On for Ducks",
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


@pytest.mark.parametrize(
    ("query", "name"),
    [("엑사원", "EXAONE"), ("엑사원 3.0", "EXAONE 3.0"), ("케스트랄", "Kestrel"), ("플로랑스", "Florence")],
)
async def test_a_name_in_hangul_that_no_paper_has_offers_the_one_that_sounds_so(
    db: Database, query: str, name: str
) -> None:
    titles = (*TITLES, "Kestrel: A Model of Wings", "Florence: Pictures of Ponds")
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", title, "연못의 생물을 다룬다.", votes=number)
        for number, title in enumerate(titles, 1)
    ]
    await sample_archive.search_over(db, *papers)
    await glossary_service.GlossaryService(db).rebuild()
    service = SearchService(db)
    result = await service.search(SearchRequest(query))
    assert result.suggestions == (name,)
    offered = await service.search(SearchRequest(name))
    assert offered.rows[0].title.startswith(name.partition(" ")[0])  # type: ignore[union-attr]


async def test_a_term_written_as_one_word_is_the_term_in_both_languages(db: Database) -> None:
    """`ecommerce` finds what papers call e-commerce and 전자상거래, `machineunlearning` what they call 기계 언러닝."""
    summaries = (
        "전자상거래(e-commerce) 상점을 다룬다. 전자상거래는 크다.",
        "전자상거래를 다룬다. 전자상거래(e-commerce)는 작다.",
        "전자상거래 상점을 다룬다. 전자상거래를 돕는다.",
        "실시간으로 연못을 본다. 실시간 영상을 다룬다.",
        "초해상도로 연못을 본다. 초해상도를 다룬다.",
    )
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", f"Ponds {number}", summary, votes=number)
        for number, summary in enumerate(summaries, 1)
    ]
    await sample_archive.search_over(db, *papers)
    await glossary_service.GlossaryService(db).rebuild()
    service = SearchService(db)
    for query, ids in (("ecommerce", {1, 2, 3}), ("realtime", {4}), ("superresolution", {5})):
        found = {int(row.key[-5:]) for row in (await service.search(SearchRequest(query))).rows}
        assert found == ids, query


@pytest.mark.parametrize(
    ("typed", "meant"), [("multimodel", "multimodal"), ("retreival", "retrieval"), ("difusion", "diffusion")]
)
async def test_a_word_that_one_paper_has_is_corrected_to_one_that_far_more_have(
    db: Database, typed: str, meant: str
) -> None:
    summaries = [f"이 논문은 {meant}을 다룬다."] * 25 + [f"Ponds with {typed} herons."]
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", f"Ponds {number}", summary, votes=number)
        for number, summary in enumerate(summaries, 1)
    ]
    service = await sample_archive.search_over(db, *papers)
    result = await service.search(SearchRequest(typed))
    assert (result.read.corrected, result.total) == (((typed, meant),), 25)
    quoted = await service.search(SearchRequest(f'"{typed}"'))
    assert (quoted.read.corrected, quoted.total) == ((), 1)
    few = await sample_archive.search_over(
        db,
        sample_archive.NewsletterPaper("2501.00099", f"{typed.title()}: A Name", "연못을 다룬다.", votes=1),
    )
    named = await few.search(SearchRequest(typed))
    assert named.read.corrected == (), "a paper has it as its name"


@pytest.mark.parametrize(
    ("query", "short", "other"),
    [
        ("음성 인식", "STT", "spatio-temporal transformer"),
        ("mixture of experts", "MoE", "margin of error"),
        ("검색 증강 생성", "RAG", "region adjacency graph"),
    ],
)
async def test_an_abbreviation_that_a_paper_explains_otherwise_is_not_the_term(
    db: Database, query: str, short: str, other: str
) -> None:
    papers = (
        sample_archive.NewsletterPaper(
            "2501.00001", "Cars", f"{short}({other})로 연못을 본다. {short}는 빠르다. {short}.", votes=9
        ),
        sample_archive.NewsletterPaper(
            "2501.00002", "Ponds", f"{short}로 연못을 본다. {short}는 빠르다. {short}.", votes=1
        ),
    )
    service = await sample_archive.search_over(db, *papers)
    assert [row.title for row in (await service.search(SearchRequest(query))).rows] == ["Ponds"]


@pytest.mark.parametrize(("query", "title"), [("longer newts", "Understanding Newts")])
async def test_a_word_that_no_summary_has_hides_no_paper(db: Database, query: str, title: str) -> None:
    titles = ("Understanding Newts", "Shrinking Models for Phones", "Speeding Up Rivers", "Choosing Herons")
    papers = [
        sample_archive.NewsletterPaper(f"2501.{number:05}", one, "연못의 생물을 다룬다.", votes=number)
        for number, one in enumerate((*titles, *TITLES), 1)
    ]
    service = await sample_archive.search_over(db, *papers)
    result = await service.search(SearchRequest(query))
    assert [row.title for row in result.rows][:1] == [title], result.read.absent
    assert not result.read.absent
