"""The fake Discord: its parts, what tests do to it and read, and how it receives requests."""

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simcord.backend import errors
from simcord.backend.errors import BackendError

from tests.fake_discord import gateway, model, wire
from tests.fake_discord.faults import FaultInjector, FaultRule
from tests.fake_discord.limits import RateLimiter, RateLimitResult
from tests.fake_discord.model import Json
from tests.support import patience

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/v10"
FAULT_HEADER = "X-Fault"
"""Marks an injected response, which has no rate limit headers and no Via, like a 429 from Cloudflare."""

EXEMPT_FROM_GLOBAL = (f"{API}/interactions/", f"{API}/webhooks/")
MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id")
CALLBACK_SECONDS = 3.0
ROUTES = web.RouteTableDef()


@dataclass
class FakeDiscord:
    """A fake Discord at a URL, which is set once it listens."""

    url: str = ""
    world: model.World = field(default_factory=model.World)
    limits: RateLimiter = field(default_factory=RateLimiter)
    faults: FaultInjector = field(default_factory=FaultInjector)
    requests: list[Json] = field(default_factory=list)
    """The time, method, path and status (0 if unanswered) of each request to the API, oldest first."""
    endpoints: list[str] = field(default_factory=list)
    """URLs that receive interactions in turn instead of the Gateway. If one is down, the next is tried."""
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gateway = gateway.Gateway(self.world)

    @property
    def api_url(self) -> str:
        return self.url + API

    @property
    def gateway_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/gateway"

    def environment(self) -> dict[str, str]:
        """Return the settings that connect a bot to this Discord."""
        return {
            "DISCORD_TOKEN": model.TOKEN,
            "PAPERROUND_DISCORD_API_URL": self.api_url,
            "PAPERROUND_DISCORD_GATEWAY_URL": self.gateway_url,
        }

    # Servers and channels.

    def add_guild(self, guild_id: int = model.GUILD_ID, **fields: Any) -> int:
        """Add a guild with the fields of `model.Guild`."""
        guild = self.world.guilds[guild_id] = model.Guild(guild_id, "Lab", **fields)
        self.gateway.dispatch("GUILD_CREATE", wire.render_guild(guild, self.world, full=True))
        return guild_id

    def add_channels(
        self, count: int, guild_id: int = model.GUILD_ID, *, first: int = 0, **fields: Any
    ) -> list[int]:
        """Add channels (text channels by default) to a guild, numbered from `first`. Returns their ids."""
        ids = [guild_id + 1_000 + number for number in range(first, first + count)]
        for channel_id in ids:
            self.world.add_channel(**{"id": channel_id, "type": model.TEXT, "guild_id": guild_id} | fields)
        return ids

    def add_webhook(self, channel_id: int, number: int = 1, *, deleted: bool = False) -> str:
        """Add or replace a channel's webhook. Returns its URL."""
        webhook_id, token = 800_000_000_000_000_000 + number, f"token-of_webhook-{number}"
        self.world.webhooks[webhook_id] = model.Webhook(webhook_id, channel_id, token, deleted)
        return f"{self.api_url}/webhooks/{webhook_id}/{token}"

    def change_channel(self, channel_id: int, **fields: Any) -> None:
        """Change fields of a channel, e.g. `denied=model.SEND_MESSAGES`, and dispatch the event."""
        channel = self.world.channels[channel_id]
        vars(channel).update(fields)
        if "archived" in fields:
            channel.archive_changed_at = self.world.now()
        kind = "THREAD" if channel.is_thread else "CHANNEL"
        self.gateway.dispatch(f"{kind}_UPDATE", wire.render_channel(channel, self.world))

    # What members do.

    def send_message(self, channel_id: int, content: str, reply_to: int | None = None) -> int:
        """Send a member's message to a thread, as a reply to another if given. Returns its id."""
        channel, author = self.world.channels[channel_id], model.OWNER_ID
        message = self.world.add_message(channel, {"content": content}, author_id=author, reply_to=reply_to)
        event = wire.render_member_message(message, self.world)
        self.gateway.dispatch("MESSAGE_CREATE", event, gateway.GUILD_MESSAGES)
        return message.id

    def find_message(self, channel_id: int, message_id: int) -> model.Message:
        """Return a message, to change what members do with it, such as `votes`. Raises BackendError without it."""
        message = self.world.channels[channel_id].find(message_id)
        if message is None:
            raise errors.unknown_message()
        return message

    async def interact(
        self,
        channel_id: int,
        data: Json,
        *,
        answer: bool = False,
        seconds: float = CALLBACK_SECONDS,
        **fields: Any,
    ) -> model.Interaction:
        """Send an interaction and wait for its callback, or with `answer` for its reply, at most for some seconds.

        `fields` are those of `wire.render_interaction`.
        """
        ids = self.world.next_snowflake(), self.world.next_snowflake()
        interaction = model.Interaction(ids[0], f"aW50ZXJhY3Rpb24{ids[1]}", channel_id)
        self.world.interactions[interaction.token] = interaction
        event = wire.render_interaction(interaction, self.world, {"data": data, **fields})
        if self.endpoints:
            task = asyncio.create_task(self._send_to_endpoint(event))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        else:
            self.gateway.dispatch("INTERACTION_CREATE", event)
        with contextlib.suppress(TimeoutError):
            done = interaction.is_answered if answer else interaction.is_acknowledged
            await patience.wait_for(done.wait(), seconds)
        return interaction

    async def _send_to_endpoint(self, event: Json) -> None:
        body, timestamp = json.dumps(event).encode(), str(int(self.world.now()))
        headers = {
            "X-Signature-Ed25519": self.key.sign(timestamp.encode() + body).hex(),
            "X-Signature-Timestamp": timestamp,
        }
        self.endpoints.append(self.endpoints.pop(0))
        async with aiohttp.ClientSession() as session:
            for url in [*self.endpoints]:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.post(url, data=body, headers=headers) as response:
                        assert response.status == 202, await response.text()
                        return

    # Faults.

    def set_faults(self, *rules: Json, seed: int | None = None) -> None:
        """Replace the fault rules, given as fields of `FaultRule`; no rules end all faults."""
        if seed is not None:
            self.faults.random.seed(seed)
        self.faults.rules = [FaultRule(**fields) for fields in rules]

    async def set_outage(self, seconds: float, *, resets: bool = False, gateway: bool = False) -> None:
        """Respond with 503 to all requests for `seconds` (0 ends the outage); with `resets`, reset connections.

        With `gateway`, also close the Gateway.
        """
        self.faults.outage_resets = resets
        self.faults.outage_until = time.monotonic() + seconds
        if gateway:
            await self.gateway.drop(closed_for=seconds)

    def lift_rate_limits(self, *routes: str) -> None:
        """Raise the rate limits of messages and of more routes, so that unrelated tests do not wait for seconds."""
        self.limits.set_global_limit(10_000)
        for route in ("POST /channels/{channel_id}/messages", *routes):
            self.limits.set_route_limit(route, 1000, 1.0)

    def forget(self, seconds: float) -> None:
        """Forget messages, interactions and requests of more than `seconds` ago, and archive threads without newer ones."""
        world, before = self.world, model.snowflake_at(self.world.now() - seconds)
        for channel in world.channels.values():
            channel.messages = [message for message in channel.messages if message.id > before]
            if channel.is_thread and channel.id < before and not (channel.messages or channel.archived):
                self.change_channel(channel.id, archived=True)
        world.nonces = {key: row for key, row in world.nonces.items() if row[1].id > before}
        world.interactions = {key: row for key, row in world.interactions.items() if row.id > before}
        self.requests.clear()

    # What arrived.

    def messages(self, channel_id: int) -> list[model.Message]:
        """Return a channel's messages, oldest first, without deleted ones."""
        return self.all_messages().get(channel_id, [])

    def all_messages(self, after: int = 0) -> dict[int, list[model.Message]]:
        """Return messages with ids larger than `after` by channel id, oldest first, without deleted ones."""
        return {
            channel.id: [one for one in channel.messages if one.id > after and not one.deleted]
            for channel in self.world.channels.values()
            if channel.messages and channel.messages[-1].id > after
        }

    def log(self, method: str = "", path: str = "") -> list[Json]:
        """Return the REST requests so far, filtered by method and path prefix."""
        return [
            entry
            for entry in self.requests
            if entry["method"].startswith(method) and entry["path"].startswith(path)
        ]

    def count_messages(self) -> int:
        """Return the number of messages, including deleted ones."""
        return sum(len(channel.messages) for channel in self.world.channels.values())

    async def wait_until_connected(self) -> None:
        await patience.wait_until(lambda: self.gateway.count_connected() > 0)

    async def wait_for_messages(
        self, channel_id: int, describe: Callable[[], object] = str, count: int = 1
    ) -> list[model.Message]:
        """Wait until a channel has this many messages, and return them."""
        await patience.wait_until(lambda: len(self.messages(channel_id)) >= count, describe=describe)
        return self.messages(channel_id)

    async def wait_for_requests(
        self, count: int, method: str = "", path: str = "", describe: Callable[[], object] = str
    ) -> None:
        """Wait until this many REST requests were made, filtered as in `log`."""
        await patience.wait_until(lambda: len(self.log(method, path)) >= count, describe=describe)


