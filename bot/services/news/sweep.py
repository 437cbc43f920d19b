"""Asks arXiv and Hugging Face what became of the saved papers, each of them once in six days.

A run asks about a hundred papers at most, so that ten thousand are swept in a day and a request of arXiv is one of a
hundred. An interrupted run loses nothing: what it did not store is still due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.sources.http import errors
from storage.database import Database
from storage.models import NewsKind, SourceKind
from storage.news import paper_news

log = structlog.get_logger(__name__)

RECHECK_AFTER = timedelta(days=6)
"""Less than a week, since a run comes every quarter of an hour only."""
BATCH_SIZE = 100
"""Papers per run and service; arXiv takes as many in a request."""
MAX_NEW = 5_000
"""Saved papers that a run begins to watch."""
MAX_FAILURES = 3
"""Failures of Hugging Face in a row after which the rest waits for the next run."""


class PaperReader(Protocol):
    """The services, as `bot.sources.paper_watch.PaperWatch` reads them."""

    async def read_arxiv(
        self, arxiv_ids: Sequence[str]
    ) -> dict[str, tuple[dict[NewsKind, str], datetime | None]]:
        """Return what arXiv says of papers, with the times of their last versions. Raises FetchError."""
        ...

    async def read_huggingface(self, arxiv_id: str) -> dict[NewsKind, str]:
        """Return what Hugging Face says of a paper. Raises FetchError."""
        ...


class PaperSweep:
    """One run over the papers that are due. Failures of a service are logged, and its papers stay due."""

    def __init__(self, database: Database, clock: Clock, reader: PaperReader) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader

    async def run(self) -> int:
        """Watch newly saved papers and ask about those that are due. Returns the number of news from the services."""
        await self._watch_saved()
        return await self._ask_arxiv() + await self._ask_huggingface()

    async def _watch_saved(self) -> None:
        """Watch newly saved papers and no longer those that no reader keeps, and store code that the archive learnt of."""
        async with self._database.read() as connection:
            unwatched = await paper_news.list_unwatched(connection, MAX_NEW)
            unsaved = await paper_news.list_unsaved(connection)
            found = await paper_news.list_archived_code(connection)
        code = {paper_id: address for paper_id, address in found.items() if paper_id not in unsaved}
        # Usually nothing has changed, and the one writer of SQLite is not held for it.
        if unwatched or unsaved or code:
            async with self._database.transaction() as connection:
                await paper_news.unwatch(connection, unsaved)
                await paper_news.add_code(connection, code, self._clock())
                await paper_news.watch(connection, unwatched, self._clock())

    async def _list_due(self, service: SourceKind) -> dict[str, int]:
        async with self._database.read() as connection:
            return await paper_news.list_due(connection, service, self._clock() - RECHECK_AFTER, BATCH_SIZE)

    async def _ask_arxiv(self) -> int:
        due = await self._list_due(SourceKind.ARXIV)
        if not due:
            return 0
        try:
            found = await self._reader.read_arxiv(list(due))
        except errors.FetchError as error:
            log.info("arXiv was not asked about saved papers", reason=str(error))
            return 0
        readings: dict[int, paper_news.Reading] = {
            due[arxiv_id]: (facts, at or paper_news.ALWAYS) for arxiv_id, (facts, at) in found.items()
        }
        return await self._record(SourceKind.ARXIV, list(due.values()), readings)

    async def _ask_huggingface(self) -> int:
        count = failures = 0
        for arxiv_id, paper_id in (await self._list_due(SourceKind.HUGGINGFACE)).items():
            try:
                facts = await self._reader.read_huggingface(arxiv_id)
            except errors.FetchError as error:
                log.info("Hugging Face was not asked about a saved paper", paper=arxiv_id, reason=str(error))
                failures += 1
                if failures == MAX_FAILURES:
                    break
                continue
            failures = 0
            count += await self._record(
                SourceKind.HUGGINGFACE, [paper_id], {paper_id: (facts, paper_news.ALWAYS)}
            )
        return count

    async def _record(
        self, service: SourceKind, asked_ids: Sequence[int], readings: dict[int, paper_news.Reading]
    ) -> int:
        async with self._database.transaction() as connection:
            return await paper_news.record(connection, service, asked_ids, readings, self._clock())
