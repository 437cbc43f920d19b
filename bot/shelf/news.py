"""What is new about saved papers, in one direct message a week to readers who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import structlog

from bot.core import clock, isolation, schedule
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, Owned
from storage import accounts, alerts, models, news, outbox, shelf
from storage.database import Connection, Database
from storage.papers import PaperEvent
from storage.snapshot import chunked

log = structlog.get_logger(__name__)

MAX_PAPERS = 10
"""The most papers in a message; the others are counted."""
_WEEK = timedelta(days=7)
_MONDAY = (1,)
_BATCH_SIZE = 25
"""Readers planned in a transaction."""


class NewsOfPaper(NamedTuple):
    """A saved paper and what is new about it, oldest first."""

    paper: models.SavedPaper
    events: tuple[PaperEvent, ...]


@dataclass(frozen=True, slots=True)
class NewsPost:
    """A week's message to a reader, for the local Monday `on`. `more` counts the papers that it leaves out."""

    marker: str
    locale: models.Locale
    on: date
    papers: tuple[NewsOfPaper, ...]
    more: int = 0


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[Owned]:
    if pause_for is not None and delivery.user_id is not None:
        await news.pause(connection, delivery.user_id, pause_for)
    return []


NEWS = DeliveryHandler(
    kind=models.DeliveryKind.NEWS, priority=models.Priority.SCHEDULED, find_owned=_find_owned
)


def _find_due(now: datetime, turn: news.Turn) -> schedule.Slot | None:
    """Return the last Monday's time (UTC), that of the `/today` message or 09:00, unless that Monday is finished.

    Nothing is sent for a Monday before the reader asked for the messages.
    """
    at = schedule.parse_time(turn.at_time or schedule.DEFAULT_TIME)
    slot = schedule.last_due(now, schedule.Rule(at, clock.stored_zone(turn.timezone), _MONDAY))
    is_over = turn.last_on is not None and slot.on <= turn.last_on
    return None if is_over or slot.at <= turn.since_at else slot


@dataclass(eq=False)
class NewsPlanner:
    """Plans the messages. A delivery's key consists of the reader and the Monday, so there is at most one a week.

    The events of a message that could not be sent come in the next one.
    """

    _database: Database
    _deliveries: DeliveryFactory
    default_locale: models.Locale = models.Locale.EN

    async def tick(self, now: datetime) -> int:
        """Plan all messages due at `now` (UTC), also those of a Monday that was missed. Returns how many."""
        turns = await self._database.fetch(news.list_turns)
        due = [turn.user_id for turn in turns if _find_due(now, turn) is not None]
        planned = 0
        for batch in chunked(due, _BATCH_SIZE):
            with isolation.isolated(log, "news of saved papers not planned"):
                planned += await self._plan(batch, now)
        return planned

    async def _plan(self, user_ids: Sequence[int], now: datetime) -> int:
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock.
            await alerts.lock_planning(connection)
            known = await accounts.list_readers_by_id(connection, user_ids)
            told = await news.list_told(connection, user_ids)
            built = []
            for turn in await news.list_turns(connection, user_ids):
                slot, (told_at, is_waiting) = _find_due(now, turn), told.get(turn.user_id, (None, False))
                if slot is None or is_waiting:
                    continue
                reader = known.get(turn.user_id)
                locale = (reader and reader.locale) or self.default_locale
                since_at = max(turn.since_at, told_at or turn.since_at)
                post = await self._build(connection, turn.user_id, since_at, slot.on, locale, now)
                # Until a message has arrived, its events stay untold.
                await news.set_told(connection, [turn.user_id], slot.on, since_at if post.papers else now)
                if post.papers:
                    delivery = self._deliveries.build_post(
                        NEWS,
                        post,
                        now,
                        due_at=slot.at,
                        expires_at=max(now + schedule.DAY, slot.at + _WEEK),
                        user_id=turn.user_id,
                        channel_id=reader.dm_channel_id if reader is not None else None,
                        local_on=slot.on,
                        papers=tuple(of.paper.arxiv_id for of in post.papers),
                    )
                    built.append(delivery)
            ids = await outbox.add_all(connection, built)
        if ids:
            log.info("news of saved papers planned", count=len(ids))
        return len(ids)

    async def _build(
        self,
        connection: Connection,
        user_id: int,
        since_at: datetime,
        on: date,
        locale: models.Locale,
        now: datetime,
    ) -> NewsPost:
        events: dict[int, list[PaperEvent]] = {}
        for event in await news.list_events(connection, user_id, since_at, now):
            events.setdefault(event.paper_id, []).append(event)
        shown = [*events][:MAX_PAPERS]
        rows, _ = await shelf.list_rows(connection, user_id, paper_ids=shown)
        saved = {row.id: row for row in rows}
        papers = tuple(NewsOfPaper(saved[paper_id], tuple(events[paper_id])) for paper_id in shown)
        return NewsPost(f"news:{user_id}:{on}", locale, on, papers, more=len(events) - len(shown))
