"""Plans the notices that tell the operator about a source which keeps failing, and about a file that was set aside."""

from __future__ import annotations

import hashlib
from datetime import datetime

from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import models
from storage.database import Connection
from storage.outbox import plan

CRASHED_TWICE = "crashed-twice"
"""The reason of what was being read at two crashes in a row; the templates have its sentence."""


class OperatorNotifier:
    """Plans notices to the operator's channel. `renderer` is built on first use."""

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
        await self._plan(connection, f"notice:q{digest[:20]}", CRASHED_TWICE, name, now)

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
        delivery = self._deliveries.build_notice(notice, now=now, channel_id=self._channel_id)
        await plan.add(connection, delivery)
