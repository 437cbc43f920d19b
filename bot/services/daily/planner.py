"""The daily post: picks the due subscriptions and plans their posts into the outbox. Sends nothing.

One transaction plans a batch: the deliveries under their unique keys, their rendered parts, the papers that each
channel has now had, the digests covered, and the next due times. Planning twice plans once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import structlog

from bot import isolation
from bot.services.daily import decision, schedule, styles
from bot.services.posts import contents, delivery_factory, summaries
from storage import digest_reads, digests, models, papers, subscriptions
from storage import posted as storage_posted
from storage.database import Connection, Database
from storage.outbox import queries
from storage.outbox.plan import add_all

log = structlog.get_logger(__name__)

REPOST_INTERVAL = timedelta(days=30)
"""A paper is not posted again in a channel for this long."""

CLOCK_SKEW_TOLERANCE = timedelta(minutes=1)
"""A clock that is so much earlier than at the last tick was set back."""

POSTPONE_DELAY = timedelta(hours=1)
BATCH_SIZE = 500
MAX_LOGGED_KEYS = 10


def build_daily_post(
    subscription: models.Subscription, post: decision.PlannedPost, details: dict[int, models.PaperDetail]
) -> contents.DailyPost:
    """Return a planned post as data for the renderer, under the shared marker."""
    return contents.DailyPost(
        marker=delivery_factory.MARKER_PLACEHOLDER,
        locale=subscription.locale,
        style=subscription.style,
        digest_on=post.digest_on,
        total=post.selection.total,
        papers=tuple(
            summaries.build_post_paper(details[paper.paper_id], subscription.locale)
            for paper in post.selection.papers
        ),
        schedule=contents.PostSchedule(subscription.at_time, subscription.timezone, subscription.days),
        since_on=post.since_on,
        missed_on=post.missed_on,
    )


class DailyPlanner:
    """Plans the posts of due subscriptions."""

    def __init__(self, database: Database, deliveries: delivery_factory.DeliveryFactory) -> None:
        self._database = database
        self._deliveries = deliveries
        self._last_tick_at: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """Plan everything that is due at `now` (UTC). Returns how many posts were planned."""
        if self._last_tick_at is not None and now < self._last_tick_at - CLOCK_SKEW_TOLERANCE:
            # What was due while the clock stood ahead was put off by as much.
            await self.reschedule(now)
        self._last_tick_at = now
        planned = 0
        rendered: dict[object, delivery_factory.RenderedPost] = {}
        while True:
            batch, posted = await self._plan_batch(now, rendered)
            planned += posted
            if batch < BATCH_SIZE:
                return planned
            await asyncio.sleep(0)

    async def reschedule(self, now: datetime) -> int:
        """Compute all due times anew: the zones' rules may have changed, or the clock been ahead. Returns how many moved."""
        moved = 0
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            plans = []
            for subscription in await subscriptions.list_rows(connection, state=models.ActivityState.ACTIVE):
                due = (
                    recompute_due(subscription, now)
                    if schedule.is_known_zone(subscription.timezone)
                    else None
                )
                if due is not None and (due.at, due.local_on) != (
                    subscription.next_due_at,
                    subscription.due_on,
                ):
                    plans.append(decision.Decision(subscription, due))
                    moved += 1
            await _store_schedules(connection, plans, now)
        return moved

    async def _plan_batch(
        self, now: datetime, rendered: dict[object, delivery_factory.RenderedPost]
    ) -> tuple[int, int]:
        async with self._database.transaction() as connection:
            await digests.lock_ingest(connection)
            due = await subscriptions.list_due(connection, now, limit=BATCH_SIZE)
            if not due:
                return 0, 0
            unknown = [one for one in due if not schedule.is_known_zone(one.timezone)]
            known = [one for one in due if schedule.is_known_zone(one.timezone)] if unknown else due
            plans = await self._decide(connection, known, now)
            details = await _load_details(connection, plans)
            plans, posted = self._build_deliveries(plans, details, now, rendered)
            plans += [_postpone(one, now, "its time zone is not known") for one in unknown]
            ids = await add_all(connection, posted)
            new = [plan for plan in plans if plan.post and _delivery_key(plan) in ids]
            await _record_posted(connection, new, ids, now)
            await storage_posted.add_covered(
                connection,
                [
                    (plan.subscription.id, digest_id)
                    for plan in plans
                    for digest_id in plan.covered_digest_ids
                ],
                now,
            )
            await _store_schedules(connection, plans, now)
        if new:
            log.info(
                "posts planned",
                count=len(new),
                deliveries=[_delivery_key(plan) for plan in new[:MAX_LOGGED_KEYS]],
            )
        return len(due), len(new)

    async def _decide(
        self, connection: Connection, due: Sequence[models.Subscription], now: datetime
    ) -> list[decision.Decision]:
        if not due:
            return []
        shelf = await _load_candidates(connection, due, now)
        digest_ids = [digest.id for digest in shelf.digests]
        covered = await storage_posted.list_covered(connection, [one.id for one in due], digest_ids)
        had_at = await storage_posted.list_papers(
            connection, {one.channel_id for one in due}, since_at=now - REPOST_INTERVAL
        )
        calendar = decision.Calendar(now)
        keys = [
            decision.delivery_key(one.id, moments[-1].local_on)
            for one in due
            if (moments := calendar.look_up(one)[0])
        ]
        planned = await queries.list_existing_keys(connection, keys)
        plans = []
        for one in due:
            place = had_at.setdefault((one.channel_id, one.locale.value), set())
            drawn = covered.get(one.id, set())
            plan = decision.decide(
                one, calendar, shelf, covered_ids=drawn, posted_ids=place, planned_keys=planned
            )
            # Two subscriptions of one channel that are due together share what the first of them takes.
            place.update(_paper_ids(plan))
            plans.append(plan)
        return plans

    def _build_deliveries(
        self,
        plans: Iterable[decision.Decision],
        details: dict[int, models.PaperDetail],
        now: datetime,
        rendered: dict[object, delivery_factory.RenderedPost],
    ) -> tuple[list[decision.Decision], list[models.NewDelivery]]:
        """Return the deliveries of those that post; one that cannot be rendered is put off."""
        kept: list[decision.Decision] = []
        posted: list[models.NewDelivery] = []
        for plan in plans:
            # An error in one style's template must not block the other subscriptions.
            failures: list[Exception] = []
            with isolation.collected(failures):
                if plan.post is not None:
                    posted.append(self._build_delivery(plan, details, now, rendered))
            for error in failures:
                plan = _postpone(plan.subscription, now, "it cannot be rendered", exc_info=error)
            kept.append(plan)
        return kept, posted

    def _build_delivery(
        self,
        plan: decision.Decision,
        details: dict[int, models.PaperDetail],
        now: datetime,
        rendered: dict[object, delivery_factory.RenderedPost],
    ) -> models.NewDelivery:
        assert plan.post is not None
        subscription, post = plan.subscription, plan.post
        # Ten thousand channels mostly show the same few posts: each is rendered once a tick.
        shown = replace(post, local_on=post.digest_on, due_at=now)
        times = subscription.at_time, subscription.timezone, subscription.days
        cache_key = shown, subscription.locale, subscription.style, times
        if cache_key not in rendered:
            rendered[cache_key] = self._deliveries.render_daily(build_daily_post(subscription, post, details))
        return self._deliveries.build_post(
            rendered[cache_key],
            subscription,
            kind=models.DeliveryKind.DAILY,
            key=_delivery_key(plan),
            local_on=post.local_on,
            now=now,
            due_at=post.due_at,
        )


