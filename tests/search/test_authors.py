"""Find authors by names in any order, spelling or length, in Hangul, and with typing errors."""

from datetime import date

import pytest

from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from tests.support.sample_archive import NewsletterPaper, add_digest, make_paper, search_over

WRITINGS = {
    "Andrés Marafiori": "andres marafiori|Marafiori, Andrés|MARAFIORI|marafiori andrés",
    "Jürgen Müller": "muller|Mueller|Müller|jurgen muller|Müller, Jürgen",
    "Junyang Lin": "lin junyang|Lin, Junyang|J. Lin|lin j|Jun Yang Lin|Junyang",
}
ERRORS = {
    "Jürgen Müller": "Jurgen Muler|Jurgn Müller",
    "Andrés Marafiori": "Andres Marafoiri|Marafiory",
    "Junyang Lin": "Junyag Lin",
}


@pytest.mark.parametrize(
    ("typed_by_author", "is_corrected"), [(WRITINGS, False), (ERRORS, True)], ids=["writings", "errors"]
)
async def test_a_name_matches_in_any_spelling_or_with_typing_errors(
    search: SearchService, typed_by_author: dict[str, str], is_corrected: bool
) -> None:
    for author, names in typed_by_author.items():
        for name in names.split("|"):
            result = await search.find_author(name, limit=10)
            assert (name, result.author, result.is_corrected) == (name, author, is_corrected)


OTHER_LETTERS = (
    "Mc Dougal: Ira McDougal|mcdougal: Ira McDougal|Ira Mc Dougal: Ira McDougal|de marco: Ann DeMarco|le cun: Yann LeCun"
    "|lebon: Eve Le Bon|Le Bon: Eve Le Bon|Ivanov: Иван Иванов|ivan ivanov: Иван Иванов|Иванов: Иван Иванов"
    "|Papadopoulos: Γιώργος Παπαδόπουλος|Giorgos Papadopoulos: Γιώργος Παπαδόπουλος|Παπαδόπουλος: Γιώργος Παπαδόπουλος"
    "|Shcherbakova: Юлия Щербакова|Петров: Oleg Petrov"
)


async def test_a_name_matches_in_one_or_two_words_and_in_latin_cyrillic_and_greek(db: Database) -> None:
    pairs = [pair.split(": ") for pair in OTHER_LETTERS.split("|")]
    names = tuple(dict.fromkeys(author for _, author in pairs))
    others = ("Marco Dean", "Le Zhang", "Ira Dougan", "Cun Lei")
    search = await search_over(db, make_paper(1, "One", "It works.", authors=(*names, *others)))
    for typed, author in pairs:
        found = await search.find_author(typed, limit=10)
        assert (typed, found.author, found.is_corrected) == (typed, author, False)
    assert (await search.complete_author("mc doug"))[0].value == "Ira McDougal"


async def test_two_typed_words_are_a_misspelt_name_rather_than_one_given_name(db: Database) -> None:
    names = ("Yuanhang Zhou", "Yuan Zhang", "Junyang Lin", "Jun Yan")
    search = await search_over(db, make_paper(1, "One", "It works.", authors=names))
    for typed, author in (("Yuan hang", "Yuan Zhang"), ("jun yang", "Jun Yan")):
        result = await search.find_author(typed, limit=10)
        assert (typed, result.author, result.is_corrected) == (typed, author, True)


async def test_a_foreign_name_in_hangul_matches_by_sound(db: Database) -> None:
    names = ("Thomas Wolf", "Liang Wang", "Tom Wolfe Lewis")
    service = await search_over(db, make_paper(1, "One", "It works.", authors=names))
    for typed, author in (("토머스 울프", names[0]), ("토마스 볼프", names[0]), ("리앙 왕", names[1])):
        found = await service.find_author(typed, limit=10)
        assert (found.matches, found.is_corrected) == ((author,), False)
    assert (await service.find_author("얀 르쿤", limit=10)).author is None


