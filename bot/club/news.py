"""What is new about a thread's paper, in one short message in the thread for each event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.outbox import outcomes
from bot.outbox.contents import DeliveryFactory, DeliveryHandler
from storage import accounts, alerts, archive, key_values, models, news, outbox
from storage.database import Database
from storage.papers import PaperEvent, name_events

log = structlog.get_logger(__name__)

LIFETIME = timedelta(days=10)
"""How long a message is tried."""
MAX_ARCHIVED = timedelta(days=365)
"""A thread that was archived longer ago is told nothing."""

THREAD_NEWS = DeliveryHandler(kind=models.DeliveryKind.THREAD_NEWS, priority=models.Priority.DISCUSSION)


@dataclass(frozen=True, slots=True)
class ThreadNews:
    """One thing that is new about the paper of a thread."""

    marker: str
    locale: models.Locale
    event: PaperEvent


@dataclass(eq=False)
class ThreadNewsPlanner:
    """Plans the messages of events in their order. A delivery's key consists of the thread and what is new."""

    _database: Database
    _deliveries: DeliveryFactory
    _request: Callable[..., Awaitable[Any]]
    default_locale: models.Locale

    async def tick(self, now: datetime, on_asked: Callable[[], None] = lambda: None) -> int:
        """Plan the messages of events that threads were not told of yet. Returns how many.

        `on_asked` is called after each thread that Discord was asked about.
        If Discord cannot say whether a thread is archived, they are planned later.
        """
        try:
            return await self._plan(now, on_asked)
        except outcomes.DeliveryError as error:
            log.info("news of threads wait", reason=str(error))
            return 0

    async def _plan(self, now: datetime, on_asked: Callable[[], None]) -> int:
        async with self._database.transaction() as connection:
            # An ingest holds this lock, so that no event with a lower id is stored later.
            await archive.lock_ingest(connection)
            after_id = int(await key_values.get(connection, key_values.NEWS_OF_THREADS) or 0)
            untold = await news.list_of_threads(connection, after_id, now)
            servers = await accounts.list_guilds_by_id(connection, {row.guild_id for row in untold})
        if not untold:
            return 0
        built = dict[tuple[int, int], models.NewDelivery]()
        for row in untold:
            if await self._may_tell(row.thread_id, now):
                server = servers.get(row.guild_id)
                post = ThreadNews(
                    f"thread-news:{row.thread_id}:{name_events([row.event])}",
                    (server and server.locale) or self.default_locale,
                    row.event,
                )
                delivery = self._deliveries.build_post(
                    THREAD_NEWS,
                    post,
                    now,
                    guild_id=row.guild_id,
                    channel_id=row.thread_id,
                    papers=(row.arxiv_id,),
                    expires_at=now + LIFETIME,
                )
                built[row.thread_id, row.event.id] = delivery
            on_asked()
        async with self._database.transaction() as connection:
            # A thread may have been silenced meanwhile, under the same lock.
            await alerts.lock_planning(connection)
            still = {
                (row.thread_id, row.event.id) for row in await news.list_of_threads(connection, after_id, now)
            }
            ids = await outbox.add_all(connection, [new for key, new in built.items() if key in still])
            await key_values.set_value(connection, key_values.NEWS_OF_THREADS, str(untold[-1].event.id))
        return len(ids)

    async def _may_tell(self, thread_id: int, now: datetime) -> bool:
        """Return whether a thread is there, and open or not archived long ago. Raises DeliveryError."""
        try:
            thread = await self._request("GET", f"/channels/{thread_id}")
        except outcomes.DeliveryError as error:
            # A code is an answer about this thread, such as that it is gone or hidden.
            if error.code is None:
                raise
            return False
        # A locked one may be unlocked while the message is tried.
        state = thread.get("thread_metadata") or {}
        if not state.get("archived"):
            return True
        return now - datetime.fromisoformat(state["archive_timestamp"]) <= MAX_ARCHIVED
