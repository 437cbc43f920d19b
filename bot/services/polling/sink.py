"""Sinks for fetch results: one stores them in batches through the ingest, one only counts them for a dry run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

import structlog

from bot import isolation
from bot.services.ingest import provenance
from bot.services.ingest.results import IngestResult
from bot.services.ingest.service import IngestService
from bot.services.polling.checkpoint import Checkpoint
from bot.services.polling.report import SourceReport
from bot.sources import base
from storage import errors as storage_errors
from storage import papers
from storage.database import Database

log = structlog.get_logger(__name__)

_MAX_QUEUED = 64
_MAX_BATCH = 32
_BATCH_WAIT_SECONDS = 0.1
"""Time that a batch waits for more items: one transaction costs as much as several digests."""
_FINAL_FLUSH_SECONDS = 5.0


SinkItem: TypeAlias = tuple[SourceReport, base.FetchResult]
"""A fetch result with the report of its source. Its page states are saved once it is stored."""


class Sink(Protocol):
    """The consumer of fetch results."""

    async def put(self, item: SinkItem) -> None:
        """Accept an item. Its report is complete after the next `flush`."""

    async def flush(self) -> None:
        """Wait until every accepted item is processed."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Process items in the background for the duration of the block."""


class BatchingSink:
    """Stores items in the background, several in one transaction."""

    def __init__(self, ingest: IngestService, checkpoint: Checkpoint) -> None:
        self._ingest = ingest
        self._checkpoint = checkpoint
        self._queue: asyncio.Queue[SinkItem] = asyncio.Queue(_MAX_QUEUED)
        self._flush_requested = asyncio.Event()

    async def put(self, item: SinkItem) -> None:
        """Queue an item, or record it at once if there is nothing to store. Waits while the queue is full."""
        _, result = item
        if result.digests or result.facts:
            await self._queue.put(item)
        else:
            await self._record_stored(item, None)

    async def flush(self) -> None:
        """Wait until every queued item is stored or has failed."""
        self._flush_requested.set()
        await self._queue.join()
        self._flush_requested.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Store items for the duration of the block. On exit, flush for at most `_FINAL_FLUSH_SECONDS`."""
        consumer = asyncio.create_task(self._consume())
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.flush(), _FINAL_FLUSH_SECONDS)
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)

    async def _consume(self) -> None:
        while True:
            batch = [await self._queue.get()]
            if not self._queue.full():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._flush_requested.wait(), _BATCH_WAIT_SECONDS)
            while len(batch) < _MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._store_batch(batch)
            for _ in batch:
                self._queue.task_done()

    async def _store_batch(self, batch: Sequence[SinkItem]) -> None:
        """Store a batch. On failure its sources fail, and fetch the same content again in the next run."""
        # A bug that one text triggers must not keep the others from being stored.
        urls = sorted({report.source.url for report, _ in batch})
        with isolation.isolated(log, "batch not stored", sources=urls) as failures:
            try:
                # The facts first: alerts and posts of a listing need the votes that are read with it.
                stored = [await self._ingest.add_facts(result.facts) for _, result in batch]
                for item, facts, digests in zip(batch, stored, await self._store_digests(batch), strict=True):
                    await self._record_stored(item, facts + digests)
            except storage_errors.StorageError as error:
                _record_failure(batch, str(error))
        for failure in failures:
            if len(batch) == 1:
                _record_failure(batch, f"it broke something of ours, see the log: {type(failure).__name__}")
                return
            for item in batch:
                await self._store_batch([item])

    async def _store_digests(self, batch: Sequence[SinkItem]) -> list[IngestResult]:
        """Store the digests of a batch together and return one result for each item."""
        digests = [
            provenance.to_sourced_digests(result.digests, report.source.url, result.location)
            for report, result in batch
        ]
        results = iter(await self._ingest.add_batch([digest for group in digests for digest in group]))
        return [sum((next(results) for _ in group), IngestResult()) for group in digests]

    async def _record_stored(self, item: SinkItem, ingested: IngestResult | None) -> None:
        report, result = item
        if ingested is not None:
            report.add_ingest_result(ingested)
        report.add_fetch_result(result)
        if result.page_states:
            await self._checkpoint.add_pages(report.source, result.page_states)


def _record_failure(batch: Sequence[SinkItem], reason: str) -> None:
    for report, _ in batch:
        report.add_failure(reason)


class DryRunSink:
    """Counts what would change and stores nothing."""

    def __init__(self, ingest: IngestService, database: Database) -> None:
        self._ingest = ingest
        self._database = database
        self._seen: set[str] = set()

    async def put(self, item: SinkItem) -> None:
        """Count what storing an item would change."""
        report, fetched = item
        result = IngestResult(arxiv_ids=frozenset(facts.arxiv_id for facts in fetched.facts))
        result += await self._ingest.add_digests(
            fetched.digests, source=report.source.url, location=fetched.location, dry_run=True
        )
        async with self._database.read() as connection:
            known = await papers.get_ids(connection, result.arxiv_ids)
        new = result.arxiv_ids - known.keys() - self._seen
        self._seen |= new
        report.add_ingest_result(replace(result, new_papers=len(new)))
        report.add_fetch_result(fetched)

    async def flush(self) -> None:
        """Return at once: items are counted by `put`."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Return an empty context."""
        return contextlib.nullcontext()
