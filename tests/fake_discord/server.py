"""A fake Discord's components, and the middleware for outages, rate limits, faults and authentication."""

import asyncio
import collections
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fake_discord import faults, gateway, limits, model, validation, wire
from tests.fake_discord.model import Json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/v10"
FAULT_HEADER = "X-Fault"
"""Marks an injected response, which has no rate limit headers and no Via, like a 429 from Cloudflare."""

EXEMPT_FROM_GLOBAL = (f"{API}/interactions/", f"{API}/webhooks/")
MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id")


@dataclass
class Fake:
    """All components of a fake Discord."""

    world: model.World
    limits: limits.RateLimiter
    faults: faults.FaultInjector
    schemas: validation.Schemas
    gateway: gateway.Gateway
    interactions: dict[str, Json] = field(default_factory=dict)
    callbacks: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    responses: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    log: collections.deque[Json] = field(default_factory=lambda: collections.deque(maxlen=200_000))
    url: str = ""
    endpoints: list[str] = field(default_factory=list)
    """URLs that receive interactions in turn instead of the Gateway. If one is down, the next is tried."""
    sending: set[asyncio.Task[None]] = field(default_factory=set)
    session: aiohttp.ClientSession | None = None
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)


FAKE = web.AppKey("fake", Fake)


def make_fake(openapi: Path | None = None, seed: int = 0) -> Fake:
    """Return a fake with an empty world. Payloads are validated if Discord's OpenAPI document is given."""
    world = model.World()
    return Fake(
        world,
        limits.RateLimiter(),
        faults.FaultInjector(seed),
        validation.Schemas(openapi),
        gateway.Gateway(world),
    )


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON response with the content type that discord.py expects (no charset)."""
    data = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(
        body=data, status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )


def reset_connection(request: web.Request) -> web.StreamResponse:
    """Close the connection with a TCP reset, so that the client loses the reply."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


@web.middleware
async def api_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply outages, rate limits and faults to a REST request, and log it."""
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
    limit_result = _check_limits(fake, request)
    if limit_result.retry_after:
        entry["status"] = 429
        return _rate_limited_response(limit_result)
    response = await _apply_fault(fake, path, request, handler)
    entry["status"] = response.status
    if not response.prepared:
        response.headers["Date"] = formatdate(fake.world.now(), usegmt=True)
    if not response.prepared and FAULT_HEADER not in response.headers:
        response.headers.update(limit_result.headers)
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
    headers = {FAULT_HEADER: "yes"}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(int(fault.retry_after))
    if fault.kind == "page":
        page = "<html><title>Gateway</title></html>"
        return web.Response(text=page, status=fault.status, content_type="text/html", headers=headers)
    body: Json = {"message": fault.message, "code": fault.code}
    if fault.retry_after is not None:
        body |= {"retry_after": fault.retry_after, "global": True}
        headers |= {"Via": "1.1 google", "X-RateLimit-Scope": "global"}
    return json_response(body, fault.status, headers)


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
    if request.headers.get("Authorization") != f"Bot {model.TOKEN}":
        raise wire.ApiError(401, 0, "401: Unauthorized")


def _check_limits(fake: Fake, request: web.Request) -> limits.RateLimitResult:
    resource = request.match_info.route.resource
    template = resource.canonical.removeprefix(API) if resource else request.path
    major = next((request.match_info[key] for key in MAJOR_PARAMETERS if key in request.match_info), "")
    if "webhook_id" in request.match_info:
        # All replies to interactions contain the application's id, but limits apply per token.
        major += "/" + request.match_info["token"]
    exempt = request.path.startswith(EXEMPT_FROM_GLOBAL)
    return fake.limits.check(f"{request.method} {template}", major, time.monotonic(), exempt=exempt)


def _rate_limited_response(limit_result: limits.RateLimitResult) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(limit_result.retry_after, 3),
        "global": limit_result.is_global,
    }
    return json_response(body, 429, limit_result.headers)


async def read_payload(request: web.Request) -> Json:
    """Return the JSON body of a request, or its `payload_json` field if it is multipart."""
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return dict(json.loads(str(form["payload_json"])))
    return dict(await request.json())
