"""Messages in a thread about events of its paper, a short one for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.core.retries import Retries
from bot.outbox.contents import DeliveryFactory, DeliveryHandler
from storage import accounts, alerts, archive, key_values, models, news, outbox
from storage.database import Database
from storage.papers import PaperEvent, name_events

log = structlog.get_logger(__name__)

LIFETIME = timedelta(days=10)
"""How long a message is tried."""

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
    default_locale: models.Locale

    def __post_init__(self) -> None:
        self._retries = Retries(log)

    async def tick(self, now: datetime) -> int:
        """Plan the messages of events that threads were not notified of yet. Returns how many.

        What fails for a thread is tried again (see `Retries`), with the later events, whose keys are known by then.
        """
        async with self._database.transaction() as connection:
            # An ingest holds this lock, so that no event with a lower id is stored later.
            await archive.lock_ingest(connection)
            # Who silences a thread takes the same lock.
            await alerts.lock_planning(connection)
            after_id = int(await key_values.get(connection, key_values.NEWS_OF_THREADS) or 0)
            unreported = await news.list_of_threads(connection, after_id, now)
            if not unreported:
                return 0
            servers = await accounts.list_guilds_by_id(connection, {row.guild_id for row in unreported})
            built, reported_id = list[models.NewDelivery](), unreported[-1].event.id
            for row in unreported:
                key, is_open = (row.thread_id, row.event.id), True
                if self._retries.is_due(key, now):
                    server = servers.get(row.guild_id)
                    with self._retries.attempt(
                        "news of a thread not planned", key, now, thread=row.thread_id, about=row.event.id
                    ) as attempt:
                        built.append(self._build(row, (server and server.locale) or self.default_locale, now))
                    is_open = attempt.is_open
                if is_open:
                    reported_id = min(reported_id, row.event.id - 1)
            ids = await outbox.add_all(connection, built)
            await key_values.set_value(connection, key_values.NEWS_OF_THREADS, str(reported_id))
        return len(ids)

    def _build(self, row: news.ThreadEvent, locale: models.Locale, now: datetime) -> models.NewDelivery:
        post = ThreadNews(f"thread-news:{row.thread_id}:{name_events([row.event])}", locale, row.event)
        return self._deliveries.build_post(
            THREAD_NEWS,
            post,
            now,
            guild_id=row.guild_id,
            channel_id=row.thread_id,
            papers=(row.paper_key,),
            expires_at=now + LIFETIME,
        )
