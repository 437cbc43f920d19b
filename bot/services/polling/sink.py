"""Hands what sources give to the ingest, and counts what storage made of it. Asks no source anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.services.ingest import provenance
from bot.services.ingest.service import IngestResult, IngestService
from bot.services.polling.checkpoint import Checkpoint
from bot.services.polling.report import RunStatistics
from bot.sources import base
from storage import errors as storage_errors
from storage import models, papers
from storage.database import Database

log = structlog.get_logger(__name__)

_MAX_QUEUED = 64
_MAX_BATCH = 32
_BATCH_WAIT_SECONDS = 0.1
"""How long a lot waits for company while its pass goes on: one transaction costs as much as several digests."""
_FINAL_FLUSH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SinkItem:
    """What one place of a source gave, which places are to be remembered then, and the tally that it counts for."""

    row: models.StoredSource
    outcome: base.FetchResult
    pages: tuple[models.PageState, ...]
    statistics: RunStatistics


class BatchingSink:
    """Stores parcels in the background: what comes while one lot gathers or is written goes together."""

    def __init__(self, ingest: IngestService, keeper: Checkpoint) -> None:
        self._ingest = ingest
        self._checkpoint = keeper
        self._queue: asyncio.Queue[SinkItem] = asyncio.Queue(_MAX_QUEUED)
        self._flush_requested = asyncio.Event()

    async def put(self, parcel: SinkItem) -> None:
        """Take a parcel; waits while too many do. Its tally is complete once `settle` has returned."""
        if parcel.outcome.documents or parcel.outcome.facts:
            await self._queue.put(parcel)
        else:
            await self._record_stored(parcel, None)

    async def flush(self) -> None:
        """Wait until everything that was put is stored, or known to have failed."""
        self._flush_requested.set()
        await self._queue.join()
        self._flush_requested.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Store for as long as the block lasts, and a moment longer what was put before it was interrupted."""
        work = asyncio.create_task(self._consume())
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.flush(), _FINAL_FLUSH_SECONDS)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _consume(self) -> None:
        while True:
            lot = [await self._queue.get()]
            if not self._queue.full():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._flush_requested.wait(), _BATCH_WAIT_SECONDS)
            while len(lot) < _MAX_BATCH and not self._queue.empty():
                lot.append(self._queue.get_nowait())
            await self._store_batch(lot)
            for _ in lot:
                self._queue.task_done()

    async def _store_batch(self, lot: Sequence[SinkItem]) -> None:
        """Store a lot. What fails counts as a failure of its sources, which are asked for it again."""
        try:
            results = await self._store_digests(lot)
            for parcel, result in zip(lot, results, strict=True):
                if parcel.outcome.facts:
                    result += await self._ingest.add_facts(parcel.outcome.facts)
                await self._record_stored(parcel, result)
        except storage_errors.StorageError as error:
            _record_failure(lot, str(error))
        except Exception as error:
            # Whatever a strange text breaks in us, the other sources are to be stored all the same.
            log.exception("not stored", sources=sorted({parcel.row.url for parcel in lot}))
            if len(lot) == 1:
                _record_failure(lot, f"it broke something of ours, see the log: {type(error).__name__}")
                return
            for parcel in lot:
                await self._store_batch([parcel])

    async def _store_digests(self, lot: Sequence[SinkItem]) -> list[IngestResult]:
        """Store all digests of a lot together and return what they came to, a result a parcel."""
        said = [
            [
                one
                for text in parcel.outcome.documents
                for one in provenance.to_sourced_digests(text.digests, parcel.row.url, text.location)
            ]
            for parcel in lot
        ]
        stored = iter(await self._ingest.add_batch([one for several in said for one in several]))
        return [sum((next(stored) for _ in several), IngestResult()) for several in said]

    async def _record_stored(self, parcel: SinkItem, result: IngestResult | None) -> None:
        if result is not None:
            parcel.statistics.add_ingest_result(result)
        parcel.statistics.add_outcome(parcel.outcome)
        if parcel.pages:
            await self._checkpoint.add_pages(parcel.row, parcel.pages)


def _record_failure(lot: Sequence[SinkItem], reason: str) -> None:
    for parcel in lot:
        parcel.statistics.add_failure(reason)


class DryRunSink:
    """Takes the place of storing in a dry run: says what would change, and changes nothing."""

    def __init__(self, ingest: IngestService, database: Database) -> None:
        self._ingest = ingest
        self._database = database
        self._seen: set[str] = set()

    async def put(self, parcel: SinkItem) -> None:
        """Count what storing a parcel would come to."""
        result = IngestResult(arxiv_ids=frozenset(one.arxiv_id for one in parcel.outcome.facts))
        for text in parcel.outcome.documents:
            result += await self._ingest.add_digests(
                text.digests, source=parcel.row.url, location=text.location, dry_run=True
            )
        async with self._database.read() as connection:
            known = await papers.get_ids(connection, result.arxiv_ids)
        new = result.arxiv_ids - known.keys() - self._seen
        self._seen |= new
        parcel.statistics.add_ingest_result(replace(result, new_papers=len(new)))
        parcel.statistics.add_outcome(parcel.outcome)

    async def flush(self) -> None:
        """Return at once: nothing waits."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do nothing in the background."""
        yield
