"""The subscriptions service: adds, edits, pauses, resumes and removes subscriptions, and plans posts on demand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from bot.archive import complete_days
from bot.core import clock, day_close, schedule
from bot.core.clock import Clock
from bot.features.daily import choice, options
from bot.features.daily import planner as daily_planner
from bot.features.daily.planner import ON_DEMAND, RenderedPosts, build_daily_post
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, new_nonce
from bot.sources import kinds
from bot.text import query_parser
from storage import archive, daily, errors, key_values, models, outbox, papers, sources
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.models import Reason

MAX_POSTS = 100
"""The maximum number of daily posts per server. Matching a topic takes 20 ms, while other servers' posts wait."""


class Subscriptions:
    def __init__(self, database: Database, clock: Clock, rule: day_close.DayClose | None = None) -> None:
        self._database = database
        self._clock = clock
        self._day_close = rule or day_close.default()

    async def load_calendar(self) -> schedule.Calendar:
        return await self._database.fetch(self._load_calendar)

    async def _load_calendar(self, connection: Connection) -> schedule.Calendar:
        return await complete_days.load_calendar(connection, self._day_close, self._clock())

    async def add(
        self, draft: models.Subscription, *, webhook_token: str | None = None
    ) -> models.Subscription:
        """Store a draft as an active subscription that starts on the next due date.

        A draft with NO_GUILD is posted through a webhook, and its channel id is the webhook's id.

        Raises UsageError if a setting is invalid, if the source needs a topic, or if the server has MAX_POSTS, and
        DuplicateError if the channel has an identical subscription.
        """
        new = replace(options.validated(draft), created_at=self._clock())
        async with self._database.transaction() as connection:
            calendar = await self._load_calendar(connection)
            new = await _fit_label(connection, new)
            new = replace(new, last_on=calendar.newest(new).on)
            new = replace(new, source=await _find_source(connection, new))
            if webhook_token is not None:
                await key_values.set_value(connection, _webhook_key(new), webhook_token)
            of_guild = await daily.list_rows(connection, guild_id=new.guild_id)
            if not new.is_by_webhook and len(of_guild) >= MAX_POSTS:
                raise errors.UsageError(
                    f"The server has {MAX_POSTS} daily posts, which is the maximum. Remove one first.",
                    "subscriptions-too-many",
                    most=MAX_POSTS,
                )
            return replace(new, id=await daily.add(connection, new))

    async def fit_label(self, wanted: models.Subscription) -> models.Subscription:
        """Return a post that goes through a label's papers that are like the server's list with both the label and its source."""
        return await self._database.fetch(_fit_label, wanted)

    async def check_source(self, wanted: models.Subscription) -> None:
        """Raise UsageError if the source needs a topic. A removed source is allowed."""
        await self._database.fetch(_find_source, wanted, may_be_gone=True)

    async def list_rows(
        self, *, guild_id: int | None = None, channel_id: int | None = None
    ) -> list[models.Subscription]:
        return await self._database.fetch(daily.list_rows, guild_id=guild_id, channel_id=channel_id)

    async def get(self, subscription_id: int) -> models.Subscription:
        """Return a subscription. Raises UsageError if the id is unknown."""
        return await self._database.fetch(_get, subscription_id)

    async def edit(
        self, wanted: models.Subscription, *, new_webhook_token: str | None = None
    ) -> models.Subscription:
        """Store a subscription's settings. Raises the errors of `add`.

        With a new webhook token, a post that Discord refused is active again.

        No date is posted twice: a new schedule starts on its next date, unless a post waits for papers or a list.
        Posts not sent yet expire when the new schedule's next date comes. Refused posts are retried now or, if the
        style changes, cancelled, and their papers come again.
        """
        wanted, now = options.validated(wanted), self._clock()
        async with self._database.transaction() as connection:
            # A post may have been planned since `wanted` was read.
            old = await _get(connection, wanted.id, for_update=True)
            wanted = await _fit_label(connection, wanted)
            if wanted.style is old.style:
                await outbox.try_now(connection, now, subscription_id=[old.id])
            elif refused := await outbox.list_refused(connection, subscription_id=[old.id]):
                await outbox.cancel(connection, refused, reason=Reason.BY_HAND.value, now=now)
            if (wanted.source, wanted.topic) != (old.source, old.topic):
                address = await _find_source(connection, wanted, may_be_gone=wanted.source == old.source)
                wanted = replace(wanted, source=address)
            changed = replace(old, **{name: getattr(wanted, name) for name in options.SETTINGS})
            if schedule.schedule_key(changed) != schedule.schedule_key(old):
                calendar = await self._load_calendar(connection)
                if not calendar.is_open(old) or calendar.newest(changed).on < calendar.newest(old).on:
                    changed = _begin_next(changed, calendar)
                await outbox.set_expiry(connection, old.id, calendar.following(changed).at, now)
            if new_webhook_token is not None:
                await key_values.set_value(connection, _webhook_key(changed), new_webhook_token)
                if changed.reason not in (None, Reason.BY_HAND):
                    changed = replace(changed, state=models.ActivityState.ACTIVE, reason=None)
            await daily.update(connection, changed)
        return changed

    async def pause(self, subscription_id: int) -> models.Subscription:
        """Stop posting until the subscription is resumed. A planned daily post waits; one posted at once is taken back."""
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            kind = models.DeliveryKind.ON_DEMAND
            await outbox.withdraw(connection, kind=kind, subscription_id=old.id)
            changed = replace(old, state=models.ActivityState.PAUSED, reason=Reason.BY_HAND.value)
            await daily.update(connection, changed)
        return changed

    async def resume(self, subscription_id: int) -> models.Subscription:
        """Resume posting and send planned deliveries now. Also posts a missed date unless the pause was manual.

        Webhook posts with an unknown outcome are sent again: the person who resumes has checked the channel.
        """
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            if old.is_by_webhook:
                await _resend_uncertain(connection, old, now)
            await outbox.try_now(connection, now, channel_id=[old.channel_id])
            if old.state is models.ActivityState.ACTIVE:
                return old
            changed = replace(old, state=models.ActivityState.ACTIVE, reason=None)
            # A date refused by Discord is still posted, just as if the channel had become available by itself.
            if old.reason == Reason.BY_HAND:
                changed = _begin_next(changed, await self._load_calendar(connection))
            await daily.update(connection, changed)
        return changed

    async def reopen_today(self) -> None:
        """Make posts due whose hour has passed today, in their zones, and of whose date nothing was planned.

        So a post that was just added comes today, and a date that was given up is looked at until its day ends.
        """
        async with self._database.transaction() as connection:
            calendar = await self._load_calendar(connection)
            finished = await list_unplanned_today(connection, calendar, self._clock())
            before = {id_: on - schedule.DAY for id_, on in finished.items()}
            await daily.set_last_on(connection, before)

    async def remove(self, subscription_id: int) -> models.Subscription:
        """Delete a subscription, cancel its unsent deliveries, and return the subscription."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            posts = await outbox.list_rows(
                connection, subscription_id=subscription_id, state=models.DeliveryState.WAITING
            )
            await outbox.cancel(connection, [row.id for row in posts], reason=Reason.BY_HAND.value, now=now)
            await daily.remove(connection, subscription_id)
            if old.is_by_webhook and not await daily.list_rows(connection, channel_id=old.channel_id):
                await key_values.remove(connection, _webhook_key(old))
        return old


async def list_unplanned_today(
    connection: Connection, calendar: schedule.Calendar, now: datetime
) -> dict[int, date]:
    """Return the finished dates, by active subscription, that are today in its zone and of which nothing was planned."""
    rows = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
    last = await outbox.list_last_days(connection, [row.id for row in rows])
    newest = [(row, calendar.newest(row).on) for row in rows]
    return {
        row.id: on
        for row, on in newest
        if on == row.last_on == clock.local_date(now, clock.stored_zone(row.timezone))
        and on != last.get(row.id)
    }


async def _resend_uncertain(connection: Connection, subscription: models.Subscription, now: datetime) -> None:
    state = models.DeliveryState.STOPPED
    for row in await outbox.list_rows(connection, subscription_id=subscription.id, state=state):
        if row.is_uncertain and row.expires_at > now - schedule.DAY:
            await outbox.repeat_uncertain(
                connection, row.id, new_nonce=new_nonce, now=now, expires_at=now + schedule.DAY
            )


def _webhook_key(subscription: models.Subscription) -> str:
    return f"{key_values.WEBHOOK}{subscription.channel_id}"


def _begin_next(subscription: models.Subscription, calendar: schedule.Calendar) -> models.Subscription:
    """Return the subscription with all past due dates marked as done."""
    newest_on = calendar.newest(subscription).on
    return replace(subscription, last_on=max(newest_on, subscription.last_on or newest_on))


async def _fit_label(connection: Connection, wanted: models.Subscription) -> models.Subscription:
    query = query_parser.parse_query(wanted.topic)
    if not query.is_like_list:
        return wanted
    labels = {row.url: row.options.get("label", "") for row in await sources.list_rows(connection)}
    if labels.get(wanted.source) and not query.labels:
        of_label = replace(query, labels=(labels[wanted.source],))
        return options.change(wanted, {"topic": query_parser.write_query(of_label)})
    keys = {models.label_key(label): url for url, label in labels.items()}
    named = [keys.get(models.label_key(label), "") for label in query.labels]
    return options.change(wanted, {"source": named[0]}) if any(named) and not wanted.source else wanted


async def _find_source(
    connection: Connection, wanted: models.Subscription, *, may_be_gone: bool = False
) -> str:
    """Return the URL of the subscription's source, or "" for all sources.

    Raises UsageError if the source lists all new papers and so needs a topic, or if it is unknown, unless `may_be_gone`.
    """
    stored = {row.url: row.kind for row in await sources.list_rows(connection)}
    if not wanted.source or (may_be_gone and wanted.source not in stored):
        return wanted.source
    address = await kinds.find_address(connection, wanted.source)
    record = kinds.get(stored[address])
    is_lookup = record.is_for_lookup or await archive.has_lookup(connection, address)
    label = kinds.public_label(address)
    if is_lookup and not wanted.topic:
        raise errors.UsageError(
            f"{label} lists every new paper of the day, most of them without votes. A daily post from it also needs a --topic.",
            "source-needs-topic",
        )
    return address


async def _get(
    connection: Connection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription:
    subscription = await daily.get(connection, subscription_id, for_update=for_update)
    if subscription is None:
        raise errors.UsageError(f"No daily post has the ID {subscription_id}.")
    return subscription


@dataclass(eq=False)
class OnDemandPosts:
    """Previews a subscription or posts right away. Previewed papers do not count as posted.

    As in a first post, the papers are those of the newest day, except those already posted in the channel.
    """

    _database: Database
    _clock: Clock
    _deliveries: DeliveryFactory
    _matcher: daily_planner.TopicMatcher
    _day_close: day_close.DayClose

    async def preview(self, subscription: models.Subscription) -> tuple[choice.DailyPost, bool]:
        """Return the post that would be sent now, and True; or the newest day's post and False if it would have no papers."""
        async with self._database.read() as connection:
            candidates = await self._load(connection, subscription)
            post = await candidates.choose(connection, self._clock())
            if not (is_new := bool(post.papers)):
                post = await self._choose_newest(connection, subscription)
            [post], details = await daily_planner.load_content(connection, [(subscription, post)])
        return build_daily_post(subscription, post, details), is_new

    async def list_compared(
        self, subscription: models.Subscription, post: choice.PlannedPost
    ) -> list[DigestPaper]:
        """Return the papers of all topics from which a preview's were chosen."""
        async with self._database.read() as connection:
            row, slot, pool, mark = await self._load(connection, subscription, post.digest_on)
        since_on = date.min if choice.is_of_label(subscription) else post.since_on or post.digest_on
        return [paper for paper in pool.draw(row, slot, mark).own if paper.date_on >= since_on]

    async def plan(self, subscription_id: int, interaction_id: int) -> models.NewDelivery | None:
        """Plan a post. Returns None if no paper is new to the channel. Repeating an `interaction_id` plans nothing."""
        now = self._clock()
        # Load the candidates outside the transaction, which blocks other writers.
        async with self._database.read() as connection:
            subscription = await daily.get(connection, subscription_id)
            if subscription is None:
                return None
            candidates = await self._load(connection, subscription)
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            # Locked, so that one that is paused or removed at this moment takes the post back.
            is_there = await daily.get(connection, subscription_id, for_update=True) is not None
            post = await candidates.choose(connection, now)
            ids = await papers.get_ids(connection, [paper.paper_key for paper in post.papers])
            if any(ids[paper.paper_key] != paper.paper_id for paper in post.papers):
                # One was joined to another since the candidates were loaded.
                post = await (await self._load(connection, subscription)).choose(connection, now)
            if not is_there or not post.papers:
                return None
            [post], details = await daily_planner.load_content(connection, [(subscription, post)])
            delivery = RenderedPosts(self._deliveries, now).build_delivery(
                ON_DEMAND,
                f"now:{subscription.id}:{interaction_id}",
                subscription,
                post,
                details,
                candidates.slot,
                expires_at=now + contents.LIFETIME,
                drawn_until=None,
            )
            delivery_id = await outbox.add(connection, delivery)
            if delivery_id is not None:
                placed = daily_planner.list_placed_papers(post, delivery)
                await daily.add_delivery_papers(connection, {delivery_id: placed})
        return delivery

    async def _load(
        self, connection: Connection, subscription: models.Subscription, on: date | None = None
    ) -> daily_planner.SinglePost:
        """Return the candidates for a post now or, if `on` is given, those of that date."""
        now = self._clock()
        today = clock.local_date(now, clock.stored_zone(subscription.timezone))
        slot = schedule.Slot(on or today, now, on)
        calendar = schedule.Calendar(now, self._day_close)
        return await daily_planner.load_single(connection, self._matcher, subscription, slot, calendar)

    async def _choose_newest(
        self, connection: Connection, subscription: models.Subscription
    ) -> choice.PlannedPost:
        origin, until_on = choice.find_origin(subscription), clock.latest_date(self._clock())
        dates = await archive.list_dates(connection, limit=1, until_on=until_on, origin=origin)
        candidates = await self._load(connection, subscription, dates[0] if dates else until_on)
        return candidates.choose_with_posted()
