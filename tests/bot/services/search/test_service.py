"""Look-ups over a small archive, on both engines."""

from __future__ import annotations

from datetime import date

import pytest

from bot.services.search import indexer, rebuild
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from storage import models
from storage.database import Database
from storage.search import index
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

SMALL = NewsletterPaper(
    "2501.00001",
    "TinyTalk: Training a Small Language Model on Clean Data",
    "TinyTalk는 소형 언어 모델(Small Language Model; SLM)을 깨끗한 데이터로 학습합니다.",
    votes=40,
    authors=("Andrés Marafiori", "Jürgen Müller"),
)
REINFORCED = NewsletterPaper(
    "2501.00002",
    "Rewarding Steps: Reinforcement Learning for Planning",
    "강화 학습(Reinforcement Learning; RL)으로 계획을 세웁니다. 강화학습은 보상을 따릅니다.",
    votes=7,
    authors=("Junyang Lin", "Ada Lovelace"),
)
CHEMISTRY = NewsletterPaper("2501.00003", "Molecules in Motion", "화학 반응을 예측하는 모델입니다.", votes=90)


@pytest.fixture
async def lookup(db: Database) -> SearchService:
    """Three papers of two days."""
    await sample_archive.add_digest(db, "2025-01-02", SMALL, REINFORCED)
    await sample_archive.add_digest(db, "2025-01-03", CHEMISTRY)
    return SearchService(db)


async def ids(lookup: SearchService, query: str, **filters: object) -> list[str]:
    """Return the arXiv ids that a query finds."""
    return [row.arxiv_id for row in (await lookup.search(SearchRequest(query, **filters))).rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    ["소형 언어 모델", "small language models", "소형언어모델", "SLM", '"language model"', "TinyTalk"],
)
async def test_a_paper_is_found_however_it_is_asked_for(lookup: SearchService, query: str) -> None:
    assert (await ids(lookup, query))[:1] == ["2501.00001"]


@pytest.mark.parametrize(
    "query", ["멀티턴", "멀티 턴", "멀티-턴", "키프레임", "키 프레임", "종단간", "종단 간"]
)
async def test_a_word_with_one_syllable_apart_is_found_in_every_spacing(db: Database, query: str) -> None:
    closed = NewsletterPaper("2501.00004", "One", "멀티턴 학습에서 키프레임을 종단간으로 고릅니다.")
    apart = NewsletterPaper("2501.00005", "Two", "멀티 턴 학습에서 키 프레임을 종단 간으로 고릅니다.")
    await sample_archive.add_digest(db, "2025-01-02", closed, apart)
    assert set(await ids(SearchService(db), query)) == {"2501.00004", "2501.00005"}


async def test_a_concept_says_by_which_other_words_it_was_searched(lookup: SearchService) -> None:
    result = await lookup.search(SearchRequest("강화학습"))
    assert [row.arxiv_id for row in result.rows] == ["2501.00002"]
    assert "reinforcement learning" in result.added_forms
    assert (await lookup.search(SearchRequest("강화학습", literal=True))).added_forms == ()


async def test_few_hits_for_all_words_bring_those_with_most_of_them(lookup: SearchService) -> None:
    result = await lookup.search(SearchRequest("TinyTalk 반응"))
    assert result.is_partial
    assert {row.arxiv_id for row in result.rows} == {"2501.00001", "2501.00003"}


async def test_filters_inside_and_outside_the_query_narrow_it(lookup: SearchService) -> None:
    assert await ids(lookup, "모델 votes:50") == ["2501.00003"]
    assert await ids(lookup, "모델", since=date(2025, 1, 3)) == ["2501.00003"]
    assert await ids(lookup, "모델", author="marafiori") == ["2501.00001"]
    assert await ids(lookup, "", min_votes=10) == ["2501.00003", "2501.00001"]
    assert await ids(lookup, "모델 -화학") == ["2501.00001"]
    assert await ids(lookup, "") == []


@pytest.mark.parametrize("name", ["andres marafiori", "Marafiori, Andrés", "MARAFIORI", "marafiori andrés"])
async def test_an_author_is_found_in_any_order_and_without_diacritics(
    lookup: SearchService, name: str
) -> None:
    result = await lookup.find_author(name)
    assert result.author == "Andrés Marafiori"
    assert [row.arxiv_id for row in result.rows] == ["2501.00001"]
    assert result.coauthors == ("Jürgen Müller",)
    assert result.topics == ("small language model",)


@pytest.mark.parametrize("name", ["muller", "Mueller", "Müller", "jurgen muller", "Müller, Jürgen"])
async def test_umlauts_may_be_written_in_every_usual_way(lookup: SearchService, name: str) -> None:
    assert (await lookup.find_author(name)).author == "Jürgen Müller"


