"""The HTTP endpoints for operators: `/health` for whoever restarts the bot, `/metrics` for Prometheus. Read-only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot import errors
from bot.clock import Clock
from bot.services.operations.metrics import Metrics
from storage import models
from storage.database import Database
from storage.outbox import queries


@dataclass(frozen=True, slots=True)
class Health:
    """How the bot is: `role` is "sender", or "standby" while another process holds the lock."""

    role: str
    gateway_connected: bool
    oldest_unsent_at: datetime | None


class MonitoringServer:
    """Answers about one running bot. `role` and `connected` are asked at each request."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        *,
        role: Callable[[], str],
        is_connected: Callable[[], bool],
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._role = role
        self._is_connected = is_connected

    async def health(self) -> Health:
        """Ask storage and the client. Raises what storage raises."""
        async with self._database.read() as connection:
            return Health(self._role(), self._is_connected(), await queries.oldest_unsent_at(connection))

    async def _handle_health(self, request: web.Request) -> web.Response:
        health = await self.health()
        oldest = health.oldest_unsent_at
        up = health.role == "standby" or health.gateway_connected
        body = {
            "up": True,
            "role": health.role,
            "gateway_connected": health.gateway_connected,
            "oldest_unsent_at": None if oldest is None else oldest.isoformat(),
            "oldest_unsent_seconds": None
            if oldest is None
            else max(0.0, (self._clock() - oldest).total_seconds()),
        }
        return web.json_response(body, status=200 if up else 503)

    async def _handle_metrics(self, request: web.Request) -> web.Response:
        async with self._database.read() as connection:
            depth = await queries.count_by_state(connection)
            oldest = await queries.oldest_unsent_at(connection)
        # A state that no part is in any more is 0, not what it was.
        for state in models.PartState:
            self._metrics.queue_depth.labels(state.value).set(depth.get(state, 0))
        age = 0.0 if oldest is None else (self._clock() - oldest).total_seconds()
        self._metrics.oldest_unsent.set(max(0.0, age))
        self._metrics.connected.set(self._is_connected())
        return web.Response(body=self._metrics.render(), headers={"Content-Type": self._metrics.content_type})

    @asynccontextmanager
    async def serving(self, address: str) -> AsyncIterator[str]:
        """Serve at `host:port` (port 0: any free one) and give the URL. Raises PaperroundError for a taken port."""
        app = web.Application()
        app.router.add_get("/health", self._handle_health)
        app.router.add_get("/metrics", self._handle_metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host, _, port = address.rpartition(":")
        try:
            site = web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port))
            try:
                await site.start()
            except (OSError, OverflowError) as error:
                reason = f"PAPERROUND_HTTP: {address} cannot be listened on ({error}). Name a free port."
                raise errors.PaperroundError(reason) from error
            yield f"http://{host or '127.0.0.1'}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