FAKE = web.AppKey("fake", FakeDiscord)


@dataclass
class Call:
    """A request to the API, and what its path names."""

    fake: FakeDiscord
    path: Mapping[str, str]
    query: Mapping[str, str]
    payload: Any

    @property
    def world(self) -> model.World:
        return self.fake.world

    def channel(self, needed: int = model.VIEW_CHANNEL) -> model.Channel:
        """Return the channel. Raises BackendError if it is unknown or the bot lacks the permissions `needed`."""
        channel = self.world.channels.get(int(self.path["channel_id"]))
        if channel is None:
            raise errors.unknown_channel()
        permissions = self.world.permissions(channel)
        if not permissions & model.VIEW_CHANNEL:
            raise errors.missing_access()
        if permissions & needed != needed:
            raise errors.missing_permissions()
        return channel

    def message(self, needed: int = model.VIEW_CHANNEL) -> model.Message:
        """Return the message in the channel. Raises BackendError as `channel` does."""
        return self.fake.find_message(self.channel(needed).id, int(self.path["message_id"]))

    def guild(self) -> model.Guild:
        """Return the guild. Raises BackendError if it is unknown."""
        guild = self.world.guilds.get(int(self.path["guild_id"]))
        if guild is None:
            raise errors.unknown_guild()
        return guild


