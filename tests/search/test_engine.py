"""Retrieval: papers by votes on a topic, partial matches, pages from one answer, the best of many matches; on both engines."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.search import engine
from bot.search import index as search_index
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest, SearchResult, Sort
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


PAPERS = 120
VOTES = {f"2501.{number + 1:05}": (number * 37) % 101 for number in range(PAPERS)}


@pytest.fixture
async def topic(db: Database) -> SearchService:
    """The search service over papers of which every third is about graphs, with votes in no order."""
    papers = [
        NewsletterPaper(
            arxiv_id,
            f"Study {arxiv_id[-5:]} of {'Graph Learning' if number % 3 == 0 else 'Vision'}",
            "그래프를 다룹니다." if number % 6 == 0 else "영상을 다룹니다.",
            votes=votes,
        )
        for number, (arxiv_id, votes) in enumerate(VOTES.items())
    ]
    return await sample_archive.search_over(db, *papers)


GRAPHS = [arxiv_id for number, arxiv_id in enumerate(VOTES) if number % 3 == 0]


async def test_pages_by_votes_have_every_match_once_in_order(topic: SearchService) -> None:
    pages = [
        await topic.search(SearchRequest("graph learning", limit=7, offset=offset, sort=Sort.VOTES))
        for offset in range(0, len(GRAPHS), 7)
    ]
    shown = [row for page in pages for row in page.rows]
    assert sorted(row.arxiv_id for row in shown) == GRAPHS
    assert [row.votes for row in shown] == sorted((VOTES[name] for name in GRAPHS), reverse=True)
    assert {page.total for page in pages} == {len(GRAPHS)}


async def test_two_syllables_are_not_found_within_longer_words(db: Database) -> None:
    automation = NewsletterPaper("2501.00021", "Agents at Work", "업무 자동화를 다룬다.")
    tale = NewsletterPaper("2501.00023", "Once Upon a Time", "아이들의 동화를 쓴다.")
    search = await sample_archive.search_over(db, automation, tale)
    for sort in (Sort.RELEVANCE, Sort.VOTES):
        found = await search.search(SearchRequest("동화", sort=sort))
        assert [row.arxiv_id for row in found.rows] == [tale.arxiv_id]


async def test_of_several_terms_one_within_a_longer_word_is_found_behind_papers_with_the_word(
    db: Database,
) -> None:
    whole = NewsletterPaper("2501.00031", "Exams", "과학 시험을 제안한다.")
    within = NewsletterPaper("2501.00032", "More Exams", "생명과학 시험을 제안한다. 시험이 쉽다.", votes=900)
    service = await sample_archive.search_over(db, whole, within)
    found = await service.search(SearchRequest("과학 시험"))
    assert [row.arxiv_id for row in found.rows] == [whole.arxiv_id, within.arxiv_id]
    assert (found.complete, found.is_partial) == (2, False)


WORDS = ("robots", "graphs", "speech", "로봇", "그래프", "음성", "reinforcement learning", "강화 학습", "RL")
FEW_WORDS = 60
WORD_QUERIES = st.lists(
    st.sampled_from([*WORDS, "-robots", "-그래프", '"speech robots"', "votes:20"]), min_size=1, max_size=4
)


def make_papers() -> list[NewsletterPaper]:
    """Return papers of a few words each."""
    chance = random.Random(4)
    return [
        NewsletterPaper(
            f"2501.{number + 1:05}",
            f"Study {number} of {chance.choice(WORDS)}",
            f"{', '.join(chance.sample(WORDS, 2))}.",
            votes=chance.randrange(50),
        )
        for number in range(FEW_WORDS)
    ]


@pytest.fixture
async def archive_search(db: Database) -> SearchService:
    """The search service over papers that have few of the words each."""
    return await sample_archive.search_over(db, *make_papers())


async def list_pages(search: SearchService, query: str, size: int) -> list[SearchResult]:
    """Return all pages of a query."""
    pages = [await search.search(SearchRequest(query, limit=size))]
    while size * len(pages) < pages[0].total:
        pages.append(await search.search(SearchRequest(query, limit=size, offset=size * len(pages))))
    return pages


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    words=WORD_QUERIES,
    request=st.sampled_from(["", "논문 찾아줘", "please"]),
    size=st.sampled_from([3, 7, 25]),
)
async def test_no_paper_repeats_or_is_lost_between_pages(
    archive_search: SearchService, words: list[str], request: str, size: int
) -> None:
    query = " ".join([*words, request])
    whole = await archive_search.search(SearchRequest(query, limit=1000))
    pages = await list_pages(archive_search, query, size)
    assert [row.arxiv_id for page in pages for row in page.rows] == [row.arxiv_id for row in whole.rows]
    assert {(page.total, page.complete) for page in pages} == {(len(whole.rows), whole.complete)}
    lacking = [row.arxiv_id in whole.missing for row in whole.rows]
    assert lacking == sorted(lacking)
    assert lacking.count(False) == whole.complete


async def test_the_papers_that_lack_the_commoner_part_come_first(db: Database) -> None:
    papers = [NewsletterPaper(f"2501.{number:05}", f"Robots {number}", "robots") for number in range(1, 31)]
    papers += [NewsletterPaper("2502.00001", "Lanterns", "lanterns in the snow", votes=0)]
    service = await sample_archive.search_over(db, *papers)
    found = await service.search(SearchRequest("robots lanterns", limit=50))
    assert found.rows[0].arxiv_id == "2502.00001"
    assert found.missing["2502.00001"] == ("robots",)
    assert (found.complete, found.total, len(found.rows)) == (0, 31, 31)


async def test_a_single_term_has_no_partial_matches_behind_it(archive_search: SearchService) -> None:
    for query in ("강화 학습", "reinforcement learning", "RL"):
        found = await archive_search.search(SearchRequest(query, limit=100))
        assert found.rows
        assert (found.missing, found.total) == ({}, found.complete)


async def test_partial_matches_obey_filters_authors_and_exclusions(archive_search: SearchService) -> None:
    every = await archive_search.search(SearchRequest("robots quaternions", limit=100))
    assert every.total == len(every.rows) > 10
    popular = await archive_search.search(SearchRequest("robots quaternions votes:25", limit=100))
    assert {row.arxiv_id for row in popular.rows} == {
        row.arxiv_id for row in every.rows if (row.votes or 0) >= 25
    }
    without = await archive_search.search(SearchRequest("robots quaternions -speech", limit=100))
    assert 0 < without.total == len(without.rows) < every.total
    late = SearchRequest("robots quaternions", since=date(2025, 1, 3))
    assert (await archive_search.search(late)).rows == ()


async def test_an_exclusion_holds_for_all_forms_of_its_concept(archive_search: SearchService) -> None:
    titles = {paper.arxiv_id: f"{paper.title} {paper.text}" for paper in make_papers()}
    forms = ("reinforcement learning", "강화 학습", "RL")
    found = await archive_search.search(SearchRequest("speech -강화학습", limit=100))
    assert found.rows
    assert not [row for row in found.rows if any(form in titles[row.arxiv_id] for form in forms[:2])]


async def test_a_term_that_no_paper_has_lists_ten_papers_with_its_head(db: Database) -> None:
    heads = [NewsletterPaper(f"2501.1{n:04}", f"Study {n} of distillation", "물체.") for n in range(14)]
    others = [NewsletterPaper(f"2501.2{n:04}", f"Study {n} of knowledge", "물체.") for n in range(14)]
    service = await sample_archive.search_over(db, *heads, *others)
    result = await service.search(SearchRequest("knowledge distillation", limit=100))
    assert (result.complete, result.total, result.is_partial) == (0, 10, True)
    assert {row.arxiv_id for row in result.rows} <= {paper.arxiv_id for paper in heads}
    assert set(result.missing) == {row.arxiv_id for row in result.rows}


NOW = datetime(2025, 1, 3, tzinfo=UTC)
ROBOTS = [
    NewsletterPaper(f"2501.{number + 1:05}", f"Robots {number}", "robots and maps", votes=number)
    for number in range(150)
]


@pytest.fixture
async def robots(db: Database) -> SearchService:
    """The search service over more papers on one term than are read at once."""
    return await sample_archive.search_over(db, *ROBOTS)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The queries that were answered anew."""
    made: list[object] = []
    find = engine.Engine.find

    def record(found: engine.Engine, query: object, *others: object, **options: object) -> engine.Found:
        made.append(query)
        return find(found, query, *others, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.Engine, "find", record)
    return made


