"""Edits what was posted when a corrected digest changes what it shows. The papers and their order stay as posted.

Runs inside the transaction that stores the correction. Sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.services import daily, posts, summaries
from storage import deliveries, digests, models, outbox, papers, subscriptions
from storage.database import Connection

log = structlog.get_logger(__name__)

PRIORITY = 60
LOOK_BACK = timedelta(days=7)
"""Older posts are left as they are: nobody reads them anew."""
EDITABLE = frozenset({models.PartKind.MESSAGE, models.PartKind.THREAD_MESSAGE, models.PartKind.FORUM_POST})


class Edits:
    """Plans the edits that a corrected digest asks for."""

    def __init__(
        self,
        renderer: Callable[[], posts.Renderer],
        *,
        nonces: Callable[[], str],
        expire_after: timedelta = timedelta(hours=24),
    ) -> None:
        self._renderer = renderer
        self._nonces = nonces
        self._expire_after = expire_after

    async def plan(self, connection: Connection, digest_id: int, revision: int, now: datetime) -> int:
        """Plan an edit of each sent post whose text the correction changed. Returns how many."""
        digest = await digests.get(connection, digest_id)
        if digest is None:
            return 0
        sent = await deliveries.list_rows(
            connection, state=models.DeliveryState.SENT, digest_on=digest.date, since_at=now - LOOK_BACK
        )
        planned = []
        for delivery in sent:
            if delivery.kind in (models.DeliveryKind.DAILY, models.DeliveryKind.NOW):
                edit = await self._edit(
                    connection, delivery, f"edit:{delivery.id}:{digest_id}:{revision}", now
                )
                if edit is not None:
                    planned.append(edit)
        ids = await outbox.add_all(connection, planned)
        for key in ids:
            log.info("edit planned", delivery=key)
        return len(ids)

    async def _edit(
        self, connection: Connection, delivery: models.Delivery, key: str, now: datetime
    ) -> models.NewDelivery | None:
        if delivery.subscription_id is None or not delivery.papers:
            return None
        subscription = await subscriptions.get(connection, delivery.subscription_id)
        rows = await papers.list_by_arxiv_ids(connection, delivery.papers)
        details = await papers.list_details(connection, [row.id for row in rows])
        if subscription is None or len(details) != len(delivery.papers):
            return None
        rendered = daily.render(self._renderer(), _post(delivery, subscription, details))
        if rendered.fingerprint == delivery.fingerprint:
            return None
        parts = self._parts(await deliveries.list_parts(connection, delivery.id), rendered, delivery.key)
        if not parts:
            return None
        await outbox.set_shown(
            connection, delivery.id, papers=delivery.papers, fingerprint=rendered.fingerprint
        )
        return models.NewDelivery(
            key=key,
            kind=models.DeliveryKind.EDIT,
            locale=delivery.locale,
            planned_at=now,
            due_at=now,
            expires_at=now + self._expire_after,
            parts=parts,
            priority=PRIORITY,
            guild_id=delivery.guild_id,
            channel_id=delivery.channel_id,
            digest_on=delivery.digest_on,
            papers=delivery.papers,
        )

    def _parts(
        self, stored: Sequence[models.Part], rendered: daily.Rendered, marker: str
    ) -> tuple[models.NewPart, ...]:
        """Return an edit of each message whose payload changed."""
        edits = []
        for part, new in zip(stored, rendered.parts_for(marker, self._nonces), strict=False):
            if part.kind is not new.kind or part.kind not in EDITABLE or part.message_id is None:
                continue
            if part.payload is None or part.payload == new.payload:
                continue
            body: dict[str, Any] = json.loads(new.payload or "{}")
            edits.append(
                models.NewPart(
                    kind=models.PartKind.EDIT,
                    payload=json.dumps(body.get("message", body), ensure_ascii=False, separators=(",", ":")),
                    fallback=None,
                    nonce=self._nonces(),
                    channel_id=part.channel_id,
                    message_id=part.message_id,
                )
            )
        return tuple(edits)


def _post(
    delivery: models.Delivery, subscription: models.Subscription, details: Sequence[models.PaperDetail]
) -> posts.DailyPost:
    """Return the post as it would be rendered today, from what the delivery kept of it."""
    assert delivery.digest_on is not None
    return posts.DailyPost(
        marker=daily.MARKER,
        locale=delivery.locale,
        style=subscription.style,
        digest_on=delivery.digest_on,
        total=delivery.total or len(details),
        papers=tuple(summaries.post_paper(detail, delivery.locale) for detail in details),
        schedule=posts.PostSchedule(subscription.at_time, subscription.timezone, subscription.days),
    )
