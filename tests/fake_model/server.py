"""The HTTP side of the fake model and the fake sources, served from a thread.

`POST /v1/chat/completions`, `/api/daily_papers`, `/papers/{id}.md` and `/html/{id}`. They keep `docs/services.md`, sections
*Models*, *Lists of a day*, *Facts and texts of a paper* and *arXiv's pages*.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from tests.fake_model import papers, writing
from tests.support import fake_huggingface, origin_server

MODEL = "fake-1"
_FAULTS = ("half", "length", "malformed")
_DEFAULTS: Mapping[str, Any] = {
    "fault_share": 0.0,
    "delay": 0.0,
    "paper_count": len(papers.load()),
    "key": None,
    "says": None,
    "disagree": False,
}
"""The settings. `fault_share` is the share of broken answers; `says` are the sentences that answer any question; `disagree`: it
says that the papers of a question disagree."""


class FakeModel:
    """The settings and the log of the server. Each request is logged before it is answered."""

    def __init__(self) -> None:
        self.url = ""
        self._log: list[dict[str, Any]] = []
        self._requests: Counter[str] = Counter()
        self.reset()

    def reset(self, **settings: Any) -> None:
        """Replace all settings and empty the log; settings that are not given get their defaults."""
        assert settings.keys() <= _DEFAULTS.keys(), f"unknown settings: {settings.keys() - _DEFAULTS.keys()}"
        self.settings = {**_DEFAULTS, **settings}
        self._requests.clear()
        self._log.clear()

    def log(self) -> list[dict[str, Any]]:
        """Return the chat requests since the last reset."""
        return [*self._log]

    def environment(self) -> dict[str, str]:
        """Return the settings that connect Paperround's writer and its sources to this server."""
        return {
            "HF_ENDPOINT": self.url,
            "PAPERROUND_ARXIV_HTML_URL": f"{self.url}/html",
            "PAPERROUND_WRITER_URL": f"{self.url}/v1",
            "PAPERROUND_WRITER_MODEL": MODEL,
        }

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Serve on a free port from a thread for the duration of the block."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/api/daily_papers", self._serve_listing)
        app.router.add_get("/papers/{name:.+}", self._serve_markdown)
        app.router.add_get("/html/{id}", self._serve_html)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        with origin_server.serving_in_thread(runner) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield

    async def _complete(self, request: web.Request) -> web.Response:
        """Answer a chat completion, or break the answer according to the settings."""
        body, settings = await request.json(), self.settings
        if settings["key"] and request.headers.get("Authorization") != f"Bearer {settings['key']}":
            return self._refuse(401, "Incorrect API key provided")
        try:
            title, text = writing.find_paper(body["messages"])
        except ValueError as error:
            return self._refuse(400, str(error))
        schema = body["response_format"]["json_schema"]["schema"]
        section = next(iter(schema["properties"]))
        name = f"{title} {section}"
        attempt = str(self._requests[name])
        self._requests[name] += 1
        await asyncio.sleep(settings["delay"])
        fault = None
        if writing.draw("fault", name, attempt) < settings["fault_share"]:
            fault = _FAULTS[int(attempt) % len(_FAULTS)]
        if section == "verdicts":
            answer = {"verdicts": writing.judge(body["messages"])}
        elif section == "sentences":
            answer = {
                section: writing.reply(body["messages"]) if settings["says"] is None else settings["says"],
                "disagree": settings["disagree"],
            }
        else:
            answer = writing.write(text, schema, korean=writing.is_korean(body["messages"]))
        content = _break_answer(answer, fault)
        tokens = (len(str(body["messages"]).encode()) + len(content.encode())) // 4
        row = {"title": title, "section": section, "status": 200, "fault": fault, "tokens": tokens}
        self._log.append(row)
        message = {"role": "assistant", "content": content}
        choice = {"message": message, "finish_reason": "length" if fault == "length" else "stop"}
        return web.json_response({"choices": [choice], "usage": {"total_tokens": tokens}})

    def _refuse(self, status: int, message: str) -> web.Response:
        self._log.append({"status": status, "fault": None})
        return web.json_response({"error": {"message": message, "type": "fake"}}, status=status)

    async def _serve_listing(self, request: web.Request) -> web.Response:
        """Serve Hugging Face's list of a day: the same papers on every day."""
        chosen = papers.make(self.settings["paper_count"])
        whole = json.dumps([papers.daily_papers_item(paper) for paper in chosen]).encode()
        status, body, headers = fake_huggingface.cut(whole, str(request.url))
        return web.Response(status=status, body=body, headers=headers)

    async def _serve_markdown(self, request: web.Request) -> web.Response:
        paper = self._find_paper(request.match_info["name"].removesuffix(".md"))
        if paper.text != "md":
            raise web.HTTPNotFound
        return web.Response(text=papers.markdown(paper), content_type="text/markdown")

    async def _serve_html(self, request: web.Request) -> web.Response:
        paper = self._find_paper(request.match_info["id"])
        if paper.text != "html":
            raise web.HTTPNotFound
        return web.Response(text=papers.latexml(paper), content_type="text/html")

    def _find_paper(self, arxiv_id: str) -> papers.Paper:
        return next(paper for paper in papers.make(self.settings["paper_count"]) if paper.id == arxiv_id)


def _break_answer(answer: Mapping[str, Any], fault: str | None) -> str:
    """Return the answer as JSON, broken according to the fault."""
    content = json.dumps(answer)
    if fault == "malformed":
        return content.replace('": "', '": ', 2)
    return content[: len(content) // 2] if fault in ("half", "length") else content