def recompute_due(subscription: models.Subscription, now: datetime) -> schedule.DueTime | None:
    """Return when an active subscription is due by today's rules; None to leave it as it is.

    The local date that it stands for stays; one whose date lies ahead of the next (the clock was wrong once) is brought
    back.
    """
    zone = schedule.parse_zone(subscription.timezone)
    at = schedule.parse_time(subscription.at_time)
    following = schedule.next_due(now, at, zone, subscription.days)
    if subscription.waiting_for_on is not None:
        return following if subscription.waiting_for_on >= following.local_on else None
    if subscription.due_on is None or subscription.due_on > following.local_on:
        return following
    return next(schedule.iter_due_times(subscription.due_on, at, zone, subscription.days))


def _postpone(
    subscription: models.Subscription, now: datetime, why: str, **details: object
) -> decision.Decision:
    """Look later at what cannot be planned, so that it holds up nobody else."""
    log.error("a post cannot be planned", subscription=subscription.id, why=why, **details)
    return decision.Decision(
        subscription, schedule.DueTime(now + POSTPONE_DELAY, subscription.due_on or now.date())
    )


def _delivery_key(plan: decision.Decision) -> str:
    assert plan.post is not None
    return decision.delivery_key(plan.subscription.id, plan.post.local_on)


def _paper_ids(plan: decision.Decision) -> list[int]:
    return [] if plan.post is None else [paper.paper_id for paper in plan.post.selection.papers]


async def _load_candidates(
    connection: Connection, due: Iterable[models.Subscription], now: datetime
) -> decision.CandidatePool:
    """Read every digest that any of these subscriptions can draw from, with its papers."""
    spans: list[tuple[date, date]] = []
    for one in due:
        today = schedule.local_date(now, schedule.parse_zone(one.timezone))
        # A post that is still waited for may be yesterday's.
        first_on = decision.oldest_digest_date(one, today - styles.DAY)
        spans.append((first_on, decision.newest_digest_date(today)))
    found = await digest_reads.list_digests(connection, min(s[0] for s in spans), max(s[1] for s in spans))
    listed = await digest_reads.list_papers(connection, [digest.id for digest in found])
    return decision.CandidatePool(found, listed)


async def _load_details(
    connection: Connection, plans: Iterable[decision.Decision]
) -> dict[int, models.PaperDetail]:
    ids = sorted({paper_id for plan in plans for paper_id in _paper_ids(plan)})
    return {detail.id: detail for detail in await papers.list_details(connection, ids)}


async def _record_posted(
    connection: Connection,
    plans: Iterable[decision.Decision],
    ids: dict[str, int],
    now: datetime,
) -> None:
    await storage_posted.add_papers(
        connection,
        [
            storage_posted.PostedPaper(
                plan.subscription.channel_id,
                plan.subscription.locale.value,
                paper_id,
                now,
                ids[_delivery_key(plan)],
            )
            for plan in plans
            for paper_id in _paper_ids(plan)
        ],
    )


async def _store_schedules(connection: Connection, plans: Sequence[decision.Decision], now: datetime) -> None:
    await subscriptions.set_schedules(
        connection,
        [
            subscriptions.Schedule(
                subscription_id=plan.subscription.id,
                next_due_at=plan.next_due.at,
                due_on=plan.next_due.local_on,
                waiting_for_on=plan.waiting_for_on,
                waiting_until_at=plan.waiting_until_at,
                last_digest_on=plan.last_digest_on or plan.subscription.last_digest_on,
            )
            for plan in plans
        ],
    )
