"""Loopback arXiv and Hugging Face that are asked again about the papers that readers keep.

They keep `docs/services.md`, sections *arXiv's API* and *Facts and texts of a paper*.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from bot.sources import followed_papers
from storage import papers, tables
from storage.database import Connection
from tests.support import source_payloads
from tests.support.polling_harness import PollingHarness


@dataclass
class Services:
    """Loopback arXiv and Hugging Face, which say of each paper what the test sets."""

    harness: PollingHarness
    arxiv: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.harness.origin.pages["/api/query"] = self.query

    def tell(
        self, arxiv_id: str, version: int = 1, more: str = "", abstract: str = "Small things.", on: str = ""
    ) -> None:
        """Set arXiv's entry of a paper, with the day of the version, by default one in May 2025."""
        on = on or f"2025-05-0{min(version, 9)}"
        self.arxiv[arxiv_id] = (
            f"<entry><id>http://arxiv.org/abs/{arxiv_id}v{version}</id><title>A Study {arxiv_id}</title>"
            f"<published>2025-05-01T00:00:00Z</published><updated>{on}T00:00:00Z</updated>"
            f"<summary>{abstract}</summary><author><name>Ada Lovelace</name></author>{more}</entry>"
        )

    def put_code(self, arxiv_id: str, address: object) -> None:
        """Set the code on Hugging Face's page of a paper; None: it has a page without code."""
        self.harness.origin.pages[f"/api/papers/{arxiv_id}"] = json.dumps(
            {"id": arxiv_id, "title": f"A Study {arxiv_id}", "upvotes": 3, "githubRepo": address}
        )

    async def query(self, request: web.BaseRequest) -> web.Response:
        ids = request.query["id_list"].split(",")
        return web.Response(
            text=source_payloads.atom(*(self.arxiv[name] for name in ids if name in self.arxiv))
        )

    def count_requests(self) -> Counter[str]:
        """Return the number of requests so far to each service."""
        return Counter(
            "arxiv" if "id_list" in path else "huggingface"
            for path in self.harness.origin.paths
            if "id_list" in path or "/api/papers/" in path
        )

    async def ask(self, times: int = 1, every: timedelta = timedelta(days=7)) -> None:
        """Let some time pass and ask about all papers that are due, this number of times."""
        harness = self.harness
        async with harness.open_poller() as opened:
            kept = followed_papers.FollowedPapers(harness.db, harness.clock, harness.ingest, opened.context)
            for _ in range(times):
                harness.now += every
                await kept.refresh()

    async def ask_for_days(self, days: int) -> list[Counter[str]]:
        """Ask as often as the bot does, from midnight (UTC). Returns each day's requests."""
        counts = []
        for _ in range(days):
            before = self.count_requests()
            self.harness.now = self.harness.now.replace(hour=0, minute=0) + timedelta(days=1)
            await self.ask(2 * 23, timedelta(minutes=30))
            counts.append(self.count_requests() - before)
        return counts

    async def list_events(self) -> list[tuple[str, str, str]]:
        """Return the events as (arXiv id, kind, text), oldest first."""

        async def read(connection: Connection) -> list[tuple[str, str, str]]:
            events, known = papers.paper_events, tables.papers
            query = events.select().join(known, known.c.id == events.c.paper_id).order_by(events.c.id)
            rows = await connection.execute(query.add_columns(known.c.key))
            return [(row.key, row.kind.value, row.text) for row in rows]

        return await self.harness.db.fetch(read)
