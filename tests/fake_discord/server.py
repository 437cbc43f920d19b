"""The fake Discord: its parts, what tests do to it and read, and how it receives requests."""

import asyncio
import contextlib
import io
import json
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from simcord.backend import serializers
from simcord.backend.errors import BackendError
from simcord.backend.models import Interaction, Member, Overwrite, Webhook
from simcord.enums import OverwriteType
from simcord.http import router, routes
from simcord.http.router import RequestContext

from tests.fake_discord import gateway, model
from tests.fake_discord.faults import FaultInjector, FaultRule
from tests.fake_discord.limits import RateLimiter, RateLimitResult
from tests.fake_discord.model import Json
from tests.support import patience

__all__ = ["routes"]  # whose import adds SimCord's endpoints to its router

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/v10"
FAULT_HEADER = "X-Fault"
"""Marks an injected response, which has no rate limit headers and no Via, like a 429 from Cloudflare."""

EXEMPT_FROM_GLOBAL = ("/interactions/", "/webhooks/")
CALLBACK_SECONDS = 3.0
COMMAND = 2
"""The type of an interaction by a slash command."""


@dataclass
class Asked:
    """An interaction, and the bot's answers to it."""

    world: model.World
    record: Interaction
    sent_at: float = field(default_factory=time.perf_counter)
    is_acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    is_answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def token(self) -> str:
        return self.record.token

    @property
    def replies(self) -> list[Json]:
        """The messages of the answers: a deferred one once it has a text, a pressed button's once it has changed."""
        first = self.record.message_id if self.is_answered.is_set() else None
        messages = self.world.messages[self.record.channel_id]
        found = (messages[id_] for id_ in (first, *self.record.followup_ids) if id_ in messages)
        return [dict(serializers.message_payload(self.world, message)) for message in found]


