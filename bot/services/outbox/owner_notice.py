"""Plans the notices to the owners of subscriptions and channel alerts: suspended, resumed, closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import guilds, models, readers
from storage.database import Connection
from storage.outbox import plan


class OwnerNotifier:
    """Plans one notice per subscription, and one per owner of a channel's alerts. All times are UTC."""

    def __init__(self, deliveries: DeliveryFactory) -> None:
        self._deliveries = deliveries

    async def notify_of_subscription(
        self,
        connection: Connection,
        subscription: models.Subscription,
        kind: contents.NoticeKind,
        now: datetime,
        *,
        reason: contents.Reason | None = None,
    ) -> None:
        """Notify the creator by DM; of a subscription without one, the server's system channel."""
        user_id, channel_id = subscription.created_by, None
        if user_id is None:
            guild = await guilds.get(connection, subscription.guild_id)
            channel_id = None if guild is None else guild.system_channel_id
            if channel_id in (None, subscription.channel_id):
                return
        notice = contents.NoticePost(
            marker=_marker("s", subscription.id, kind, now),
            locale=await _reader_locale(connection, user_id, subscription.locale),
            kind=kind,
            reason=reason,
            channel_id=subscription.channel_id,
            subscription_id=subscription.id,
        )
        delivery = self._deliveries.build_notice(
            notice, now=now, user_id=user_id, guild_id=subscription.guild_id, channel_id=channel_id
        )
        await plan.add(connection, delivery)

    async def notify_of_alerts(
        self,
        connection: Connection,
        channel_alerts: Iterable[models.Alert],
        kind: contents.NoticeKind,
        now: datetime,
        *,
        default_locale: models.Locale,
        reason: contents.Reason | None = None,
    ) -> None:
        """Notify each owner by DM, once for all of their alerts in one channel."""
        by_owner = {(alert.user_id, alert.channel_id): alert for alert in channel_alerts}
        for alert in by_owner.values():
            notice = contents.NoticePost(
                marker=_marker("a", alert.id, kind, now),
                locale=await _reader_locale(connection, alert.user_id, default_locale),
                kind=kind,
                reason=reason,
                channel_id=alert.channel_id,
                alert_id=alert.id,
            )
            delivery = self._deliveries.build_notice(
                notice, now=now, user_id=alert.user_id, guild_id=alert.guild_id
            )
            await plan.add(connection, delivery)


def _marker(owned: str, owned_id: int, kind: contents.NoticeKind, now: datetime) -> str:
    resumed = "r" if kind is contents.NoticeKind.RESUMED else ""
    return f"notice:{resumed}{owned}{owned_id}:{int(now.timestamp())}"


async def _reader_locale(
    connection: Connection, user_id: int | None, default: models.Locale
) -> models.Locale:
    reader = await readers.get(connection, user_id) if user_id is not None else None
    return reader.locale if reader is not None and reader.locale is not None else default
