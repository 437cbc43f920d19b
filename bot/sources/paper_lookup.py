"""Fetches papers that no digest has, when a reader asks for them: from arXiv and Hugging Face, a few ids a request.

Their facts are stored, so that a paper is fetched once. It is in no list until a digest names it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from bot.archive import arxiv_ids
from bot.archive.ingest import IngestService
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import arxiv, base, fetch_errors, huggingface
from storage import models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 10.0
"""Longest time that a reader waits. A later answer is stored too, for the next time that the reader asks."""
MAX_PER_MINUTE, MAX_PER_DAY = 5, 20
"""Papers that are fetched for one reader."""
BATCH_SIZE = 5
"""Papers per request to arXiv, which takes one in three seconds."""
MAX_WAITING = 20
"""Papers that wait for their request; any more would take longer than readers wait."""
UNKNOWN_FOR = timedelta(hours=1)
"""Time in which arXiv is not asked again for a paper that it does not know."""
MAX_REMEMBERED = 5_000
"""Readers, and unknown papers, that are kept in memory."""


class LookupOutcome(StrEnum):
    """What became of the search for a paper that no digest has."""

    FOUND = "found"
    UNKNOWN = "unknown"
    """arXiv does not know it."""
    UNREACHABLE = "unreachable"
    LATE = "late"
    """It is still being fetched, or too many others are."""
    LIMITED = "limited"
    """The reader has asked for too many."""


class PaperLookup:
    """Fetches papers for readers; two who ask for the same one share its request.

    `throttle` and `huggingface_throttle` keep the pace of the two services. `patience` is PATIENCE_SECONDS.
    """

    def __init__(
        self,
        clock: Clock,
        ingest: IngestService,
        open_fetcher: Callable[[], AbstractAsyncContextManager[fetcher.Fetcher]],
        endpoints: base.Endpoints,
        throttle: fetcher.Throttle,
        huggingface_throttle: fetcher.Throttle,
    ) -> None:
        self.patience = PATIENCE_SECONDS
        self._clock = clock
        self._ingest = ingest
        self._open_fetcher = open_fetcher
        self._endpoints = endpoints
        self._throttle = throttle
        self._huggingface_throttle = huggingface_throttle
        self._asked_at: dict[int, deque[datetime]] = {}
        self._unknown_since: dict[str, datetime] = {}
        self._running: dict[str, asyncio.Future[LookupOutcome]] = {}
        self._waiting: deque[str] = deque()
        self._task: asyncio.Task[None] | None = None

    async def fetch(self, user_id: int, ids: Sequence[str]) -> dict[str, LookupOutcome]:
        """Fetch papers by arXiv id, and return what became of each. A found one is stored."""
        started = {arxiv_id: self._start(user_id, arxiv_id) for arxiv_id in dict.fromkeys(ids)}
        running = [future for future in started.values() if isinstance(future, asyncio.Future)]
        if running:
            await asyncio.wait(running, timeout=self.patience)
        return {
            arxiv_id: result
            if isinstance(result, LookupOutcome)
            else (result.result() if result.done() else LookupOutcome.LATE)
            for arxiv_id, result in started.items()
        }

    async def close(self) -> None:
        """Stop fetching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._finish(list(self._running), {})

    def _start(self, user_id: int, arxiv_id: str) -> asyncio.Future[LookupOutcome] | LookupOutcome:
        """Return the future outcome of a paper's search, or the outcome if none is started: it is known or refused."""
        if arxiv_id in self._running:
            return self._running[arxiv_id]
        # There can be no such paper yet, or arXiv said so a short time ago.
        now, since = self._clock(), self._unknown_since.get(arxiv_id)
        if not arxiv_ids.is_possible(arxiv_id, now.date()) or (since and now - since < UNKNOWN_FOR):
            return LookupOutcome.UNKNOWN
        if len(self._waiting) >= MAX_WAITING:
            return LookupOutcome.LATE
        if not self._admit(user_id):
            return LookupOutcome.LIMITED
        future = self._running[arxiv_id] = asyncio.get_running_loop().create_future()
        self._waiting.append(arxiv_id)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return future

    def _admit(self, user_id: int) -> bool:
        """Return whether another paper may be fetched for a reader, and count it."""
        now = self._clock()
        asked_at = self._asked_at.pop(user_id, deque())
        while asked_at and now - asked_at[0] >= timedelta(days=1):
            asked_at.popleft()
        lately = sum(now - at < timedelta(minutes=1) for at in asked_at)
        is_admitted = lately < MAX_PER_MINUTE and len(asked_at) < MAX_PER_DAY
        if is_admitted:
            asked_at.append(now)
        self._asked_at[user_id] = asked_at
        _forget_oldest(self._asked_at)
        return is_admitted

    async def _run(self) -> None:
        """Fetch the waiting papers, a batch at a time."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_SIZE, len(self._waiting)))]
            outcomes: dict[str, LookupOutcome] = {}
            with isolation.isolated(log, "papers not fetched", papers=batch):
                outcomes = await self._fetch_batch(batch)
            self._finish(batch, outcomes)

    def _finish(self, batch: Sequence[str], outcomes: dict[str, LookupOutcome]) -> None:
        for arxiv_id in batch:
            outcome = outcomes.get(arxiv_id, LookupOutcome.UNREACHABLE)
            if outcome is LookupOutcome.UNKNOWN:
                self._unknown_since.pop(arxiv_id, None)
                self._unknown_since[arxiv_id] = self._clock()
                _forget_oldest(self._unknown_since)
            self._running.pop(arxiv_id).set_result(outcome)

    async def _fetch_batch(self, batch: Sequence[str]) -> dict[str, LookupOutcome]:
        async with self._open_fetcher() as fetch:
            (has_answered, facts), readings = await asyncio.gather(
                self._read_arxiv(fetch, batch), self._read_huggingface(fetch, batch)
            )
        found = [fact for fact in (*facts, *readings) if fact is not None and fact.title]
        await self._ingest.add_facts(found)
        missing = LookupOutcome.UNKNOWN if has_answered else LookupOutcome.UNREACHABLE
        return dict.fromkeys(batch, missing) | {fact.arxiv_id: LookupOutcome.FOUND for fact in found}

    async def _read_arxiv(
        self, fetch: fetcher.Fetcher, batch: Sequence[str]
    ) -> tuple[bool, list[models.PaperFacts]]:
        """Return whether arXiv has answered for all the papers, and its facts on them."""
        source = arxiv.ArxivSource(self._endpoints[models.SourceKind.ARXIV], fetch, self._throttle)
        facts: list[models.PaperFacts] = []
        async for result in source.fetch(base.FetchRequest(self._clock(), arxiv_ids=batch)):
            facts += result.facts
            if result.status is not FetchStatus.OK:
                log.info("arXiv was not asked about papers of readers", papers=batch, reason=result.reason)
                return False, facts
        return True, facts

    async def _read_huggingface(
        self, fetch: fetcher.Fetcher, batch: Sequence[str]
    ) -> list[models.PaperFacts | None]:
        """Return Hugging Face's facts on each paper, None if it has none. It has no papers with an old id."""
        source = huggingface.HuggingFaceSource(self._endpoints[models.SourceKind.HUGGINGFACE], fetch)

        async def read(arxiv_id: str) -> models.PaperFacts | None:
            try:
                return await source.read_paper(arxiv_id, self._huggingface_throttle)
            except fetch_errors.FetchError as error:
                log.info("Hugging Face was not asked about a paper", paper=arxiv_id, reason=str(error))
                return None

        return await asyncio.gather(*(read(arxiv_id) for arxiv_id in batch if "/" not in arxiv_id))


def _forget_oldest(remembered: dict[Any, Any]) -> None:
    if len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
