"""Corrects posts when the digest that they came from is corrected. The papers and their order stay as planned.

What another digest says changes no post, so a paper's text is always that of the digest from which it was posted. A message
that is there is edited: it has one edit that waits at most, and is edited once in `INTERVAL` at most, then to its last state. A
message that was certainly not sent gets the new text. One of which that is unknown keeps its own, so that it is not sent twice,
and is edited once the post has ended (`EditPlanner.plan_late`). Runs inside the transaction that stores the digest.
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
from storage.database import Connection, Database

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)
"""Older posts are not edited."""
INTERVAL = timedelta(hours=1)
"""The shortest time between two edits of a message."""
POST_KINDS = frozenset({models.DeliveryKind.DAILY, models.DeliveryKind.ON_DEMAND})
LATE = timedelta(days=2)
"""How long after a correction posts are looked for that were being sent meanwhile: no delivery lives longer."""
OVERLAP = timedelta(minutes=5)
"""Longer than a correction, or the storing of a receipt, waits for its transaction."""
BATCH_SIZE = 500
"""Number of posts whose messages are in memory at once."""


class ChangedPost(NamedTuple):
    """A post and its new rendering."""

    delivery: models.Delivery
    rendered: deliveries.RenderedPost


class EditPlanner:
    """Plans the edits that follow from a corrected digest."""

    def __init__(self, factory: DeliveryFactory) -> None:
        self._factory = factory
        self._late_until: datetime | None = None

    async def plan_late(self, database: Database, now: datetime) -> int:
        """Plan the edits of posts that were being sent while they were corrected, and have ended since the last call.

        Returns their number.
        """
        since = min(self._late_until or now - LATE, now) - OVERLAP
        count = 0
        async with database.read() as connection:
            recent = await archive.list_rows(connection, since_on=(now - LOOK_BACK).date())
            corrected = [row for row in recent if row.revision > 1 and row.updated_at >= now - LATE]
            late = [row for row in corrected if await self._list_late(connection, row, since)]
        for digest in late:
            async with database.transaction() as connection:
                posts = await self._list_late(connection, digest, since)
                count += await self._correct(connection, digest, posts, now)
        self._late_until = now
        return count

    async def _list_late(
        self, connection: Connection, digest: models.StoredDigest, since: datetime
    ) -> list[models.Delivery]:
        return await stored_deliveries.list_rows(
            connection,
            digest_since=digest.date,
            planned_until=digest.updated_at,
            finished_since=max(since, digest.updated_at - OVERLAP),
        )

    async def plan(
        self,
        connection: Connection,
        digest_id: int,
        revision: int,
        now: datetime,
        changed_ids: Collection[int] | None = None,
    ) -> int:
        """Correct each post whose papers the correction changed. Returns the number of posts.

        `changed_ids` are the papers that may show something else now, by default all of the digest. A new digest
        (`revision` 1) changes no post.
        """
        digest = await archive.get(connection, digest_id) if revision > 1 else None
        if digest is None:
            return 0
        # A post has the date of its newest digest; the corrected digest may be an older one.
        recent = await stored_deliveries.list_rows(
            connection, digest_since=digest.date, since_at=now - LOOK_BACK
        )
        return await self._correct(connection, digest, recent, now, changed_ids)

    async def _correct(
        self,
        connection: Connection,
        digest: models.StoredDigest,
        posts: Sequence[models.Delivery],
        now: datetime,
        changed_ids: Collection[int] | None = None,
    ) -> int:
        origins = {
            (paper.arxiv_id, digest.id)
            for paper in await archive.list_papers(connection, [digest.id])
            if changed_ids is None or paper.paper_id in changed_ids
        }
        affected = [
            delivery
            for delivery in posts
            if delivery.kind in POST_KINDS
            and not origins.isdisjoint(zip(delivery.post.papers, delivery.post.digests, strict=False))
        ]
        changed = iter(await self._list_changed(connection, affected))
        edits = await stored_deliveries.list_edits(connection, now - INTERVAL) if affected else {}
        count = 0
        while batch := list(itertools.islice(changed, BATCH_SIZE)):
            count += await self._plan_batch(connection, batch, edits, f"{digest.id}:{digest.revision}", now)
        if count:
            log.info("posts corrected", count=count, digest=digest.id, revision=digest.revision)
        return count

    async def _list_changed(
        self, connection: Connection, affected: Sequence[models.Delivery]
    ) -> list[ChangedPost]:
        """Render each distinct post again, and return those whose papers changed."""
        by_id = {row.id: row for row in await daily.list_rows(connection)} if affected else {}
        rendered: dict[object, deliveries.RenderedPost | None] = {}
        unsent = set(await stored_deliveries.list_unsent(connection, [delivery.id for delivery in affected]))
        changed = []
        for delivery in affected:
            subscription = by_id.get(delivery.subscription_id or 0)
            if subscription is None:
                continue
            may_mention = delivery.kind is models.DeliveryKind.DAILY and delivery.id in unsent
            role_id = subscription.mention_role_id if may_mention else None  # an edit mentions none
            content = delivery.post, delivery.locale, delivery.digest_on, role_id
            key = content, subscription.style, schedule.schedule_key(subscription)
            if key not in rendered:
                rendered[key] = await self._rerender(connection, delivery, subscription, role_id)
            new = rendered[key]
            if new is not None and new.stored.fingerprint != delivery.post.fingerprint:
                changed.append(ChangedPost(delivery, new))
        return changed

    async def _rerender(
        self,
        connection: Connection,
        delivery: models.Delivery,
        subscription: models.Subscription,
        role_id: int | None,
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
                missed_on=delivery.post.missed_on,
                mention_role_id=role_id,
                ranks=delivery.post.ranks,
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
        """Correct the messages of each post, with an edit in place of the one that waits. Returns the number of posts."""
        ids = [delivery.id for delivery, _ in batch]
        held = await outbox.hold_unattempted(connection, ids)
        stored = await stored_deliveries.list_parts_by_delivery(connection, ids)
        planned: list[models.NewDelivery] = []
        replaced: list[int] = []
        posts: dict[int, models.StoredPost] = {}
        payloads: dict[int, str] = {}
        unsent: dict[int, tuple[str, str | None]] = {}
        count = 0
        for delivery, rendered in batch:
            parts = stored[delivery.id]
            new_parts = self._factory.build_parts(rendered.parts, delivery.key)
            is_settled = all(part.id in held or part.state is models.PartState.SENT for part in parts)
            if [part.kind for part in parts] != [part.kind for part in new_parts]:
                # The subscription's style has changed since, or the text is longer: the post consists of other messages.
                if held.issuperset(part.id for part in parts):
                    await outbox.replace_parts(connection, delivery.id, new_parts, max(now, delivery.due_at))
                    posts[delivery.id] = replace(delivery.post, fingerprint=rendered.stored.fingerprint)
                    count += 1
                continue
            changed = _list_changed_messages(parts, new_parts)
            unsent |= {part.id: bodies for part, bodies in changed if part.id in held}
            for part, (payload, _) in changed:
                if part.message_id is None:
                    continue
                payloads[part.id] = payload
                earlier = known.get(part.message_id, ())
                is_sending = [row.part_id for row in earlier if row.state is models.PartState.SENDING]
                edit = _build_edit(part, payload)
                # If that attempt fails and is repeated, it must not restore the older text.
                payloads |= dict.fromkeys(is_sending, edit.payload)
                replaced += [row.delivery_id for row in earlier if row.sent_at is None]
                planned.append(
                    self._factory.build(
                        deliveries.EDIT,
                        f"edit:{part.id}:{revision}",
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
            count += any(part.id in held or part.message_id is not None for part, _ in changed)
            if is_settled:
                posts[delivery.id] = replace(delivery.post, fingerprint=rendered.stored.fingerprint)
        await outbox.withdraw(connection, replaced)
        await outbox.add_all(connection, planned)
        await outbox.set_content(connection, posts, payloads, unsent)
        return count


def _list_changed_messages(
    parts: Sequence[models.Part], new_parts: Sequence[models.NewPart]
) -> list[tuple[models.Part, tuple[str, str | None]]]:
    """Return the parts whose message has another content now, with its payload and fallback."""
    changed = []
    for part, new in zip(parts, new_parts, strict=True):
        if part.kind not in contents.MARKED_KINDS or part.payload is None:
            continue
        # If Discord refused the payload, the fallback was posted, and the part has no fallback of its own.
        is_plain = part.fallback is None and new.fallback is not None
        bodies = (new.fallback or "", None) if is_plain else (new.payload, new.fallback)
        if part.payload != bodies[0]:
            changed.append((part, bodies))
    return changed


def _build_edit(part: models.Part, payload: str) -> models.NewPart:
    body: dict[str, Any] = json.loads(payload)
    return models.NewPart(
        kind=models.PartKind.EDIT,
        payload=dump_payload(body.get("message", body)),
        nonce="",
        channel_id=part.channel_id,
        message_id=part.message_id,
    )


def _due_at(earlier: Iterable[stored_deliveries.PlannedEdit], now: datetime) -> datetime:
    """Return when a message may be edited next; an edit that is being sent counts as sent now."""
    edited = [
        row.sent_at or now
        for row in earlier
        if row.sent_at is not None or row.state is models.PartState.SENDING
    ]
    return max((at + INTERVAL for at in edited), default=now)
