"""Authors by names in any order, spelling and length, in Hangul, and with typing errors; what is said of them."""

from __future__ import annotations

from datetime import date

import pytest

from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from storage import search as stored_search
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper


async def test_names_match_in_any_order_and_without_diacritics(search: SearchService) -> None:
    for name in ["andres marafiori", "Marafiori, Andrés", "MARAFIORI", "marafiori andrés"]:
        result = await search.find_author(name)
        assert result.author == "Andrés Marafiori"
        assert [row.arxiv_id for row in result.rows] == ["2501.00001"]


WRITINGS = {
    "Jürgen Müller": "muller|Mueller|Müller|jurgen muller|Müller, Jürgen",
    "Junyang Lin": "lin junyang|Lin, Junyang|J. Lin|lin j|Jun Yang Lin|Junyang",
}
ERRORS = {
    "Jürgen Müller": "Jurgen Muler|Jurgn Müller",
    "Andrés Marafiori": "Andres Marafoiri|Marafiory",
    "Junyang Lin": "Junyag Lin",
}


async def test_umlauts_initials_and_split_names_match_and_typing_errors_are_corrected(
    search: SearchService,
) -> None:
    for typed_by_author, is_corrected in ((WRITINGS, False), (ERRORS, True)):
        for author, names in typed_by_author.items():
            for name in names.split("|"):
                result = await search.find_author(name)
                assert (name, result.author, result.is_corrected) == (name, author, is_corrected)


async def test_a_foreign_name_in_hangul_is_found_by_its_sound(db: Database) -> None:
    names = ("Thomas Wolf", "Liang Wang", "Tom Wolfe Lewis")
    service = await sample_archive.search_over(
        db, NewsletterPaper("2501.00001", "One", "It works.", authors=names)
    )
    for typed, author in (("토머스 울프", names[0]), ("토마스 볼프", names[0]), ("리앙 왕", names[1])):
        assert (await service.find_author(typed)).matches == (author,)
    assert (await service.find_author("얀 르쿤")).author is None


async def test_the_best_match_of_many_authors_comes_first(db: Database) -> None:
    names = ("Junyang Lin", "Kaichen Zhang", "David K. Zhang", "Matthew Lyle Olson", "Ying-Tian Liu")
    others = ("J. H. Li", "Y. K. Lee", "Ethan D. L. Brown", "Lin Zhou", "Olivia M. Lang", "DeepSeek-AI")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=names + others)
    )
    for name, meant in [
        ("J. Lin", "Junyang Lin"),
        ("Lin J", "Junyang Lin"),
        ("Junyang Lni", "Junyang Lin"),
        ("Junyang Li", "Junyang Lin"),
        ("Junyag Lmn", "Junyang Lin"),
        ("Jnuyagn Lin", "Junyang Lin"),
        ("Junyang Q. Lin", "Junyang Lin"),
        ("Kqichen Zhang", "Kaichen Zhang"),
        ("K. Zhang", "Kaichen Zhang"),
        ("Matthew L Olson", "Matthew Lyle Olson"),
        ("Matthew Olson", "Matthew Lyle Olson"),
        ("Ying-Tina Liu", "Ying-Tian Liu"),
        ("Yingtian Liu", "Ying-Tian Liu"),
        ("Deep Seek AI", "DeepSeek-AI"),
        ("DeepSeekAI", "DeepSeek-AI"),
        ("Liu", "Ying-Tian Liu"),
    ]:
        search = SearchService(db)
        assert (await search.find_author(name)).author == meant


async def test_a_name_is_corrected_only_if_the_correction_is_plausible(db: Database) -> None:
    people = ("Seon Joo Kim", "Young-Jun Lee", "Lei Zhang", "Jianyi Wang", "Minjun Kim", "Junyang Lin")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people)
    )
    for typed, meant in [
        ("Geonwoo Kim", None),
        ("Dongjun Lee", None),
        ("Wei Zhangg", None),
        ("Jian Wan", None),
        ("Minsu Kim", None),
        ("Sunjoo Kim", "Seon Joo Kim"),
        ("Seon Joo Kin", "Seon Joo Kim"),
        ("Jnuyagn Lin", "Junyang Lin"),
        ("Junyang Li", "Junyang Lin"),
    ]:
        result = await SearchService(db).find_author(typed)
        assert (result.author, result.is_corrected) == (meant, meant is not None)


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
    ("천세영", "Se-Young Cheon"),
    ("안지현", "Jihyun Janice Ahn"),
    ("노현우", "Hyunwoo J. Noh"),
    ("오승욱", "Seoung Wug Oh"),
    ("이광무", "Kwang Moo Yi"),
    ("최유나", "최유나"),
    ("유나 최", "최유나"),
]
OTHER_NAMES = ["박건호", "김건우", "이세영", "쀍뛟쬻꽳", "가" * 200, "ㄱㄴㄷ"]


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


@pytest.mark.engines("sqlite", "postgresql")
async def test_papers_come_page_by_page_by_votes_or_date_within_filters(db: Database) -> None:
    votes = [5, None, 40, 0, 9, 9]
    papers = [
        NewsletterPaper(f"2505.0001{number}", "One", "It works.", votes=votes[number]) for number in range(6)
    ]
    await sample_archive.add_digest(db, "2025-05-02", *papers[:5])
    await sample_archive.add_digest(db, "2025-05-03", *papers[5:])
    service = SearchService(db)
    for sort, pages in ((Sort.VOTES, ["254", "031"]), (Sort.DATE, ["543", "210"])):
        for number, page in enumerate(pages):
            found = await service.find_author("Ada Lovelace", sort=sort, limit=3, offset=3 * number)
            assert ("".join(row.arxiv_id[-1] for row in found.rows), found.total) == (page, 6)
    few = stored_search.Filters(until_on=date(2025, 5, 2), min_votes=5)
    found = await service.find_author("Ada Lovelace", filters=few, limit=2)
    assert ([row.arxiv_id[-1] for row in found.rows], found.total) == (["2", "4"], 3)
    filtered = await service.search(
        SearchRequest("author:lovelace", until=few.until_on, min_votes=5, limit=2, offset=2)
    )
    assert ([row.arxiv_id[-1] for row in filtered.rows], filtered.total) == (["0"], 3)
