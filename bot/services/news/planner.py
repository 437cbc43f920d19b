"""Plans the weekly message about saved papers: on Mondays at nine in the reader's zone, only if there is news.

What a reader is told of, and the message itself, are stored in one transaction, so that a restart repeats neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot import errors, isolation
from bot.clock import Clock
from bot.services.daily import schedule
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import KindRecord
from bot.time_slices import TimeSlices
from storage import alerts, models, readers
from storage.database import Connection, Database
from storage.news import news_readers
from storage.outbox import plan

log = structlog.get_logger(__name__)

AT = time(9)
WEEKDAY = 1
"""Monday."""
MIN_INTERVAL = timedelta(days=6)
"""Between two messages, also if the reader's zone changes."""
MAX_PAPERS = 15
"""In a message; the others are in that of the next week."""
_EASTERNMOST, _WESTERNMOST = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")
"""Where Monday begins first and last."""


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the news come with the next ones."""
    await news_readers.mark_unsent(connection, [row.id for row in unsent])


NEWS: KindRecord[contents.NewsPost] = KindRecord(
    kind=models.DeliveryKind.NEWS,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_news(post),
    undo=_undo,
)


class NewsPlanner:
    """Plans the messages that are due. `locale` and `timezone` are for readers who have not chosen."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        *,
        locale: models.Locale,
        timezone: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._locale = locale
        self._timezone = timezone

    async def run(self) -> int:
        """Plan the messages that are due now. Returns their number."""
        now = self._clock()
        first, last = _latest_monday(now, _EASTERNMOST), _latest_monday(now, _WESTERNMOST)
        # While it is nine in one zone after the other, what was found just now may be due in the next one.
        found_until = now if last < first else last
        async with self._database.read() as connection:
            unsent = await news_readers.list_unsent(connection, found_until, now - MIN_INTERVAL)
            known = await readers.list_by_id(connection, list(unsent))
        planned, slices = 0, TimeSlices()
        for user_id in unsent:
            if _latest_monday(now, self._zone_of(known.get(user_id))) < first:
                continue  # this week's Monday has not come yet
            # A reader whose message fails to render must not hold up the others.
            with isolation.isolated(log, "news of saved papers not planned", reader=user_id):
                planned += await self._plan(user_id, now)
            await slices.pause()
        return planned

    async def _plan(self, user_id: int, now: datetime) -> bool:
        async with self._database.transaction() as connection:
            # `/me forget` takes the same lock: a reader who is forgotten meanwhile gets no message.
            await alerts.lock_planning(connection)
            reader = await readers.get(connection, user_id)
            found_until = _latest_monday(now, self._zone_of(reader))
            unsent = await news_readers.list_unsent(connection, found_until, now - MIN_INTERVAL, user_id)
            chosen = _choose(unsent.get(user_id, []))
            return bool(chosen) and await self._store(connection, user_id, reader, chosen, now)

    async def _store(
        self,
        connection: Connection,
        user_id: int,
        reader: models.Reader | None,
        chosen: news_readers.Unsent,
        now: datetime,
    ) -> bool:
        last_id = chosen[-1][0]
        key = f"news:{user_id}:{last_id}:{int(now.timestamp())}"
        locale = reader.locale if reader is not None and reader.locale is not None else self._locale
        delivery = self._deliveries.build_post(
            NEWS,
            contents.NewsPost(key, locale, tuple(news for _, news in chosen)),
            now,
            user_id=user_id,
            channel_id=reader.dm_channel_id if reader is not None else None,
        )
        delivery_id = await plan.add(connection, delivery)
        if delivery_id is None:
            return False
        await news_readers.mark_sent(connection, user_id, last_id, delivery_id, now)
        return True

    def _zone_of(self, reader: models.Reader | None) -> ZoneInfo:
        name = reader.timezone if reader is not None and reader.timezone else self._timezone
        try:
            return schedule.parse_zone(name)
        except errors.UsageError:
            return schedule.parse_zone("UTC")


def _latest_monday(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the last Monday at nine in a zone that is not after `now`, in UTC."""
    on = schedule.local_date(now, zone)
    monday = on - timedelta(days=on.isoweekday() - WEEKDAY)
    due = schedule.wall_clock_to_utc(monday, AT, zone)
    return due if due <= now else schedule.wall_clock_to_utc(monday - timedelta(days=7), AT, zone)


def _choose(unsent: news_readers.Unsent) -> news_readers.Unsent:
    """Return the first news, of at most MAX_PAPERS papers."""
    papers: set[str] = set()
    for index, (_, news) in enumerate(unsent):
        papers.add(news[0])
        if len(papers) > MAX_PAPERS:
            return unsent[:index]
    return unsent
