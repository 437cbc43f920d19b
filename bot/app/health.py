"""The HTTP server for `/health` and `/metrics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.core import program
from bot.core.clock import Clock
from bot.features.operations.liveness import Liveness
from bot.features.operations.metrics import Metrics
from bot.sources import kinds
from storage import errors, models, outbox, sources
from storage.database import Database

if TYPE_CHECKING:
    from bot.search.index import SearchIndex

DATABASE_CONNECTIONS = 2
"""For all requests together, so that a flood of requests leaves enough connections for the bot."""


@dataclass(eq=False)
class MonitoringServer:
    """Serves the bot's state. `role` returns "sender", or "standby" while another process is the sender.

    A process without a search `index` of its own shows no lag of it.
    """

    _database: Database
    _metrics: Metrics
    _clock: Clock
    _liveness: Liveness
    role: Callable[[], str]
    is_connected: Callable[[], bool]
    index: SearchIndex | None = None

    def __post_init__(self) -> None:
        self._database = self._database.limited(DATABASE_CONNECTIONS)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/health", self._handle_health)
        router.add_get("/metrics", self._handle_metrics)

    async def _handle_health(self, request: web.Request) -> web.Response:
        role, is_connected = self.role(), self.is_connected()
        problems = self._list_problems()
        stuck = [sentence for sentence in self._liveness.list_stuck() if sentence not in problems]
        body = {
            "up": True,
            "role": role,
            "gateway_connected": is_connected,
            **self._liveness.get_fields(),
            "problems": problems,
            "notices": [*self._liveness.notices, *stuck],
            "stuck_posts": self._liveness.stuck_posts,
            "version": program.describe_version(),
            "database": self._database.fingerprint,
        }
        return web.json_response(body, status=503 if problems else 200)

    def _list_problems(self) -> list[str]:
        if self.is_connected():
            self._liveness.record_gateway()
        return self._liveness.find_problems(is_standby=self.role() != "sender")

    async def _handle_metrics(self, request: web.Request) -> web.Response:
        try:
            async with self._database.read() as connection:
                depth = await outbox.count_by_state(connection)
                oldest = await outbox.oldest_unsent_at(connection)
                rows = {row.url: row for row in await sources.list_rows(connection)}
            if self.index is not None:
                self._metrics.unindexed_papers.set(await self._database.look_up(self.index.count_unindexed))
        except errors.StorageError as error:
            return web.Response(status=503, text=str(error))
        self._metrics.problems.set(len(self._list_problems()))
        self._metrics.stuck_posts.set(self._liveness.stuck_posts)
        # Set states without parts to 0, or the old value would stay.
        for state in models.PartState:
            self._metrics.queue_depth.labels(state.value).set(depth.get(state, 0))
        self._metrics.source_success.clear()
        self._metrics.source_items.clear()
        for url, name in kinds.operator_labels(rows).items():
            if (at := rows[url].last_success_at) is not None:
                self._metrics.source_success.labels(name).set(at.timestamp())
            if (reading := rows[url].reading) is not None:
                counted = {"stored": reading.stored, "known": reading.known}
                counted |= {of.reason.value: of.number for of in reading.skipped}
                for outcome, number in counted.items():
                    self._metrics.source_items.labels(name, outcome).set(number)
        age = 0.0 if oldest is None else (self._clock() - oldest).total_seconds()
        self._metrics.oldest_unsent.set(max(0.0, age))
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
