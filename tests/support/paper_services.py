"""arXiv on a loopback server, with papers that a test sets."""

from __future__ import annotations

from aiohttp import web

from tests.support import origin_server, source_payloads


class PaperServices:
    """What arXiv knows: `arxiv` has titles by id."""

    def __init__(self, origin: origin_server.OriginServer) -> None:
        self.origin = origin
        self.arxiv: dict[str, str] = {}
        origin.pages["/api/query"] = self._answer_query

    def add(self, arxiv_id: str, title: str = "Small Things") -> None:
        """Add a paper to arXiv."""
        self.arxiv[arxiv_id] = title

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