@dataclass
class FakeDiscord:
    """A fake Discord at a URL, which is set once it listens."""

    url: str = ""
    world: model.World = field(default_factory=model.World)
    limits: RateLimiter = field(default_factory=RateLimiter)
    faults: FaultInjector = field(default_factory=FaultInjector)
    requests: list[Json] = field(default_factory=list)
    """The time, method, path, status (0 if unanswered) and payload of each request to the API, oldest first."""
    application: Json = field(default_factory=lambda: {"description": "", "icon": None})
    """What its pages in the portal set, as Discord answers it."""
    asked: dict[str, Asked] = field(default_factory=dict)
    """The interactions by their tokens."""

    def __post_init__(self) -> None:
        self.gateway = gateway.Gateway(self.world)
        self.world.subscribers.append(self.gateway.dispatch)

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

    def add_guild(self, guild_id: int = model.GUILD_ID, **settings: Any) -> int:
        self.world.add_guild(guild_id, **settings)
        return guild_id

    def add_channels(
        self,
        count: int,
        guild_id: int = model.GUILD_ID,
        *,
        first: int = 0,
        kind: int = model.TEXT,
        **fields: Any,
    ) -> list[int]:
        """Add channels (text channels by default) to a guild, numbered from `first`. Returns their ids."""
        ids = [guild_id + 1_000 + number for number in range(first, first + count)]
        for channel_id in ids:
            self.world.add_channel(channel_id, kind, guild_id, **fields)
        return ids

    def add_webhook(self, channel_id: int, number: int = 1) -> str:
        """Add a channel's webhook. Returns its URL."""
        id_, token = 800_000_000_000_000_000 + number, f"token-of_webhook-{number}"
        self.world.webhooks[id_] = Webhook(
            id_, token, channel_id, model.GUILD_ID, "hook", model.OWNER_ID, id_
        )
        return f"{self.api_url}/webhooks/{id_}/{token}"

    def deny(self, channel_id: int, permissions: int) -> None:
        """Deny permissions to the bot in a channel, and all others no longer."""
        overwrite = Overwrite(model.BOT_ID, OverwriteType.MEMBER, deny=permissions)
        self.world.set_overwrite(channel_id, overwrite)

    def archive(self, thread_id: int) -> None:
        changes = {"archived": True, "archive_timestamp": self.world.now_iso()}
        self.world.edit_channel(thread_id, {}, thread_metadata=changes)

    # What members do.

    def send_message(self, channel_id: int, content: str, reply_to: int | None = None) -> int:
        """Send a member's message to a thread, as a reply to another if given. Returns its id."""
        reference = None if reply_to is None else {"message_id": str(reply_to)}
        return self.world.create_message(channel_id, model.OWNER_ID, content, reference=reference).id

    def vote(self, message: Json, *votes: int) -> None:
        """Set the number of votes for a poll's answers, from the first on."""
        poll = self.world.get_message(int(message["channel_id"]), int(message["id"])).poll
        assert poll is not None
        for answer, count in zip(poll.answers, votes, strict=False):
            poll.votes[answer.answer_id] = set(range(1, count + 1))

    def delete(self, message: Json) -> None:
        self.world.delete_message(int(message["channel_id"]), int(message["id"]))

    async def interact(
        self,
        channel_id: int,
        data: Json,
        *,
        kind: int = COMMAND,
        user_id: int = model.OWNER_ID,
        message_id: int | None = None,
        answer: bool = False,
        seconds: float = CALLBACK_SECONDS,
    ) -> Asked:
        """Send an interaction and wait for its callback, or with `answer` for its reply, at most for some seconds."""
        world, channel = self.world, self.world.get_channel(channel_id)
        record = world.new_interaction(kind, channel_id, user_id, channel.guild_id)
        record.expires_at = record.initial_response_deadline = None  # `routes` measures the real time
        record.command_name, record.source_message_id = data.get("name"), message_id
        asked = self.asked[record.token] = Asked(world, record)
        event: Json = {
            "id": str(record.id),
            "token": record.token,
            "application_id": str(model.APPLICATION_ID),
            "type": kind,
            "data": data,
            "channel_id": str(channel.id),
            "channel": serializers.channel_payload(world, channel),
            "version": 1,
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
            "context": 0 if channel.guild_id else 1,
            "attachment_size_limit": 10 << 20,
        }
        if message_id is not None:
            message = world.get_message(channel_id, message_id)
            event["message"] = serializers.message_payload(world, message)
        if channel.guild_id is None:
            event["user"] = serializers.user_payload(world.users[user_id])
        else:
            guild = world.get_guild(channel.guild_id)
            member = serializers.member_payload(world, guild, Member(user_id, joined_at=world.now_iso()))
            permissions = world.compute_permissions(guild.id, model.BOT_ID, channel.id)
            event |= {
                "app_permissions": str(permissions),
                "guild_id": str(guild.id),
                "guild": {"id": str(guild.id), "locale": guild.preferred_locale, "features": []},
                "guild_locale": guild.preferred_locale,
                "member": {**member, "permissions": str((1 << 53) - 1)},
            }
        world.emit("INTERACTION_CREATE", event)
        with contextlib.suppress(TimeoutError):
            done = asked.is_answered if answer else asked.is_acknowledged
            await patience.wait_for(done.wait(), seconds)
        return asked

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
        for route in ("POST /channels/*/messages", *routes):
            self.limits.set_route_limit(route, 1000, 1.0)

    # What arrived.

    def messages(self, channel_id: int | str) -> list[Json]:
        """Return a channel's messages as Discord's JSON, oldest first, without answers to interactions."""
        return self.all_messages().get(int(channel_id), [])

    def all_messages(self, after: int = 0) -> dict[int, list[Json]]:
        """Return `messages` with ids larger than `after` by channel id."""
        self.world.expire_due_polls()
        return {
            channel_id: [dict(serializers.message_payload(self.world, message)) for message in sent]
            for channel_id in self.world.messages
            if (sent := self.world.list_sent(channel_id, after))
        }

    def log(self, method: str = "", path: str = "") -> list[Json]:
        """Return the REST requests so far, filtered by method and path prefix."""
        return [
            entry
            for entry in self.requests
            if entry["method"].startswith(method) and entry["path"].startswith(path)
        ]

    def count_messages(self) -> int:
        return sum(len(self.world.list_sent(channel_id)) for channel_id in self.world.messages)

    async def wait_until_connected(self) -> None:
        await patience.wait_until(lambda: self.gateway.count_connected() > 0)

    async def wait_for_messages(
        self, channel_id: int, describe: Callable[[], object] = str, count: int = 1
    ) -> list[Json]:
        """Wait until a channel has this many messages, and return them."""
        await patience.wait_until(lambda: len(self.messages(channel_id)) >= count, describe=describe)
        return self.messages(channel_id)

    async def wait_for_requests(
        self, count: int, method: str = "", path: str = "", describe: Callable[[], object] = str
    ) -> None:
        """Wait until this many REST requests were made, filtered as in `log`."""
        await patience.wait_until(lambda: len(self.log(method, path)) >= count, describe=describe)


FAKE = web.AppKey("fake", FakeDiscord)
ENTRY = web.RequestKey("entry", dict[str, Any])
"""A request's entry in `FakeDiscord.requests`."""


@dataclass
class Call(RequestContext):
    fake: FakeDiscord = field(kw_only=True)

    @property
    def world(self) -> model.World:
        return self.fake.world


Answer = Callable[[Any], Any]
CHANGED: dict[str, list[tuple[list[str], Answer]]] = {}
"""The endpoints that differ from SimCord's, in the form of its router."""


