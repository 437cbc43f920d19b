"""Builds the content of daily posts, and renders each distinct post once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.services.daily import decision, deliveries, schedule
from bot.services.posts import contents, summaries
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import KindRecord
from storage import models


def build_daily_post(
    subscription: models.Subscription,
    post: decision.PlannedPost,
    details: Mapping[int, models.PaperDetail],
    now: datetime,
) -> contents.DailyPost:
    """Return the content of a planned post, with the shared marker. `details` are keyed by paper id.

    A list that closes after `now` (UTC) is not complete.
    """
    return contents.DailyPost(
        marker=deliveries.MARKER_PLACEHOLDER,
        locale=subscription.locale,
        style=subscription.style,
        digest_on=post.digest_on,
        total=post.total,
        papers=tuple(
            summaries.build_post_paper(details[paper.paper_id], subscription.locale) for paper in post.papers
        ),
        schedule=schedule.schedule_key(subscription),
        since_on=post.since_on,
        missed_on=post.missed_on,
        topic=subscription.topic,
        late=post.late,
        closes_at=post.closes_at,
        is_complete=post.closes_at is not None and post.closes_at <= now,
        ranks=post.ranks,
        our_five=tuple(summaries.build_pick(*pick) for pick in post.our_five),
    )


class RenderedPosts:
    """The posts rendered at one moment (`now`, UTC), cached: ten thousand channels show the same few posts."""

    def __init__(self, factory: DeliveryFactory, now: datetime) -> None:
        self._factory = factory
        self._now = now
        self._cache: dict[object, deliveries.RenderedPost] = {}

    def build_delivery(
        self,
        subscription: models.Subscription,
        post: decision.PlannedPost,
        details: Mapping[int, models.PaperDetail],
        *,
        record: KindRecord[contents.DailyPost] = deliveries.DAILY,
        key: str | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of a planned post; only a daily one mentions a role. Raises what its templates raise."""
        content = replace(post, local_on=post.digest_on, due_at=self._now, digest_ids=())
        role_id = subscription.mention_role_id if post.papers and record is deliveries.DAILY else None
        look = subscription.locale, subscription.style, subscription.topic, role_id
        cached = content, look, schedule.schedule_key(subscription)
        if cached not in self._cache:
            built = replace(build_daily_post(subscription, post, details, self._now), mention_role_id=role_id)
            self._cache[cached] = deliveries.render(self._factory, built)
        return self._factory.build(
            record,
            key or decision.delivery_key(subscription.id, post.local_on),
            subscription.locale,
            self._cache[cached].parts,
            self._now,
            due_at=post.due_at,
            subscription_id=subscription.id,
            guild_id=subscription.guild_id,
            channel_id=subscription.channel_id,
            local_on=post.local_on,
            digest_on=post.digest_on,
            post=self._cache[cached].stored,
        )