def route(
    method: str, path: str, status: int = 200
) -> Callable[[Callable[[Call], object]], Callable[[Call], object]]:
    """Serve a function at a path of the API. It returns the answer's JSON, or None for an empty answer."""

    def register(handle: Callable[[Call], object]) -> Callable[[Call], object]:
        async def serve(request: web.Request) -> web.StreamResponse:
            payload = await _read_payload(request) if request.can_read_body else {}
            body = handle(Call(request.app[FAKE], request.match_info, request.query, payload))
            return web.Response(status=204) if body is None else json_response(body, status)

        ROUTES.route(method, API + path)(serve)
        return handle

    return register


async def _read_payload(request: web.Request) -> Any:
    """Return the JSON body of a request, or its `payload_json` field if it is multipart."""
    if request.content_type.startswith("multipart/"):
        return json.loads(str((await request.post())["payload_json"]))
    return await request.json()


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] = {}) -> web.Response:
    """Return a JSON response with the content type that discord.py expects (no charset)."""
    data = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(body=data, status=status, headers={"Content-Type": "application/json", **headers})


def reset_connection(request: web.Request) -> web.StreamResponse:
    """Close the connection with a TCP reset, so that the client loses the reply."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)


@web.middleware
async def api_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply outages, rate limits and faults to a REST request, and log it."""
    if not request.path.startswith(API):
        return await handler(request)
    fake = request.app[FAKE]
    path = request.path.removeprefix(API)
    entry: Json = {"at": fake.world.now(), "method": request.method, "path": path, "status": 0}
    fake.requests.append(entry)
    if time.monotonic() < fake.faults.outage_until:
        if fake.faults.outage_resets:
            return reset_connection(request)
        entry["status"] = 503
        return json_response({"message": "Service Unavailable", "code": 0}, 503)
    limit_result = _check_limits(fake, request)
    if limit_result.retry_after:
        entry["status"] = 429
        return _rate_limited_response(limit_result)
    response = await _apply_fault(fake, path, partial(_handle, request, handler), request)
    entry["status"] = response.status
    if not response.prepared:
        response.headers["Date"] = formatdate(fake.world.now(), usegmt=True)
        if FAULT_HEADER not in response.headers:
            response.headers.update(limit_result.headers)
    return response


async def _apply_fault(
    fake: FakeDiscord, path: str, handle: Callable[[], Awaitable[web.StreamResponse]], request: web.Request
) -> web.StreamResponse:
    fault = fake.faults.draw(request.method, path)
    if fault is None:
        return await handle()
    response = await handle() if fault.stored else None
    if fault.kind == "lose":
        return reset_connection(request)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return response or await handle()
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
        is_exempt = request.path.startswith(EXEMPT_FROM_GLOBAL)
        if not is_exempt and request.headers.get("Authorization") != f"Bot {model.TOKEN}":
            raise BackendError(401, 0, "401: Unauthorized")
        return await handler(request)
    except BackendError as error:
        return json_response(error.to_json(), error.status)
    except web.HTTPException as error:
        return json_response({"message": f"{error.status}: {error.reason}", "code": 0}, error.status)


def _check_limits(fake: FakeDiscord, request: web.Request) -> RateLimitResult:
    resource = request.match_info.route.resource
    template = resource.canonical.removeprefix(API) if resource else request.path
    major = next((request.match_info[key] for key in MAJOR_PARAMETERS if key in request.match_info), "")
    if "webhook_id" in request.match_info:
        # All replies to interactions contain the application's id, but limits apply per token.
        major += "/" + request.match_info["token"]
    exempt = request.path.startswith(EXEMPT_FROM_GLOBAL)
    return fake.limits.check(f"{request.method} {template}", major, time.monotonic(), exempt=exempt)


def _rate_limited_response(limit_result: RateLimitResult) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(limit_result.retry_after, 3),
        "global": limit_result.is_global,
    }
    return json_response(body, 429, limit_result.headers)