@pytest.mark.parametrize("query", ["π0", "pi0", "pi_0", "bold model", '"bold model"'])
async def test_a_title_with_formulas_is_found_as_shown_and_as_typed(db: Database, query: str) -> None:
    title = r"$\pi_0$: A \textbf{Bold} Model"
    await sample_archive.add_digest(
        db, "2025-05-01", sample_archive.NewsletterPaper("2505.09999", title, "It moves arms.")
    )
    found = await SearchService(db).search(SearchRequest(query))
    assert [row.arxiv_id for row in found.rows][:1] == ["2505.09999"]


async def test_a_person_is_called_as_most_papers_write_the_name(db: Database) -> None:
    forms = ("Loubna Ben allal", "Loubna Ben Allal", "Loubna Ben Allal")
    papers = [
        sample_archive.NewsletterPaper(
            f"2505.0666{number}", f"Paper {number}", "It works.", authors=(form, "Ada Byron")
        )
        for number, form in enumerate(forms)
    ]
    await sample_archive.add_digest(db, "2025-05-04", *papers)
    result = await SearchService(db).find_author("ben allal, loubna")
    assert result.author == "Loubna Ben Allal"
    assert result.matches == ("Loubna Ben Allal",)
    assert result.name_variants == ("Loubna Ben Allal", "Loubna Ben allal")
    assert result.total == 3


async def test_topics_of_a_person_with_as_many_papers_come_in_one_order(db: Database) -> None:
    said = "We use direct preference optimization (DPO), mixture of experts (MoE) and knowledge distillation (KD)."
    await sample_archive.add_digest(
        db, "2025-05-03", sample_archive.NewsletterPaper("2505.07777", "One", said, authors=("Ada Byron",))
    )
    topics = (await SearchService(db).find_author("Ada Byron")).topics
    assert len(topics) == 3
    assert list(topics) == sorted(topics)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Lin, Jun", "Jun Lin"), ("Jun, Lin", "Lin Jun"), ("Jun Lin", "Jun Lin"), ("Lin Jun", "Lin Jun")],
)
async def test_a_comma_tells_the_family_name(db: Database, typed: str, meant: str) -> None:
    papers = [
        sample_archive.NewsletterPaper("2505.08888", "One", "It works.", authors=("Jun Lin",)),
        sample_archive.NewsletterPaper("2505.08889", "Two", "It works.", authors=("Lin Jun",)),
    ]
    await sample_archive.add_digest(db, "2025-05-02", *papers)
    assert (await SearchService(db).find_author(typed)).author == meant


async def test_an_author_whom_nobody_knows_is_no_error(lookup: SearchService) -> None:
    assert (await lookup.find_author("Nobody Atall")).author is None
    assert (await lookup.find_author("")).rows == ()


@pytest.mark.parametrize(
    "text",
    [
        "2501.00002",
        "2501.00002v3",
        "https://huggingface.co/papers/2501.00002",
        "https://arxiv.org/pdf/2501.00002v1",
    ],
)
async def test_a_paper_is_found_by_id_and_by_any_address(lookup: SearchService, text: str) -> None:
    detail = await lookup.find_paper(text)
    assert detail is not None
    assert detail.arxiv_id == "2501.00002"


async def test_a_paper_is_found_by_a_part_of_its_title(lookup: SearchService) -> None:
    detail = await lookup.find_paper("molecules in")
    assert detail is not None
    assert detail.arxiv_id == "2501.00003"
    assert await lookup.find_paper("2599.99999") is None


async def test_a_correction_takes_the_place_of_what_was_indexed(db: Database, lookup: SearchService) -> None:
    changed = NewsletterPaper("2501.00003", "Molecules at Rest", "단백질 접힘을 예측합니다.", votes=95)
    await sample_archive.add_digest(db, "2025-01-03", changed)
    assert await ids(lookup, "반응") == []
    assert await ids(lookup, "단백질") == ["2501.00003"]
    await sample_archive.add_digest(db, "2025-01-03", SMALL)
    assert await ids(lookup, "단백질") == []


async def test_digest_and_top_are_ordered_by_votes(lookup: SearchService) -> None:
    newest = await lookup.get_digest()
    assert (newest.on, newest.total) == (date(2025, 1, 3), 1)
    day = await lookup.get_digest(date(2025, 1, 2))
    assert [row.arxiv_id for row in day.rows] == ["2501.00001", "2501.00002"]
    assert [row.votes for row in (await lookup.list_top(SearchRequest(limit=2))).rows] == [90, 40]
    assert [row.arxiv_id for row in (await lookup.list_top(SearchRequest(query="모델"))).rows] == [
        "2501.00003",
        "2501.00001",
    ]


