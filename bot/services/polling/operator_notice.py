"""Plans the notice that tells the operator about a source which keeps failing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.services.alerts import notifier
from bot.services.posts import contents
from storage import models
from storage.database import Connection
from storage.outbox import transitions


class OperatorNotifier:
    """Plans notices to the operator's channel. `renderer` is built on first use."""

    def __init__(
        self,
        renderer: Callable[[], contents.Renderer],
        *,
        nonces: Callable[[], str],
        channel_id: int,
        locale: models.Locale,
        expire_after: timedelta,
    ) -> None:
        self._renderer = renderer
        self._nonces = nonces
        self._channel_id = channel_id
        self._locale = locale
        self._expire_after = expire_after

    async def plan(self, connection: Connection, row: models.StoredSource, now: datetime) -> None:
        """Plan the notice about a failing source, in the caller's transaction."""
        notice = contents.NoticePost(
            marker=f"notice:f{row.id}:{int(now.timestamp())}",
            locale=self._locale,
            kind=contents.NoticeKind.SOURCE_FAILING,
            reason=row.reason,
            subject=row.url,
        )
        delivery = models.NewDelivery(
            key=notice.marker,
            kind=models.DeliveryKind.NOTICE,
            locale=self._locale,
            planned_at=now,
            due_at=now,
            expires_at=now + self._expire_after,
            parts=notifier.build_parts(self._renderer().render_notice(notice), self._nonces),
            priority=notifier.PRIORITY,
            channel_id=self._channel_id,
        )
        await transitions.add(connection, delivery)
