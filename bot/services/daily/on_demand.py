"""On-demand posts: the preview of a subscription, and `/daily now`. Papers of a preview do not count as posted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from bot import day_close
from bot.clock import Clock
from bot.services.daily import candidates, decision, schedule, selection, styles
from bot.services.daily.deliveries import ON_DEMAND
from bot.services.daily.rendered import RenderedPosts, build_daily_post
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import digests, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import plan

FORECAST_DAYS = 14

TopicForecast = tuple[date, bool, Mapping[date, int]]
"""The last of FORECAST_DAYS days, whether that is recent, and how many papers on the topic each of them would have posted."""


class OnDemandPosts:
    """Selects the new papers of the newest fresh date, including digests that earlier posts covered."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        matcher: candidates.TopicMatcher,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._matcher = matcher
        self._day_close = rule or day_close.default()

    async def preview(self, subscription: models.Subscription) -> contents.DailyPost:
        """Return the post that would be sent now.

        If it would have no papers, it shows the newest digest of the archive instead, or the newest that has papers on the
        topic; with an empty archive, no papers.
        """
        now = self._clock()
        async with self._database.read() as connection:
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.papers:
                post = await self._select_newest(connection, subscription, now)
            [picks] = await candidates.load_our_five(connection, [subscription], [post])
            post = replace(post, our_five=picks)
            details = await candidates.load_details(connection, [post], [subscription.locale])
        return build_daily_post(subscription, post, details, now)

    async def forecast(self, subscription: models.Subscription) -> TopicForecast | None:
        """Return how the subscription's topic matched lately; None without a topic or with an empty archive."""
        async with self._database.read() as connection:
            return await self._forecast(connection, subscription, self._clock())

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
            [picks] = await candidates.load_our_five(connection, [subscription], [post])
            post = replace(post, our_five=picks)
            details = await candidates.load_details(connection, [post], [subscription.locale])
            delivery = RenderedPosts(self._deliveries, now).build_delivery(
                subscription, post, details, record=ON_DEMAND, key=f"now:{subscription.id}:{interaction_id}"
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
        pool = await self._load_digests(connection, subscription, first_on, decision.newest_digest_date(now))
        if not pool.digests:
            return None
        newest_on = max(digest.date for digest in pool.digests)
        is_rolling = styles.is_rolling(subscription)
        digest_ids = tuple(digest.id for digest in pool.digests if is_rolling or digest.date == newest_on)
        posted_ids = await candidates.load_posted_ids(connection, subscription, now)
        selected = pool.select(digest_ids, subscription, posted_ids)
        post = decision.PlannedPost(today, now, newest_on, digest_ids, *selected)
        if is_rolling:
            return replace(post, digest_on=today, since_on=first_on)
        return await self._state_close(connection, subscription, post, pool, now)

    async def _select_newest(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> decision.PlannedPost:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        dates = await digests.list_dates(connection, limit=1)
        newest_on = dates[0] if dates else today
        forecast = await self._forecast(connection, subscription, now)
        if forecast is not None:
            _, _, counts = forecast
            newest_on = max(counts, default=newest_on)
        since_on = styles.first_rolling_date(subscription, newest_on)
        pool = await self._load_digests(connection, subscription, since_on or newest_on, newest_on)
        digest_ids = tuple(digest.id for digest in pool.digests)
        selected = pool.select(digest_ids, subscription, set())
        post = decision.PlannedPost(today, now, newest_on, digest_ids, *selected, since_on=since_on)
        return await self._state_close(connection, subscription, post, pool, now)

    async def _state_close(
        self,
        connection: Connection,
        subscription: models.Subscription,
        post: decision.PlannedPost,
        pool: decision.CandidatePool,
        now: datetime,
    ) -> decision.PlannedPost:
        closings = await candidates.load_closings(
            connection, self._day_close, now, [subscription], pool.digests
        )
        return replace(post, closes_at=candidates.stated_close(post, pool, closings, now))

    async def _forecast(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> TopicForecast | None:
        today = schedule.local_date(now, schedule.parse_zone(subscription.timezone))
        dates = await digests.list_dates(connection, limit=1)
        if not subscription.topic or not dates:
            return None
        last_on = min(dates[0], decision.newest_digest_date(now))
        is_recent = today - last_on < FORECAST_DAYS * schedule.DAY
        until_on = max(last_on, today) if is_recent else last_on
        first_on = until_on - (FORECAST_DAYS - 1) * schedule.DAY
        pool = await self._load_digests(connection, subscription, first_on, until_on)
        counts = _count_new(pool, subscription)
        return until_on, is_recent, {day: min(count, subscription.top_n) for day, count in counts.items()}

    async def _load_digests(
        self, connection: Connection, subscription: models.Subscription, since_on: date, until_on: date
    ) -> decision.CandidatePool:
        """Return the digests of these dates, with their papers on the subscription's topic."""
        pool = await candidates.load_digests(connection, since_on, until_on)
        await candidates.TopicMatches(self._matcher).look_up(connection, pool, [subscription])
        return pool


def _count_new(pool: decision.CandidatePool, subscription: models.Subscription) -> dict[date, int]:
    """Return the number of papers on the topic by the first date of each."""
    matching = pool.matching[subscription.topic]
    first_on: dict[int, date] = {}
    for paper in pool.papers:
        if paper.paper_id in matching and selection.meets_minimum(paper.votes, subscription.min_votes):
            first_on[paper.paper_id] = min(paper.date_on, first_on.get(paper.paper_id, paper.date_on))
    return Counter(first_on.values())
