"""`paperround run --role front`: handle interactions sent over HTTP, while another process posts.

A front has no Gateway: it verifies each request from Discord, returns 202, and handles the interaction with
the same command tree and callbacks (Discord docs, interactions/overview and
interactions/receiving-and-responding, 2026). Any number of fronts can share one PostgreSQL database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.app import health, jobs, process
from bot.app.container import Container
from bot.app.supervision import Supervision
from bot.client import discord_internals, gateway, guild_directory
from bot.client.handler_context import Client
from bot.core import http_server, isolation
from bot.core.clock import Clock
from bot.core.error_collector import FailureLog
from bot.core.settings import ProcessRole
from bot.core.timers import Job, Timers
from bot.features.operations.metrics import Metrics
from bot.outbox import request_pacing
from storage import errors, migrate

log = structlog.get_logger(__name__)

PATH = "/interactions"
SIGNATURE, TIMESTAMP = "X-Signature-Ed25519", "X-Signature-Timestamp"
FINISH_SECONDS = 5.0
"""`run` ends within 10 s of SIGTERM."""
PING = 1
FOLLOW_EVERY, FOLLOW_JITTER_SECONDS = timedelta(seconds=30), 5
"""Jitter, since many fronts may share a database."""
MAX_AGE_SECONDS = 300
"""The largest difference between a request's signed time and the clock. An older request may be a replay."""


