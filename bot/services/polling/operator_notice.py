"""Plans the notice that tells the operator about a source which keeps failing."""

from __future__ import annotations

from datetime import datetime

from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import errors, models
from storage.database import Connection
from storage.outbox import plan


class OperatorNotifier:
    """Plans notices to the operator's channel. `renderer` is built on first use."""

    def __init__(self, deliveries: DeliveryFactory, *, channel_id: int, locale: models.Locale) -> None:
        self._deliveries = deliveries
        self._channel_id = channel_id
        self._locale = locale

    async def plan(self, connection: Connection, row: models.StoredSource, now: datetime) -> None:
        """Plan the notice about a failing source, in the caller's transaction."""
        notice = contents.NoticePost(
            marker=f"notice:f{row.id}:{int(now.timestamp())}",
            locale=self._locale,
            kind=contents.NoticeKind.SOURCE_FAILING,
            reason=row.reason,
            subject=errors.redact(row.url),
        )
        delivery = self._deliveries.build_notice(notice, now=now, channel_id=self._channel_id)
        await plan.add(connection, delivery)
