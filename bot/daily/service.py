"""Use cases of subscriptions: add, edit, pause, resume, remove. For `/daily` and `paperround channels`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime

from bot.core import clock, day_close, errors
from bot.core.clock import Clock
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from bot.daily.deliveries import ON_DEMAND
from bot.daily.planner import RenderedPosts, build_daily_post
from bot.outbox import contents
from bot.outbox.deliveries import DeliveryFactory
from bot.text import query_parser
from storage import archive, daily, deliveries, models, outbox
from storage.database import Connection, Database
from storage.models import Reason

MAX_TOPIC_LENGTH = 200
MAX_TOP_N = 25
"""Discord's limit on the options of a select menu, which lists the papers of a post."""


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """The settings of a subscription. Values as in `models.Subscription`."""

    at_time: str = "09:00"
    timezone: str = "UTC"
    days: tuple[int, ...] = schedule.EVERY_DAY
    top_n: int = 5
    min_votes: int = 0
    locale: models.Locale = models.Locale.EN
    style: models.Style = models.Style.COMPACT
    say_when_empty: bool = False
    fresh_days: int = 3
    wait_minutes: int = 720
    settle_hours: int = 0
    topic: str = ""
    mention_role_id: int | None = None
    when: models.When = models.When.HOUR
    server_picks: bool = False

    def validated(self) -> SubscriptionOptions:
        """Return the options with time and days normalised; `server_picks` stays on for a weekly post only.

        Raises UsageError, which names the field and valid values.
        """
        clock.parse_zone(self.timezone)
        for name, value, low, high in (
            ("top N", self.top_n, 1, MAX_TOP_N),
            ("minimum votes", self.min_votes, 0, 1_000_000),
            ("fresh days", self.fresh_days, 1, 14),
            ("minutes to wait for a digest", self.wait_minutes, 0, 1440),
            ("hours for votes to settle", self.settle_hours, 0, 72),
        ):
            if not low <= value <= high:
                raise errors.UsageError(f"{name} is {value}; it must be from {low} to {high}.")
        if not self.days or not set(self.days) <= set(schedule.EVERY_DAY):
            raise errors.UsageError(
                "There must be at least one weekday. Use mon, tue, wed, thu, fri, sat, sun."
            )
        if self.when is models.When.COMPLETE and choice.ROLLING_DAYS[self.style] is not None:
            raise errors.UsageError(
                "A weekly post is sent at its hour; it cannot wait for a day to be complete."
            )
        at = schedule.parse_time(self.at_time)
        return replace(
            self,
            at_time=f"{at:%H:%M}",
            days=tuple(sorted(set(self.days))),
            topic=validate_topic(self.topic),
            server_picks=self.server_picks and choice.ROLLING_DAYS[self.style] is not None,
        )


def validate_topic(topic: str) -> str:
    """Return a topic on one line. Raises UsageError for one that is too long, or that no paper can match."""
    line = " ".join(topic.replace("\0", " ").encode("utf-8", "replace").decode().split())
    if len(line) > MAX_TOPIC_LENGTH:
        raise errors.UsageError(
            f"the topic has {len(line)} characters; it must have at most {MAX_TOPIC_LENGTH}."
        )
    query = query_parser.parse_query(line)
    if line and not (query.has_text or query.authors or query.has_range_filters):
        raise errors.UsageError(
            f"the topic {line!r} asks for nothing. Name words, an author (author:) or least votes (votes:)."
        )
    return line


def new_subscription(
    guild_id: int, channel_id: int, options: SubscriptionOptions, now: datetime
) -> models.Subscription:
    """Return an active subscription that is not stored and not scheduled yet."""
    return models.Subscription(
        id=0,
        guild_id=guild_id,
        channel_id=channel_id,
        state=models.ActivityState.ACTIVE,
        reason=None,
        created_by=None,
        created_at=now,
        next_due_at=None,
        waiting_for_on=None,
        **asdict(options),
    )


