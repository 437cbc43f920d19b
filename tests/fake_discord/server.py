"""Holds the fake together: one object with everything, the request's way through faults, token and limits."""

from __future__ import annotations

import asyncio
import collections
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fake_discord import faults, limits, validation, wire
from tests.fake_discord import gateway as gateways
from tests.fake_discord import world as worlds

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/v10"
FAULT_HEADER = "X-Fault"
"""Marks a fault's answer. It carries no limits and no Via: a 429 of this kind looks like Cloudflare's."""

EXEMPT_FROM_GLOBAL = (f"{API}/interactions/", f"{API}/webhooks/")
MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id")


@dataclass
class Fake:
    """Everything that one fake Discord consists of."""

    world: worlds.World
    limits: limits.RateLimiter
    faults: faults.FaultInjector
    schemas: validation.Schemas
    gateway: gateways.Gateway
    interactions: dict[str, Json] = field(default_factory=dict)
    callbacks: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    answers: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    log: collections.deque[Json] = field(default_factory=lambda: collections.deque(maxlen=200_000))
    url: str = ""
    shards: int = 1


FAKE = web.AppKey("fake", Fake)


def make_fake(openapi: Path | None = None, seed: int = 0) -> Fake:
    """A fake with an empty world; with Discord's OpenAPI document it checks payloads against that too."""
    world = worlds.World()
    return Fake(
        world,
        limits.RateLimiter(),
        faults.FaultInjector(seed),
        validation.Schemas(openapi),
        gateways.Gateway(world),
    )


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer with exactly the content type that discord.py takes for JSON (no charset)."""
    import json

    data = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(
        body=data, status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )


def reset_connection(request: web.Request) -> web.StreamResponse:
    """Break the connection with a TCP reset, as a lost reply looks to the client."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


@web.middleware
async def api_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead a REST request through outage, limits and faults, and write it into the log."""
    if not request.path.startswith(API):
        return await handler(request)
    fake = request.app[FAKE]
    path = request.path.removeprefix(API)
    entry: Json = {"at": fake.world.now(), "method": request.method, "path": path, "status": 0}
    fake.log.append(entry)
    if time.monotonic() < fake.faults.outage_until:
        if fake.faults.outage_resets:
            return reset_connection(request)
        entry["status"] = 503
        return json_response({"message": "Service Unavailable", "code": 0}, 503)
    verdict = _check_limits(fake, request)
    if verdict.retry_after:
        entry["status"] = 429
        return _rate_limited_response(verdict)
    response = await _apply_fault(fake, path, request, handler)
    entry["status"] = response.status
    if not response.prepared and FAULT_HEADER not in response.headers:
        response.headers.update(verdict.headers)
    return response


async def _apply_fault(fake: Fake, path: str, request: web.Request, handler: Handler) -> web.StreamResponse:
    fault = fake.faults.draw(request.method, path)
    if fault is None:
        return await _handle(request, handler)
    response: web.StreamResponse | None = None
    if fault.stored:
        response = await _handle(request, handler)
    if fault.kind == "lose":
        return reset_connection(request)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return response or await _handle(request, handler)
    return json_response({"message": fault.message, "code": fault.code}, fault.status, {FAULT_HEADER: "yes"})


async def _handle(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        _check_token(request)
        return await handler(request)
    except wire.ApiError as error:
        return json_response(error.body(), error.status)
    except web.HTTPException as error:
        return json_response({"message": f"{error.status}: {error.reason}", "code": 0}, error.status)


def _check_token(request: web.Request) -> None:
    if request.path.startswith(EXEMPT_FROM_GLOBAL):
        return
    if request.headers.get("Authorization") != f"Bot {worlds.TOKEN}":
        raise wire.ApiError(401, 0, "401: Unauthorized")


def _check_limits(fake: Fake, request: web.Request) -> limits.RateLimitResult:
    resource = request.match_info.route.resource
    template = resource.canonical.removeprefix(API) if resource else request.path
    major = next((request.match_info[key] for key in MAJOR_PARAMETERS if key in request.match_info), "")
    exempt = request.path.startswith(EXEMPT_FROM_GLOBAL)
    return fake.limits.check(f"{request.method} {template}", major, time.monotonic(), exempt=exempt)


def _rate_limited_response(verdict: limits.RateLimitResult) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(verdict.retry_after, 3),
        "global": verdict.is_global,
    }
    return json_response(body, 429, verdict.headers)


async def read_payload(request: web.Request) -> Json:
    """The JSON body of a request, sent as such or as the `payload_json` field beside files."""
    import json

    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return dict(json.loads(str(form["payload_json"])))
    return dict(await request.json())
