"""Posts out of turn: the preview of a standing order, and `/daily now`. Their papers count as had, previews' do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.clock import Clock
from bot.services.daily import decision, planner, schedule, selection, styles
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import digest_reads, digests, models, papers, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import plan


class OnDemandPosts:
    """Chooses as a daily post would at this moment, whatever was covered before: the newest fresh date's new papers."""

    def __init__(self, database: Database, clock: Clock, deliveries: DeliveryFactory) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries

    async def preview(self, subscription: models.Subscription) -> contents.DailyPost:
        """Return the post that would go out now. In a channel that had all of it, or where nothing is fresh, it shows the
        newest digest of the archive, so that there is something to look at; without papers in an empty archive.
        """
        now = self._clock()
        async with self._database.read() as connection:
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.selection.papers:
                post = await self._select_newest(connection, subscription, now)
            details = await self._load_details(connection, post)
        return planner.build_daily_post(subscription, post, details)

    async def plan(self, subscription_id: int, interaction_id: int) -> models.NewDelivery | None:
        """Plan the post into the outbox. None when nothing is fresh that the channel has not had."""
        now = self._clock()
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            subscription = await subscriptions.get(connection, subscription_id)
            if subscription is None:
                return None
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.selection.papers:
                return None
            delivery = await self._build_delivery(connection, subscription, post, interaction_id, now)
            ids = await plan.add_all(connection, [delivery])
            if delivery.key in ids:
                place = (subscription.channel_id, subscription.locale.value)
                await posted.add_papers(
                    connection,
                    [
                        posted.PostedPaper(*place, paper.paper_id, now, ids[delivery.key])
                        for paper in post.selection.papers
                    ],
                )
        return delivery

    async def _build_delivery(
        self,
        connection: Connection,
        subscription: models.Subscription,
        post: decision.PlannedPost,
        interaction_id: int,
        now: datetime,
    ) -> models.NewDelivery:
        details = await self._load_details(connection, post)
        rendered = self._deliveries.render_daily(planner.build_daily_post(subscription, post, details))
        return self._deliveries.build_post(
            rendered,
            subscription,
            kind=models.DeliveryKind.ON_DEMAND,
            key=f"now:{subscription.id}:{interaction_id}",
            local_on=post.local_on,
            now=now,
        )

    async def _select_fresh(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> decision.PlannedPost | None:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        first, last = decision.oldest_digest_date(subscription, today), decision.newest_digest_date(today)
        found = await digest_reads.list_digests(connection, first, last)
        if not found:
            return None
        newest = max(digest.date_on for digest in found)
        is_rolling = styles.is_rolling(subscription)
        drawn = [digest.id for digest in found if is_rolling or digest.date_on == newest]
        places = await posted.list_papers(
            connection, [subscription.channel_id], since_at=now - planner.REPOST_INTERVAL
        )
        had_here = places.get((subscription.channel_id, subscription.locale.value), set())
        choice = await self._select(connection, subscription, drawn, had_here)
        post = decision.PlannedPost(today, now, newest, choice)
        return replace(post, digest_on=today, since_on=first) if is_rolling else post

    async def _select_newest(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> decision.PlannedPost:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        dates = await digests.list_dates(connection, limit=1)
        newest = dates[0] if dates else today
        since_on = styles.first_rolling_date(subscription, newest)
        found = await digest_reads.list_digests(connection, since_on or newest, newest)
        choice = await self._select(connection, subscription, [digest.id for digest in found], set())
        return decision.PlannedPost(today, now, newest, choice, since_on=since_on)

    async def _select(
        self,
        connection: Connection,
        subscription: models.Subscription,
        digest_ids: list[int],
        posted_ids: set[int],
    ) -> selection.Selection:
        shelf = decision.CandidatePool([], await digest_reads.list_papers(connection, digest_ids))
        return selection.select(
            shelf.rank_papers(digest_ids),
            posted_ids=posted_ids,
            top_n=subscription.top_n,
            min_votes=subscription.min_votes,
        )

    async def _load_details(
        self, connection: Connection, post: decision.PlannedPost
    ) -> dict[int, models.PaperDetail]:
        ids = [paper.paper_id for paper in post.selection.papers]
        return {detail.id: detail for detail in await papers.list_details(connection, ids)}
