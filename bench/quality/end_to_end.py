"""The look-ups that readers get, over a database made of the digests: what is measured is the whole of the product."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.clock import system_clock
from bot.services.ingest import files as ingest_files
from bot.services.ingest import service
from bot.services.search import glossary_service, indexer
from bot.services.search import service as search_service
from bot.services.search.results import SearchRequest
from storage import migrate
from storage.database import Database

_FIRST_PAGE = 10


class StoredSearch:
    """Asks the real look-ups. Use it within `open_archive`, which closes what it opens."""

    def __init__(self, runner: asyncio.Runner, asked: search_service.SearchService) -> None:
        self._runner = runner
        self.lookup = asked

    def search(self, typed: str, limit: int) -> list[str]:
        """Return the ids of the best papers; the first ten as who asks for ten alone gets them.

        Fewer candidates are gathered for a short answer than for a long one, so they may differ.
        """
        first, deep = (self._ids(typed, asked) for asked in (_FIRST_PAGE, limit))
        return list(dict.fromkeys([*first, *deep]))[:limit]

    def _ids(self, typed: str, limit: int) -> list[str]:
        return [
            row.arxiv_id
            for row in self._runner.run(self.lookup.search(SearchRequest(typed, limit=limit))).rows
        ]

    def author(self, name: str, limit: int = 1) -> list[str]:
        """Return the names of the people whom a name may mean, the best first."""
        return list(self._runner.run(self.lookup.find_author(name, limit=limit)).matches)

    def complete_author(self, typed: str) -> list[str]:
        """Return the people offered while a name is typed, the best first."""
        return [choice.value for choice in self._runner.run(self.lookup.complete_author(typed))]


@contextmanager
def open_archive(files: Sequence[Path]) -> Iterator[StoredSearch]:
    """Ingest digests into a database of its own, make the glossary, and give the look-ups over it."""
    with tempfile.TemporaryDirectory(prefix="paperround-") as folder, asyncio.Runner() as runner:
        database = runner.run(_fill(f"sqlite+aiosqlite:///{folder}/paperround.db", files))
        try:
            yield StoredSearch(runner, search_service.SearchService(database))
        finally:
            runner.run(database.close())


async def _fill(url: str, files: Sequence[Path]) -> Database:
    database = await migrate.open_database(url)
    taking = service.IngestService(database, system_clock, indexer.SearchIndexer())
    async for _ in taking.add_files(ingest_files.read_file(str(file)) for file in files):
        pass
    await glossary_service.GlossaryService(database).rebuild()
    return database
