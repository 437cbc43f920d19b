"""Refresh the facts of the papers that readers follow: those on a shelf or in a thread.

This is weekly in a paper's first months, then monthly (`storage.papers.list_followed_due`). What is new becomes an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.archive import fields, listing
from bot.archive.ingest import IngestService
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import arxiv, base
from storage import key_values, models, papers
from storage.database import Database
from storage.models import PaperFacts, SourceKind

log = structlog.get_logger(__name__)

NOT_REFRESHED = "facts of followed papers not refreshed"

MAX_REQUESTS: Mapping[SourceKind, int] = {SourceKind.ARXIV: 20, SourceKind.HUGGINGFACE: 50}
"""The most requests a day (UTC) to a service."""
SERVICE_PAUSE = timedelta(hours=4)
"""The delay of a service after a failure, unless it names a later time. A day's requests last, with three at each."""
PAUSE = timedelta(hours=1)
"""The delay of a paper that fails alone. It doubles with each failure in a row, up to `papers.OFTEN`."""


@dataclass(eq=False)
class FollowedPapers:
    database: Database
    clock: Clock
    ingest: IngestService
    context: base.SourceContext
    _resume_at: dict[SourceKind, datetime] = field(default_factory=dict)
    _failed: dict[tuple[SourceKind, str], tuple[int, datetime]] = field(default_factory=dict)
    """How often a service failed for a paper in a row, and when the next request is due."""

    async def refresh(self) -> None:
        """Request the facts of papers that are due from each service. Failures are logged, and the next call goes on."""
        for service, refresh in (
            (SourceKind.ARXIV, self._refresh_from_arxiv),
            (SourceKind.HUGGINGFACE, self._refresh_from_hugging_face),
        ):
            if self.clock() < self._resume_at.get(service, models.NEVER):
                continue
            with isolation.isolated(log, NOT_REFRESHED, service=service.value):
                try:
                    await refresh()
                except base.FetchError as error:
                    resume_at = max(error.retry_at or models.NEVER, self.clock() + SERVICE_PAUSE)
                    self._resume_at[service] = resume_at
                    log.info(
                        NOT_REFRESHED, service=service.value, reason=str(error), next_at=resume_at.isoformat()
                    )

    async def _refresh_from_arxiv(self) -> None:
        throttle = partial(self._count_request, SourceKind.ARXIV, self.context.arxiv_throttle)
        reader = arxiv.ArxivReader(self.context.endpoints[SourceKind.ARXIV], self.context.fetch, throttle)
        while known := await self._list_due(SourceKind.ARXIV, arxiv.IDS_PER_REQUEST):
            left = {*known}
            async for facts, missing, failed in reader.read_papers([*known], self.clock().date()):
                unchanged = [replace(known[arxiv_id], read_at=self.clock()) for arxiv_id in missing]
                await self._add(SourceKind.ARXIV, [*facts, *unchanged])
                self._delay(SourceKind.ARXIV, failed)
                left -= {*failed, *missing, *(fact.paper_key for fact in facts)}
            if left:
                return  # an incomplete answer: the next call requests the rest

    async def _refresh_from_hugging_face(self) -> None:
        service = SourceKind.HUGGINGFACE
        throttle = partial(self._count_request, service, base.no_throttle)
        for arxiv_id, known in (await self._list_due(service, MAX_REQUESTS[service])).items():
            location = f"{self.context.endpoints[service].rstrip('/')}/api/papers/{arxiv_id}"
            facts = replace(known, read_at=self.clock())
            try:
                response = await self.context.fetch.get(
                    location, accept="application/json", throttle=throttle
                )
                facts = await asyncio.to_thread(_read_paper, response, facts)
            except base.FetchError as error:
                if error.code not in (base.NOT_FOUND, base.GONE):
                    if not error.is_of_page:
                        # It may be of this paper after all: others come first the next time.
                        self._failed[service, arxiv_id] = 0, self.clock() + timedelta(days=1)
                        raise
                    self._delay(service, [arxiv_id])
                    log.info(NOT_REFRESHED, service=service.value, paper=arxiv_id, reason=str(error))
                    continue
            await self._add(service, [facts])

    async def _add(self, service: SourceKind, facts: Sequence[PaperFacts]) -> None:
        await self.ingest.add_facts(facts)
        for fact in facts:
            self._failed.pop((service, fact.paper_key), None)

    def _delay(self, service: SourceKind, ids: Iterable[str]) -> None:
        """Delay the next request about papers for which a service failed."""
        for arxiv_id in ids:
            times, _ = self._failed.get((service, arxiv_id), (0, None))
            pause = min(PAUSE * 2 ** min(times, 10), papers.OFTEN)
            self._failed[service, arxiv_id] = times + 1, self.clock() + pause

    async def _list_due(self, service: SourceKind, limit: int) -> dict[str, PaperFacts]:
        """Return the stored facts of the papers that are due, by arXiv id; without a title if it is not known yet."""
        async with self.database.read() as connection:
            now = self.clock()
            delayed = [of[1] for of, (_, at) in self._failed.items() if of[0] is service and now < at]
            due = await papers.list_followed_due(connection, service.value, now, limit=limit, without=delayed)
            stored = await papers.list_facts_by_paper(connection, due.values())
        place = service.value, self.context.endpoints[service], models.NEVER
        known = {arxiv_id: PaperFacts(arxiv_id, *place) for arxiv_id in due}
        of_service = (fact for of in stored.values() for fact in of if fact.source == service.value)
        return known | {fact.paper_key: fact for fact in of_service}

    async def _count_request(self, service: SourceKind, pace: base.Throttle) -> None:
        """Count a request to a service and wait for its turn. Raises FetchError when the day's are used up."""
        key, today = f"{key_values.ASKED_AGAIN}{service.value}", self.clock().date().isoformat()
        async with self.database.transaction() as connection:
            day, _, count = (await key_values.get(connection, key) or "").partition(" ")
            number = int(count) + 1 if day == today else 1
            if number > MAX_REQUESTS[service]:
                raise base.FetchError("the day's requests are used up")
            await key_values.set_value(connection, key, f"{today} {number}")
        await pace()


def _read_paper(response: base.Response, known: PaperFacts) -> PaperFacts:
    """Return `known` with the facts on Hugging Face's page of the paper. The page of another paper adds nothing.

    The daily list has more than that page, such as a paper's picture. Raises FetchError.
    """
    try:
        item = fields.decode_json(base.decode_text(response.body or b"", response.charset))
    except ValueError:
        raise base.FetchError("its response is not JSON") from None
    listed = listing.build(known.read_at.date(), [listing.from_service(item)])
    for paper in listing.papers_of(listed.text):
        if paper["key"] == known.paper_key:
            facts = listing.to_facts(
                paper, known.source, known.location, known.read_at, votes=paper.get("votes")
            )
            names = ("votes", "code_url", "code_stars", "project_url")
            changed = {name: getattr(facts, name) for name in names}
            return facts if known.title is None else replace(known, **changed)
    return known
