"""Use cases of subscriptions for `/daily` and the set-up file: add, edit, pause, resume, remove; posts on demand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

from bot.core import clock, day_close
from bot.core.clock import Clock
from bot.daily import choice, options, schedule
from bot.daily import planner as daily_planner
from bot.daily.planner import ON_DEMAND, RenderedPosts, build_daily_post
from bot.outbox.contents import STYLE_REASONS, DeliveryFactory, new_nonce
from bot.sources import kinds
from storage import archive, daily, errors, key_values, models, outbox, sources
from storage.database import Connection, Database
from storage.models import Reason

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class TopicNeededError(errors.UsageError):
    """A source brings all new papers of a day, and the subscription that draws from it has no topic."""


class TooManyPostsError(errors.UsageError):
    """A server has as many subscriptions as it may have."""


MAX_POSTS = 100
"""Daily posts that a server may set up: to find the papers of a topic takes 20 ms, and the posts of all servers that are due in
the same minute wait for it."""


def require_room(of_guild: Sequence[models.Subscription]) -> None:
    """Raise TooManyPostsError if a server with these subscriptions may not have one more."""
    if len(of_guild) >= MAX_POSTS:
        raise TooManyPostsError(
            f"The server has {MAX_POSTS} daily posts, which is the maximum. Remove one first."
        )


class Subscriptions:
    """Service for the subscriptions of channels."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self, draft: models.Subscription, *, webhook_token: str | None = None
    ) -> models.Subscription:
        """Store a draft as an active subscription; its first post is at the next due time.

        One with NO_GUILD is posted by the webhook whose id is its channel's, and which this token belongs to.

        Raises UsageError for an invalid setting, also as `check_source`, TooManyPostsError, and storage.errors.DuplicateError
        for an identical subscription.
        """
        now = self._clock()
        new = replace(options.validated(draft), created_at=now)
        new = schedule.set_due(new, schedule.next_due_of(new, now))
        async with self._database.transaction() as connection:
            new = replace(new, source=await _find_source(connection, new))
            if webhook_token is not None:
                await key_values.set_value(connection, _webhook_key(new), webhook_token)
            if not new.is_by_webhook:
                require_room(await daily.list_rows(connection, guild_id=new.guild_id))
            return replace(new, id=await daily.add(connection, new))

    async def check_source(self, wanted: models.Subscription) -> None:
        """Raise TopicNeededError if the posts cannot draw from their source; nothing for one that is gone."""
        async with self._database.read() as connection:
            await _find_source(connection, wanted, may_be_gone=True)

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

    async def edit(self, wanted: models.Subscription) -> models.Subscription:
        """Store the settings of a subscription. A changed schedule applies from now on; a date is not posted twice.

        A post that is due and not planned, as while it waits for a digest, is planned again at once, unless the new days
        leave its date out or the new time is still to come. One whose style Discord refused posts again in another style.
        Raises the errors of `add`.
        """
        wanted, now = options.validated(wanted), self._clock()
        async with self._database.transaction() as connection:
            # It may have been planned since `wanted` was read.
            old = await _get(connection, wanted.id, for_update=True)
            refused = await outbox.list_refused(connection, subscription_id=[old.id])
            if old.reason in STYLE_REASONS and wanted.style is not old.style:
                old = replace(old, state=models.ActivityState.ACTIVE, reason=None)
            if refused and wanted.style is not old.style:
                # What is left of a post would be refused again in the former style; the next tick plans it in the new one.
                await outbox.end_now(connection, refused, now)
            await outbox.try_now(connection, now, subscription_id=[old.id])
            if (wanted.source, wanted.topic) != (old.source, old.topic):
                address = await _find_source(connection, wanted, may_be_gone=wanted.source == old.source)
                wanted = replace(wanted, source=address)
            changed = replace(old, **{name: getattr(wanted, name) for name in options.SETTINGS})
            if _is_overdue(old, changed, now):
                changed = replace(changed, next_due_at=now)
            elif schedule.schedule_key(changed) != schedule.schedule_key(old):
                changed = schedule.set_due(changed, await _next_unplanned_due(connection, changed, now))
            await daily.update(connection, changed)
        return changed

    async def pause(
        self, subscription_id: int, reason: Reason = Reason.BY_HAND, *, by: int | None = None
    ) -> models.Subscription:
        """Stop posting until the subscription is resumed; what is planned waits too. `by` is who did it by hand."""
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            at = self._clock() if reason is Reason.BY_HAND else None
            state = models.ActivityState.PAUSED
            changed = replace(old, state=state, reason=reason.value, paused_by=by, paused_at=at)
            await daily.update(connection, changed)
        return changed

    async def resume(self, subscription_id: int) -> models.Subscription:
        """Post again from the next due time on; deliveries held by the pause are sent at once, and what was due meanwhile if
        nobody paused it by hand.

        What a webhook may not have posted is sent again: who resumes it has looked into the channel.
        """
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            if old.is_by_webhook:
                await _resend_uncertain(connection, old, now)
            await outbox.try_now(connection, now, channel_id=[old.channel_id])
            if old.state is models.ActivityState.ACTIVE:
                return old
            active = models.ActivityState.ACTIVE
            changed = replace(old, state=active, reason=None, paused_by=None, paused_at=None)
            # What Discord kept from being posted is posted, as when the channel becomes available by itself.
            if not _is_overdue(old, changed, now):
                changed = schedule.set_due(changed, await _next_unplanned_due(connection, changed, now))
            await daily.update(connection, changed)
        return changed

    async def remove(self, subscription_id: int) -> models.Subscription:
        """Delete a subscription and cancel its unsent deliveries. Returns the deleted subscription."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            unsent = await outbox.cancel_for_subscription(
                connection, subscription_id, reason=Reason.BY_HAND.value, now=now
            )
            await daily.uncover_papers(connection, unsent)
            await daily.remove(connection, subscription_id)
            if old.is_by_webhook and not await daily.list_rows(connection, channel_id=old.channel_id):
                await key_values.remove(connection, _webhook_key(old))
        return old


async def _resend_uncertain(connection: Connection, subscription: models.Subscription, now: datetime) -> None:
    state = models.DeliveryState.STOPPED
    for row in await outbox.list_rows(connection, subscription_id=subscription.id, state=state):
        if row.is_uncertain and row.expires_at > now - schedule.DAY:
            await outbox.repeat_uncertain(
                connection, row.id, new_nonce=new_nonce, now=now, expires_at=now + schedule.DAY
            )


def _webhook_key(subscription: models.Subscription) -> str:
    return f"{key_values.WEBHOOK}{subscription.channel_id}"


def find_same(rows: Iterable[models.Subscription], draft: models.Subscription) -> models.Subscription | None:
    """Return the subscription of a channel that the draft would repeat, None if it repeats none."""
    names = ("at_time", "timezone", "locale", "style", "topic", "source")
    valid = options.validated(draft)
    wanted = [getattr(valid, name) for name in names]
    return next((row for row in rows if [getattr(row, name) for name in names] == wanted), None)


@cache
def draft_codec() -> TypeAdapter[models.Subscription]:
    """Return the codec of the text in which `/daily setup` keeps a draft."""
    from pydantic import TypeAdapter  # most commands of the shell read no drafts

    return TypeAdapter(models.Subscription)


async def _next_unplanned_due(
    connection: Connection, subscription: models.Subscription, now: datetime
) -> schedule.DueTime:
    """Return the next due time on a date whose post is not planned yet."""
    due = schedule.next_due_of(subscription, now)
    while await outbox.list_existing_keys(connection, [choice.delivery_key(subscription.id, due.local_on)]):
        due = schedule.next_due_of(subscription, due.at)
    return due


def _is_overdue(old: models.Subscription, changed: models.Subscription, now: datetime) -> bool:
    """Return whether a post was due by the old schedule, is not planned yet, and is due by the changed one as well.

    What a person paused is not due, unlike what Discord keeps from being posted.
    """
    if old.reason == Reason.BY_HAND:
        return False
    on, is_known = old.waiting_for_on, clock.is_known_zone(old.timezone)
    if on is None and is_known and old.due_on is not None and schedule.rule_of(old).due_at(old.due_on) <= now:
        on = old.due_on
    if on is None or on.isoweekday() not in changed.days:
        return False
    return schedule.rule_of(changed).due_at(on) <= now


async def _find_source(
    connection: Connection, wanted: models.Subscription, *, may_be_gone: bool = False
) -> str:
    """Return the address of the subscription's source, "" for none. Raises as `Subscriptions.check_source`.

    Raises UsageError for an unknown source, unless it may have been removed.
    """
    stored = {row.url: row.kind for row in await sources.list_rows(connection)}
    if not wanted.source or (may_be_gone and wanted.source not in stored):
        return wanted.source
    address = await kinds.find_address(connection, wanted.source)
    record = kinds.get(stored[address], address)
    is_lookup = record.is_for_lookup or await archive.has_lookup(connection, address)
    label = kinds.public_label(address)
    if is_lookup and not wanted.topic:
        raise TopicNeededError(
            f"{label} lists every new paper of the day, most of them without votes. A daily post from it also needs a --topic."
        )
    return address


async def _get(
    connection: Connection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription:
    subscription = await daily.get(connection, subscription_id, for_update=for_update)
    if subscription is None:
        raise errors.UsageError(f"No daily post has the ID {subscription_id}.")
    return subscription


class OnDemandPosts:
    """The preview of a subscription, and a post made now; papers of a preview do not count as posted.

    Selects the new papers of the newest fresh date, including digests that earlier posts covered.
    """

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

    async def preview(self, subscription: models.Subscription) -> tuple[choice.DailyPost, bool]:
        """Return the post that would be sent now, and True.

        If it would have no papers, False and the newest digest of the archive instead; with an empty archive, no papers.
        """
        now = self._clock()
        async with self._database.read() as connection:
            post = await self._select_fresh(connection, subscription, now)
            is_new = post is not None and bool(post.papers)
            if post is None or not is_new:
                post = await self._select_newest(connection, subscription, now)
            details = await daily_planner.load_details(connection, [post])
        return build_daily_post(subscription, post, details), is_new

    async def find_first(self, subscription: models.Subscription) -> datetime:
        """Return when a new subscription posts first (UTC)."""
        now = self._clock()
        due_at = schedule.next_due_of(subscription, now).at
        async with self._database.read() as connection:
            closings = await daily_planner.load_closings(connection, self._day_close, now, [subscription])
        close = choice.awaited_close(subscription, due_at, due_at, closings)
        return due_at if close is None else max(due_at, close.at)

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
            details = await daily_planner.load_details(connection, [post])
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
        first_on, last_on = choice.digest_dates(subscription, today, now)
        pool = await self._load_digests(connection, subscription, first_on, last_on)
        if not pool.digests:
            return None
        posted_ids = await daily_planner.load_posted_ids(connection, subscription, now)
        if choice.is_rolling(subscription):
            return _choose(subscription, now, pool, today, first_on, posted_ids)
        newest_on = max(digest.date for digest in pool.digests)
        return _choose(subscription, now, pool, newest_on, None, posted_ids)

    async def _select_newest(
        self, connection: Connection, subscription: models.Subscription, now: datetime
    ) -> choice.PlannedPost:
        origin, until_on = choice.find_origin(subscription), clock.latest_date(now)
        dates = await archive.list_dates(connection, limit=1, until_on=until_on, origin=origin)
        newest_on = dates[0] if dates else clock.local_date(now, clock.parse_zone(subscription.timezone))
        since_on = choice.first_rolling_date(subscription, newest_on)
        pool = await self._load_digests(connection, subscription, since_on or newest_on, newest_on)
        return _choose(subscription, now, pool, newest_on, since_on, ())

    async def _load_digests(
        self, connection: Connection, subscription: models.Subscription, since_on: date, until_on: date
    ) -> choice.CandidatePool:
        """Return the digests of these dates, with their papers on the subscription's topic."""
        pool = await daily_planner.load_digests(connection, [subscription], since_on, until_on)
        await daily_planner.TopicMatches(self._matcher).look_up(connection, pool, [subscription])
        return pool


def _choose(
    subscription: models.Subscription,
    now: datetime,
    pool: choice.CandidatePool,
    digest_on: date,
    since_on: date | None,
    posted_ids: Collection[int],
) -> choice.PlannedPost:
    """Return the post of the digests of a day, or of all those of the pool from `since_on` on."""
    digest_ids = tuple(digest.id for digest in pool.digests if since_on or digest.date == digest_on)
    today = clock.local_date(now, clock.parse_zone(subscription.timezone))
    selected = pool.select(digest_ids, subscription, posted_ids)
    return choice.PlannedPost(today, now, digest_on, digest_ids, *selected, since_on=since_on)
