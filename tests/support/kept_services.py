"""Loopback arXiv and Hugging Face that are asked again about the papers that readers keep."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from bot.sources.kept_papers import KeptPapers
from storage import papers
from storage.database import Connection
from tests.support import source_payloads
from tests.support.polling_harness import PollingHarness


@dataclass
class Services:
    """Loopback arXiv and Hugging Face, which say of each paper what the test sets."""

    harness: PollingHarness
    arxiv: dict[str, str] = field(default_factory=dict)
    code: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.harness.origin.pages["/api/query"] = self.query

    def tell(self, arxiv_id: str, version: int = 1, more: str = "", abstract: str = "Small things.") -> None:
        """Set arXiv's entry of a paper."""
        self.arxiv[arxiv_id] = (
            f"<entry><id>http://arxiv.org/abs/{arxiv_id}v{version}</id><title>A Study {arxiv_id}</title>"
            f"<published>2025-05-01T00:00:00Z</published><updated>2025-05-0{min(version, 9)}T00:00:00Z</updated>"
            f"<summary>{abstract}</summary><author><name>Ada Lovelace</name></author>{more}</entry>"
        )

    def put_code(self, arxiv_id: str, address: object) -> None:
        """Set the code on Hugging Face's page of a paper; None: it has a page without code."""
        self.code[arxiv_id] = address
        self.harness.origin.pages[f"/api/papers/{arxiv_id}"] = json.dumps(
            {"id": arxiv_id, "title": f"A Study {arxiv_id}", "upvotes": 3, "githubRepo": address}
        )

    async def query(self, request: web.BaseRequest) -> web.Response:
        ids = request.query["id_list"].split(",")
        return web.Response(
            text=source_payloads.atom(*(self.arxiv[name] for name in ids if name in self.arxiv))
        )

    async def ask(self, times: int = 1) -> None:
        """Let a week pass and ask, this number of times."""
        for _ in range(times):
            self.harness.now += timedelta(days=7)
            await self.ask_now()

    async def ask_now(self) -> None:
        """Ask about all papers that are due."""
        async with self.harness.open_poller() as opened:
            context = opened.context
            await KeptPapers(self.harness.db, self.harness.clock, self.harness.ingest, context).ask()

    async def list_events(self) -> list[tuple[str, str, str]]:
        """Return the events as (arXiv id, kind, text), oldest first."""

        async def read(connection: Connection) -> list[tuple[str, str, str]]:
            events = papers.paper_events
            rows = (await connection.execute(events.select().order_by(events.c.id))).all()
            ids = {row.paper_id for row in rows}
            names = {
                id_: paper.arxiv_id for id_, paper in (await papers.list_merged(connection, ids=ids)).items()
            }
            return [(names[row.paper_id], row.kind.value, row.text) for row in rows]

        return await self.harness.db.fetch(read)
