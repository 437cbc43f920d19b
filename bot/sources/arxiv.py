"""arXiv's Atom API: title, authors, categories and abstract of papers by id, for the archive and for readers who ask for one.

https://info.arxiv.org/help/api/

At most 100 ids a request and one request in 3 seconds, retries included. For one id that is malformed in arXiv's eyes it
refuses the whole request, with status 400 or with an entry whose id begins with `http://arxiv.org/api/errors#incorrect_id`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import structlog

from bot.archive import arxiv_ids
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, feed, huggingface
from storage import database, models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.archive.ingest import IngestService

log = structlog.get_logger(__name__)

IDS_PER_REQUEST = 100

Answer = TypeVar("Answer")

_ERROR_MARK = "api/errors"
_BAD_ID_MARK = f"{_ERROR_MARK}#incorrect_id"


class ArxivSource:
    """The API at one address. Papers that arXiv does not know, refuses or cannot have are the `missing_ids` of results."""

    def __init__(self, endpoint: str, fetch: base.Fetcher, throttle: base.Throttle) -> None:
        self._endpoint = endpoint
        self._fetcher = fetch
        self._throttle = throttle

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested papers, a hundred at a time."""
        if (gone := base.known_gone_result(self._endpoint, request)) is not None:
            yield gone
            return
        wanted, today = dict.fromkeys(request.arxiv_ids), request.now.date()
        possible = [paper_id for paper_id in wanted if arxiv_ids.is_possible(paper_id, today)]
        impossible = sorted(wanted.keys() - possible)
        if impossible or not possible:
            reason = "" if possible else "no paper lacks its title, authors or abstract"
            yield base.FetchResult(self._endpoint, FetchStatus.UNCHANGED, reason, missing_ids=impossible)
        try:
            for batch in database.chunked(possible, IDS_PER_REQUEST):
                async for ids, facts in read_halved(batch, self._read):
                    missing = sorted({*ids} - {paper.arxiv_id for paper in facts or ()})
                    verb = "refuses" if facts is None else "does not know"
                    reason = f"arXiv {verb} {', '.join(missing[:5])}" if missing else ""
                    yield base.FetchResult(
                        self._endpoint, FetchStatus.OK, reason, facts=facts or (), missing_ids=missing
                    )
        except base.FetchError as error:
            yield base.failed_result(self._endpoint, error, request)

    async def _read(self, ids: Sequence[str]) -> tuple[models.PaperFacts, ...]:
        """Return the facts of the requested papers; other entries are ignored. Raises FetchError."""
        url = query_url(self._endpoint, ids)
        response = await self._fetcher.get(url, accept="application/atom+xml", throttle=self._throttle)
        facts_by_id = {}
        for entry in await read_entries(response):
            paper = feed.read_paper(entry)
            if paper is not None and paper["arxiv_id"] in ids:
                facts = feed.paper_facts(
                    entry, paper, self._endpoint, models.SourceKind.ARXIV.value, response.page_state.read_at
                )
                facts_by_id[facts.arxiv_id] = replace(facts, affiliations=entry.affiliations)
        return tuple(facts_by_id.values())


async def read_halved(
    ids: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Answer]]
) -> AsyncIterator[tuple[Sequence[str], Answer | None]]:
    """Yield batches of ids with what `read` returns for each, None for a single id that arXiv refuses.

    A batch that is refused (BadRequestError), or whose answer is too large, is halved until the refused id is alone. There are
    at most 15 requests for a hundred ids, enough to find one, and for papers with five thousand authors each; where more are
    refused, those that are not reached are left out. Raises FetchError.
    """
    waiting = [ids] if ids else []
    for _ in range(1 + 2 * (len(ids) - 1).bit_length()):
        if not waiting:
            return
        batch = waiting.pop()
        try:
            yield batch, await read(batch)
        except base.BadRequestError as error:
            if len(batch) == 1 and isinstance(error, base.AnswerTooLargeError):
                raise  # it says nothing about the paper
            if len(batch) == 1:
                log.info("arXiv refuses an id", paper=batch[0], reason=str(error))
                yield batch, None
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]