async def ask(search_service: SearchService, query: str = "robots", offset: int = 0) -> list[str]:
    """Return the arXiv ids of a page of five."""
    result = await search_service.search(SearchRequest(query, limit=5, offset=offset))
    return [row.arxiv_id for row in result.rows]


async def test_a_further_page_comes_from_the_first_answer(
    robots: SearchService, answers: list[object]
) -> None:
    pages = [await ask(robots, offset=offset) for offset in (0, 5, 10, 0)]
    assert len(answers) == 1
    assert len({*pages[0], *pages[1], *pages[2]}) == 15
    assert pages[3] == pages[0]
    await ask(robots, "robots maps")
    assert len(answers) == 2


async def test_a_new_digest_and_a_new_glossary_are_answered_anew(
    db: Database, robots: SearchService, answers: list[object]
) -> None:
    first = await ask(robots)
    newer = NewsletterPaper("2502.00001", "Robots", "robots, robots and more robots", votes=9000)
    await sample_archive.add_digest(db, "2025-01-03", newer)
    assert (await ask(robots))[0] == newer.arxiv_id != first[0]
    assert len(answers) == 2
    await GlossaryService(db, lambda: NOW + timedelta(hours=1)).rebuild()
    await ask(robots)
    assert len(answers) == 3


def test_the_abstract_of_a_paper_with_very_long_texts_is_indexed() -> None:
    long = tuple(models.Section("", f"{number} " + "word " * 5_000) for number in range(6))
    paper = models.IndexDocument(
        id=1,
        arxiv_id="2501.00001",
        title="One",
        sections=long,
        abstract="zebra",
        keywords=("okapi",),
        votes=1,
        last_on=date(2025, 1, 1),
    )
    body = search_index.build_texts(paper).body
    assert {"0", "zebra", "okapi"} <= set(body.split())
    assert len(body) < 61_000