def route(method: str, template: str) -> Callable[[Answer], Answer]:
    """Let a function answer requests to an endpoint instead of SimCord. It returns JSON, or None for nothing."""

    def register(answer: Answer) -> Answer:
        CHANGED.setdefault(method, []).append((template.strip("/").split("/"), answer))
        return answer

    return register


def _find(method: str, path: str) -> tuple[Answer, dict[str, str]]:
    """Return what answers a request, and what its path names. Raises BackendError if the endpoint is unknown."""
    parts = path.strip("/").split("/")
    found: list[tuple[Answer, dict[str, str]]] = []
    for template, answer in (*CHANGED.get(method, ()), *router._ROUTES.get(method, ())):
        if len(template) == len(parts):
            pairs = list(zip(template, parts, strict=True))
            if all(name.startswith("{") or name == part for name, part in pairs):
                found.append((answer, {name[1:-1]: part for name, part in pairs if name.startswith("{")}))
    if not found:
        raise BackendError(404, 0, "404: Not Found")
    return min(found, key=lambda match: len(match[1]))


async def serve(request: web.Request) -> web.StreamResponse:
    fake, path = request.app[FAKE], request.path.removeprefix(API)
    if (
        not path.startswith(EXEMPT_FROM_GLOBAL)
        and request.headers.get("Authorization") != f"Bot {model.TOKEN}"
    ):
        return json_response({"message": "401: Unauthorized", "code": 0}, 401)
    body, files = await _read_payload(request) if request.body_exists else ({}, [])
    try:
        answer, args = _find(request.method, path)
        params = dict(request.query)
        call = Call(fake.world, args, body, params, files, method=request.method, path=path, fake=fake)
        request[ENTRY]["payload"] = body
        answered = answer(call)
    except BackendError as error:
        return json_response(error.to_json(), error.status)
    if answered is None:
        return web.Response(status=204)
    return json_response(answered, 201 if request.method == "POST" and path.endswith("/threads") else 200)


async def _read_payload(request: web.Request) -> tuple[Any, list[Any]]:
    """Return the JSON body of a request, or its `payload_json` field and its files if it is multipart."""
    if not request.content_type.startswith("multipart/"):
        return await request.json(), []
    form = await request.post()
    files = [
        SimpleNamespace(filename=part.filename, fp=io.BytesIO(part.file.read()), description=None)
        for part in form.values()
        if isinstance(part, web.FileField)
    ]
    return json.loads(str(form["payload_json"])), files


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
    entry: Json = {"at": fake.world.clock.now(), "method": request.method, "path": path, "status": 0}
    fake.requests.append(entry)
    request[ENTRY] = entry
    if time.monotonic() < fake.faults.outage_until:
        if fake.faults.outage_resets:
            return reset_connection(request)
        entry["status"] = 503
        return json_response({"message": "Service Unavailable", "code": 0}, 503)
    limit_result = _check_limits(fake, request)
    if limit_result.retry_after:
        entry["status"] = 429
        return _rate_limited_response(limit_result)
    response = await _apply_fault(fake, path, partial(handler, request), request)
    entry["status"] = response.status
    if not response.prepared:
        response.headers["Date"] = formatdate(fake.world.clock.now().timestamp(), usegmt=True)
        if FAULT_HEADER not in response.headers:
            response.headers.update(limit_result.headers)
    return response


async def _apply_fault(
    fake: FakeDiscord, path: str, handle: Callable[[], Awaitable[web.StreamResponse]], request: web.Request
) -> web.StreamResponse:
    is_read = any(rule.text for rule in fake.faults.rules)
    said = (await request.read()).decode(errors="replace") if is_read else ""
    fault = fake.faults.draw(request.method, path, said)
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


def _check_limits(fake: FakeDiscord, request: web.Request) -> RateLimitResult:
    """Count a request to an endpoint, whose limits are those of its first id, or of a webhook and its token."""
    path = request.path.removeprefix(API)
    exempt = path.startswith(EXEMPT_FROM_GLOBAL)
    # All replies to interactions contain the application's id, but limits apply per token.
    template, major = (
        re.subn(r"/\d+/[^/]+" if exempt else r"/\d+", "/*", path)[0],
        re.search(r"/(\d+)(/[^/]+)?", path),
    )
    place = "" if major is None else major[0] if exempt else major[1]
    return fake.limits.check(f"{request.method} {template}", place, time.monotonic(), exempt=exempt)


def _rate_limited_response(limit_result: RateLimitResult) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(limit_result.retry_after, 3),
        "global": limit_result.is_global,
    }
    return json_response(body, 429, limit_result.headers)
