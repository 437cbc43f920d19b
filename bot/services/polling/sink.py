"""Hands what sources give to the ingest, and counts what storage made of it. Asks no source anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.services.ingest import provenance
from bot.services.ingest.service import Ingest, IngestResult
from bot.services.polling.checkpoint import Keeper
from bot.services.polling.report import Tally
from bot.sources import base
from storage import errors as storage_errors
from storage import models, papers
from storage.database import Database

log = structlog.get_logger(__name__)

_MOST_WAITING = 64
_MOST_TOGETHER = 32
_GATHER_SECONDS = 0.1
"""How long a lot waits for company while its pass goes on: one transaction costs as much as several digests."""
_LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one place of a source gave, which places are to be remembered then, and the tally that it counts for."""

    row: models.StoredSource
    outcome: base.Outcome
    pages: tuple[models.Page, ...]
    tally: Tally


class Storing:
    """Stores parcels in the background: what comes while one lot gathers or is written goes together."""

    def __init__(self, ingest: Ingest, keeper: Keeper) -> None:
        self._ingest = ingest
        self._keeper = keeper
        self._waiting: asyncio.Queue[Parcel] = asyncio.Queue(_MOST_WAITING)
        self._hurry = asyncio.Event()

    async def put(self, parcel: Parcel) -> None:
        """Take a parcel; waits while too many do. Its tally is complete once `settle` has returned."""
        if parcel.outcome.digests or parcel.outcome.facts:
            await self._waiting.put(parcel)
        else:
            await self._count(parcel, None)

    async def settle(self) -> None:
        """Wait until everything that was put is stored, or known to have failed."""
        self._hurry.set()
        await self._waiting.join()
        self._hurry.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Store for as long as the block lasts, and a moment longer what was put before it was interrupted."""
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.settle(), _LAST_SECONDS)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            lot = [await self._waiting.get()]
            if not self._waiting.full():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _GATHER_SECONDS)
            while len(lot) < _MOST_TOGETHER and not self._waiting.empty():
                lot.append(self._waiting.get_nowait())
            await self._store(lot)
            for _ in lot:
                self._waiting.task_done()

    async def _store(self, lot: Sequence[Parcel]) -> None:
        """Store a lot. What fails counts as a failure of its sources, which are asked for it again."""
        try:
            results = await self._store_digests(lot)
            for parcel, result in zip(lot, results, strict=True):
                if parcel.outcome.facts:
                    result += await self._ingest.add_facts(parcel.outcome.facts)
                await self._count(parcel, result)
        except storage_errors.StorageError as error:
            _fail(lot, str(error))
        except Exception as error:
            # Whatever a strange text breaks in us, the other sources are to be stored all the same.
            log.exception("not stored", sources=sorted({parcel.row.url for parcel in lot}))
            if len(lot) == 1:
                _fail(lot, f"it broke something of ours, see the log: {type(error).__name__}")
                return
            for parcel in lot:
                await self._store([parcel])

    async def _store_digests(self, lot: Sequence[Parcel]) -> list[IngestResult]:
        """Store all digests of a lot together and return what they came to, a result a parcel."""
        said = [
            [
                one
                for text in parcel.outcome.digests
                for one in provenance.read_place(text.digests, parcel.row.url, text.place)
            ]
            for parcel in lot
        ]
        stored = iter(await self._ingest.add_group([one for several in said for one in several]))
        return [sum((next(stored) for _ in several), IngestResult()) for several in said]

    async def _count(self, parcel: Parcel, result: IngestResult | None) -> None:
        if result is not None:
            parcel.tally.stored(result)
        parcel.tally.add(parcel.outcome)
        if parcel.pages:
            await self._keeper.remember(parcel.row, parcel.pages)


def _fail(lot: Sequence[Parcel], reason: str) -> None:
    for parcel in lot:
        parcel.tally.fail(reason)


class Rehearsal:
    """Takes the place of storing in a dry run: says what would change, and changes nothing."""

    def __init__(self, ingest: Ingest, database: Database) -> None:
        self._ingest = ingest
        self._database = database
        self._seen: set[str] = set()

    async def put(self, parcel: Parcel) -> None:
        """Count what storing a parcel would come to."""
        result = IngestResult(arxiv_ids=frozenset(one.arxiv_id for one in parcel.outcome.facts))
        for text in parcel.outcome.digests:
            result += await self._ingest.add_digests(
                text.digests, source=parcel.row.url, place=text.place, dry_run=True
            )
        async with self._database.read() as connection:
            known = await papers.ids_of(connection, result.arxiv_ids)
        new = result.arxiv_ids - known.keys() - self._seen
        self._seen |= new
        parcel.tally.stored(replace(result, new_papers=len(new)))
        parcel.tally.add(parcel.outcome)

    async def settle(self) -> None:
        """Return at once: nothing waits."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do nothing in the background."""
        yield
