"""Facts again about the papers that readers keep: those on a shelf or in a thread.

Each is asked about every week in its first months, then every month (`storage.papers.list_kept_due`). What a service
says is stored as facts are, and what is new becomes an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

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

MAX_REQUESTS: Mapping[SourceKind, int] = {SourceKind.ARXIV: 20, SourceKind.HUGGINGFACE: 50}
"""The most requests a day (UTC) to a service."""
EVERY = timedelta(minutes=30)
PAUSE = timedelta(hours=1)
"""How long a service is not asked after a failure, unless it names a later time."""


@dataclass(eq=False)
class KeptPapers:
    """Asks arXiv and Hugging Face again."""

    database: Database
    clock: Clock
    ingest: IngestService
    context: base.SourceContext
    _resume_at: dict[SourceKind, datetime] = field(default_factory=dict)

    async def ask(self) -> None:
        """Ask each service about the papers that are due. Failures are logged, and the next call goes on."""
        for service, ask in (
            (SourceKind.ARXIV, self._ask_arxiv),
            (SourceKind.HUGGINGFACE, self._ask_hugging_face),
        ):
            if self.clock() < self._resume_at.get(service, datetime.min.replace(tzinfo=UTC)):
                continue
            with isolation.isolated(log, "kept papers not asked about", service=service.value):
                try:
                    await ask()
                except base.FetchError as error:
                    self._resume_at[service] = max(error.retry_at or self.clock(), self.clock() + PAUSE)
                    until = f"{self._resume_at[service]:%m-%d %H:%M} UTC"
                    log.warning(
                        "kept papers not asked about", service=service.value, reason=str(error), next_at=until
                    )

    async def _ask_arxiv(self) -> None:
        endpoint = self.context.endpoints[SourceKind.ARXIV]
        reader = arxiv.ArxivReader(endpoint, self.context.fetch, self._counted(SourceKind.ARXIV))
        while await self._count_left(SourceKind.ARXIV) >= arxiv.MAX_REQUESTS_PER_PAGE:
            due = await self.database.fetch(
                papers.list_kept_due, SourceKind.ARXIV.value, self.clock(), limit=arxiv.IDS_PER_REQUEST
            )
            if not due:
                return
            left = {*due}
            async for found, missing in reader.read_papers([*due], self.clock().date()):
                await self.ingest.add_facts(found)
                await self._mark_asked(missing, SourceKind.ARXIV, endpoint)
                left -= {*missing, *(fact.arxiv_id for fact in found)}
            if left:
                return  # an incomplete answer: the next call asks again

    async def _ask_hugging_face(self) -> None:
        service = SourceKind.HUGGINGFACE
        limit = await self._count_left(service)
        due = await self.database.fetch(papers.list_kept_due, service.value, self.clock(), limit=limit)
        described = await self.database.fetch(papers.list_facts_by_paper, due.values())
        for arxiv_id, paper_id in due.items():
            location = f"{self.context.endpoints[service].rstrip('/')}/api/papers/{arxiv_id}"
            throttle = self._counted(service)
            try:
                response = await self.context.fetch.get(
                    location, accept="application/json", throttle=throttle
                )
            except base.FetchError as error:
                if error.code not in (base.NOT_FOUND, base.GONE):
                    raise
                await self._mark_asked([arxiv_id], service, location)
                continue
            text = base.decode_text(response.body or b"", response.charset)
            read_at = response.page_state.read_at
            said = _read_paper(text, arxiv_id, location, read_at)
            known = next((fact for fact in described.get(paper_id, ()) if fact.source == service.value), None)
            if said is None:
                await self._mark_asked([arxiv_id], service, location)
            elif known is None:
                await self.ingest.add_facts([said])
            else:
                # The daily list says more than a paper's own page, such as its picture.
                names = ("read_at", "votes", "code_url", "code_stars", "project_url")
                changed = {name: getattr(said, name) for name in names}
                await self.ingest.add_facts([replace(known, **changed)])

    async def _mark_asked(self, arxiv_ids: Iterable[str], service: SourceKind, location: str) -> None:
        now = self.clock()
        asked = [PaperFacts(arxiv_id, service.value, location, now) for arxiv_id in arxiv_ids]
        await self.database.write(papers.mark_asked, asked)

    def _counted(self, service: SourceKind) -> base.Throttle:
        """Return the service's pace, which counts each request and raises FetchError when the day's are used up."""
        pace = self.context.arxiv_throttle if service is SourceKind.ARXIV else base.no_throttle

        async def throttle() -> None:
            async with self.database.transaction() as connection:
                counts = self._read_counts(await key_values.get(connection, key_values.ASKED_AGAIN))
                if counts[service.value] >= MAX_REQUESTS[service]:
                    raise base.FetchError("the day's requests are used up")
                counts[service.value] += 1
                kept = {"day": self.clock().date().isoformat(), **counts}
                await key_values.set_value(connection, key_values.ASKED_AGAIN, json.dumps(kept))
            await pace()

        return throttle

    async def _count_left(self, service: SourceKind) -> int:
        """Return how many requests to a service are left today."""
        counts = self._read_counts(await self.database.fetch(key_values.get, key_values.ASKED_AGAIN))
        return MAX_REQUESTS[service] - counts[service.value]

    def _read_counts(self, stored: str | None) -> dict[str, int]:
        """Return today's requests by service."""
        known = json.loads(stored or "{}")
        is_today = known.get("day") == self.clock().date().isoformat()
        return {service.value: known.get(service.value, 0) if is_today else 0 for service in MAX_REQUESTS}


def _read_paper(text: str, arxiv_id: str, location: str, read_at: datetime) -> PaperFacts | None:
    """Return what Hugging Face says about a paper, or None if the answer is about another one. Raises FetchError."""
    try:
        item = listing.from_service(fields.decode_json(text))
    except ValueError:
        raise base.FetchError("its response is not JSON") from None
    listed = listing.build(read_at.date(), [item] if item is not None else [])
    for paper in listing.papers_of(listed.text):
        if paper["arxiv_id"] == arxiv_id:
            source = models.SourceKind.HUGGINGFACE.value
            return listing.to_facts(paper, source, location, read_at, votes=paper.get("votes"))
    return None
