"""Plans the daily posts of due subscriptions into the outbox.

One transaction plans a batch: deliveries under unique keys with their rendered parts, papers posted, digests covered,
the decisions for `/why`, and the next due times. Planning is idempotent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot import day_close, isolation
from bot.services.daily import candidates, decision, schedule
from bot.services.daily.rendered import RenderedPosts
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.time_slices import TimeSlices
from storage import decisions, digests, models, posted, subscriptions
from storage.database import Connection, Database
from storage.outbox import queries
from storage.outbox.plan import add_all

log = structlog.get_logger(__name__)

CLOCK_SKEW_TOLERANCE = timedelta(minutes=1)
"""If a tick is earlier than the last one by more than this, the clock was set back."""

POSTPONE_DELAY = timedelta(hours=1)
BATCH_SIZE = 500
OWN_POSTS_IN_BATCH = 100
"""Posts of a batch that are rendered for one server alone, 4 ms of processor time each: other writers wait meanwhile."""
MAX_LOGGED_KEYS = 10


class DailyPlanner:
    """Plans the posts of due subscriptions. `matcher` finds the papers on their topics."""

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        matcher: candidates.TopicMatcher,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._matcher = matcher
        self._deliveries = deliveries
        self._day_close = rule or day_close.default()
        self._last_tick_at: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """Plan everything that is due at `now` (UTC). Returns the number of posts planned."""
        if self._last_tick_at is not None and now < self._last_tick_at - CLOCK_SKEW_TOLERANCE:
            # While the clock was ahead, due times were moved too far into the future.
            await self.reschedule(now)
        self._last_tick_at = now
        planned = 0
        rendered = RenderedPosts(self._deliveries, now)
        matches = candidates.TopicMatches(self._matcher)
        while True:
            counts = await self._plan_batch(now, rendered, matches)
            if counts is None:
                await self._match_ahead(now, matches)
                continue
            due_count, planned_count = counts
            planned += planned_count
            if due_count < BATCH_SIZE:
                return planned
            await asyncio.sleep(0)

    async def reschedule(self, now: datetime, *, ahead_since: datetime | None = None) -> int:
        """Recompute all due times, after a change of time zone rules or of the clock. Returns the number changed.

        `ahead_since` (UTC) is as in `recompute_due`.
        """
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            active = await subscriptions.list_rows(connection, state=models.ActivityState.ACTIVE)
            changed = [
                schedule.set_due(subscription, due)
                for subscription in active
                if schedule.is_known_zone(subscription.timezone)
                and (due := recompute_due(subscription, now, ahead_since)) is not None
                and (due.at, due.local_on) != (subscription.next_due_at, subscription.due_on)
            ]
            await subscriptions.set_schedules(connection, changed)
        return len(changed)

    async def _match_ahead(self, now: datetime, matches: candidates.TopicMatches) -> None:
        """Match the topics that are due outside the planning transaction, which keeps other writers waiting."""
        async with self._database.read() as connection:
            due = await subscriptions.list_due_with_topic(connection, now)
            known = [subscription for subscription in due if schedule.is_known_zone(subscription.timezone)]
            if known:
                pool = await candidates.load_pool(connection, known, now)
                await matches.look_up(connection, pool, known)

    async def _plan_batch(
        self, now: datetime, rendered: RenderedPosts, matches: candidates.TopicMatches
    ) -> tuple[int, int] | None:
        """Plan at most BATCH_SIZE due subscriptions. Returns how many were due and how many posts were planned.

        It returns BATCH_SIZE if some of them are left for the next batch.

        Returns None, and plans nothing, if a topic of theirs is not matched yet.
        """
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            listed = await subscriptions.list_due(connection, now, limit=BATCH_SIZE)
            if not listed:
                return 0, 0
            due = _limit_own_posts(listed)
            known = [subscription for subscription in due if schedule.is_known_zone(subscription.timezone)]
            if not all(matches.covers(subscription) for subscription in known):
                return None
            plans, revisions = await _decide(connection, known, now, matches, self._day_close)
            picks_by_post = await candidates.load_server_picks(
                connection, known, [plan.post for plan in plans]
            )
            plans = [
                replace(plan, post=plan.post and replace(plan.post, server_picks=picks))
                for plan, picks in zip(plans, picks_by_post, strict=True)
            ]
            locales = {subscription.locale for subscription in known}
            details = await candidates.load_details(connection, [plan.post for plan in plans], locales)
            plans, deliveries = await _build_deliveries(known, plans, details, now, rendered)
            known_ids = {subscription.id for subscription in known}
            plans += [
                _postpone(subscription, now, "unknown time zone")
                for subscription in due
                if subscription.id not in known_ids
            ]
            ids = await add_all(connection, deliveries)
            await _store_plans(connection, plans, revisions, ids, now)
        if ids:
            log.info("posts planned", count=len(ids), deliveries=list(ids)[:MAX_LOGGED_KEYS])
        return len(due) if due == listed else BATCH_SIZE, len(ids)


def _limit_own_posts(due: list[models.Subscription]) -> list[models.Subscription]:
    """Return the first due subscriptions, with at most OWN_POSTS_IN_BATCH posts that only one server gets."""
    own = [position for position, subscription in enumerate(due) if subscription.server_picks]
    return due[: own[OWN_POSTS_IN_BATCH]] if len(own) > OWN_POSTS_IN_BATCH else due


async def _decide(
    connection: Connection,
    due: Sequence[models.Subscription],
    now: datetime,
    matches: candidates.TopicMatches,
    rule: day_close.DayClose,
) -> tuple[list[decision.Decision], dict[int, int]]:
    """Return the decisions, and the revisions of the digests that they are about."""
    if not due:
        return [], {}
    pool = await candidates.load_pool(connection, due, now)
    await matches.look_up(connection, pool, due)
    digest_ids = [digest.id for digest in pool.digests]
    covered = await posted.list_covered(connection, [subscription.id for subscription in due], digest_ids)
    posted_ids = await posted.list_papers(
        connection, {subscription.channel_id for subscription in due}, since_at=now - decision.REPOST_INTERVAL
    )
    closings = await candidates.load_closings(connection, rule, now, due, pool.digests)
    calendar = decision.Calendar(now)
    keys = [
        decision.delivery_key(subscription.id, past[-1].local_on)
        for subscription in due
        if (past := calendar.look_up(subscription)[0])
    ]
    planned_keys = await queries.list_existing_keys(connection, keys)
    plans = []
    for subscription in due:
        channel_posted_ids = posted_ids.setdefault(posted.channel_locale(subscription), set())
        plan = decision.decide(
            subscription,
            calendar,
            pool,
            covered_ids=covered.get(subscription.id, {}),
            posted_ids=channel_posted_ids,
            planned_keys=planned_keys,
            closings=closings,
        )
        if plan.post is not None:
            # A second subscription of the channel that is due now must not repeat these papers.
            channel_posted_ids.update(paper.paper_id for paper in plan.post.papers)
            closes_at = candidates.stated_close(plan.post, pool, closings, now)
            plan = replace(plan, post=replace(plan.post, closes_at=closes_at))
        plans.append(plan)
    return plans, {digest.id: digest.revision for digest in pool.digests}


async def _build_deliveries(
    subscribed: Sequence[models.Subscription],
    plans: Sequence[decision.Decision],
    details: Mapping[int, models.PaperDetail],
    now: datetime,
    rendered: RenderedPosts,
) -> tuple[list[decision.Decision], list[models.NewDelivery]]:
    """Return the plans of the subscriptions and their deliveries. A plan that cannot be rendered is postponed.

    Posts with what members of a server saved are rendered for each server, hence in slices of time.
    """
    slices = TimeSlices()
    kept: list[decision.Decision] = []
    deliveries: list[models.NewDelivery] = []
    for subscription, plan in zip(subscribed, plans, strict=True):
        # A template error in one style must not stop the other posts.
        failures: list[Exception] = []
        with isolation.collected(failures):
            if plan.post is not None:
                deliveries.append(rendered.build_delivery(subscription, plan.post, details))
        kept.append(
            _postpone(subscription, now, "rendering failed", exc_info=failures[0]) if failures else plan
        )
        await slices.pause()
    return kept, deliveries


def recompute_due(
    subscription: models.Subscription, now: datetime, ahead_since: datetime | None = None
) -> schedule.DueTime | None:
    """Return the due time of an active subscription by today's time zone rules, or None to keep the stored one.

    The local date of the post is kept, unless it is later than the next due date: then the clock was wrong. A date that
    fell due while the clock was ahead (from `ahead_since` to `now`, UTC) is due now, unless it has its post.
    """
    zone = schedule.parse_zone(subscription.timezone)
    at = schedule.parse_time(subscription.at_time)
    following = schedule.next_due(now, at, zone, subscription.days)
    first_open = schedule.next_due(ahead_since or now, at, zone, subscription.days)
    if subscription.waiting_for_on is not None:
        return first_open if subscription.waiting_for_on >= following.local_on else None
    if subscription.due_on is None or subscription.due_on > following.local_on:
        due = first_open
    else:
        due = next(schedule.iter_due_times(subscription.due_on, at, zone, subscription.days))
    if due.at < subscription.created_at <= now:
        # The clock was behind, and the date before the subscription was made seemed to be the next one.
        return schedule.next_due(subscription.created_at, at, zone, subscription.days)
    return due


def _postpone(
    subscription: models.Subscription, now: datetime, reason: str, **details: object
) -> decision.Decision:
    """Return a decision to try again after POSTPONE_DELAY, so that other subscriptions are not held up."""
    log.error("post not planned", subscription=subscription.id, reason=reason, **details)
    due = schedule.DueTime(now + POSTPONE_DELAY, subscription.due_on or now.date())
    return decision.Decision(schedule.set_due(subscription, due))


async def _store_plans(
    connection: Connection,
    plans: Sequence[decision.Decision],
    revisions: Mapping[int, int],
    delivery_ids: Mapping[str, int],
    now: datetime,
) -> None:
    """Store what follows from the plans. `revisions` are by digest, `delivery_ids` the new deliveries by key."""
    records, papers = [], []
    for plan in plans:
        delivery_id = None
        if plan.post is not None:
            key = decision.delivery_key(plan.subscription.id, plan.post.local_on)
            delivery_id = delivery_ids.get(key)
            if delivery_id is not None:
                papers += candidates.posted_papers(plan.subscription, plan.post, now, delivery_id)
        if plan.choice is not None:
            records.append(decision.to_record(plan, plan.choice, now, delivery_id))
    covered, late = (
        [
            (plan.subscription.id, digest_id, revisions[digest_id])
            for plan in plans
            for digest_id in getattr(plan, name)
        ]
        for name in ("covered_digest_ids", "late_digest_ids")
    )
    await posted.add_papers(connection, papers)
    await posted.set_late_revisions(connection, late, now)
    await posted.add_covered(connection, covered + late, now)
    await decisions.add_all(connection, records)
    await subscriptions.set_schedules(connection, [plan.subscription for plan in plans])
