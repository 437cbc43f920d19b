"""The delivery kinds of subscriptions: how a post is rendered once for many channels, what its expiry undoes, and how
subscriptions are suspended and resumed with their channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import STYLE_REASONS, Blocked, CanResume, KindRecord, Owned
from storage import models, posted, subscriptions
from storage.database import Connection
from storage.models import ActivityState, DeliveryKind, Priority

MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""Marker of a rendered post that is shared by many deliveries; each delivery puts its own key in its place."""


def _render(renderer: contents.Renderer, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
    return renderer.render_daily(post)


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the digests and late papers of unsent posts be posted again."""
    covering = [(row.subscription_id, row.planned_at) for row in unsent if row.subscription_id is not None]
    await posted.remove_covered(connection, covering)


async def _suspend(connection: Connection, blocked: Blocked) -> list[Owned]:
    if blocked.channel_id is None:
        return []
    affected = await subscriptions.list_rows(
        connection, channel_id=blocked.channel_id, state=ActivityState.ACTIVE
    )
    if blocked.reason in STYLE_REASONS and blocked.subscription_id is not None:
        affected = [row for row in affected if row.id == blocked.subscription_id]
    ids = [row.id for row in affected]
    changed_ids = await subscriptions.set_state(connection, ids, blocked.state, reason=blocked.reason)
    return [_owned(row) for row in affected if row.id in changed_ids]


async def _resume(connection: Connection, can_resume: CanResume, guild_id: int | None) -> list[Owned]:
    paused = await subscriptions.list_rows(connection, guild_id=guild_id, state=ActivityState.PAUSED)
    resumable = [row for row in paused if can_resume(row.guild_id, row.channel_id, row.reason)]
    await subscriptions.set_state(connection, [row.id for row in resumable], ActivityState.ACTIVE)
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
        is_notified=subscription.reason != contents.Reason.GUILD_LEFT,
    )


DAILY: KindRecord[contents.DailyPost] = KindRecord(
    kind=DeliveryKind.DAILY,
    priority=Priority.SCHEDULED,
    render=_render,
    undo=_undo,
    suspend=_suspend,
    resume=_resume,
)
ON_DEMAND: KindRecord[contents.DailyPost] = KindRecord(
    kind=DeliveryKind.ON_DEMAND, priority=Priority.INTERACTIVE, render=_render
)
EDIT: KindRecord[contents.DailyPost] = KindRecord(
    kind=DeliveryKind.EDIT, priority=Priority.CORRECTION, render=_render
)


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A daily post rendered with MARKER_PLACEHOLDER: its messages without nonces, and what is stored of it."""

    locale: models.Locale
    digest_on: date
    parts: tuple[models.NewPart, ...]
    stored: models.StoredPost


def render(deliveries: DeliveryFactory, post: contents.DailyPost) -> RenderedPost:
    """Render a post once, for any number of deliveries. `post.marker` must be MARKER_PLACEHOLDER."""
    # Of the papers alone: a changed schedule or template is no reason to edit what was posted.
    titles = [(paper.title, paper.url) for paper, _, _ in post.our_five]
    shown = repr(post.papers) + (repr(titles) if titles else "")
    stored = models.StoredPost(
        papers=tuple(paper.arxiv_id for paper in post.papers),
        total=post.total,
        fingerprint=hashlib.sha256(shown.encode()).hexdigest(),
        topic=post.topic,
        late=post.late,
        closes_at=post.closes_at,
        is_complete=post.is_complete,
        our_five=tuple((paper.arxiv_id, saved, shared) for paper, saved, shared in post.our_five),
    )
    return RenderedPost(post.locale, post.digest_on, deliveries.render(DAILY, post), stored)


def build(
    deliveries: DeliveryFactory,
    record: KindRecord[contents.DailyPost],
    rendered: RenderedPost,
    subscription: models.Subscription,
    *,
    key: str,
    local_on: date,
    now: datetime,
    due_at: datetime | None = None,
) -> models.NewDelivery:
    """Return the delivery of a rendered post to a subscription's channel, due now unless `due_at` is given."""
    return deliveries.build(
        record,
        key,
        rendered.locale,
        rendered.parts,
        now,
        due_at=due_at or now,
        subscription_id=subscription.id,
        guild_id=subscription.guild_id,
        channel_id=subscription.channel_id,
        local_on=local_on,
        digest_on=rendered.digest_on,
        post=rendered.stored,
    )
