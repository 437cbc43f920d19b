"""A bot builds a missing index and glossary, in its own process or in a worker."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from bot.app import jobs
from bot.search import index as search_index
from bot.search import index_maintenance
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import search
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAPERS = [
    NewsletterPaper(
        f"2501.{number:05}",
        f"Reinforcement learning number{number}",
        "강화 학습(reinforcement learning; RL)이다.",
    )
    for number in range(1, 61)
]


@pytest.fixture
async def filled(db: Database) -> Database:
    """An archive of 60 papers without an index."""
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    return db


def open_index(database: Database) -> search_index.SearchIndex:
    """Return an index that look-ups do not update."""
    return search_index.SearchIndex(search_index.folder_of(database), at_once=1)


async def maintain(database: Database, *, in_process_limit: int = 10**6) -> bool:
    index = open_index(database)
    return await jobs.maintain(database, lambda: NOW, index, in_process_limit=in_process_limit)


async def count(database: Database) -> int:
    service = SearchService(database, index=open_index(database))
    return (await service.search(SearchRequest("number60"))).total


async def test_papers_that_come_while_others_are_indexed_wait_no_longer_than_those(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docs/operating.md`: within minutes. What failed waits, which a return of False asks for."""
    index_all = index_maintenance.maintain

    async def index_meanwhile(*args: Any) -> None:
        await index_all(*args)
        late = (NewsletterPaper(f"2501.000{number}", "Late", "It is late.") for number in (98, 99))
        await sample_archive.add_digest(filled, "2025-01-03", *late)

    monkeypatch.setattr(index_maintenance, "maintain", index_meanwhile)
    assert await maintain(filled)
    monkeypatch.setattr(index_maintenance, "maintain", mock.AsyncMock(side_effect=OSError))
    assert not await maintain(filled)


@pytest.mark.engines("sqlite", "postgresql")
async def test_maintenance_builds_the_index_and_glossary(filled: Database) -> None:
    """Runs in this process on SQLite, in a worker on PostgreSQL."""
    in_process_limit = 10**6 if filled.is_sqlite else 0
    assert await count(filled) == 0
    assert await maintain(filled, in_process_limit=in_process_limit)
    assert await count(filled) == 1
    made = await filled.look_up(search.get_glossary)
    assert made is not None
    assert made[0] == len(PAPERS)
    assert await index_maintenance.find_due(filled, lambda: NOW, open_index(filled)) is None
