"""On-demand posts: the preview of a subscription, and `/daily now`. Papers of a preview do not count as posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.clock import Clock
from bot.services.daily import candidates, decision, schedule, styles
from bot.services.daily.rendered import build_daily_post
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import digests, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import plan


class OnDemandPosts:
    """Selects the new papers of the newest fresh date, including digests that earlier posts covered."""

    def __init__(self, database: Database, clock: Clock, deliveries: DeliveryFactory) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries

    async def preview(self, subscription: models.Subscription) -> contents.DailyPost:
        """Return the post that would be sent now.

        If it would have no papers, it shows the newest digest of the archive instead; with an empty archive, no papers.
        """
        now = self._clock()
        async with self._database.read() as connection:
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.papers:
                post = await self._select_newest(connection, subscription, now)
            details = await candidates.load_details(connection, [post])
        return build_daily_post(subscription, post, details)

    async def plan(self, subscription_id: int, interaction_id: int) -> models.NewDelivery | None:
        """Plan the post into the outbox. Returns None if there are no fresh papers that are new to the channel."""
        now = self._clock()
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            subscription = await subscriptions.get(connection, subscription_id)
            if subscription is None:
                return None
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.papers:
                return None
            details = await candidates.load_details(connection, [post])
            delivery = self._deliveries.build_post(
                self._deliveries.render_daily(build_daily_post(subscription, post, details)),
                subscription,
                kind=models.DeliveryKind.ON_DEMAND,
                key=f"now:{subscription.id}:{interaction_id}",
                local_on=post.local_on,
                now=now,
            )
            delivery_id = await plan.add(connection, delivery)
            if delivery_id is not None:
                papers = candidates.posted_papers(subscription, post, now, delivery_id)
                await posted.add_papers(connection, papers)
        return delivery

    async def _select_fresh(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> decision.PlannedPost | None:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        first_on = decision.oldest_digest_date(subscription, today)
        pool = await candidates.load_digests(connection, first_on, decision.newest_digest_date(now))
        if not pool.digests:
            return None
        newest_on = max(digest.date for digest in pool.digests)
        is_rolling = styles.is_rolling(subscription)
        digest_ids = tuple(digest.id for digest in pool.digests if is_rolling or digest.date == newest_on)
        posted_ids = await candidates.load_posted_ids(connection, subscription, now)
        selected = pool.select(digest_ids, subscription, posted_ids)
        post = decision.PlannedPost(today, now, newest_on, digest_ids, *selected)
        return replace(post, digest_on=today, since_on=first_on) if is_rolling else post

    async def _select_newest(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> decision.PlannedPost:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        dates = await digests.list_dates(connection, limit=1)
        newest_on = dates[0] if dates else today
        since_on = styles.first_rolling_date(subscription, newest_on)
        pool = await candidates.load_digests(connection, since_on or newest_on, newest_on)
        digest_ids = tuple(digest.id for digest in pool.digests)
        selected = pool.select(digest_ids, subscription, set())
        return decision.PlannedPost(today, now, newest_on, digest_ids, *selected, since_on=since_on)