async def test_topics_are_offered_from_the_first_keystroke(lookup: SearchService) -> None:
    assert len(await lookup.complete_topic("r", models.Locale.EN)) == 25
    english = await lookup.complete_topic("rein", models.Locale.EN)
    assert "reinforcement learning" in [choice.value for choice in english]
    korean = await lookup.complete_topic("강화", models.Locale.KO)
    assert korean[0].value == "강화 학습"
    assert "reinforcement learning" in korean[0].name
    assert 0 < len(await lookup.complete_topic("", models.Locale.KO)) <= 25
    assert await lookup.complete_topic("zzzz", models.Locale.EN) == []


@pytest.mark.parametrize("typed", ["mul", "jur", "müll", "muller j", "Jürgen M"])
async def test_people_are_offered_while_their_names_are_typed(lookup: SearchService, typed: str) -> None:
    assert [choice.value for choice in await lookup.complete_author(typed)] == ["Jürgen Müller"]


@pytest.mark.parametrize("typed", ["2501.00003", "2501.000", "mole", "molecules in mo", "Molecu"])
async def test_papers_are_offered_by_id_and_by_title(lookup: SearchService, typed: str) -> None:
    assert "2501.00003" in [choice.value for choice in await lookup.complete_paper(typed)]


@pytest.mark.parametrize(
    "name", ["Jurgen Muler", "Jurgn Müller", "Andres Marafoiri", "Junyag Lin", "Marafiory"]
)
async def test_a_typing_error_or_two_are_forgiven(lookup: SearchService, name: str) -> None:
    assert (await lookup.find_author(name)).author in {"Jürgen Müller", "Andrés Marafiori", "Junyang Lin"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("J. Lin", "Junyang Lin"),
        ("Lin J", "Junyang Lin"),
        ("Junyang Lni", "Junyang Lin"),
        ("Junyang Li", "Junyang Lin"),
        ("Junyag Lmn", "Junyang Lin"),
        ("Jnuyagn Lin", "Junyang Lin"),
        ("JunyangLin", "Junyang Lin"),
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
    ],
)
async def test_the_right_one_of_many_people_comes_first(db: Database, name: str, meant: str) -> None:
    people = ("Junyang Lin", "Kaichen Zhang", "David K. Zhang", "Matthew Lyle Olson", "Ying-Tian Liu")
    others = ("J. H. Li", "Y. K. Lee", "Ethan D. L. Brown", "Lin Zhou", "Olivia M. Lang", "DeepSeek-AI")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people + others)
    )
    lookup = SearchService(db)
    assert (await lookup.find_author(name)).author == meant


async def test_an_initial_offers_everybody_whom_it_fits(db: Database) -> None:
    people = ("H. Zhang", "Haonan Zhang", "Hao-Ran Zhang", "Kun H. Zhang", "Zhang Hui", "Kun Zhang")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people)
    )
    matches = (await SearchService(db).find_author("H. Zhang")).matches
    assert matches[:2] == ("H. Zhang", "Haonan Zhang")
    assert set(matches) == set(people) - {"Kun Zhang"}


@pytest.mark.parametrize("name", ["J. Lin", "Jun Yang Lin", "Lin, Junyang", "lin j"])
async def test_initials_and_split_names_are_understood(lookup: SearchService, name: str) -> None:
    assert (await lookup.find_author(name)).author == "Junyang Lin"


async def test_the_glossary_says_what_speaks_for_each_form(lookup: SearchService) -> None:
    (concept,) = await lookup.explain_term("SLM")
    by_text = {form.text: form for form in concept.forms}
    assert by_text["소형 언어 모델"].papers == 1
    assert by_text["SLM"].language == "abbr"
    assert await lookup.explain_term("xyzzy") == ()


async def test_everything_can_be_indexed_anew(db: Database, lookup: SearchService) -> None:
    async with db.transaction() as connection:
        rows = await index.list_by_popularity(connection)
        await indexer.SearchIndexer().remove(connection, [row.paper_id for row in rows])
    assert await ids(lookup, "화학") == []
    assert [done async for done in rebuild.rebuild_index(db)][-1] == 3
    assert (await ids(lookup, "반응")) == ["2501.00003"]
    assert (await lookup.find_author("muller")).author == "Jürgen Müller"
    await sample_archive.add_digest(db, "2025-01-03", SMALL)
    assert await ids(lookup, "반응") == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("difusion model", "diffusion model"),
        ("강화 핵습", "강화 학습"),
        ("mixure of experts", "mixture of experts"),
    ],
)
async def test_a_typing_error_brings_what_was_perhaps_meant(
    lookup: SearchService, typed: str, meant: str
) -> None:
    assert meant in [one.casefold() for one in (await lookup.search(SearchRequest(typed))).suggestions]


