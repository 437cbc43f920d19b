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
_FAULTS = ("half", "length", "malformed", "content_filter", "empty")
_BYTES_PER_TOKEN = 4
_DEFAULTS: Mapping[str, Any] = {
    "fault_share": 0.0,
    "delay": 0.0,
    "paper_count": len(papers.load()),
    "key": None,
    "says": None,
    "disagree": False,
    "window": 32_768,
    "thinking": 0,
    "refused": (),
    "ignores_schemas": False,
    "flagged": None,
    "gives_reasons": True,
    "error": None,
    "answers_before_error": 0,
}
"""The settings. `fault_share` is the share of broken answers; `says` are the sentences that answer any question; `disagree`: it
says that the papers of a question disagree. `window` is in tokens; `thinking` are the tokens before each answer; `refused` are
fields of a request that it answers with 400. A prompt with the words `flagged` is refused by moderation, which may name its
reasons. `error` is the code of an error within 200 to each request after `answers_before_error` answers."""


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
        if unknown := next((name for name in settings["refused"] if name in body), None):
            instead = " Use 'max_completion_tokens' instead." if unknown == "max_tokens" else ""
            return self._refuse(400, f"Unsupported parameter: '{unknown}'.{instead}")
        if settings["flagged"] and settings["flagged"] in str(body["messages"]):
            metadata = {"reasons": ["violence"]} if settings["gives_reasons"] else {}
            return self._refuse(403, "Your input was flagged", metadata=metadata)
        answered = sum(row["status"] == 200 for row in self._log)
        if settings["error"] is not None and answered >= settings["answers_before_error"]:
            self._log.append({"status": settings["error"], "fault": "error"})
            error = {"code": settings["error"], "message": "Provider returned error"}
            return web.json_response({"error": error, "user_id": "user_1"})
        try:
            title, text = writing.find_paper(body["messages"])
        except ValueError as error:
            return self._refuse(400, str(error))
        section = writing.find_section(body["messages"])
        name = f"{title} {section}"
        attempt = str(self._requests[name])
        self._requests[name] += 1
        await asyncio.sleep(settings["delay"])
        fault = None
        if writing.draw("fault", name, attempt) < settings["fault_share"]:
            fault = _FAULTS[int(attempt) % len(_FAULTS)]
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema is None or settings["ignores_schemas"]:
            schema = writing.find_schema(body["messages"])
        prompt = "\n".join(message["content"] for message in body["messages"])
        read = prompt.encode()[-settings["window"] * _BYTES_PER_TOKEN :].decode(errors="ignore")
        if schema is None:
            content = "**What is new.** It is a paper."
        elif section == "verdicts":
            content = _break_answer({"verdicts": writing.judge(body["messages"])}, fault)
        elif section == "sentences":
            says = writing.reply(body["messages"]) if settings["says"] is None else settings["says"]
            content = _break_answer({section: says, "disagree": settings["disagree"]}, fault)
        else:
            korean = writing.is_korean(body["messages"])
            known = text if len(read) == len(prompt) else read
            content = _break_answer(writing.write(known, schema, korean=korean), fault)
        limit = body.get("max_completion_tokens", body.get("max_tokens", settings["window"]))
        thinking = settings["thinking"] // (4 if body.get("reasoning_effort") == "low" else 1)
        finish = {"length": "length", "content_filter": "content_filter"}.get(fault or "", "stop")
        written = thinking + len(content.encode()) // _BYTES_PER_TOKEN
        if written > limit:
            room = max(0, limit - thinking) * _BYTES_PER_TOKEN
            content, written, finish = content.encode()[:room].decode(errors="ignore"), limit, "length"
        counted = {"prompt_tokens": len(read.encode()) // _BYTES_PER_TOKEN, "completion_tokens": written}
        tokens = sum(counted.values())
        row = {"title": title, "section": section, "status": 200, "fault": fault, "tokens": tokens}
        self._log.append(row)
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return web.json_response({"choices": [choice], "usage": {**counted, "total_tokens": tokens}})

    def _refuse(self, status: int, message: str, **fields: Any) -> web.Response:
        self._log.append({"status": status, "fault": None})
        return web.json_response({"error": {"message": message, "type": "fake", **fields}}, status=status)

    async def _serve_listing(self, request: web.Request) -> web.Response:
        """Serve Hugging Face's list of a day: the same papers on every day."""
        chosen = papers.make(self.settings["paper_count"])
        whole = json.dumps([papers.daily_papers_item(paper) for paper in chosen]).encode()
        status, body, headers = fake_huggingface.cut(whole, str(request.url))
        return web.Response(status=status, body=body, headers=headers)

    async def _serve_markdown(self, request: web.Request) -> web.Response:
        paper = self._find_paper(request.match_info["name"].removesuffix(".md"))
        text = papers.markdown(paper) if paper.text == "md" else papers.web_page(paper)
        return web.Response(text=text, content_type="text/markdown")

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
    if fault == "empty":
        return ""
    return content[: len(content) // 2] if fault in ("half", "length", "content_filter") else content
