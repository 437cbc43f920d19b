"""The read-only HTTP endpoints for operators: `/health` for a supervisor, `/metrics` for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from aiohttp import web

from bot import errors, isolation
from bot.clock import Clock
from bot.services.operations.liveness import Liveness
from bot.services.operations.metrics import Metrics
from storage import errors as storage_errors
from storage import models
from storage.database import Database
from storage.outbox import queries

log = structlog.get_logger(__name__)

DATABASE_SECONDS = 2.0
"""`/health` waits this long for the age of the oldest delivery; its status does not depend on it."""


class MonitoringServer:
    """Serves the state of one running bot. `role` gives "sender", or "standby" while another process holds the lock."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        liveness: Liveness,
        *,
        role: Callable[[], str],
        is_connected: Callable[[], bool],
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._clock = clock
        self._liveness = liveness
        self._role = role
        self._is_connected = is_connected

    async def _handle_health(self, request: web.Request) -> web.Response:
        role, is_connected = self._role(), self._is_connected()
        if is_connected:
            self._liveness.record_discord()
        problems = [] if role == "standby" else self._liveness.find_problems()
        oldest = await self._oldest_unsent_at()
        body = {
            "up": True,
            "role": role,
            "gateway_connected": is_connected,
            "oldest_unsent_at": None if oldest is None else oldest.isoformat(),
            "oldest_unsent_seconds": None if oldest is None else self._seconds_since(oldest),
            **self._liveness.get_fields(),
            "problems": problems,
        }
        return web.json_response(body, status=503 if problems else 200)

    async def _oldest_unsent_at(self) -> datetime | None:
        """Return the oldest unsent delivery's time, or None if the database does not answer."""
        with isolation.isolated(log, "the oldest delivery is unknown"):
            async with asyncio.timeout(DATABASE_SECONDS), self._database.read() as connection:
                return await queries.oldest_unsent_at(connection)
        return None

    async def _handle_metrics(self, request: web.Request) -> web.Response:
        try:
            async with self._database.read() as connection:
                depth = await queries.count_by_state(connection)
                oldest = await queries.oldest_unsent_at(connection)
        except storage_errors.StorageError as error:
            return web.Response(status=503, text=str(error))
        # A state without parts is set to 0; its former value would stay otherwise.
        for state in models.PartState:
            self._metrics.queue_depth.labels(state.value).set(depth.get(state, 0))
        self._metrics.oldest_unsent.set(0.0 if oldest is None else self._seconds_since(oldest))
        self._metrics.connected.set(self._is_connected())
        return web.Response(body=self._metrics.render(), headers={"Content-Type": self._metrics.content_type})

    def _seconds_since(self, moment: datetime) -> float:
        return max(0.0, (self._clock() - moment).total_seconds())

    @asynccontextmanager
    async def serving(self, address: str) -> AsyncIterator[str]:
        """Serve at `host:port` (port 0 for any free one) and yield the URL. Raises PaperroundError for a port in use."""
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