def query_url(endpoint: str, ids: Sequence[str]) -> str:
    """Return the address of the papers with these ids."""
    query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


async def read_entries(response: base.Response) -> list[feed.FeedEntry]:
    """Return the entries of an answer. Raises FetchError, also for an error that the answer reports."""
    return check_entries(await feed.read_document(response))


def check_entries(answer: feed.Feed) -> list[feed.FeedEntry]:
    """Return the entries of an answer. Raises FetchError for an error that it reports."""
    for entry in answer.entries:
        if _ERROR_MARK in entry.key:
            kind = base.BadRequestError if _BAD_ID_MARK in entry.key else base.FetchError
            raise kind(f"it reports an error: {' '.join(entry.contents)[:200]}")
    return answer.entries


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    plain = address.rstrip("/")
    is_own = plain == endpoints[models.SourceKind.ARXIV].rstrip("/")
    return "{" not in address and (is_own or plain.endswith("arxiv.org/api/query"))


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> ArxivSource:
    """Open arXiv's own address at the endpoint of the settings, and any other address as it is."""
    endpoint = address.rstrip("/")
    if endpoint.endswith(("arxiv.org", "arxiv.org/api/query")):
        endpoint = context.endpoints[models.SourceKind.ARXIV]
    return ArxivSource(endpoint, context.fetch, context.throttles[models.SourceKind.ARXIV])


KIND = base.KindRecord(
    kind=models.SourceKind.ARXIV,
    matches=_matches,
    check=partial(feed.check_undated, kind=models.SourceKind.ARXIV),
    open=_open,
    poll_interval=timedelta(minutes=5),
    stage=base.Stage.MISSING_FACTS,
    is_for_lookup=True,
    # arXiv asks for three seconds, and requests take more and less time to reach it.
    seconds_per_request=3.1,
)


# Papers that no digest has, when a reader asks for them: from arXiv and Hugging Face, a few ids a request.
#
# Their facts are stored, so that a paper is fetched once. It is in no list until a digest names it.

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
        open_fetcher: Callable[[], AbstractAsyncContextManager[base.Fetcher]],
        endpoints: base.Endpoints,
        throttle: base.Throttle,
        huggingface_throttle: base.Throttle,
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
        self, fetch: base.Fetcher, batch: Sequence[str]
    ) -> tuple[bool, list[models.PaperFacts]]:
        """Return whether arXiv has answered for all the papers, and its facts on them."""
        source = ArxivSource(self._endpoints[models.SourceKind.ARXIV], fetch, self._throttle)
        facts: list[models.PaperFacts] = []
        async for result in source.fetch(base.FetchRequest(self._clock(), arxiv_ids=batch)):
            facts += result.facts
            if result.status is not FetchStatus.OK:
                log.info("arXiv was not asked about papers of readers", papers=batch, reason=result.reason)
                return False, facts
        return True, facts

    async def _read_huggingface(
        self, fetch: base.Fetcher, batch: Sequence[str]
    ) -> list[models.PaperFacts | None]:
        """Return Hugging Face's facts on each paper, None for a paper that it does not list, such as each with an old id."""
        source = huggingface.HuggingFaceSource(self._endpoints[models.SourceKind.HUGGINGFACE], fetch)

        async def read(arxiv_id: str) -> models.PaperFacts | None:
            try:
                return await source.read_paper(arxiv_id, self._huggingface_throttle)
            except base.FetchError as error:
                log.info("Hugging Face was not asked about a paper", paper=arxiv_id, reason=str(error))
                return None

        return await asyncio.gather(*(read(arxiv_id) for arxiv_id in batch if "/" not in arxiv_id))


def _forget_oldest(remembered: dict[Any, Any]) -> None:
    if len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
