"""What is new about a thread's paper, in one short message in the thread for each event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.core import isolation
from bot.outbox import outcomes
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, Fields
from storage import accounts, alerts, key_values, models, news, outbox
from storage.database import Database
from storage.papers import PaperEvent

log = structlog.get_logger(__name__)

LIFETIME = timedelta(days=10)
"""How long a message is tried."""
MAX_ARCHIVED = timedelta(days=365)
"""A thread that was archived longer ago is told nothing."""
_BATCH_SIZE = 20
"""Events planned in a transaction."""

THREAD_NEWS = DeliveryHandler(kind=models.DeliveryKind.THREAD_NEWS, priority=models.Priority.DISCUSSION)


@dataclass(frozen=True, slots=True)
class ThreadNews:
    """One thing that is new about the paper of a thread."""

    marker: str
    locale: models.Locale
    event: PaperEvent


@dataclass(eq=False)
class ThreadNewsPlanner:
    """Plans the messages of events in their order. A delivery's key consists of the thread and the event."""

    _database: Database
    _deliveries: DeliveryFactory
    _request: Callable[..., Awaitable[Any]]
    default_locale: models.Locale = models.Locale.EN

    async def tick(self, now: datetime) -> int:
        """Plan the messages of the first events that threads were not told of yet. Returns how many.

        If Discord cannot say whether a thread is archived, they are planned later.
        """
        async with self._database.read() as connection:
            after_id = int(await key_values.get(connection, key_values.NEWS_OF_THREADS) or 0)
            found, last_id = await news.list_of_threads(connection, after_id, limit=_BATCH_SIZE)
            servers = await accounts.list_guilds_by_id(connection, {of.guild_id for of in found})
        if last_id == after_id:
            return 0
        with isolation.isolated(log, "news of threads not planned"):
            built = []
            for of in found:
                if not await self._is_told(of.thread_id, now):
                    continue
                server = servers.get(of.guild_id)
                locale = (server and server.locale) or self.default_locale
                post = ThreadNews(f"thread-news:{of.thread_id}:{of.event.id}", locale, of.event)
                place: Fields = {
                    "guild_id": of.guild_id,
                    "channel_id": of.thread_id,
                    "papers": (of.arxiv_id,),
                    "expires_at": now + LIFETIME,
                }
                built.append(self._deliveries.build_post(THREAD_NEWS, post, now, **place))
            async with self._database.transaction() as connection:
                await alerts.lock_planning(connection)
                ids = await outbox.add_all(connection, built)
                await key_values.set_value(connection, key_values.NEWS_OF_THREADS, str(last_id))
            return len(ids)
        return 0

    async def _is_told(self, thread_id: int, now: datetime) -> bool:
        """Return whether a thread is there, and open or not archived long ago. Raises DeliveryError."""
        try:
            thread = await self._request("GET", f"/channels/{thread_id}")
        except outcomes.DeliveryError as error:
            # A code is an answer about this thread, such as that it is gone or hidden.
            if error.code is None:
                raise
            return False
        state = thread.get("thread_metadata") or {}
        if not state.get("archived"):
            return True
        since = datetime.fromisoformat(state["archive_timestamp"])
        return not state.get("locked") and now - since <= MAX_ARCHIVED
