"""A proxy between the bot and the fake Discord's REST API that can answer any request itself, late, or not at all."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import yarl
from aiohttp import web

from tests.fake_discord import server
from tests.support import origin_server

HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "content-encoding", "host"})


@dataclass(frozen=True)
class Reply:
    """What the proxy does with a request.

    `status` None passes the request on to the fake if `is_forwarded`, and resets the connection otherwise.
    """

    status: int | None = None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    is_forwarded: bool = False


PASS = Reply(is_forwarded=True)
RESET = Reply()


def page(status: int, **headers: str) -> Reply:
    """An HTML page, as from Cloudflare or a proxy. Keywords are headers, such as `Retry_After="15"`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, "<html><body>error code: 1015</body></html>", {"Content-Type": "text/html", **named})


def discord_json(status: int, body: dict[str, Any], **headers: str) -> Reply:
    """An answer as from Discord, with `Via`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    via = {"Content-Type": "application/json", "Via": "1.1 google"}
    return Reply(status, json.dumps(body), {**via, **named})


def rate_limit(seconds: float) -> Reply:
    """A global rate limit."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": True}
    return discord_json(429, body, Retry_After=str(int(seconds) + 1), X_RateLimit_Scope="global")


@dataclass
class Request:
    """A request that came to the proxy. `status` 0 means without an answer so far; `at` is monotonic, in seconds."""

    at: float
    method: str
    path: str
    status: int = 0
    is_passed: bool = False


Rule = Callable[[str, str], Reply]
"""Decides by method and path, such as `/channels/5/messages`."""


class FaultProxy:
    """Answers by `rule`; the initial one passes everything on."""

    def __init__(self, api_url: str) -> None:
        self._target = yarl.URL(api_url)
        self.api_url = ""
        self.requests: list[Request] = []
        self.rule: Rule = lambda *_: PASS
        self._session: aiohttp.ClientSession | None = None

    def answer_all(self, reply: Reply) -> None:
        self.rule = lambda *_: reply

    def counts(self) -> Counter[int]:
        return Counter(request.status for request in self.requests)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(server.API)
        entry = Request(time.monotonic(), request.method, path)
        self.requests.append(entry)
        reply = self.rule(request.method, path)
        entry.is_passed = reply is PASS
        if reply.status is not None:
            entry.status = reply.status
            return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        if not reply.is_forwarded:
            return server.reset_connection(request)
        forwarded = await self._forward(request)
        entry.status = forwarded.status
        return forwarded

    async def _forward(self, request: web.Request) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = self._target.origin().join(request.rel_url)
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read()
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.Response(status=answer.status, body=await answer.read())
            response.headers.clear()
            response.headers.extend(kept)
            return response


@asynccontextmanager
async def open_fault_proxy(api_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy before the API at `api_url`, on this event loop."""
    proxy = FaultProxy(api_url)
    app = web.Application(client_max_size=25 << 20)
    app.router.add_route("*", "/{path:.*}", proxy._handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        proxy._session = session
        async with origin_server.serving(runner) as port:
            proxy.api_url = f"http://127.0.0.1:{port}{server.API}"
            yield proxy
