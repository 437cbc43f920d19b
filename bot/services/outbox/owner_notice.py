"""Plans the notices to owners (suspended, resumed, closed) and to the operator (a failing source, a file set aside)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from bot.services.ingest import quarantine
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import KindRecord, Owned
from storage import guilds, models, readers
from storage.database import Connection
from storage.outbox import plan

NOTICE: KindRecord[contents.NoticePost] = KindRecord(
    kind=models.DeliveryKind.NOTICE,
    priority=models.Priority.NOTIFICATION,
    render=lambda renderer, post: renderer.render_notice(post),
)


class OwnerNotifier:
    """Plans one notice for each subscription, and for each owner of a channel's alerts."""

    def __init__(self, deliveries: DeliveryFactory) -> None:
        self._deliveries = deliveries

    async def notify(
        self,
        connection: Connection,
        changed: Iterable[Owned],
        kind: contents.NoticeKind,
        now: datetime,
        *,
        default_locale: models.Locale,
        reason: contents.Reason | None = None,
    ) -> None:
        """Notify the owners at `now` (UTC) by DM; of what has none, the server's system channel."""
        resumed = "r" if kind is contents.NoticeKind.RESUMED else ""
        for owned in changed:
            channel_id = None
            if owned.user_id is None:
                guild = await guilds.get(connection, owned.guild_id or 0)
                channel_id = None if guild is None else guild.system_channel_id
                if channel_id in (None, owned.channel_id):
                    continue
            reader = None if owned.user_id is None else await readers.get(connection, owned.user_id)
            notice = contents.NoticePost(
                marker=f"notice:{resumed}{owned.name}:{int(now.timestamp())}",
                locale=(reader and reader.locale) or owned.locale or default_locale,
                kind=kind,
                reason=reason,
                channel_id=owned.channel_id,
                subscription_id=owned.subscription_id,
                alert_id=owned.alert_id,
            )
            delivery = self._deliveries.build_post(
                NOTICE,
                notice,
                now,
                user_id=owned.user_id,
                guild_id=owned.guild_id,
                channel_id=channel_id,
                subscription_id=owned.subscription_id,
            )
            await plan.add(connection, delivery)


class OperatorNotifier:
    """Plans notices to the operator's channel."""

    def __init__(self, deliveries: DeliveryFactory, *, channel_id: int, locale: models.Locale) -> None:
        self._deliveries = deliveries
        self._channel_id = channel_id
        self._locale = locale

    async def plan(self, connection: Connection, row: models.StoredSource, now: datetime) -> None:
        """Plan the notice about a failing source, in the caller's transaction."""
        marker = f"notice:f{row.id}:{int(now.timestamp())}"
        await self._plan(connection, marker, row.reason, row.url, now)

    async def plan_set_aside(
        self, connection: Connection, name: str, fingerprint: str, now: datetime
    ) -> None:
        """Plan the notice about a file that is not read any more, once for each of its versions."""
        digest = hashlib.sha256(f"{name}\0{fingerprint}".encode("utf-8", "replace")).hexdigest()
        await self._plan(connection, f"notice:q{digest[:20]}", quarantine.CRASHED_TWICE, name, now)

    async def _plan(
        self, connection: Connection, marker: str, reason: str | None, subject: str, now: datetime
    ) -> None:
        notice = contents.NoticePost(
            marker=marker,
            locale=self._locale,
            kind=contents.NoticeKind.SOURCE_FAILING,
            reason=reason,
            subject=subject,
        )
        delivery = self._deliveries.build_post(NOTICE, notice, now, channel_id=self._channel_id)
        await plan.add(connection, delivery)
