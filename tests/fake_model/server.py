"""The HTTP side of the fake model and of the fake sources.

`POST /v1/chat/completions`, `/api/daily_papers`, `/papers/{id}.md`, `/html/{id}`, and for tests `/control/settings`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web

from tests.fake_model import papers, writing

FAULTS = ("429", "500", "half", "counts", "length", "malformed")
"""The faults of a `fault_share`."""
DEFAULTS: Mapping[str, Any] = {
    "modes": ["json_schema", "text"],
    "faults": list(FAULTS),
    "fault_share": 0.0,
    "wrong_share": 0.0,
    "delay": 0.0,
    "paper_count": len(papers.load()),
    "key": None,
}
"""The settings. `wrong_share` of the claims with a number get a wrong one."""


class FakeModel:
    """The settings and the log of the process. Each request is logged before it is answered."""

    def __init__(self, log: TextIO | None) -> None:
        self.settings = dict(DEFAULTS)
        self._log = log
        self._requests: Counter[str] = Counter()

    def reset(self, settings: Mapping[str, Any]) -> None:
        """Replace all settings; those not given get their defaults."""
        assert settings.keys() <= DEFAULTS.keys(), f"unknown settings: {settings.keys() - DEFAULTS.keys()}"
        self.settings = {**DEFAULTS, **settings}
        self._requests.clear()

    def count(self, key: str) -> int:
        """Return how often this was called with the key before."""
        self._requests[key] += 1
        return self._requests[key] - 1

    def find_paper(self, arxiv_id: str) -> papers.Paper | None:
        """Return a paper by its id."""
        return next(
            (paper for paper in papers.make(self.settings["paper_count"]) if paper.id == arxiv_id), None
        )

    def record(self, **fields: Any) -> None:
        """Append a line to the log."""
        if self._log:
            self._log.write(json.dumps(fields, ensure_ascii=False) + "\n")
            self._log.flush()


FAKE: web.AppKey[FakeModel] = web.AppKey("fake", FakeModel)


def make_app(log: Path | None) -> web.Application:
    """Return the application of the process."""
    app = web.Application(client_max_size=64 << 20)
    app[FAKE] = FakeModel(log.open("a", encoding="utf-8") if log else None)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/api/daily_papers", serve_listing)
    app.router.add_get("/papers/{name:.+}", serve_markdown)
    app.router.add_get("/html/{id}", serve_html)
    app.router.add_post("/control/settings", change_settings)
    return app


async def change_settings(request: web.Request) -> web.Response:
    """Replace the settings by the body's."""
    request.app[FAKE].reset(await request.json())
    return web.json_response({})


async def complete(request: web.Request) -> web.StreamResponse:
    """Answer a chat completion, or fail by the settings."""
    fake, body = request.app[FAKE], await request.json()
    settings, messages = fake.settings, body["messages"]
    mode = (body.get("response_format") or {"type": "text"})["type"]
    fields = {"mode": mode, "max_tokens": body.get("max_tokens")}
    if settings["key"] and request.headers.get("Authorization") != f"Bearer {settings['key']}":
        return _refuse(fake, 401, "Incorrect API key provided", **fields)
    if mode not in settings["modes"]:
        return _refuse(fake, 400, f"response_format {mode} is not supported", **fields)
    try:
        title, text = writing.find_paper(messages)
        schema = body["response_format"]["json_schema"]["schema"] if mode == "json_schema" else None
        schema = schema or writing.find_schema(messages)
    except ValueError as error:
        return _refuse(fake, 400, str(error), **fields)
    section = next(iter(schema["properties"]))
    name = f"{title} {section}"
    fields |= {"title": title, "section": section, "model": body["model"]}
    attempt = str(fake.count(name))
    fault = _draw_fault(settings, name, attempt)
    if settings["delay"]:
        await asyncio.sleep(settings["delay"])
    return _answer(fake, body, fault, (text, schema, name, attempt), fields)


def _draw_fault(settings: Mapping[str, Any], name: str, attempt: str) -> str | None:
    if writing.draw("fault", name, attempt) >= settings["fault_share"]:
        return None
    chosen = writing.draw("kind", name, attempt)
    return str(settings["faults"][min(int(chosen * len(settings["faults"])), len(settings["faults"]) - 1)])


def _answer(
    fake: FakeModel,
    body: Mapping[str, Any],
    fault: str | None,
    work: tuple[Any, ...],
    fields: Mapping[str, Any],
) -> web.Response:
    (text, schema, name, attempt), settings = work, fake.settings
    if fault in ("429", "500"):
        return _refuse(fake, int(fault), "the fake model fails", fault=fault, **fields)
    if "verdicts" in schema["properties"]:
        answer = {"verdicts": writing.judge(body["messages"])}
    else:
        answer = writing.write(text, schema, korean=writing.is_korean(body["messages"]))
    writing.plant_numbers(answer, settings["wrong_share"], attempt + name)
    content = _break_answer(answer, fault)
    if fields["mode"] == "text":
        content = f"Here is the summary.\n\n```json\n{content}\n```"
    sent = sum(len(message["content"].encode()) for message in body["messages"]) // 4
    usage = {"prompt_tokens": sent, "completion_tokens": len(content.encode()) // 4}
    usage["total_tokens"] = sum(usage.values())
    fake.record(**fields, status=200, fault=fault, tokens=usage["total_tokens"])
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": "length" if fault == "length" else "stop",
    }
    record = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": body["model"],
    }
    return web.json_response({**record, "choices": [choice], "usage": usage})


def _break_answer(answer: dict[str, list[dict[str, Any]]], fault: str | None) -> str:
    """Return the answer as JSON, broken as the fault says."""
    if fault == "counts":
        answer = {"verdicts": [], "whats_new": []}
    content = json.dumps(answer, ensure_ascii=False)
    if fault == "malformed":
        return content.replace('": "', '": ', 2)
    return content[: len(content) // 2] if fault in ("half", "length") else content


def _refuse(fake: FakeModel, status: int, message: str, **fields: Any) -> web.Response:
    fake.record(**{"fault": None, **fields}, status=status)
    return web.json_response({"error": {"message": message, "type": "fake"}}, status=status)


async def serve_listing(request: web.Request) -> web.Response:
    """Serve Hugging Face's list of a day: the same papers on every day."""
    chosen = papers.make(request.app[FAKE].settings["paper_count"])
    return web.json_response([papers.daily_papers_item(paper) for paper in chosen])


async def serve_markdown(request: web.Request) -> web.Response:
    """Serve Hugging Face's Markdown of a paper, or the paper's page if there is none."""
    paper = request.app[FAKE].find_paper(request.match_info["name"].removesuffix(".md"))
    if paper is None:
        return web.Response(status=404)
    if paper.text != "md":
        return web.Response(text=papers.abstract_page(paper), content_type="text/html")
    return web.Response(text=papers.markdown(paper), content_type="text/markdown")


async def serve_html(request: web.Request) -> web.Response:
    """Serve arXiv's HTML of a paper."""
    paper = request.app[FAKE].find_paper(request.match_info["id"].partition("v")[0])
    if paper is None or paper.text != "html":
        return web.Response(status=404)
    return web.Response(text=papers.latexml(paper), content_type="text/html")