class InteractionServer:
    """Receives Discord's interactions at `PATH`. `public_key` is the application's, in hex."""

    def __init__(self, client: Client, public_key: str, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._key = read_public_key(public_key)
        # The Gateway's parser.
        self._parse = discord_internals.find_interaction_parser(client)
        self._tasks: set[asyncio.Task[None]] = set()
        self._received: dict[str, float] = {}
        """When interactions were received (Unix seconds), by id, oldest first."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post(PATH, self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.RequestPayloadError:  # its chunks are malformed
            return web.Response(status=400, text="the body cannot be read")
        return self.receive(request.headers, body)

    def receive(self, headers: Mapping[str, str], body: bytes) -> web.Response:
        """Start handling a request and return its HTTP response: 401 if Discord did not sign it just now."""
        if not self._is_signed(headers, body):
            return web.Response(status=401, text="invalid request signature")
        try:
            data = json.loads(body)
            kind = data["type"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return web.Response(status=400, text="not an interaction")
        if kind == PING:
            return web.json_response({"type": PING})
        if not self._is_new(str(data.get("id"))):
            return web.Response(status=409, text="this interaction was received before")
        task = asyncio.create_task(self._dispatch(data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.Response(status=202)

    async def _dispatch(self, data: Any) -> None:
        # discord.py looks up the channels among a command's options before the command runs.
        with isolation.isolated(log, "an interaction from Discord was not readable"):
            if data.get("guild_id") and (data.get("data") or {}).get("resolved", {}).get("channels"):
                await self._client.prepare_guild(int(data["guild_id"]))
            before = asyncio.all_tasks()
            self._parse(data)
            # Tasks that discord.py starts are part of the answer.
            await asyncio.gather(*asyncio.all_tasks() - before, return_exceptions=True)

    async def finish(self) -> None:
        """Wait up to FINISH_SECONDS for replies to the received interactions."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)

    def _is_new(self, interaction_id: str) -> bool:
        """Remember an interaction for as long as its signature counts. Returns False for one that was received before."""
        now = self._clock().timestamp()
        while self._received and next(iter(self._received.values())) < now - 2 * MAX_AGE_SECONDS:
            del self._received[next(iter(self._received))]
        if interaction_id in self._received:
            return False
        self._received[interaction_id] = now
        return True

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp = headers.get(TIMESTAMP, "")
        try:
            self._key.verify(bytes.fromhex(headers.get(SIGNATURE, "")), timestamp.encode() + body)
            return abs(int(timestamp) - int(self._clock().timestamp())) <= MAX_AGE_SECONDS
        except (InvalidSignature, ValueError):
            return False


def read_public_key(value: str) -> Ed25519PublicKey:
    """Parse a public key of 64 hexadecimal digits. Raises UsageError."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(value))
    except ValueError:
        raise errors.UsageError(
            "PAPERROUND_PUBLIC_KEY is not a public key. Copy its 64 hexadecimal digits from the General Information"
            " page of your application (https://discord.com/developers/applications)."
        ) from None


async def run(container: Container, supervision: Supervision | None = None) -> None:
    """Run until SIGTERM or SIGINT.

    Raises UsageError if a setting is missing, and PaperroundError if Discord rejects the bot.
    """
    settings, liveness = container.settings, container.liveness
    if container.database.is_sqlite:
        raise errors.UsageError(
            "`paperround run --role front` needs PostgreSQL, since only one bot can use a SQLite file. With SQLite,"
            " use `paperround run`, which answers commands itself."
        )
    if settings.interactions is None:
        raise errors.UsageError(
            "PAPERROUND_INTERACTIONS is not set. Give the address at which this front listens behind a proxy with TLS."
            " Example: 127.0.0.1:8090"
        )
    token = container.token
    if token is None:
        raise errors.UsageError(process.MISSING_TOKEN_MESSAGE)
    if settings.public_key is not None:
        read_public_key(settings.public_key)
    stopping = process.install_signal_handlers(container)
    container.follow_discord()
    container.pace.set_rate(request_pacing.FRONT_REQUESTS_PER_SECOND)
    bot = container.create_bot()
    bot.load_guild = guild_directory.GuildDirectory(bot, time.monotonic).load
    role = ProcessRole.FRONT
    collected = FailureLog()
    reports = container.failure_reports
    async with AsyncExitStack() as stack:
        stack.enter_context(collected.listening(process.open_sentry(settings)))
        stack.push_async_callback(reports.report, collected, None)
        monitoring = health.MonitoringServer(
            container.database,
            Metrics(),
            container.clock,
            liveness,
            role=lambda: role.value,
            is_connected=lambda: False,
        )
        await process.start_servers(stack, settings, monitoring)
        stack.push_async_callback(gateway.close_client, bot)
        watch = (supervision or Supervision()).watch(liveness)
        watching = await stack.enter_async_context(process.in_background(watch))
        logging_in = gateway.log_in(bot, token, liveness.record_start)
        await isolation.run_unless_stopped(logging_in, stopping, watching)
        if stopping.is_set():
            return
        assert bot.application is not None  # set by the login
        server = InteractionServer(bot, settings.public_key or bot.application.verify_key, container.clock)
        await container.mentions.load(container.database)
        stack.push_async_callback(server.finish)  # once the server is closed
        url = await stack.enter_async_context(
            http_server.serving(settings.interactions, "PAPERROUND_INTERACTIONS", [server.add_routes])
        )
        servers = len(await container.services.guilds.list_ids())
        await process.log_identity(container, role, bot, servers)
        log.info("answering interactions", url=f"{url}{PATH}")
        liveness.record_obstacle(None)
        follow = partial(follow_database, container)
        # The leader notifies the operator.
        store = partial(reports.report, collected, None)
        recurring = (
            Job("follow", follow, every=FOLLOW_EVERY, jitter_seconds=FOLLOW_JITTER_SECONDS),
            Job("failures", store, every=jobs.FAILURES_EVERY),
        )
        async with Timers(recurring) as timers:
            await isolation.run_unless_stopped(timers.failure, stopping, watching)
    log.info("stopped")


async def follow_database(container: Container) -> None:
    """Load the command ids as a leader registers them, and detect an unreachable database.

    Raises OtherVersionError once another version of Paperround upgrades the database.
    """
    reraise = (errors.OtherVersionError,)
    with isolation.isolated(log, "the ids of commands could not be read", reraise=reraise) as failures:
        await migrate.check_version(container.database)
        await container.mentions.load(container.database)
    container.liveness.record_obstacle(str(failures[0]) if failures else None)
