"""Spellings and endings of names and terms that questions have and papers write otherwise."""

import pytest

from bot.search import glossary_service
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from tests.support.sample_archive import make_paper, search_over

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


POND = "연못의 생물을 다룬다."


async def _store(db: Database, *papers: tuple[str, str]) -> SearchService:
    """Store papers with titles and summaries, of which the n-th has n votes."""
    stored = [make_paper(number, *paper, number) for number, paper in enumerate(papers, 1)]
    return await search_over(db, *stored)


async def _find(service: SearchService, query: str) -> list[str]:
    return [row.title or "" for row in (await service.search(SearchRequest(query))).rows]


async def test_names_are_found_with_any_ending_and_spelling(db: Database) -> None:
    service = await _store(db, *((title, POND) for title in TITLES))
    for ending in ("", "은", "은 무엇인가요", "의 구조", "을", "에서"):
        for name in ("EXAONE 3.0", "Phi 3", "Phi-3"):
            titles = await _find(service, f"{name}{ending}")
            assert titles[0] in (TITLES[0], TITLES[3]), (name, ending)
        assert TITLES[2] not in await _find(service, f"EXAONE 3.0{ending}"), "the phases of Phi"
    for query in ("Movie Gen", "Movie Gen은 무엇인가요", "Movie Gen이란?", "what is Movie Gen"):
        assert (await _find(service, query))[0] == "Movie Gen: A Cast of Media Foundation Models"
    for query in ("text to sql", "text2sql"):
        assert {"Text-to-SQL over Rivers", "Text2SQL over Ponds"} <= {*await _find(service, query)}


async def test_a_name_in_hangul_that_no_paper_has_offers_the_one_that_sounds_so(db: Database) -> None:
    titles = (*TITLES, "Kestrel: A Model of Wings", "Florence: Pictures of Ponds")
    service = await _store(db, *((title, POND) for title in titles))
    await glossary_service.GlossaryService(db).rebuild()
    named = {"엑사원": "EXAONE", "엑사원 3.0": "EXAONE 3.0", "케스트랄": "Kestrel", "플로랑스": "Florence"}
    for query, name in named.items():
        assert (await service.search(SearchRequest(query))).suggestions == (name,)
        assert (await _find(service, name))[0].startswith(name.partition(" ")[0])


async def test_a_term_written_as_one_word_is_the_term_in_both_languages(db: Database) -> None:
    """`ecommerce` finds what papers call e-commerce and 전자상거래, `machineunlearning` what they call 기계 언러닝."""
    service = await _store(
        db,
        ("1", "전자상거래(e-commerce) 상점을 다룬다. 전자상거래는 크다."),
        ("2", "전자상거래를 다룬다. 전자상거래(e-commerce)는 작다."),
        ("3", "전자상거래 상점을 다룬다. 전자상거래를 돕는다."),
        ("4", "실시간으로 연못을 본다. 실시간 영상을 다룬다."),
        ("5", "초해상도로 연못을 본다. 초해상도를 다룬다."),
    )
    await glossary_service.GlossaryService(db).rebuild()
    for query, titles in (("ecommerce", "123"), ("realtime", "4"), ("superresolution", "5")):
        assert sorted(await _find(service, query)) == [*titles], query


@pytest.mark.parametrize(
    ("typed", "meant"), [("multimodel", "multimodal"), ("retreival", "retrieval"), ("difusion", "diffusion")]
)
async def test_a_word_that_one_paper_has_is_corrected_to_one_that_far_more_have(
    db: Database, typed: str, meant: str
) -> None:
    papers = [*[("Ponds", f"이 논문은 {meant}을 다룬다.")] * 25, ("Ponds", f"Ponds with {typed} herons.")]
    service = await _store(db, *papers)
    result = await service.search(SearchRequest(typed))
    assert (result.read.corrected, result.total) == (((typed, meant),), 25)
    quoted = await service.search(SearchRequest(f'"{typed}"'))
    assert (quoted.read.corrected, quoted.total) == ((), 1)
    few = await _store(db, (f"{typed.title()}: A Name", "연못을 다룬다."))
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
    text = f"로 연못을 본다. {short}는 빠르다. {short}."
    ponds, cars = (
        make_paper(1, "Ponds", f"{short}{text}", 1),
        make_paper(2, "Cars", f"{short}({other}){text}", 9),
    )
    service = await search_over(db, cars, ponds)
    assert await _find(service, query) == ["Ponds"]


async def test_a_word_that_no_summary_has_hides_no_paper(db: Database) -> None:
    titles = ("Understanding Newts", "Shrinking Models for Phones", "Speeding Up Rivers", "Choosing Herons")
    papers = [make_paper(number, title, POND, number) for number, title in enumerate((*titles, *TITLES), 1)]
    result = await (await search_over(db, *papers)).search(SearchRequest("longer newts"))
    assert result.rows[0].title == "Understanding Newts", result.read.absent
    assert not result.read.absent