class Subscriptions:
    """Service for the subscriptions of channels."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self, *, guild_id: int, channel_id: int, options: SubscriptionOptions, created_by: int | None = None
    ) -> models.Subscription:
        """Add an active subscription; its first post is at the next due time.

        Raises UsageError for an invalid option and storage.errors.DuplicateError for an identical subscription.
        """
        options, now = options.validated(), self._clock()
        due = _next_due(options, now)
        new = new_subscription(guild_id, channel_id, options, now)
        new = replace(schedule.set_due(new, due), created_by=created_by)
        async with self._database.transaction() as connection:
            return replace(new, id=await daily.add(connection, new))

    async def list_rows(
        self, *, guild_id: int | None = None, channel_id: int | None = None
    ) -> list[models.Subscription]:
        """Return the subscriptions of a server, of a channel, or all."""
        async with self._database.read() as connection:
            return await daily.list_rows(connection, guild_id=guild_id, channel_id=channel_id)

    async def get(self, subscription_id: int) -> models.Subscription:
        """Return one subscription. Raises UsageError if the id is unknown."""
        async with self._database.read() as connection:
            return await _get(connection, subscription_id)

    async def edit(self, subscription_id: int, options: SubscriptionOptions) -> models.Subscription:
        """Change the options. A changed schedule applies from now on; a date that was posted is not posted again.

        If the subscription waits for a digest and the new days include that date, it is planned again at once.
        Raises the errors of `add`.
        """
        options, now = options.validated(), self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            changed = replace(old, **asdict(options))
            if _is_awaiting_digest(changed, now):
                changed = replace(changed, next_due_at=now)
            elif schedule.schedule_key(changed) != schedule.schedule_key(old):
                due = await _next_unplanned_due(connection, subscription_id, options, now)
                changed = schedule.set_due(changed, due)
            await daily.update(connection, changed)
        return changed

    async def pause(
        self, subscription_id: int, reason: Reason = Reason.BY_HAND, *, by: int | None = None
    ) -> models.Subscription:
        """Stop posting until the subscription is resumed; planned deliveries are held too. `by` is who did it by hand."""
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            at = self._clock() if reason is Reason.BY_HAND else None
            state = models.ActivityState.PAUSED
            changed = replace(old, state=state, reason=reason.value, paused_by=by, paused_at=at)
            await daily.update(connection, changed)
            await outbox.pause(connection, subscription_id=subscription_id, reason=reason)
        return changed

    async def resume(self, subscription_id: int) -> models.Subscription:
        """Post again from the next due time on; deliveries held by the pause are sent at once."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            if old.state is models.ActivityState.ACTIVE:
                return old
            due = await _next_unplanned_due(connection, subscription_id, options_of(old), now)
            changed = replace(
                schedule.set_due(old, due),
                state=models.ActivityState.ACTIVE,
                reason=None,
                paused_by=None,
                paused_at=None,
            )
            await daily.update(connection, changed)
            await outbox.resume(connection, now, channel_id=old.channel_id)
        return changed

    async def remove(self, subscription_id: int) -> models.Subscription:
        """Delete a subscription and cancel its unsent deliveries. Returns the deleted subscription."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            await outbox.cancel_for_subscription(
                connection, subscription_id, reason=Reason.BY_HAND.value, now=now
            )
            await daily.remove(connection, subscription_id)
        return old


def options_of(subscription: models.Subscription) -> SubscriptionOptions:
    """Return the options of a stored subscription."""
    return SubscriptionOptions(
        **{field.name: getattr(subscription, field.name) for field in fields(SubscriptionOptions)}
    )


def find_same(
    rows: Iterable[models.Subscription], options: SubscriptionOptions
) -> models.Subscription | None:
    """Return the subscription of a channel that one with these options would repeat, None if there is none."""
    names = ("at_time", "timezone", "locale", "style", "topic")
    wanted = [getattr(options.validated(), name) for name in names]
    return next((row for row in rows if [getattr(row, name) for name in names] == wanted), None)


def _next_due(options: SubscriptionOptions, now: datetime) -> schedule.DueTime:
    at, zone = schedule.parse_time(options.at_time), clock.parse_zone(options.timezone)
    return schedule.next_due(now, at, zone, options.days)


async def _next_unplanned_due(
    connection: Connection, subscription_id: int, options: SubscriptionOptions, now: datetime
) -> schedule.DueTime:
    """Return the next due time on a date whose post is not planned yet."""
    due = _next_due(options, now)
    while await deliveries.list_existing_keys(
        connection, [choice.delivery_key(subscription_id, due.local_on)]
    ):
        due = _next_due(options, due.at)
    return due


def _is_awaiting_digest(subscription: models.Subscription, now: datetime) -> bool:
    """Return whether the due time of the awaited date has passed and the date is a day of the subscription."""
    on = subscription.waiting_for_on
    if on is None or on.isoweekday() not in subscription.days:
        return False
    zone = clock.parse_zone(subscription.timezone)
    return schedule.wall_clock_to_utc(on, schedule.parse_time(subscription.at_time), zone) <= now


async def _get(
    connection: Connection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription:
    subscription = await daily.get(connection, subscription_id, for_update=for_update)
    if subscription is None:
        raise errors.UsageError(
            f"There is no daily post with the id {subscription_id}. List them to see which there are."
        )
    return subscription


# On-demand posts: the preview of a subscription, and `/daily now`. Papers of a preview do not count as posted.

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
        matcher: daily_planner.TopicMatcher,
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
            [picks] = await daily_planner.load_server_picks(connection, [subscription], [post])
            post = replace(post, server_picks=picks)
            details = await daily_planner.load_details(connection, [post], [subscription.locale])
        return build_daily_post(subscription, post, details, now)

    async def forecast(self, subscription: models.Subscription) -> TopicForecast | None:
        """Return how the subscription's topic matched lately; None without a topic or with an empty archive."""
        async with self._database.read() as connection:
            return await self._forecast(connection, subscription, self._clock())

    async def plan(self, subscription_id: int, interaction_id: int) -> models.NewDelivery | None:
        """Plan the post into the outbox. Returns None if there are no fresh papers that are new to the channel."""
        now = self._clock()
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            subscription = await daily.get(connection, subscription_id)
            if subscription is None:
                return None
            post = await self._select_fresh(connection, subscription, now)
            if post is None or not post.papers:
                return None
            [picks] = await daily_planner.load_server_picks(connection, [subscription], [post])
            post = replace(post, server_picks=picks)
            details = await daily_planner.load_details(connection, [post], [subscription.locale])
            delivery = RenderedPosts(self._deliveries, now).build_delivery(
                subscription, post, details, record=ON_DEMAND, key=f"now:{subscription.id}:{interaction_id}"
            )
            delivery_id = await outbox.add(connection, delivery)
            if delivery_id is not None:
                papers = daily_planner.posted_papers(subscription, post, now, delivery_id)
                await daily.add_posted_papers(connection, papers)
        return delivery

    async def _select_fresh(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> choice.PlannedPost | None:
        today = clock.local_date(now, clock.parse_zone(subscription.timezone))
        first_on = choice.oldest_digest_date(subscription, today)
        pool = await self._load_digests(connection, subscription, first_on, choice.newest_digest_date(now))
        if not pool.digests:
            return None
        newest_on = max(digest.date for digest in pool.digests)
        is_rolling = choice.is_rolling(subscription)
        digest_ids = tuple(digest.id for digest in pool.digests if is_rolling or digest.date == newest_on)
        posted_ids = await daily_planner.load_posted_ids(connection, subscription, now)
        selected = pool.select(digest_ids, subscription, posted_ids)
        post = choice.PlannedPost(today, now, newest_on, digest_ids, *selected)
        if is_rolling:
            return replace(post, digest_on=today, since_on=first_on)
        return await self._state_close(connection, subscription, post, pool, now)

    async def _select_newest(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> choice.PlannedPost:
        today = clock.local_date(now, clock.parse_zone(subscription.timezone))
        dates = await archive.list_dates(connection, limit=1)
        newest_on = dates[0] if dates else today
        forecast = await self._forecast(connection, subscription, now)
        if forecast is not None:
            _, _, counts = forecast
            newest_on = max(counts, default=newest_on)
        since_on = choice.first_rolling_date(subscription, newest_on)
        pool = await self._load_digests(connection, subscription, since_on or newest_on, newest_on)
        digest_ids = tuple(digest.id for digest in pool.digests)
        selected = pool.select(digest_ids, subscription, set())
        post = choice.PlannedPost(today, now, newest_on, digest_ids, *selected, since_on=since_on)
        return await self._state_close(connection, subscription, post, pool, now)

    async def _state_close(
        self,
        connection: Connection,
        subscription: models.Subscription,
        post: choice.PlannedPost,
        pool: choice.CandidatePool,
        now: datetime,
    ) -> choice.PlannedPost:
        closings = await daily_planner.load_closings(
            connection, self._day_close, now, [subscription], pool.digests
        )
        return replace(post, closes_at=daily_planner.stated_close(post, pool, closings, now))

    async def _forecast(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> TopicForecast | None:
        today = clock.local_date(now, clock.parse_zone(subscription.timezone))
        dates = await archive.list_dates(connection, limit=1)
        if not subscription.topic or not dates:
            return None
        last_on = min(dates[0], choice.newest_digest_date(now))
        is_recent = today - last_on < FORECAST_DAYS * schedule.DAY
        until_on = max(last_on, today) if is_recent else last_on
        first_on = until_on - (FORECAST_DAYS - 1) * schedule.DAY
        pool = await self._load_digests(connection, subscription, first_on, until_on)
        counts = _count_new(pool, subscription)
        return until_on, is_recent, {day: min(count, subscription.top_n) for day, count in counts.items()}

    async def _load_digests(
        self, connection: Connection, subscription: models.Subscription, since_on: date, until_on: date
    ) -> choice.CandidatePool:
        """Return the digests of these dates, with their papers on the subscription's topic."""
        pool = await daily_planner.load_digests(connection, since_on, until_on)
        await daily_planner.TopicMatches(self._matcher).look_up(connection, pool, [subscription])
        return pool


def _count_new(pool: choice.CandidatePool, subscription: models.Subscription) -> dict[date, int]:
    """Return the number of papers on the topic by the first date of each."""
    matching = pool.matching[subscription.topic]
    first_on: dict[int, date] = {}
    for paper in pool.papers:
        if paper.paper_id in matching and choice.meets_minimum(paper.votes, subscription.min_votes):
            first_on[paper.paper_id] = min(paper.date_on, first_on.get(paper.paper_id, paper.date_on))
    return Counter(first_on.values())
