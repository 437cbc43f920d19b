"""Plans edits of sent posts when the digest that they came from is corrected. The papers and their order stay as posted.

What another digest says changes no sent post, so a paper's text is always that of the digest from which it was posted. A
message has one edit that waits at most, and is edited once in `INTERVAL` at most, then to its last state. Runs inside the
transaction that stores the digest.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

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
INTERVAL = timedelta(hours=1)
"""The shortest time between two edits of a message."""
POST_KINDS = frozenset({models.DeliveryKind.DAILY, models.DeliveryKind.ON_DEMAND})
BATCH_SIZE = 500
"""Number of posts whose messages are in memory at once."""


class ChangedPost(NamedTuple):
    """A sent post and its new rendering."""

    delivery: models.Delivery
    rendered: deliveries.RenderedPost


class EditPlanner:
    """Plans the edits that follow from a corrected digest."""

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
        (`revision` 1) changes no post.
        """
        digest = await archive.get(connection, digest_id) if revision > 1 else None
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
        origins = {(arxiv_id, digest_id) for arxiv_id in corrected}
        affected = [
            delivery
            for delivery in recent
            if delivery.kind in POST_KINDS
            and not origins.isdisjoint(zip(delivery.post.papers, delivery.post.digests, strict=False))
        ]
        changed = iter(await self._list_changed(connection, affected))
        edits = await stored_deliveries.list_edits(connection, now - INTERVAL) if affected else {}
        count = 0
        while batch := list(itertools.islice(changed, BATCH_SIZE)):
            count += await self._plan_batch(connection, batch, edits, f"{digest_id}:{revision}", now)
        if count:
            log.info("edits planned", count=count, digest=digest_id, revision=revision)
        return count

    async def _list_changed(
        self, connection: Connection, sent: Sequence[models.Delivery]
    ) -> list[ChangedPost]:
        """Render each distinct post again, and return those whose papers changed."""
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
                rendered[key] = await self._rerender(connection, delivery, subscription)
            new = rendered[key]
            if new is not None and new.stored.fingerprint != delivery.post.fingerprint:
                changed.append(ChangedPost(delivery, new))
        return changed

    async def _rerender(
        self, connection: Connection, delivery: models.Delivery, subscription: models.Subscription
    ) -> deliveries.RenderedPost | None:
        rows = await papers.list_by_arxiv_ids(connection, delivery.post.papers)
        details = await papers.list_details(connection, [row.id for row in rows])
        if len(details) != len(delivery.post.papers):
            return None
        details = [
            replace(detail, appearances=tuple(of for of in detail.appearances if of.digest_id == digest_id))
            for detail, digest_id in zip(details, delivery.post.digests, strict=True)
        ]
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
                source=delivery.post.source,
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
        known: Mapping[int, Sequence[stored_deliveries.PlannedEdit]],
        revision: str,
        now: datetime,
    ) -> int:
        """Plan a delivery for each message, in place of the one that waits. Returns the number of posts."""
        stored = await stored_deliveries.list_parts_by_delivery(
            connection, [delivery.id for delivery, _ in batch]
        )
        planned: list[models.NewDelivery] = []
        replaced: list[int] = []
        posts: dict[int, models.StoredPost] = {}
        new_payloads: dict[int, str] = {}
        for delivery, rendered in batch:
            edits, payloads = self._build_edits(stored[delivery.id], rendered, delivery.key)
            new_payloads |= payloads
            for part_id, edit in edits.items():
                earlier = known.get(edit.message_id or 0, ())
                is_sending = [row.part_id for row in earlier if row.state is models.PartState.SENDING]
                # If that attempt fails and is repeated, it must not restore the older text.
                new_payloads |= dict.fromkeys(is_sending, edit.payload)
                replaced += [row.delivery_id for row in earlier if row.sent_at is None]
                planned.append(
                    self._factory.build(
                        deliveries.EDIT,
                        f"edit:{part_id}:{revision}",
                        delivery.locale,
                        [edit],
                        now,
                        due_at=_due_at(earlier, now),
                        guild_id=delivery.guild_id,
                        channel_id=delivery.channel_id,
                        digest_on=delivery.digest_on,
                        post=models.StoredPost(papers=delivery.post.papers),
                    )
                )
            if edits:
                posts[delivery.id] = replace(delivery.post, fingerprint=rendered.stored.fingerprint)
        await outbox.withdraw(connection, replaced)
        await outbox.add_all(connection, planned)
        await outbox.set_content(connection, posts, new_payloads)
        return len(posts)

    def _build_edits(
        self, stored: Sequence[models.Part], rendered: deliveries.RenderedPost, key: str
    ) -> tuple[dict[int, models.NewPart], dict[int, str]]:
        """Return the edits of changed messages, and their new payloads, both by the id of the message's part.

        Returns nothing if the subscription's style has changed since: that post consists of other messages.
        """
        edits: dict[int, models.NewPart] = {}
        payloads: dict[int, str] = {}
        new_parts = self._factory.build_parts(rendered.parts, key)
        if [part.kind for part in stored] != [part.kind for part in new_parts]:
            return {}, {}
        for part, new in zip(stored, new_parts, strict=True):
            if part.kind not in contents.MARKED_KINDS or part.message_id is None or part.payload is None:
                continue
            # If Discord refused the payload, the fallback was posted, and the part has no fallback of its own.
            shown = new.fallback if part.fallback is None and new.fallback is not None else new.payload
            if part.payload == shown:
                continue
            payloads[part.id] = shown
            body: dict[str, Any] = json.loads(shown)
            edits[part.id] = models.NewPart(
                kind=models.PartKind.EDIT,
                payload=dump_payload(body.get("message", body)),
                nonce="",
                channel_id=part.channel_id,
                message_id=part.message_id,
            )
        return edits, payloads


def _due_at(earlier: Iterable[stored_deliveries.PlannedEdit], now: datetime) -> datetime:
    """Return when a message may be edited next; an edit that is being sent counts as sent now."""
    edited = [
        row.sent_at or now
        for row in earlier
        if row.sent_at is not None or row.state is models.PartState.SENDING
    ]
    return max((at + INTERVAL for at in edited), default=now)
