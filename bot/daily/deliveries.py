"""The delivery kinds of subscriptions: how a post is rendered once for many channels, what its expiry undoes, and how
subscriptions are suspended and resumed with their channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.outbox import contents
from bot.outbox.contents import STYLE_REASONS, CanResume, DeliveryFactory, KindRecord, Owned
from storage import daily, models
from storage.database import Connection
from storage.models import ActivityState, DeliveryKind, Priority

MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""Marker of a rendered post that is shared by many deliveries; each delivery puts its own key in its place."""


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the digests and late papers of unsent posts be posted again."""
    covering = [(row.subscription_id, row.planned_at) for row in unsent if row.subscription_id is not None]
    await daily.remove_covered(connection, covering)


async def _suspend(
    connection: Connection, delivery: models.Delivery, state: ActivityState, reason: models.Reason
) -> list[Owned]:
    if delivery.is_direct:
        return []
    affected = await daily.list_rows(connection, channel_id=delivery.channel_id, state=ActivityState.ACTIVE)
    if reason in STYLE_REASONS and delivery.subscription_id is not None:
        affected = [row for row in affected if row.id == delivery.subscription_id]
    ids = [row.id for row in affected]
    changed_ids = await daily.set_state(connection, ids, state, reason=reason)
    return [_owned(row) for row in affected if row.id in changed_ids]


async def _resume(connection: Connection, can_resume: CanResume, guild_id: int | None) -> list[Owned]:
    paused = await daily.list_rows(connection, guild_id=guild_id, state=ActivityState.PAUSED)
    resumable = [row for row in paused if can_resume(row)]
    await daily.set_state(connection, [row.id for row in resumable], ActivityState.ACTIVE)
    return [_owned(row) for row in resumable]


def _owned(subscription: models.Subscription) -> Owned:
    return Owned(
        name=f"s{subscription.id}",
        guild_id=subscription.guild_id,
        channel_id=subscription.channel_id,
        user_id=subscription.created_by,
        locale=subscription.locale,
        subscription_id=subscription.id,
        # That it was paused when the bot left was not told either.
        is_notified=subscription.reason != models.Reason.GUILD_LEFT,
    )


DAILY: KindRecord[contents.DailyPost] = KindRecord(
    kind=DeliveryKind.DAILY,
    priority=Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_daily(post),
    undo=_undo,
    suspend=_suspend,
    resume=_resume,
)
ON_DEMAND = KindRecord(kind=DeliveryKind.ON_DEMAND, priority=Priority.INTERACTIVE, render=DAILY.render)
EDIT = KindRecord(kind=DeliveryKind.EDIT, priority=Priority.CORRECTION, render=DAILY.render)


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A daily post rendered with MARKER_PLACEHOLDER: its messages without nonces, and what is stored of it."""

    parts: tuple[models.NewPart, ...]
    stored: models.StoredPost


def render(deliveries: DeliveryFactory, post: contents.DailyPost) -> RenderedPost:
    """Render a post once, for any number of deliveries. `post.marker` must be MARKER_PLACEHOLDER."""
    # Of the papers alone: a changed schedule or template is not a reason to edit what was posted.
    titles = [(paper.title, paper.url) for paper, _, _ in post.server_picks]
    shown = repr(post.papers) + (repr(titles) if titles else "")
    stored = models.StoredPost(
        papers=tuple(paper.arxiv_id for paper in post.papers),
        digests=tuple(paper.digest_id for paper in post.papers),
        total=post.total,
        fingerprint=hashlib.sha256(shown.encode()).hexdigest(),
        server_picks=tuple((paper.arxiv_id, saved, shared) for paper, saved, shared in post.server_picks),
        **post.facts(),
    )
    return RenderedPost(deliveries.render(DAILY, post), stored)
