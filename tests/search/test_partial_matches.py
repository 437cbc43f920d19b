"""Partial matches: papers with some of a query behind those with all of it, on both engines and over all pages."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.search import engine
from bot.search.results import SearchRequest, SearchResult
from bot.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


WORDS = ("robots", "graphs", "speech", "로봇", "그래프", "음성", "reinforcement learning", "강화 학습", "RL")
PAPERS = 60
QUERIES = st.lists(
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
        for number in range(PAPERS)
    ]


@pytest.fixture
async def archive_search(db: Database) -> SearchService:
    """The search service over papers that have few of the words each."""
    await sample_archive.add_digest(db, "2025-01-02", *make_papers())
    return SearchService(db)


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
    words=QUERIES, request=st.sampled_from(["", "논문 찾아줘", "please"]), size=st.sampled_from([3, 7, 25])
)
async def test_no_paper_repeats_or_is_lost_between_pages(
    archive_search: SearchService, words: list[str], request: str, size: int
) -> None:
    query = " ".join([*words, request])
    whole = await archive_search.search(SearchRequest(query, limit=1000))
    pages = await list_pages(archive_search, query, size)
    assert [row.arxiv_id for page in pages for row in page.rows] == [row.arxiv_id for row in whole.rows]
    assert {(page.total, page.total_is_exact, page.complete) for page in pages} == {
        (len(whole.rows), True, whole.complete)
    }
    lacking = [row.arxiv_id in whole.missing for row in whole.rows]
    assert lacking == sorted(lacking)
    assert lacking.count(False) == whole.complete


async def test_pages_of_more_matches_than_are_scored_at_once_have_each_once(
    archive_search: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COUNT_LIMIT", 8), ("TEXT_LIMIT", 4), ("_ENOUGH", 2)):
        monkeypatch.setattr(engine, name, value)
    monkeypatch.setattr(engine, "_SHALLOW_LIMIT", 0)
    for query in ("robots", "로봇 graphs", "speech -로봇"):
        whole = await archive_search.search(SearchRequest(query, limit=1000))
        pages = [
            await archive_search.search(SearchRequest(query, limit=3, offset=offset))
            for offset in range(0, len(whole.rows), 3)
        ]
        ids = [row.arxiv_id for row in whole.rows]
        assert len(ids) == len(set(ids)) > 8
        assert {page.complete for page in pages} == {page.total - len(whole.missing) for page in pages}
        assert [row.arxiv_id for page in pages for row in page.rows] == ids


async def test_the_papers_that_lack_the_commoner_part_come_first(db: Database) -> None:
    papers = [NewsletterPaper(f"2501.{number:05}", f"Robots {number}", "robots") for number in range(1, 31)]
    papers += [NewsletterPaper("2502.00001", "Lanterns", "lanterns in the snow", votes=0)]
    await sample_archive.add_digest(db, "2025-01-02", *papers)
    found = await SearchService(db).search(SearchRequest("robots lanterns", limit=50))
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
    literal = await archive_search.search(SearchRequest("speech -강화학습", limit=100, literal=True))
    assert [row for row in literal.rows if forms[0] in titles[row.arxiv_id]]


async def test_top_of_a_topic_lists_partial_matches_only_without_complete_ones(
    archive_search: SearchService,
) -> None:
    complete = await archive_search.list_top(SearchRequest("robots graphs", limit=100))
    assert complete.rows
    assert not complete.missing
    partial = await archive_search.list_top(SearchRequest("robots quaternions", limit=100))
    assert partial.missing.keys() == {row.arxiv_id for row in partial.rows}
    votes = [row.votes or 0 for row in partial.rows]
    assert votes == sorted(votes, reverse=True)


async def test_a_term_that_no_paper_has_lists_ten_papers_with_its_head(db: Database) -> None:
    heads = [NewsletterPaper(f"2501.1{n:04}", f"Study {n} of distillation", "물체.") for n in range(14)]
    others = [NewsletterPaper(f"2501.2{n:04}", f"Study {n} of knowledge", "물체.") for n in range(14)]
    await sample_archive.add_digest(db, "2025-01-02", *heads, *others)
    result = await SearchService(db).search(SearchRequest("knowledge distillation", limit=100))
    assert (result.complete, result.total, result.is_partial) == (0, 10, True)
    assert {row.arxiv_id for row in result.rows} <= {paper.arxiv_id for paper in heads}
    assert set(result.missing) == {row.arxiv_id for row in result.rows}