async def test_words_that_the_archive_has_are_no_typing_errors(lookup: SearchService) -> None:
    # "model" is but a letter from MoDE and modal.
    assert [one.casefold() for one in (await lookup.search(SearchRequest("difusion model"))).suggestions] in (
        ["diffusion model"],
        ["diffusion model", "diffusion"],
    )


async def test_what_is_like_nothing_suggests_nothing(lookup: SearchService) -> None:
    assert (await lookup.search(SearchRequest("zzzzzz"))).suggestions == ()


async def test_what_filters_keep_back_is_offered_without_them(lookup: SearchService) -> None:
    for query in ("모델 votes:500", "모델 author:lin", "모델 since:2025-02", "모델 -모델"):
        result = await lookup.search(SearchRequest(query))
        assert result.rows == ()
        assert result.suggestions[:1] == ("모델",)
    nothing = await lookup.search(SearchRequest("모델 votes:500", min_votes=500))
    assert "모델" not in nothing.suggestions


async def test_a_known_part_is_offered_where_the_whole_finds_nothing(lookup: SearchService) -> None:
    result = await lookup.search(SearchRequest("강화학습 qwertz asdfgh yxcvbn"))
    assert result.rows == ()
    assert "강화학습" in result.suggestions


@pytest.mark.parametrize(
    "query",
    ["small language models 논문", "papers about the small language model", "소형 언어 모델에 대한 연구"],
)
async def test_a_question_in_whole_words_finds_what_its_topic_finds(
    lookup: SearchService, query: str
) -> None:
    result = await lookup.search(SearchRequest(query))
    assert [row.arxiv_id for row in result.rows] == ["2501.00001"]
    assert not result.is_partial


async def test_filters_that_say_nothing_are_named(lookup: SearchService) -> None:
    result = await lookup.search(SearchRequest("모델 votes:many since:tomorrow"))
    assert result.ignored == ("votes:many", "since:tomorrow")
    assert len(result.rows) == 2
    assert (await lookup.search(SearchRequest("votes:many"))).ignored == ("votes:many",)


async def test_dates_in_the_query_bound_it_on_both_sides(lookup: SearchService) -> None:
    assert await ids(lookup, "모델 until:2025-01-02") == ["2501.00001"]
    assert await ids(lookup, "모델 before:2025-01-02") == []
    assert await ids(lookup, "since:2025-01-03 until:2025-01") == ["2501.00003"]
    assert await ids(lookup, "모델 until:2025", until=date(2025, 1, 2)) == ["2501.00001"]


@pytest.mark.parametrize(
    "query",
    [
        "2501.00002",
        "2501.00002v1,",
        "(2501.00002)",
        "２５０１.００００２",
        "https://arxiv.org/abs/2501.00002",
    ],
)
async def test_an_id_or_a_link_asked_as_a_topic_gives_the_paper(lookup: SearchService, query: str) -> None:
    result = await lookup.search(SearchRequest(query))
    assert ([row.arxiv_id for row in result.rows], result.total) == (["2501.00002"], 1)
    detail = await lookup.find_paper(query)
    assert detail is not None
    assert detail.arxiv_id == "2501.00002"


async def test_pages_hold_every_paper_once_and_count_what_is_left_out(db: Database) -> None:
    many = [
        NewsletterPaper(
            f"2502.{n:05}",
            f"{'Robots' if n % 3 else 'Machines'} {n}",
            f"robots {'and maps' if n % 2 else ''}",
            votes=n,
        )
        for n in range(130)
    ]
    await sample_archive.add_digest(db, "2025-02-02", *many)
    lookup = SearchService(db)
    for query, number in (("robots", 130), ("robots -maps", 65)):
        pages = [
            await lookup.search(SearchRequest(query, limit=5, offset=start)) for start in range(0, number, 5)
        ]
        assert {page.total for page in pages} == {number}
        late = [row.arxiv_id for page in pages[8:] for row in page.rows]
        assert len(late) == len(set(late)) == number - 40


async def test_a_persons_topics_are_named_in_the_readers_language(lookup: SearchService) -> None:
    korean = await lookup.find_author("marafiori", locale=models.Locale.KO)
    assert korean.topics == ("소형 언어 모델",)
    assert (await lookup.find_author("marafiori")).topics == ("small language model",)
