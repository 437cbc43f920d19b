"""Answers "what came, what was posted here, what comes next, and what is stuck": facts only, the words are the client's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.clock import Clock
from bot.rendering.wording.templates import TemplateProblem, Templates
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import alerts, digests, models, subscriptions
from storage.database import Connection, Database
from storage.outbox import holds, queries

PROBLEM_STATES = frozenset(
    {
        models.DeliveryState.PAUSED,
        models.DeliveryState.UNCERTAIN,
        models.DeliveryState.EXPIRED,
        models.DeliveryState.FAILED,
    }
)
PROBLEM_WINDOW = timedelta(days=7)
"""Older troubles are of no use to anybody."""

MAX_PROBLEM_DELIVERIES = 5


@dataclass(frozen=True, slots=True)
class LastPost:
    """A delivery that reached its place; `message_id` is that of its first message, None when that is not known."""

    at: datetime
    digest_on: date | None
    channel_id: int | None
    message_id: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """A standing order of this channel (or server) with the last post that it had."""

    subscription: models.Subscription
    last_post: LastPost | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """All that `/status` says. Times are UTC."""

    newest_digest_on: date | None
    last_ingested_at: datetime | None
    subscriptions: tuple[SubscriptionStatus, ...]
    problem_deliveries: tuple[models.Delivery, ...]
    alert_count: int
    inactive_alerts: tuple[models.Alert, ...]
    last_alert_post: LastPost | None
    template_problems: tuple[TemplateProblem, ...] = ()
    """Templates of the operator's in whose place the bundled text is posted."""


class StatusService:
    """Reads the outbox and the archive; changes nothing but what a person asks to be posted again."""

    def __init__(
        self, database: Database, clock: Clock, deliveries: DeliveryFactory, templates: Templates
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._templates = templates

    async def report(self, *, user_id: int, guild_id: int | None, channel_id: int | None) -> StatusReport:
        """Return the status for a reader in a channel; outside a server only what is theirs."""
        async with self._database.read() as connection:
            dates = await digests.list_dates(connection, limit=1)
            posts = await self._subscription_statuses(connection, guild_id, channel_id)
            rules = await alerts.list_rows(connection, user_id=user_id)
            told = await queries.list_rows(
                connection,
                user_id=user_id,
                kind=models.DeliveryKind.ALERT,
                state=models.DeliveryState.SENT,
                limit=1,
            )
            return StatusReport(
                newest_digest_on=dates[0] if dates else None,
                last_ingested_at=await digests.get_last_updated_at(connection),
                subscriptions=posts,
                problem_deliveries=await self._problem_deliveries(connection, user_id, guild_id, channel_id),
                alert_count=len(rules),
                inactive_alerts=tuple(
                    rule for rule in rules if rule.state is not models.ActivityState.ACTIVE
                ),
                last_alert_post=await _last_post(connection, told[0]) if told else None,
                template_problems=tuple(self._templates.rendering_problems),
            )

    async def list_dates(self, until_on: date | None = None) -> list[date]:
        """Return up to 25 dates that have a digest, the newest first."""
        async with self._database.read() as connection:
            return await digests.list_dates(connection, limit=25, until_on=until_on)

    async def resend(self, delivery_id: int, *, guild_id: int) -> bool:
        """Send an uncertain delivery of this server once more; False when there is none such any more."""
        async with self._database.transaction() as connection:
            delivery = await queries.get(connection, delivery_id)
            if delivery is None or delivery.guild_id != guild_id:
                return False
            if delivery.state is not models.DeliveryState.UNCERTAIN:
                return False
            now = self._clock()
            parts = await queries.list_parts(connection, delivery_id)
            uncertain = [part.id for part in parts if part.state is models.PartState.UNCERTAIN]
            done = [
                await holds.requeue(
                    connection,
                    part_id,
                    nonce=self._deliveries.new_nonce(),
                    now=now,
                    expires_at=self._deliveries.expires_at(now),
                )
                for part_id in uncertain
            ]
            return any(done)

    async def _subscription_statuses(
        self, connection: Connection, guild_id: int | None, channel_id: int | None
    ) -> tuple[SubscriptionStatus, ...]:
        if guild_id is None:
            return ()
        found = await subscriptions.list_rows(connection, guild_id=guild_id)
        here = [one for one in found if one.channel_id == channel_id] or found
        statuses = []
        for one in here:
            sent = await queries.list_rows(
                connection, subscription_id=one.id, state=models.DeliveryState.SENT, limit=1
            )
            statuses.append(SubscriptionStatus(one, await _last_post(connection, sent[0]) if sent else None))
        return tuple(statuses)

    async def _problem_deliveries(
        self, connection: Connection, user_id: int, guild_id: int | None, channel_id: int | None
    ) -> tuple[models.Delivery, ...]:
        since = self._clock() - PROBLEM_WINDOW
        mine = await queries.list_rows(connection, user_id=user_id, since_at=since, limit=100)
        here = (
            await queries.list_rows(connection, channel_id=channel_id, since_at=since, limit=100)
            if guild_id is not None and channel_id is not None
            else []
        )
        troubled = {one.id: one for one in (*here, *mine) if one.state in PROBLEM_STATES}
        return tuple(troubled.values())[:MAX_PROBLEM_DELIVERIES]


async def _last_post(connection: Connection, delivery: models.Delivery) -> LastPost:
    parts = await queries.list_parts(connection, delivery.id)
    first = next((part for part in parts if part.message_id is not None), None)
    return LastPost(
        at=delivery.finished_at or delivery.due_at,
        digest_on=delivery.digest_on,
        channel_id=(first.channel_id if first else None) or delivery.channel_id,
        message_id=first.message_id if first else None,
    )