RESEARCHERS = (
    "Geoffrey Hinton: 제프리 힌튼, 제프리 힌턴, 힌튼"
    "|Ilya Sutskever: 일리야 수츠케버, 일리야 수츠케베르, 수츠케버"
    "|Tom Brown: 톰 브라운, 브라운 톰|Noam Shazeer: 노암 샤지어, 샤지어|Yann LeCun: 얀 르쿤, 르쿤"
    "|Yoshua Bengio: 요슈아 벤지오, 요수아 벤지오|Andrew Ng: 앤드류 응, 앤드루 응"
    "|Ian Goodfellow: 이안 굿펠로우, 이언 굿펠로, 굿펠로우|Andrej Karpathy: 안드레이 카파시, 안드레 카르파티, 카파시"
    "|Demis Hassabis: 데미스 하사비스, 데미스 허사비스, 하사비스|David Silver: 데이비드 실버, 데이빗 실버"
    "|Jürgen Schmidhuber: 유르겐 슈미드후버, 슈미드후버|Jeff Dean: 제프 딘"
    "|Oriol Vinyals: 오리올 비니알스, 오리올 빈얄스|Ashish Vaswani: 아시시 바스와니, 아쉬쉬 바스와니, 바스와니"
    "|Christopher Manning: 크리스토퍼 매닝|Percy Liang: 퍼시 리앙, 퍼시 량"
    "|Richard Sutton: 리처드 서튼, 리차드 서턴, 서튼|Max Welling: 막스 웰링, 맥스 웰링"
    "|Diederik Kingma: 디데릭 킹마, 디데리크 킹마|Alec Radford: 알렉 래드포드, 알렉 래드퍼드, 래드포드"
    "|Dario Amodei: 다리오 아모데이, 다리오 아모다이|John Schulman: 존 슐만, 존 슐먼|Pieter Abbeel: 피터 아빌"
    "|Sergey Levine: 세르게이 레빈, 세르게이 러바인|Chelsea Finn: 첼시 핀|Jacob Devlin: 제이콥 데블린, 데블린"
    "|Quoc Le: 쿠옥 르|Samy Bengio: 새미 벤지오, 사미 벤지오|Michael Jordan: 마이클 조던, 마이클 조단"
    "|Andrew Barto: 앤드류 바토, 앤드루 바르토|Stuart Russell: 스튜어트 러셀, 러셀"
    "|Peter Norvig: 피터 노빅, 피터 노르빅|Judea Pearl: 주데아 펄, 유데아 펄"
    "|Vladimir Vapnik: 블라디미르 바프니크, 블라디미르 배프닉|Jared Kaplan: 재러드 카플란, 자레드 캐플런"
    "|Paul Christiano: 폴 크리스티아노|Jonathan Ho: 조나단 호, 조너선 호|Durk Kingma: 더크 킹마"
    "|Sebastian Ruder: 세바스찬 루더, 세바스티안 루더|Lukasz Kaiser: 루카스 카이저, 루카시 카이저"
    "|Alexia Jolicoeur-Martineau: 졸리쾨르마르티노, 알렉시아 졸리쾨르마르티노, 알렉시아 졸리코어 마르티노"
    "|Leandro von Werra: 레안드로 폰 베라|Dale Schuurmans: 데일 슈르만스|Timo Schick: 티모 쉭, 티모 시크"
    "|Christopher Potts: 크리스토퍼 포츠|Dzmitry Bahdanau: 드미트리 바다나우, 바다나우|Arthur Mensch: 아서 멘쉬"
    "|Niklas Muennighoff: 니클라스 무에니호프|Hannaneh Hajishirzi: 한나네 하지시르지|Ivan Laptev: 이반 라프테프"
    "|Tatsunori Hashimoto: 타츠노리 하시모토|Shai Shalev-Shwartz: 샤이 샬레브슈워츠|Sam McCandlish: 샘 매캔들리시"
    "|Rafael Rafailov: 라파엘 라파일로프|Yonatan Belinkov: 요나탄 벨린코프|Jeremy Howard: 제레미 하워드"
    "|Matthias Bethge: 마티아스 베트게|Alexandre Défossez: 알렉상드르 데포세"
)
"""Names as Koreans write them."""
ABSENT = (
    "존 스미스|제프리 히튼|톰 그린|마이클 잭슨|토마스 제퍼슨|조지 워싱턴|피터 파커|세르게이 브린|김철수|사과"
    "|저장|시장|수정|음악"
)
GIVEN = ("Se Jung Kwon", "Susan Liang", "Marc Roth")
"""People whose given names sound like words: 저장, 수정, 음악."""


async def test_researchers_are_found_as_koreans_write_them_and_several_are_listed(db: Database) -> None:
    spelt = dict(row.split(": ") for row in RESEARCHERS.split("|"))
    authors = (*spelt, "Peter Brown", "Jeff Heaton", "Mac Welling", "Sergey Petrov", "Edoardo Cetin", *GIVEN)
    service = await search_over(db, make_paper(1, "One", "It works.", authors=authors))
    for author, spellings in spelt.items():
        for typed in spellings.split(", "):
            found = await service.find_author(typed, limit=10)
            assert (typed, found.matches, found.is_corrected) == (typed, (author,), False)
    assert set((await service.find_author("브라운", limit=10)).namesakes) == {"Tom Brown", "Peter Brown"}
    assert set((await service.find_author("벤지오", limit=10)).namesakes) == {"Yoshua Bengio", "Samy Bengio"}
    for typed in ABSENT.split("|"):
        assert (typed, (await service.find_author(typed, limit=10)).author) == (typed, None)
    for typed, near in (
        ("팀 브라운", "Tom Brown"),
        ("노아 카파시", "Andrej Karpathy"),
        ("크리스 포츠", "Christopher Potts"),
        ("레", "Leandro von Werra"),
        ("Andrew Nagy", "Andrew Ng"),
        ("Timoti Shick", "Timo Schick"),
    ):
        found = await service.find_author(typed, limit=10)
        assert (found.author, near in found.near) == (None, True), typed


