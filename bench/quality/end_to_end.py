"""End-to-end search: the search service on a database into which digests were ingested."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.archive import ingest as archive_ingest
from bot.archive.files import read_file
from bot.core.clock import system_clock
from bot.search import glossary_service
from bot.search.results import SearchRequest, SearchResult
from bot.search.service import SearchService
from storage import migrate
from storage.database import Database

NOW = datetime(2025, 1, 31, 9, tzinfo=UTC)
"""The time of the questions, which name periods of our archive."""


class StoredSearch:
    """Synchronous wrappers for the search service. Created by `open_archive`."""

    def __init__(self, runner: asyncio.Runner, search: SearchService, database: Database) -> None:
        self.run = runner.run
        self.database, self.service = database, search
        self.glossary = glossary_service.GlossaryService(database)
        self._runner, self._search = runner, search

    def search(self, query: str, limit: int) -> list[str]:
        """Return the arXiv ids of the best-matching papers."""
        return [row.key for row in self.answer(query, limit).rows]

    def answer(self, query: str, limit: int) -> SearchResult:
        """Return the whole answer to a query."""
        return self._runner.run(self._search.search(SearchRequest(query, limit=limit)))

    def author(self, name: str, limit: int = 1) -> list[str]:
        """Return the names of matching authors, best first."""
        return list(self._runner.run(self._search.find_author(name, limit=limit)).matches)

    def complete_author(self, typed: str) -> list[str]:
        """Return the autocomplete choices for a name, best first."""
        return [choice.value for choice in self._runner.run(self._search.complete_author(typed))]


@contextmanager
def open_archive(files: Sequence[Path]) -> Iterator[StoredSearch]:
    """Ingest digests into a temporary database, learn the glossary, and yield a search service for it."""
    with tempfile.TemporaryDirectory(prefix="paperround-") as folder, asyncio.Runner() as runner:
        database = runner.run(_fill(f"sqlite+aiosqlite:///{folder}/paperround.db", files))
        try:
            yield StoredSearch(runner, SearchService(database, clock=lambda: NOW), database)
        finally:
            runner.run(database.close())


async def _fill(url: str, files: Sequence[Path]) -> Database:
    database = await migrate.open_database(url)
    ingest = archive_ingest.IngestService(database, system_clock)
    async for _ in ingest.add_files(read_file(str(file)) for file in files):
        pass
    await glossary_service.GlossaryService(database).rebuild()
    return database
