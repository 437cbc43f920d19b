"""Plans edits of sent posts whose content a corrected or new digest changes. The papers and their order stay as posted.

Runs inside the transaction that stores the digest.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from bot.archive import summaries
from bot.core import isolation
from bot.daily import choice, deliveries, schedule
from bot.outbox import contents
from bot.outbox import deliveries as outbox_deliveries
from bot.outbox.deliveries import DeliveryFactory, dump_payload
from storage import archive, daily, models, outbox, papers
from storage import deliveries as stored_deliveries
from storage.database import Connection

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)
"""Older posts are not edited."""
POST_KINDS = frozenset({models.DeliveryKind.DAILY, models.DeliveryKind.ON_DEMAND})
BATCH_SIZE = 500
"""Number of posts whose messages are in memory at once."""


class ChangedPost(NamedTuple):
    """A sent post and its new rendering."""

    delivery: models.Delivery
    rendered: deliveries.RenderedPost


class EditPlanner:
    """Plans the edits that follow from a corrected digest, or from a new one with better texts of posted papers."""

    def __init__(self, factory: DeliveryFactory) -> None:
        self._factory = factory

    async def plan(
        self,
        connection: Connection,
        digest_id: int,
        revision: int,
        now: datetime,
        changed_ids: Collection[int] | None = None,
    ) -> int:
        """Plan an edit of each sent post whose papers the correction changed. Returns the number of posts.

        `changed_ids` are the papers that may show something else now, by default all of the digest. A new digest
        (`revision` 1) edits only the posts that would show a summary of it.
        """
        digest = await archive.get(connection, digest_id)
        if digest is None:
            return 0
        corrected = {
            paper.arxiv_id
            for paper in await archive.list_papers(connection, [digest_id])
            if changed_ids is None or paper.paper_id in changed_ids
        }
        # A post has the date of its newest digest; the corrected digest may be an older one.
        recent = await stored_deliveries.list_rows(
            connection, state=models.DeliveryState.SENT, digest_since=digest.date, since_at=now - LOOK_BACK
        )
        affected = []
        for delivery in recent:
            picked = (arxiv_id for arxiv_id, _, _ in delivery.post.server_picks)
            if delivery.kind in POST_KINDS and not corrected.isdisjoint((*delivery.post.papers, *picked)):
                affected.append(delivery)
        shown_id = digest_id if revision == 1 else None
        changed = iter(await self._list_changed(connection, affected, shown_id))
        pending = await stored_deliveries.list_pending_edits(connection) if affected else {}
        count = 0
        while batch := list(itertools.islice(changed, BATCH_SIZE)):
            count += await self._plan_batch(connection, batch, pending, f"{digest_id}:{revision}", now)
        if count:
            log.info("edits planned", count=count, digest=digest_id, revision=revision)
        return count

    async def _list_changed(
        self, connection: Connection, sent: Sequence[models.Delivery], shown_id: int | None
    ) -> list[ChangedPost]:
        """Render each distinct post again, and return those whose papers changed.

        With `shown_id`, only posts that show a summary of that digest.
        """
        by_id = {row.id: row for row in await daily.list_rows(connection)} if sent else {}
        rendered: dict[object, deliveries.RenderedPost | None] = {}
        changed = []
        for delivery in sent:
            subscription = by_id.get(delivery.subscription_id or 0)
            if subscription is None:
                continue
            content = delivery.post, delivery.locale, delivery.digest_on
            key = content, subscription.style, schedule.schedule_key(subscription)
            if key not in rendered:
                rendered[key] = await self._rerender(connection, delivery, subscription, shown_id)
            new = rendered[key]
            if new is not None and new.stored.fingerprint != delivery.post.fingerprint:
                changed.append(ChangedPost(delivery, new))
        return changed

    async def _rerender(
        self,
        connection: Connection,
        delivery: models.Delivery,
        subscription: models.Subscription,
        shown_id: int | None,
    ) -> deliveries.RenderedPost | None:
        rows = await papers.list_by_arxiv_ids(connection, delivery.post.papers)
        details = await papers.list_details(connection, [row.id for row in rows])
        if len(details) != len(delivery.post.papers):
            return None
        if shown_id is not None:
            chosen = (summaries.best_summary(detail, delivery.locale) for detail in details)
            if not any(summary is not None and summary.digest_id == shown_id for summary in chosen):
                return None
        await outbox_deliveries.prepare_extracts(details, [delivery.locale])
        counts = {arxiv_id: (saved, shared) for arxiv_id, saved, shared in delivery.post.server_picks}
        picked = await papers.list_by_arxiv_ids(connection, list(counts))
        picks = tuple(outbox_deliveries.build_pick(row, *counts[row.arxiv_id]) for row in picked)
        # A template error must not abort the transaction of the correction.
        with isolation.isolated(log, "re-render failed", delivery=delivery.key):
            assert delivery.digest_on is not None
            post = contents.DailyPost(
                marker=deliveries.MARKER_PLACEHOLDER,
                locale=delivery.locale,
                style=subscription.style,
                digest_on=delivery.digest_on,
                total=delivery.post.total or len(details),
                papers=tuple(
                    outbox_deliveries.build_post_paper(detail, delivery.locale) for detail in details
                ),
                schedule=schedule.schedule_key(subscription),
                since_on=choice.first_rolling_date(subscription, delivery.digest_on),
                topic=delivery.post.topic,
                late=delivery.post.late,
                closes_at=delivery.post.closes_at,
                is_complete=delivery.post.is_complete,
                server_picks=picks,
            )
            return deliveries.render(self._factory, post)
        return None

    async def _plan_batch(
        self,
        connection: Connection,
        batch: Sequence[ChangedPost],
        pending: Mapping[int, Sequence[int]],
        revision: str,
        now: datetime,
    ) -> int:
        stored = await stored_deliveries.list_parts_by_delivery(
            connection, [delivery.id for delivery, _ in batch]
        )
        planned: list[models.NewDelivery] = []
        posts: dict[int, models.StoredPost] = {}
        new_payloads: dict[int, str] = {}
        for delivery, rendered in batch:
            edits, payloads = self._build_edits(stored[delivery.id], rendered, delivery.key)
            new_payloads |= payloads
            for edit in edits:
                # A pending edit that is retried after this one must not restore the older text.
                new_payloads |= dict.fromkeys(pending.get(edit.message_id or 0, ()), edit.payload)
            if edits:
                key = f"edit:{delivery.id}:{revision}"
                planned.append(
                    self._factory.build(
                        deliveries.EDIT,
                        key,
                        delivery.locale,
                        edits,
                        now,
                        guild_id=delivery.guild_id,
                        channel_id=delivery.channel_id,
                        digest_on=delivery.digest_on,
                        post=models.StoredPost(papers=delivery.post.papers),
                    )
                )
                posts[delivery.id] = replace(delivery.post, fingerprint=rendered.stored.fingerprint)
        ids = await outbox.add_all(connection, planned)
        await outbox.set_content(connection, posts, new_payloads)
        return len(ids)

    def _build_edits(
        self, stored: Sequence[models.Part], rendered: deliveries.RenderedPost, key: str
    ) -> tuple[tuple[models.NewPart, ...], dict[int, str]]:
        """Return the edits of changed messages, and the new payloads by part id.

        Returns nothing if the subscription's style has changed since: that post consists of other messages.
        """
        edits: list[models.NewPart] = []
        payloads: dict[int, str] = {}
        new_parts = self._factory.build_parts(rendered.parts, key)
        if [part.kind for part in stored] != [part.kind for part in new_parts]:
            return (), {}
        for part, new in zip(stored, new_parts, strict=True):
            if part.kind not in contents.MARKED_KINDS or part.message_id is None or part.payload is None:
                continue
            # If Discord refused the payload, the fallback was posted, and the part has no fallback of its own.
            shown = new.fallback if part.fallback is None and new.fallback is not None else new.payload
            if part.payload == shown:
                continue
            payloads[part.id] = shown
            body: dict[str, Any] = json.loads(shown)
            edits.append(
                models.NewPart(
                    kind=models.PartKind.EDIT,
                    payload=dump_payload(body.get("message", body)),
                    nonce="",
                    channel_id=part.channel_id,
                    message_id=part.message_id,
                )
            )
        return tuple(edits), payloads
