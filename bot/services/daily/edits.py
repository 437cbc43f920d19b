"""Edits what was posted when a corrected digest changes what it shows. The papers and their order stay as posted.

Runs inside the transaction that stores the correction. Sends nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import isolation
from bot.services.daily import styles
from bot.services.posts import contents, delivery_factory, summaries
from storage import digest_reads, digests, models, papers, subscriptions
from storage.database import Connection
from storage.outbox import plan, queries

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)
"""Older posts are left as they are: nobody reads them anew."""
EDITABLE_KINDS = frozenset(
    {models.PartKind.MESSAGE, models.PartKind.THREAD_MESSAGE, models.PartKind.FORUM_POST}
)
POST_KINDS = frozenset({models.DeliveryKind.DAILY, models.DeliveryKind.ON_DEMAND})
BATCH_SIZE = 500
"""Posts whose messages are in memory at once."""


@dataclass(frozen=True, slots=True)
class ChangedPost:
    """A post that shows something else than it would today."""

    delivery: models.Delivery
    rendered: delivery_factory.RenderedPost


class EditPlanner:
    """Plans the edits that a corrected digest asks for."""

    def __init__(self, deliveries: delivery_factory.DeliveryFactory) -> None:
        self._deliveries = deliveries

    async def plan(self, connection: Connection, digest_id: int, revision: int, now: datetime) -> int:
        """Plan an edit of each sent post whose papers the correction changed. Returns how many."""
        digest = await digests.get(connection, digest_id)
        if digest is None:
            return 0
        corrected = {one.arxiv_id for one in await digest_reads.list_papers(connection, [digest_id])}
        # A post is dated by the newest digest that it draws from; this one may be an older one of them.
        recent = await queries.list_rows(
            connection,
            state=models.DeliveryState.SENT,
            digest_since=digest.date,
            since_at=now - LOOK_BACK,
        )
        shown = [one for one in recent if one.kind in POST_KINDS and not corrected.isdisjoint(one.papers)]
        changed = iter(await self._list_changed(connection, shown))
        waiting = await queries.list_pending_edits(connection) if shown else {}
        number = 0
        while batch := list(itertools.islice(changed, BATCH_SIZE)):
            number += await self._plan_batch(connection, batch, waiting, f"{digest_id}:{revision}", now)
        if number:
            log.info("edits planned", count=number, digest=digest_id, revision=revision)
        return number

    async def _list_changed(
        self, connection: Connection, posted_deliveries: Sequence[models.Delivery]
    ) -> list[ChangedPost]:
        """Render each different post once more, and return those whose papers are not what they were."""
        orders = (
            {one.id: one for one in await subscriptions.list_rows(connection)} if posted_deliveries else {}
        )
        rendered: dict[object, delivery_factory.RenderedPost | None] = {}
        changed = []
        for delivery in posted_deliveries:
            order = orders.get(delivery.subscription_id or 0)
            if order is None:
                continue
            times = order.at_time, order.timezone, order.days
            key = delivery.papers, delivery.locale, delivery.digest_on, delivery.total, order.style, times
            if key not in rendered:
                rendered[key] = await self._rerender(connection, delivery, order)
            new = rendered[key]
            if new is not None and new.fingerprint != delivery.fingerprint:
                changed.append(ChangedPost(delivery, new))
        return changed

    async def _rerender(
        self, connection: Connection, delivery: models.Delivery, subscription: models.Subscription
    ) -> delivery_factory.RenderedPost | None:
        rows = await papers.list_by_arxiv_ids(connection, delivery.papers)
        details = await papers.list_details(connection, [row.id for row in rows])
        if len(details) != len(delivery.papers):
            return None
        # A post that fails to render must not block the ingest of the corrected digest.
        with isolation.isolated(log, "re-render failed", delivery=delivery.key):
            return self._deliveries.render_daily(_rebuild_post(delivery, subscription, details))
        return None

    async def _plan_batch(
        self,
        connection: Connection,
        batch: Sequence[ChangedPost],
        waiting: Mapping[int, Sequence[int]],
        revision: str,
        now: datetime,
    ) -> int:
        stored = await queries.list_parts_by_delivery(connection, [one.delivery.id for one in batch])
        planned, shown = [], []
        for one in batch:
            delivery = one.delivery
            edits, payloads = self._build_edits(stored[delivery.id], one.rendered, delivery.key)
            for edit in edits:
                # An edit that is tried again after this one must not bring the older text back.
                payloads |= dict.fromkeys(waiting.get(edit.message_id or 0, ()), edit.payload)
            if edits:
                key = f"edit:{delivery.id}:{revision}"
                planned.append(self._deliveries.build_edit(delivery, edits, key=key, now=now))
                shown.append(plan.DeliveryContent(delivery.id, one.rendered.fingerprint, payloads))
        ids = await plan.add_all(connection, planned)
        await plan.set_content(connection, shown)
        return len(ids)

    def _build_edits(
        self, stored: Sequence[models.Part], rendered: delivery_factory.RenderedPost, key: str
    ) -> tuple[tuple[models.NewPart, ...], dict[int, str]]:
        """Return an edit of each message that changed, and what those messages show then, by the part's id.

        A post whose order has another style since then has other messages, and stays as it is.
        """
        edits: list[models.NewPart] = []
        payloads: dict[int, str] = {}
        new_parts = self._deliveries.build_parts(rendered, key)
        if [part.kind for part in stored] != [part.kind for part in new_parts]:
            return (), {}
        for part, new in zip(stored, new_parts, strict=True):
            if part.kind not in EDITABLE_KINDS or part.message_id is None or part.payload is None:
                continue
            # Where Discord refused the full form, the plain one was posted and has no other behind it.
            shown = new.fallback if part.fallback is None and new.fallback is not None else new.payload
            if part.payload == shown:
                continue
            payloads[part.id] = shown
            edits.append(self._deliveries.build_edit_part(part, shown))
        return tuple(edits), payloads


def _rebuild_post(
    delivery: models.Delivery, subscription: models.Subscription, details: Sequence[models.PaperDetail]
) -> contents.DailyPost:
    """Return the post as it would be rendered today, from what the delivery kept of it."""
    assert delivery.digest_on is not None
    return contents.DailyPost(
        marker=delivery_factory.MARKER_PLACEHOLDER,
        locale=delivery.locale,
        style=subscription.style,
        digest_on=delivery.digest_on,
        total=delivery.total or len(details),
        papers=tuple(summaries.build_post_paper(detail, delivery.locale) for detail in details),
        schedule=contents.PostSchedule(subscription.at_time, subscription.timezone, subscription.days),
        since_on=styles.first_rolling_date(subscription, delivery.digest_on),
    )
