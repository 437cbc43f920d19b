"""Suspends subscriptions and alerts whose destination Discord blocks, and resumes them when it is available again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.services.outbox import owner_notice
from bot.services.outbox.discord_errors import Classification, Disposition
from bot.services.posts.contents import NoticeKind, Reason
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import alerts, guilds, models, readers, subscriptions
from storage.accounts import profiles
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryKind
from storage.outbox import holds, queries

MayPost = Callable[[int, int, str], bool | None]
"""Checks whether the reason why a channel is blocked (guild id, channel id, reason) is gone; None if unknown."""

SUBSCRIPTION_REASONS = frozenset(
    {Reason.TAG_NEEDED, Reason.WRONG_CHANNEL_KIND, Reason.NO_THREADS, Reason.THREAD_LOCKED}
)
"""Reasons that affect one subscription's style, not everything posted to its channel."""


class DestinationSuspender:
    """Pauses (or closes) the subscriptions and alerts of a blocked destination, with one notice per owner."""

    def __init__(self, deliveries: DeliveryFactory) -> None:
        self._deliveries = deliveries
        self._notifier = owner_notice.OwnerNotifier(deliveries)

    async def suspend(
        self, connection: Connection, delivery: models.Delivery, classification: Classification, now: datetime
    ) -> None:
        """Suspend the destination of `delivery` at `now` (UTC). A notice is redirected instead, once."""
        is_gone = classification.disposition is Disposition.DESTINATION_GONE
        state = ActivityState.CLOSED if is_gone else ActivityState.PAUSED
        if delivery.kind is DeliveryKind.NOTICE:
            await self._redirect_notice(connection, delivery, now)
        elif delivery.user_id is not None and delivery.guild_id is None:
            await self._suspend_reader(connection, delivery.user_id, state, classification.reason)
        elif delivery.channel_id is not None:
            await self._suspend_channel(connection, delivery, state, classification.reason, now)

    async def _suspend_reader(
        self, connection: Connection, user_id: int, state: ActivityState, reason: Reason
    ) -> None:
        """Suspend a reader's alerts and papers of the day by DM. No message can reach them; /status shows it."""
        await readers.clear_dm_channel(connection, user_id)
        dm_alert_ids = [
            alert.id
            for alert in await alerts.list_rows(connection, user_id=user_id)
            if alert.channel_id is None
        ]
        await alerts.set_state(connection, dm_alert_ids, state, reason=reason)
        await profiles.suspend(connection, user_id, reason)
        await holds.pause(connection, user_id=user_id, reason=reason)

    async def _suspend_channel(
        self,
        connection: Connection,
        delivery: models.Delivery,
        state: ActivityState,
        reason: Reason,
        now: datetime,
    ) -> None:
        is_closed = state is ActivityState.CLOSED
        kind = NoticeKind.CLOSED if is_closed else NoticeKind.PAUSED
        await self._suspend_subscriptions(connection, delivery, state, kind, reason, now)
        if reason in SUBSCRIPTION_REASONS:
            return
        stored_alerts = await alerts.list_rows(connection, channel_id=delivery.channel_id)
        active = [alert for alert in stored_alerts if alert.state is ActivityState.ACTIVE]
        await alerts.set_state(connection, [alert.id for alert in active], state, reason=reason)
        await self._notifier.notify_of_alerts(
            connection, active, kind, now, default_locale=delivery.locale, reason=reason
        )
        if is_closed:
            planned = await queries.list_rows(
                connection, channel_id=delivery.channel_id, state=models.DeliveryState.PLANNED
            )
            await holds.cancel(connection, [other.id for other in planned], reason=reason, now=now)
        else:
            await holds.pause(connection, channel_id=delivery.channel_id, reason=reason)

    async def _suspend_subscriptions(
        self,
        connection: Connection,
        delivery: models.Delivery,
        state: ActivityState,
        kind: NoticeKind,
        reason: Reason,
        now: datetime,
    ) -> None:
        affected = await subscriptions.list_rows(
            connection, channel_id=delivery.channel_id, state=ActivityState.ACTIVE
        )
        if reason in SUBSCRIPTION_REASONS and delivery.subscription_id is not None:
            affected = [row for row in affected if row.id == delivery.subscription_id]
        changed_ids = await subscriptions.set_state(
            connection, [row.id for row in affected], state, reason=reason
        )
        for subscription in affected:
            if subscription.id in changed_ids:
                await self._notifier.notify_of_subscription(
                    connection, subscription, kind, now, reason=reason
                )

    async def _redirect_notice(
        self, connection: Connection, delivery: models.Delivery, now: datetime
    ) -> None:
        """Redirect a notice that its reader does not accept to the server's system channel, once."""
        if delivery.user_id is None or delivery.guild_id is None:
            return
        await readers.clear_dm_channel(connection, delivery.user_id)
        guild = await guilds.get(connection, delivery.guild_id)
        if guild is not None and guild.system_channel_id is not None:
            await holds.redirect(
                connection, delivery.id, guild.system_channel_id, nonce=self._deliveries.new_nonce(), now=now
            )


class DestinationResumer:
    """Resumes suspended subscriptions and alerts, with one notice per owner. `default_locale` is for alerts' owners."""

    def __init__(
        self, database: Database, deliveries: DeliveryFactory, default_locale: models.Locale
    ) -> None:
        self._database = database
        self._notifier = owner_notice.OwnerNotifier(deliveries)
        self._default_locale = default_locale

    async def resume(self, may_post: MayPost, now: datetime, *, guild_id: int | None = None) -> set[int]:
        """Resume the subscriptions and alerts that `may_post` allows, in one server or in all. Returns their channel ids.

        Their deliveries that have not expired are due at once. What a person paused stays paused.
        """
        async with self._database.transaction() as connection:
            paused = await subscriptions.list_rows(connection, guild_id=guild_id, state=ActivityState.PAUSED)
            resumable = [row for row in paused if row.reason != Reason.BY_HAND and _can_resume(may_post, row)]
            resumable_alerts = [
                alert
                for alert in await alerts.list_suspended(connection)
                if guild_id in (None, alert.guild_id)
                and alert.reason != Reason.BY_HAND
                and _can_resume(may_post, alert)
            ]
            await subscriptions.set_state(connection, [row.id for row in resumable], ActivityState.ACTIVE)
            await alerts.set_state(connection, [alert.id for alert in resumable_alerts], ActivityState.ACTIVE)
            for subscription in resumable:
                if subscription.reason == Reason.GUILD_LEFT:
                    continue  # paused without a notice, so that none is due now
                await self._notifier.notify_of_subscription(connection, subscription, NoticeKind.RESUMED, now)
            await self._notifier.notify_of_alerts(
                connection, resumable_alerts, NoticeKind.RESUMED, now, default_locale=self._default_locale
            )
            channel_ids = {row.channel_id for row in resumable}
            channel_ids |= {alert.channel_id for alert in resumable_alerts if alert.channel_id is not None}
            for channel_id in sorted(channel_ids):
                await holds.resume(connection, now, channel_id=channel_id)
        return channel_ids


def _can_resume(may_post: MayPost, paused: models.Subscription | models.Alert) -> bool:
    if paused.guild_id is None or paused.channel_id is None or paused.reason is None:
        return False
    return bool(may_post(paused.guild_id, paused.channel_id, paused.reason))
