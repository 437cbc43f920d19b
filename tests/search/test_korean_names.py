"""Authors by names in Hangul and by other spellings, on both engines."""

from __future__ import annotations

import pytest

from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

PEOPLE = (
    ("Gunwoo Park",),
    ("Se-Young Cheon", "Wei Li"),
    ("Jihyun Janice Ahn",),
    ("Hyunwoo J. Noh", "Seoung Wug Oh"),
    ("Kwang Moo Yi",),
    ("최유나",),
    ("Bryan J. Kim",),
    ("Minji Kang",),
    ("Min-Jee Kang",),
    ("Minjee Lee",),
)


@pytest.fixture
async def korean(db: Database) -> SearchService:
    papers = [
        NewsletterPaper(f"2505.0100{number}", f"Paper {number}", "It works.", authors=authors)
        for number, authors in enumerate(PEOPLE)
    ]
    await sample_archive.add_digest(db, "2025-05-03", *papers)
    return SearchService(db)


NAMES = [
    ("박건우", "Gunwoo Park"),
    ("박 건우", "Gunwoo Park"),
    ("건우 박", "Gunwoo Park"),
    ("건우", "Gunwoo Park"),
    ("Geon-Woo Pak", "Gunwoo Park"),
    ("Bak Geonwoo", "Gunwoo Park"),
    ("천세영", "Se-Young Cheon"),
    ("안지현", "Jihyun Janice Ahn"),
    ("노현우", "Hyunwoo J. Noh"),
    ("Hyeonu Roh", "Hyunwoo J. Noh"),
    ("오승욱", "Seoung Wug Oh"),
    ("이광무", "Kwang Moo Yi"),
    ("최유나", "최유나"),
    ("유나 최", "최유나"),
    ("Yoona Choe", "최유나"),
    ("Yuna Choi", "최유나"),
]
OTHER_NAMES = ["박건호", "김건우", "이세영", "강", "쀍뛟쬻꽳", "가" * 200, "ㄱㄴㄷ"]


async def test_a_name_is_found_in_hangul_and_in_other_spellings(korean: SearchService) -> None:
    for typed, meant in NAMES:
        result = await korean.find_author(typed)
        assert (typed, result.author, result.namesakes) == (typed, meant, ())


async def test_another_hangul_name_is_not_found(korean: SearchService) -> None:
    for typed in OTHER_NAMES:
        assert (typed, (await korean.find_author(typed)).author) == (typed, None)


async def test_several_people_of_a_hangul_name_are_listed(korean: SearchService) -> None:
    result = await korean.find_author("강민지")
    assert set(result.namesakes) == set(result.matches) == {"Minji Kang", "Min-Jee Kang"}
    assert {row.arxiv_id for row in result.rows} == {"2505.01007", "2505.01008"}
    assert (result.coauthors, result.topics) == ((), ())


async def test_a_middle_initial_does_not_stand_for_a_whole_given_name(korean: SearchService) -> None:
    assert (await korean.find_author("Junho Kim")).author is None
    assert (await korean.find_author("Bryan Junho Kim")).author == "Bryan J. Kim"


async def test_the_author_operator_accepts_hangul(korean: SearchService) -> None:
    for query in ("author:박건우", "저자:박건우"):
        result = await korean.search(SearchRequest(query))
        assert [row.arxiv_id for row in result.rows] == ["2505.01000"]


async def test_a_hangul_name_is_completed_while_it_is_typed(korean: SearchService) -> None:
    for typed, offered in (("박거", "Gunwoo Park"), ("노혀", "Hyunwoo J. Noh"), ("최ㅇ", "최유나")):
        assert offered in [choice.value for choice in await korean.complete_author(typed)]
