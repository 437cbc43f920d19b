"""Papers by votes on a topic: the same as if all matches were scored and sorted, but only those shown are read."""

from __future__ import annotations

import asyncio

import pytest

from bot.search import engine
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import tables
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
    await sample_archive.add_digest(db, "2025-01-02", *papers)
    return SearchService(db)


GRAPHS = [arxiv_id for number, arxiv_id in enumerate(VOTES) if number % 3 == 0]


async def test_pages_by_votes_have_every_match_once_in_order(topic: SearchService) -> None:
    pages = [
        await topic.list_top(SearchRequest("graph learning", limit=7, offset=offset))
        for offset in range(0, len(GRAPHS), 7)
    ]
    shown = [row for page in pages for row in page.rows]
    assert sorted(row.arxiv_id for row in shown) == GRAPHS
    assert [row.votes for row in shown] == sorted((VOTES[name] for name in GRAPHS), reverse=True)
    assert {page.total for page in pages} == {len(GRAPHS)}


async def test_exclusions_are_counted_exactly(topic: SearchService) -> None:
    expected = [name for number, name in enumerate(VOTES) if number % 3 == 0 and number % 6]
    found = await topic.list_top(SearchRequest("graph learning -그래프", limit=5))
    assert found.total == len(expected)
    assert [row.votes for row in found.rows] == sorted((VOTES[name] for name in expected), reverse=True)[:5]


async def test_a_query_that_hardly_anything_matches_lists_what_matches_most_of_it(
    topic: SearchService,
) -> None:
    found = await topic.list_top(SearchRequest("graph learning quantum", limit=5))
    assert found.is_partial
    assert [row.votes for row in found.rows] == sorted([row.votes or 0 for row in found.rows], reverse=True)


async def test_of_many_matches_only_the_papers_near_the_page_are_read(
    topic: SearchService, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "COUNT_LIMIT", 10)
    async with db.transaction() as connection:
        unreadable = tables.indexed_papers.update().where(tables.indexed_papers.c.votes < 50)
        await connection.execute(unreadable.values(texts=b"not compressed"))
    found = await topic.list_top(SearchRequest("graph learning", limit=5))
    assert (len(found.rows), found.total, found.total_is_exact) == (5, 20, False)
    with pytest.raises(Exception, match="frame"):
        await topic.list_top(SearchRequest("graph learning", limit=5, offset=30))


async def test_readers_who_ask_at_the_same_moment_load_the_glossary_once(db: Database) -> None:
    glossary = GlossaryService(db)

    async def load() -> object:
        async with db.read() as connection:
            return await glossary.get_current(connection)

    first, *others = await asyncio.gather(*(load() for _ in range(5)))
    assert all(other is first for other in others)


_AUTOMATION = NewsletterPaper("2501.00021", "Agents at Work", "업무 자동화를 다룬다.")
_APPLICATION = NewsletterPaper("2501.00022", "Software by Machines", "애플리케이션을 만든다.")
_FAIRY_TALE = NewsletterPaper("2501.00023", "Once Upon a Time", "아이들의 동화를 쓴다.")


async def test_two_syllables_are_not_found_within_longer_words_where_papers_have_the_word(
    db: Database,
) -> None:
    await sample_archive.add_digest(db, "2025-01-02", _AUTOMATION, _APPLICATION)
    search = SearchService(db)
    for query, arxiv_id in (("동화", _AUTOMATION.arxiv_id), ("애플", _APPLICATION.arxiv_id)):
        inside = await search.search(SearchRequest(query, explain=True))
        assert [row.arxiv_id for row in inside.rows] == [arxiv_id]
        assert inside.is_inside
    await sample_archive.add_digest(db, "2025-01-03", _FAIRY_TALE)
    for find in (search.search, search.list_top):
        whole = await find(SearchRequest("동화"))
        assert [row.arxiv_id for row in whole.rows] == [_FAIRY_TALE.arxiv_id]
        assert (whole.total, whole.is_inside) == (1, False)


async def test_of_several_terms_one_within_a_longer_word_is_found_behind_papers_with_the_word(
    db: Database,
) -> None:
    whole = NewsletterPaper("2501.00031", "Exams", "과학 시험을 제안한다.")
    within = NewsletterPaper("2501.00032", "More Exams", "생명과학 시험을 제안한다. 시험이 쉽다.", votes=900)
    await sample_archive.add_digest(db, "2025-01-02", whole, within)
    found = await SearchService(db).search(SearchRequest("과학 시험"))
    assert [row.arxiv_id for row in found.rows] == [whole.arxiv_id, within.arxiv_id]
    assert (found.complete, found.is_partial) == (2, False)
