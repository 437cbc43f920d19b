"""arXiv and Hugging Face on a loopback server, with papers that a test sets."""

from __future__ import annotations

import json

from aiohttp import web

from tests.support import origin_server, source_payloads


class PaperServices:
    """What the two services know: `arxiv` by id with the title, `votes` on Hugging Face. Both may be `pages` of a test."""

    def __init__(self, origin: origin_server.OriginServer) -> None:
        self.origin = origin
        self.arxiv: dict[str, str] = {}
        origin.pages["/api/query"] = self._answer_query

    def add(self, arxiv_id: str, title: str = "Small Things", *, votes: int | None = None) -> None:
        """Add a paper to arXiv, and with votes to Hugging Face."""
        self.arxiv[arxiv_id] = title
        if votes is not None:
            item = source_payloads.daily_papers_item(arxiv_id, votes, title=title)
            self.origin.pages[f"/api/papers/{arxiv_id}"] = json.dumps(item["paper"])

    @property
    def asked(self) -> list[list[str]]:
        requests = [request for request in self.origin.requests if request.path == "/api/query"]
        return [request.query["id_list"].split(",") for request in requests]

    async def _answer_query(self, request: web.BaseRequest) -> web.StreamResponse:
        ids = request.query["id_list"].split(",")
        entries = [
            source_payloads.arxiv_entry(arxiv_id, self.arxiv[arxiv_id])
            for arxiv_id in ids
            if arxiv_id in self.arxiv
        ]
        return web.Response(text=source_payloads.atom(*entries), content_type="application/atom+xml")
