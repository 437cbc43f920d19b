"""Plans the one message that tells the operator of a source which goes on failing. Its words are the renderer's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.services import posts, telling
from storage import models, outbox
from storage.database import Connection


class SourceNotices:
    """Writes to the operator's channel. `renderer` is asked for only when there is something to say."""

    def __init__(
        self,
        renderer: Callable[[], posts.Renderer],
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
        """Plan the notice of a source's failures, in the caller's transaction."""
        notice = posts.NoticePost(
            marker=f"notice:f{row.id}:{int(now.timestamp())}",
            locale=self._locale,
            kind=posts.NoticeKind.SOURCE_FAILING,
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
            parts=telling.new_parts(self._renderer().render_notice(notice), self._nonces),
            priority=telling.PRIORITY,
            channel_id=self._channel_id,
        )
        await outbox.add(connection, delivery)