BEST_MATCHES = (
    "J. Lin: Junyang Lin|Lin J: Junyang Lin|Junyang Lni: Junyang Lin|Junyang Li: Junyang Lin|Junyag Lmn: Junyang Lin"
    "|Jnuyagn Lin: Junyang Lin|Junyang Q. Lin: Junyang Lin|Kqichen Zhang: Kaichen Zhang|K. Zhang: Kaichen Zhang"
    "|Matthew L Olson: Matthew Lyle Olson|Matthew Olson: Matthew Lyle Olson|Ying-Tina Liu: Ying-Tian Liu"
    "|Yingtian Liu: Ying-Tian Liu|Deep Seek AI: DeepSeek-AI|DeepSeekAI: DeepSeek-AI|Liu: Ying-Tian Liu"
)


async def test_the_best_matching_author_comes_first(db: Database) -> None:
    names = ("Junyang Lin", "Kaichen Zhang", "David K. Zhang", "Matthew Lyle Olson", "Ying-Tian Liu")
    others = ("J. H. Li", "Y. K. Lee", "Ethan D. L. Brown", "Lin Zhou", "Olivia M. Lang", "DeepSeek-AI")
    search = await search_over(db, make_paper(1, "One", "하나입니다.", authors=names + others))
    for pair in BEST_MATCHES.split("|"):
        name, meant = pair.split(": ")
        assert (name, (await search.find_author(name, limit=10)).author) == (name, meant)


async def test_implausible_corrections_of_a_name_are_rejected(db: Database) -> None:
    people = ("Seon Joo Kim", "Young-Jun Lee", "Lei Zhang", "Jianyi Wang", "Minjun Kim", "Junyang Lin")
    search = await search_over(db, make_paper(1, "One", "하나입니다.", authors=people))
    corrected = {"Sunjoo Kim": people[0], "Seon Joo Kin": people[0], "Junyang Li": people[5]}
    unknown = dict.fromkeys(("Geonwoo Kim", "Dongjun Lee", "Wei Zhangg", "Jian Wan", "Minsu Kim"))
    for typed, meant in (unknown | corrected).items():
        result = await search.find_author(typed, limit=10)
        assert (typed, result.author, result.is_corrected) == (typed, meant, meant is not None)


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
    """The search service for one paper per group of people."""
    papers = [
        NewsletterPaper(f"2505.0100{number}", f"Paper {number}", "It works.", authors=authors)
        for number, authors in enumerate(PEOPLE)
    ]
    return await search_over(db, *papers)


NAMES = {
    "Gunwoo Park": "박건우|박 건우|건우 박|건우",
    "Se-Young Cheon": "천세영",
    "Jihyun Janice Ahn": "안지현",
    "Hyunwoo J. Noh": "노현우",
    "Seoung Wug Oh": "오승욱",
    "Kwang Moo Yi": "이광무",
    "최유나": "최유나|유나 최",
    None: "박건호|김건우|이세영|쀍뛟쬻꽳|ㄱㄴㄷ|" + "가" * 200,
}


async def test_a_hangul_name_finds_only_its_romanisations(korean: SearchService) -> None:
    for meant, names in NAMES.items():
        for typed in names.split("|"):
            result = await korean.find_author(typed, limit=10)
            assert (typed, result.author, result.namesakes) == (typed, meant, ())


async def test_an_ambiguous_hangul_name_lists_all_its_bearers(korean: SearchService) -> None:
    result = await korean.find_author("강민지", limit=10)
    assert set(result.namesakes) == set(result.matches) == {"Minji Kang", "Min-Jee Kang"}
    assert {row.key for row in result.rows} == {"2505.01007", "2505.01008"}


async def test_a_middle_initial_does_not_match_a_given_name(korean: SearchService) -> None:
    assert (await korean.find_author("Junho Kim", limit=10)).author is None
    assert (await korean.find_author("Bryan Junho Kim", limit=10)).author == "Bryan J. Kim"


@pytest.mark.parametrize("typed", ["J.", "J*", "J++", "j w"])
async def test_initials_alone_are_no_name(korean: SearchService, typed: str) -> None:
    assert (await korean.find_author(typed, limit=10)).author is None


async def test_the_author_operator_accepts_hangul(korean: SearchService) -> None:
    for query in ("author:박건우", "저자:박건우"):
        result = await korean.search(SearchRequest(query))
        assert [row.key for row in result.rows] == ["2505.01000"]


