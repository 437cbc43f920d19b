"""What is new about saved papers, in one direct message a week to readers who asked for it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from bot.core import schedule
from bot.core.retries import Retries
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, DeliveryHandler
from storage import accounts, alerts, archive, models, news, outbox, shelf
from storage.database import Database
from storage.papers import PaperEvent, name_events
from storage.snapshot import chunked

log = structlog.get_logger(__name__)

MAX_PAPERS = 10
"""The most papers in a message; the others are counted."""
_LIFETIME = timedelta(days=7)
"""How long a message is tried. Meanwhile no other is planned."""
_MONDAY = (1,)
_BATCH_SIZE = 20

NEWS = DeliveryHandler(
    kind=models.DeliveryKind.NEWS,
    priority=models.Priority.SCHEDULED,
    find_recipients=contents.pause_reader(news.change),
)


@dataclass(frozen=True, slots=True)
class NewsPost:
    """A week's message to a reader, for the local Monday `on`: saved papers and what is new about each, by id.

    `more` counts the papers that it leaves out.
    """

    marker: str
    locale: models.Locale
    on: date
    papers: tuple[models.SavedPaper, ...]
    events: Mapping[int, Sequence[PaperEvent]]
    more: int


def _find_due(now: datetime, reader: news.NewsReader, at_time: str | None) -> schedule.Slot | None:
    """Return the last Monday's time (UTC), that of the `/today` message or 09:00, unless that Monday is finished.

    Nothing is sent for a Monday before the reader asked for the messages.
    """
    slot = schedule.last_due(now, schedule.rule_of(at_time, reader.timezone, _MONDAY))
    is_over = reader.last_on is not None and slot.on <= reader.last_on
    return None if is_over or slot.at <= reader.since_at else slot


@dataclass(eq=False)
class NewsPlanner:
    """Plans the messages. A delivery's key consists of the reader and the Monday, so there is at most one a week.

    The events of a message that could not be sent come in the next one.
    """

    _database: Database
    _deliveries: DeliveryFactory
    default_locale: models.Locale

    def __post_init__(self) -> None:
        self._retries = Retries(log)

    async def tick(
        self, now: datetime, between: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> int:
        """Plan all messages due at `now` (UTC), also those of a Monday that was missed. Returns how many.

        `between` is called after some readers each, for work that must not wait until all are done. What fails for a reader
        is tried again (see `Retries`); given up, it comes in the next message.
        """
        planned, readers = 0, await self._database.fetch(news.list_notified)
        slots = ((reader, _find_due(now, reader, at_time)) for reader, at_time in readers)
        due = [
            (reader, slot)
            for reader, slot in slots
            if slot is not None and self._retries.is_due(reader.user_id, now)
        ]
        for batch in chunked(due, _BATCH_SIZE):
            for reader, slot in batch:
                user_id = reader.user_id
                with self._retries.attempt("news not planned", user_id, now, user=user_id) as attempt:
                    planned += await self._plan(reader, slot, now)
                if attempt.is_given_up:
                    async with self._database.transaction() as connection:
                        await news.change(connection, user_id, last_on=slot.on)
            await between()
        return planned

    async def _plan(self, reader: news.NewsReader, slot: schedule.Slot, now: datetime) -> int:
        """Finish a reader's Monday, with a message if anything is new. Returns the number of messages."""
        user_id, events = reader.user_id, defaultdict[int, list[PaperEvent]](list)
        async with self._database.transaction() as connection:
            # What was found before the message's time is stored before its end: an ingest holds this lock.
            await archive.lock_ingest(connection)
            # `/me forget` takes the same lock.
            await alerts.lock_planning(connection)
            if not await news.change(connection, user_id, last_on=slot.on):
                return 0
            unreported, count = await news.list_unreported(
                connection, user_id, reader.since_at, slot.at, limit=MAX_PAPERS
            )
            for event in unreported:
                events[event.paper_id].append(event)
            if not events:
                return 0
            known = await accounts.get_reader(connection, user_id)
            shown, _ = await shelf.list_rows(connection, user_id, paper_ids=events)
            post = NewsPost(
                marker=f"news:{user_id}:{name_events(unreported)}",
                locale=(known and known.locale) or self.default_locale,
                on=slot.on,
                papers=tuple(paper.with_own_title() for paper in shown),
                events=events,
                more=count - len(shown),
            )
            delivery = self._deliveries.build_post(
                NEWS,
                post,
                now,
                key=f"news:{user_id}:{slot.on}",
                due_at=slot.at,
                expires_at=slot.at + _LIFETIME,
                user_id=user_id,
                channel_id=known.dm_channel_id if known else None,
                local_on=slot.on,
                papers=tuple(paper.key for paper in shown),
            )
            return len(await outbox.add_all(connection, [delivery]))
