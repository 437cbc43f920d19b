"""A poller with storage, ingest, a fetcher and an origin server."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from bot.archive import ingest
from bot.core import day_close
from bot.sources import base, fetcher, kinds, poller
from bot.sources.poller import SourceReport
from storage import archive, models, papers
from storage import sources as stored_sources
from storage.database import Connection, Database
from tests.support import origin_server

START = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)


@dataclass
class PollingHarness:
    """A poller with its dependencies. The test moves `now`; `notices` collects notices to the operator."""

    db: Database
    origin: origin_server.OriginServer
    now: datetime = START
    notices: list[models.StoredSource] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoints = {
            models.SourceKind.HUGGINGFACE: self.origin.url,
            models.SourceKind.ARXIV: f"{self.origin.url}/api/query",
        }
        self.registry = kinds.SourceRegistry(self.db, self.clock, self.endpoints)
        self.ingest = ingest.IngestService(self.db, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def record_notice(self, connection: Connection, row: models.StoredSource, now: datetime) -> None:
        self.notices.append(row)

    @contextlib.asynccontextmanager
    async def open_poller(self) -> AsyncIterator[poller.Poller]:
        async with fetcher.HttpFetcher(
            now=self.clock,
            user_agent="Paperround/test",
            allowed_hosts=[("127.0.0.1", self.origin.port)],
            limits=fetcher.Limits(),
            proxy=None,
            sleep=lambda _: base.no_throttle(),
        ) as fetch:
            rss_url, throttle = f"{self.origin.url}/rss", base.no_throttle
            context = base.SourceContext(fetch, self.endpoints, throttle, "UTC", day_close.default(), rss_url)
            yield poller.Poller(
                self.db, self.clock, self.ingest, context, lambda _: 1.0, notify_failure=self.record_notice
            )

    async def add(
        self, path: str, kind: str | None = None, page: origin_server.Page | None = None, **options: str
    ) -> models.StoredSource:
        """Add a source at a path on the origin server, with its page, or at an absolute URL."""
        if page is not None:
            self.origin.pages[path] = page
        url = f"{self.origin.url}{path}" if path.startswith("/") else path
        source_kind = models.SourceKind(kind) if kind else None
        return await self.registry.add(url, kind=source_kind, options=options)

    async def fetch_due(self, reports: list[SourceReport] | None = None) -> list[SourceReport]:
        async with self.open_poller() as opened:
            return await opened.fetch_due(reports)

    async def health(self) -> Mapping[str, models.StoredSource]:
        return {row.url: row for row in await self.db.fetch(stored_sources.list_rows)}

    async def next_attempt_at(self, row: models.StoredSource) -> datetime:
        found = (await self.health())[row.url].next_attempt_at
        assert found is not None
        return found

    async def detail(self, arxiv_id: str) -> models.PaperDetail:
        found = await self.db.fetch(papers.get_detail, arxiv_id)
        assert found is not None
        return found

    async def digests(self, since_on: date | None = None) -> list[models.StoredDigest]:
        return await self.db.fetch(archive.list_rows, since_on=since_on)