async def test_an_incomplete_hangul_name_is_completed(korean: SearchService) -> None:
    for typed, offered in (("박거", "Gunwoo Park"), ("노혀", "Hyunwoo J. Noh"), ("최ㅇ", "최유나")):
        assert offered in [choice.value for choice in await korean.complete_author(typed)]


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_authors_papers_are_sorted_filtered_and_paged(db: Database) -> None:
    votes = [5, None, 40, 0, 9, 9]
    papers = [NewsletterPaper(f"2505.0001{n}", "One", "It works.", votes=one) for n, one in enumerate(votes)]
    await add_digest(db, "2025-05-02", *papers[:5])
    await add_digest(db, "2025-05-03", *papers[5:])
    service = SearchService(db)
    for sort, pages in ((Sort.VOTES, ["254", "031"]), (Sort.DATE, ["524", "031"])):
        for number, page in enumerate(pages):
            found = await service.find_author("Ada Lovelace", sort=sort, limit=3, offset=3 * number)
            assert ("".join(row.key[-1] for row in found.rows), found.total) == (page, 6)
    few = models.Filters(until_on=date(2025, 5, 2), min_votes=5)
    found = await service.find_author("Ada Lovelace", filters=few, limit=2)
    assert ([row.key[-1] for row in found.rows], found.total) == (["2", "4"], 3)
    filtered = await service.search(SearchRequest("author:lovelace", few, limit=2, offset=2))
    assert ([row.key[-1] for row in filtered.rows], filtered.total) == (["0"], 3)


async def test_all_who_have_a_family_name_are_listed_and_counted_in_both_scripts(db: Database) -> None:
    lasts = ("na", "ho", "yun", "eun", "su", "ri")
    names = [f"{first}{last} Lee" for first in ("Ji", "Min", "Seo", "Ha", "Do") for last in lasts]
    papers = [
        make_paper(number, "A Study", "실험입니다.", authors=(name,))
        for number, name in enumerate((*names, "Yi Zhang", "Yi-Fan Wu", "Leeland Stone", "Lee Min-ho"), 1)
    ]
    service = await search_over(db, *papers)
    for typed in ("Lee", "이"):
        found = await service.find_author(typed, limit=10)
        assert ({*found.namesakes}, found.total) == ({*names, "Lee Min-ho"}, 31), typed
    assert (await service.find_author("Jina Lee", limit=10)).namesakes == ()


async def test_a_name_with_a_month_in_it_is_the_author_and_no_period(db: Database) -> None:
    papers = [
        make_paper(1, "Robots in Gardens", "로봇이 걷습니다.", authors=("April Moss", "Bo Carr")),
        make_paper(2, "Maps of Moss", "지도를 그립니다."),
    ]
    service = await search_over(db, *papers)
    found = await service.search(SearchRequest("April Moss", today=date(2026, 1, 5)))
    assert (found.read.authors, [row.key[-1] for row in found.rows]) == (("April Moss",), ["1"])
    for query, words in (("maps april", "maps"), ("friday robots", "friday robots")):
        read = (await service.search(SearchRequest(query, today=date(2026, 1, 5)))).read
        assert (read.text, read.filters.since_on is None) == (words, words == query)


async def test_a_name_with_a_topic_lists_the_authors_papers_on_it(db: Database) -> None:
    papers = [
        make_paper(1, "Robots in Gardens", "로봇이 걷습니다.", authors=("Ada Mossing", "Bo Carr")),
        make_paper(2, "Maps of Rivers", "지도를 그립니다.", authors=("Ada Mossing",)),
        make_paper(3, "Robots at Sea", "로봇이 헤엄칩니다.", votes=99),
        make_paper(4, "Robot Laws of Karel Capek", "로봇의 역사입니다.", authors=("Karel Capek",)),
    ]
    service = await search_over(db, *papers)
    for query, numbers in {
        "Ada Mossing robots": ["1"],
        "로봇 Ada Mossing": ["1"],
        "robots by Ada Mossing": ["1"],
        "Ada Mossing의 로봇 논문": ["1"],
        # Limits and what is left out go along.
        "Ada Mossing since 2024": ["1", "2"],
        "Ada Mossing, no robots": ["2"],
        "Ada Mossing robots 2025년": ["1"],
        "Ada Mossing votes:50": [],
        "Ada Mossing video": ["1", "2"],
        "robots at sea": ["3"],
        "robot laws of Karel Capek": ["4"],
    }.items():
        result = await service.search(SearchRequest(query, today=date(2026, 1, 5)))
        found = [row.key[-1] for row in result.rows if row.key not in result.missing]
        assert (query, sorted(found)) == (query, numbers)
