"""Collects the data for `/status`: the newest digest, posts and problems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bot.archive import complete_days
from bot.core import day_close, schedule
from bot.core.clock import Clock, latest_date
from bot.features.operations.post_overview import FindReady, find_none
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory
from bot.outbox.request_pacing import Pace
from storage import alerts, archive, club, daily, models, outbox, shelf, sources, today, zotero
from storage.database import Connection, Database

PROBLEM_WINDOW = timedelta(days=7)
"""Deliveries planned longer ago than this are not reported."""
MAX_PROBLEM_DELIVERIES = 5


class LastPost(NamedTuple):
    """A delivery that came, perhaps not whole, and its first part that has a message (or None)."""

    delivery: models.Delivery
    part: models.Part | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The data for `/status`, including each subscription's last post. Times are UTC."""

    listed_on: Sequence[date]
    """The latest dates that have digests for posts, newest first."""
    last_ingested_at: datetime | None
    subscriptions: tuple[tuple[models.Subscription, LastPost | None], ...]
    last_days: Mapping[int, date]
    """The date of each subscription's newest daily post, sent or not, by subscription id."""
    calendar: schedule.Calendar
    """When the subscriptions are due."""
    ready: Collection[int]
    """The ids of those that are due and have papers, but were not planned."""
    problem_deliveries: tuple[models.Delivery, ...]
    refused_papers: Mapping[int, tuple[str, ...]]
    """The keys of papers that Discord refuses, by the id of the delivery that left them out."""
    plain: Mapping[int, tuple[str, ...]]
    """The keys of papers that came without their titles, by the id of the delivery."""
    alert_count: int
    paused_alerts: int
    lost_alerts: Sequence[models.Alert]
    """Alerts of the reader, or in channels of the server, whose owners may not manage messages in their channels."""
    today_reason: str | None
    """Why the reader's papers of the day are no longer sent; None if they are sent or were not requested."""
    zotero: zotero.Trouble
    """What of the server's list does not come into Zotero."""
    sources: Sequence[models.StoredSource]
    is_discord_well: bool
    listed_count: int = 0
    """The number of papers on the server's list that have a text."""


@dataclass(eq=False)
class StatusService:
    """Reads the status from the outbox and the archive, and repeats deliveries on request."""

    _database: Database
    _clock: Clock
    _deliveries: DeliveryFactory
    _pace: Pace
    _day_close: day_close.DayClose
    _find_ready: FindReady = find_none

    async def report(
        self,
        *,
        user_id: int,
        guild_id: int | None,
        channel_id: int | None,
        may_see: Callable[[int], bool] = lambda _: True,
        most: int | None = None,
    ) -> StatusReport:
        """Return the status for a reader in a channel; outside a server, only the reader's own data.

        Includes posts in channels that the reader `may_see`. Last deliveries and problems are loaded only for
        the first `most` posts (all if None).
        """
        async with self._database.read() as connection:
            days = day_close.EXPECTED_WEEKS * 7
            dates = await archive.list_dates(connection, limit=days, until_on=latest_date(self._clock()))
            statuses = await self._subscription_statuses(connection, guild_id, may_see, most)
            channel_ids = {row.channel_id for row, _ in statuses[:most]}
            if guild_id is not None and channel_id is not None:
                channel_ids.add(channel_id)
            club_of_guild = None if guild_id is None else await club.get(connection, guild_id)
            if club_of_guild is not None and may_see(club_of_guild.channel_id):
                channel_ids.add(club_of_guild.channel_id)
            profile = await today.get(connection, user_id)
            reader_alerts = await alerts.list_rows(connection, user_id=user_id)
            in_guild = await alerts.list_rows(connection, guild_id=guild_id) if guild_id is not None else []
            in_guild = [row for row in in_guild if row.channel_id is not None and may_see(row.channel_id)]
            known_alerts = {row.id: row for row in (*reader_alerts, *in_guild)}
            problems = await outbox.list_problems(
                connection,
                sorted(channel_ids),
                user_id,
                self._clock() - PROBLEM_WINDOW,
                MAX_PROBLEM_DELIVERIES,
            )
            calendar = await complete_days.load_calendar(connection, self._day_close, self._clock())
            return StatusReport(
                listed_on=dates,
                last_ingested_at=await archive.get_last_updated_at(connection),
                subscriptions=statuses,
                last_days=await outbox.list_last_days(connection, [row.id for row, _ in statuses[:most]]),
                calendar=calendar,
                ready=await self._find_ready(connection, [row for row, _ in statuses[:most]], calendar),
                problem_deliveries=tuple(problems),
                refused_papers=await outbox.list_refused_papers(connection, [row.id for row in problems]),
                plain=await outbox.list_plain(connection, [row.id for row in problems]),
                alert_count=len(reader_alerts),
                paused_alerts=sum(alert.paused for alert in reader_alerts),
                lost_alerts=[row for row in known_alerts.values() if row.right_lost_at is not None],
                today_reason=profile.reason if profile is not None else None,
                zotero=await zotero.find_trouble(connection, self._clock(), guild_id or 0),
                sources=await sources.list_rows(connection),
                listed_count=await shelf.count_known(connection, guild_id or 0),
                is_discord_well=self._pace.is_well,
            )

    async def resend(self, delivery_id: int) -> bool:
        """Send an uncertain delivery to this server again. Returns False if it is no longer uncertain."""
        async with self._database.transaction() as connection:
            now = self._clock()
            return await outbox.repeat_uncertain(
                connection,
                delivery_id,
                new_nonce=self._deliveries.new_nonce,
                now=now,
                expires_at=now + contents.LIFETIME,
            )

    async def _subscription_statuses(
        self, connection: Connection, guild_id: int | None, may_see: Callable[[int], bool], most: int | None
    ) -> tuple[tuple[models.Subscription, LastPost | None], ...]:
        if guild_id is None:
            return ()
        in_guild = await daily.list_rows(connection, guild_id=guild_id)
        shown = [subscription for subscription in in_guild if may_see(subscription.channel_id)]
        # Read only the posts shown: a server may have a hundred, each with many messages.
        last: dict[int, LastPost] = {}
        for subscription in shown[:most]:
            if sent := await outbox.get_last_post(connection, subscription.id):
                last[subscription.id] = await _last_post(connection, sent)
        return tuple((subscription, last.get(subscription.id)) for subscription in shown)


async def find_uncertain(connection: Connection, delivery_id: int, guild_id: int) -> models.Delivery | None:
    """Return a delivery to a server's channels if its outcome is unknown, otherwise None."""
    delivery = await outbox.get(connection, delivery_id)
    if delivery is None or delivery.guild_id != guild_id or delivery.user_id is not None:
        return None
    return delivery if delivery.is_uncertain else None


async def _last_post(connection: Connection, delivery: models.Delivery) -> LastPost:
    parts = await outbox.list_parts(connection, delivery.id)
    first = next((part for part in parts if part.message_id is not None), None)
    return LastPost(delivery, first)
