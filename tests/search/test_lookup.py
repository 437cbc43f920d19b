"""Look-ups: further pages come from the first answer until something changes, and few texts are read, on both engines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bot.search import engine
from bot.search.glossary import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import search
from storage.database import Database
from storage.snapshot import Snapshot
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")

NOW = datetime(2025, 1, 3, tzinfo=UTC)
PAPERS = [
    NewsletterPaper(f"2501.{number + 1:05}", f"Robots {number}", "robots and maps", votes=number)
    for number in range(150)
]


@pytest.fixture
async def robots(db: Database) -> SearchService:
    """The search service over more papers on one term than are read at once."""
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    return SearchService(db)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The queries that were answered anew."""
    made: list[object] = []
    find = engine.find

    def record(view: Snapshot, query: object, *others: object, **options: object) -> engine.Found:
        made.append(query)
        return find(view, query, *others, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "find", record)
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


async def test_few_texts_are_read_of_many_matches(
    robots: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    list_by_positions = search.list_by_positions

    def record(view: Snapshot, positions: Iterable[int]) -> list[search.IndexRow]:
        read.extend(found := list(positions))
        return list_by_positions(view, found)

    monkeypatch.setattr(search, "list_by_positions", record)
    result = await robots.search(SearchRequest("robots", limit=5))
    assert (result.total, len(result.rows)) == (len(PAPERS), 5)
    assert 5 <= len(read) <= engine.TEXT_LIMIT
    read.clear()
    result = await robots.search(SearchRequest("robots", limit=1000))
    assert len(result.rows) == len(PAPERS) == len(set(read))
