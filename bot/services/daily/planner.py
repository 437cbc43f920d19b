"""The daily post: picks the due subscriptions and plans their posts into the outbox. Sends nothing.

One transaction plans a batch: the deliveries under their unique keys, their rendered parts, the papers that each
channel has now had, the digests covered, and the next due times. Planning twice plans once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from bot.services.daily import decision, schedule
from bot.services.posts import contents, summaries
from storage import digest_reads, digests, models, papers, subscriptions
from storage import posted as storage_posted
from storage.database import Connection, Database
from storage.outbox import queries, transitions

log = structlog.get_logger(__name__)

HAD_FOR = timedelta(days=30)
"""A paper is not posted again in a channel for this long."""

SET_BACK = timedelta(minutes=1)
"""A clock that is so much earlier than at the last tick was set back."""

PUT_OFF = timedelta(hours=1)
BATCH = 500
NAMED_IN_LOG = 10
MARKER = "daily:0:0000-00-00"
"""Stands in a rendered payload where each delivery's own marker goes."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A post's messages as JSON with MARKER in them, and a fingerprint of the papers that they show."""

    parts: tuple[tuple[models.PartKind, str, str | None], ...]
    fingerprint: str

    def parts_for(self, marker: str, nonces: Callable[[], str]) -> tuple[models.NewPart, ...]:
        """Return the parts of one delivery."""
        return tuple(
            models.NewPart(
                kind=kind,
                payload=payload.replace(MARKER, marker),
                fallback=fallback and fallback.replace(MARKER, marker),
                nonce=nonces(),
            )
            for kind, payload, fallback in self.parts
        )


def render(renderer: contents.Renderer, post: contents.DailyPost) -> Rendered:
    """Render a post whose marker is MARKER."""
    parts = tuple(
        (part.kind, _dump(part.payload), None if part.fallback is None else _dump(part.fallback))
        for part in renderer.render_daily(post)
    )
    # Of the papers alone: a changed schedule or template is no reason to edit what was posted.
    return Rendered(parts, hashlib.sha256(repr(post.papers).encode()).hexdigest())


def _dump(payload: dict[str, object]) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def daily_post(
    subscription: models.Subscription, post: decision.Post, details: dict[int, models.PaperDetail]
) -> contents.DailyPost:
    """Return a planned post as data for the renderer, with MARKER for its marker."""
    return contents.DailyPost(
        marker=MARKER,
        locale=subscription.locale,
        style=subscription.style,
        digest_on=post.digest_on,
        total=post.choice.total,
        papers=tuple(
            summaries.post_paper(details[paper.paper_id], subscription.locale) for paper in post.choice.papers
        ),
        schedule=contents.PostSchedule(subscription.at_time, subscription.timezone, subscription.days),
        since_on=post.since_on,
        missed_on=post.missed_on,
    )


class DailyPlanner:
    """Plans what is due. `nonces` gives a new nonce, unique in the world, of at most 25 characters."""

    def __init__(
        self,
        database: Database,
        renderer: contents.Renderer,
        *,
        nonces: Callable[[], str],
        expire_after: timedelta = timedelta(hours=24),
    ) -> None:
        self._database = database
        self._renderer = renderer
        self._nonces = nonces
        self._expire_after = expire_after
        self._latest: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """Plan everything that is due at `now` (UTC). Returns how many posts were planned."""
        if self._latest is not None and now < self._latest - SET_BACK:
            # What was due while the clock stood ahead was put off by as much.
            await self.reschedule(now)
        self._latest = now
        planned = 0
        rendered: dict[object, Rendered] = {}
        while True:
            batch, posted = await self._plan_batch(now, rendered)
            planned += posted
            if batch < BATCH:
                return planned
            await asyncio.sleep(0)

    async def reschedule(self, now: datetime) -> int:
        """Compute all due times anew: the zones' rules may have changed, or the clock been ahead. Returns how many moved."""
        moved = 0
        async with self._database.transaction() as connection:
            await digests.lock(connection)
            plans = []
            for subscription in await subscriptions.list_rows(
                connection, state=models.SubscriptionState.ACTIVE
            ):
                due = due_again(subscription, now) if schedule.knows_zone(subscription.timezone) else None
                if due is not None and (due.at, due.local_on) != (
                    subscription.next_due_at,
                    subscription.due_on,
                ):
                    plans.append(decision.Plan(subscription, due))
                    moved += 1
            await _keep_schedule(connection, plans, now)
        return moved

    async def _plan_batch(self, now: datetime, rendered: dict[object, Rendered]) -> tuple[int, int]:
        async with self._database.transaction() as connection:
            await digests.lock(connection)
            due = await subscriptions.list_due(connection, now, limit=BATCH)
            if not due:
                return 0, 0
            unknown = [one for one in due if not schedule.knows_zone(one.timezone)]
            known = [one for one in due if schedule.knows_zone(one.timezone)] if unknown else due
            plans = await self._decide(connection, known, now)
            details = await _details(connection, plans)
            plans, posted = self._render(plans, details, now, rendered)
            plans += [_put_off(one, now, "its time zone is not known") for one in unknown]
            ids = await transitions.add_all(connection, posted)
            new = [plan for plan in plans if plan.post and _key(plan) in ids]
            await _keep_had(connection, new, ids, now)
            await storage_posted.add_covered(
                connection,
                [(plan.subscription.id, digest_id) for plan in plans for digest_id in plan.covers],
                now,
            )
            await _keep_schedule(connection, plans, now)
        if new:
            log.info("posts planned", count=len(new), deliveries=[_key(plan) for plan in new[:NAMED_IN_LOG]])
        return len(due), len(new)

    async def _decide(
        self, connection: Connection, due: Sequence[models.Subscription], now: datetime
    ) -> list[decision.Plan]:
        if not due:
            return []
        shelf = await _shelf(connection, due, now)
        digest_ids = [digest.id for digest in shelf.digests]
        covered = await storage_posted.list_covered(connection, [one.id for one in due], digest_ids)
        had_at = await storage_posted.list_papers(
            connection, {one.channel_id for one in due}, since_at=now - HAD_FOR
        )
        calendar = decision.Calendar(now)
        keys = [
            decision.key(one.id, moments[-1].local_on) for one in due if (moments := calendar.read(one)[0])
        ]
        planned = await queries.list_keys(connection, keys)
        plans = []
        for one in due:
            place = had_at.setdefault((one.channel_id, one.locale.value), set())
            drawn = covered.get(one.id, set())
            plan = decision.decide(one, calendar, shelf, covered=drawn, had=place, planned=planned)
            # Two subscriptions of one channel that are due together share what the first of them takes.
            place.update(_papers(plan))
            plans.append(plan)
        return plans

    def _render(
        self,
        plans: Iterable[decision.Plan],
        details: dict[int, models.PaperDetail],
        now: datetime,
        rendered: dict[object, Rendered],
    ) -> tuple[list[decision.Plan], list[models.NewDelivery]]:
        """Return the deliveries of those that post; one that cannot be rendered is put off."""
        kept: list[decision.Plan] = []
        posted: list[models.NewDelivery] = []
        for plan in plans:
            try:
                if plan.post is not None:
                    posted.append(self._delivery(plan, details, now, rendered))
                kept.append(plan)
            except Exception:  # noqa: BLE001 - a mistake in one style's template must not silence the others; it is logged
                kept.append(_put_off(plan.subscription, now, "it cannot be rendered", exc_info=True))
        return kept, posted

    def _delivery(
        self,
        plan: decision.Plan,
        details: dict[int, models.PaperDetail],
        now: datetime,
        rendered: dict[object, Rendered],
    ) -> models.NewDelivery:
        assert plan.post is not None
        subscription, post = plan.subscription, plan.post
        # Ten thousand channels mostly show the same few posts: each is rendered once a tick.
        shown = replace(post, local_on=post.digest_on, due_at=now)
        times = subscription.at_time, subscription.timezone, subscription.days
        cache_key = shown, subscription.locale, subscription.style, times
        if cache_key not in rendered:
            rendered[cache_key] = render(self._renderer, daily_post(subscription, post, details))
        return models.NewDelivery(
            key=_key(plan),
            kind=models.DeliveryKind.DAILY,
            locale=subscription.locale,
            planned_at=now,
            due_at=post.due_at,
            expires_at=now + self._expire_after,
            parts=rendered[cache_key].parts_for(_key(plan), self._nonces),
            subscription_id=subscription.id,
            guild_id=subscription.guild_id,
            channel_id=subscription.channel_id,
            local_on=post.local_on,
            digest_on=post.digest_on,
            papers=tuple(details[paper.paper_id].arxiv_id for paper in post.choice.papers),
            total=post.choice.total,
            fingerprint=rendered[cache_key].fingerprint,
        )


def due_again(subscription: models.Subscription, now: datetime) -> schedule.Due | None:
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
    return next(schedule.moments(subscription.due_on, at, zone, subscription.days))


def _put_off(subscription: models.Subscription, now: datetime, why: str, **details: bool) -> decision.Plan:
    """Look later at what cannot be planned, so that it holds up nobody else."""
    log.error("a post cannot be planned", subscription=subscription.id, why=why, **details)
    return decision.Plan(subscription, schedule.Due(now + PUT_OFF, subscription.due_on or now.date()))


def _key(plan: decision.Plan) -> str:
    assert plan.post is not None
    return decision.key(plan.subscription.id, plan.post.local_on)


def _papers(plan: decision.Plan) -> list[int]:
    return [] if plan.post is None else [paper.paper_id for paper in plan.post.choice.papers]


async def _shelf(connection: Connection, due: Iterable[models.Subscription], now: datetime) -> decision.Shelf:
    """Read every digest that any of these subscriptions can draw from, with its papers."""
    spans: list[tuple[date, date]] = []
    for one in due:
        today = schedule.local_date(now, schedule.parse_zone(one.timezone))
        # A post that is still waited for may be yesterday's.
        first_on = decision.oldest_of_interest(one, today - decision.DAY)
        spans.append((first_on, decision.newest_of_interest(today)))
    found = await digest_reads.list_digests(connection, min(s[0] for s in spans), max(s[1] for s in spans))
    listed = await digest_reads.list_papers(connection, [digest.id for digest in found])
    return decision.Shelf(found, listed)


async def _details(connection: Connection, plans: Iterable[decision.Plan]) -> dict[int, models.PaperDetail]:
    ids = sorted({paper_id for plan in plans for paper_id in _papers(plan)})
    return {detail.id: detail for detail in await papers.list_details(connection, ids)}


async def _keep_had(
    connection: Connection,
    plans: Iterable[decision.Plan],
    ids: dict[str, int],
    now: datetime,
) -> None:
    await storage_posted.add_papers(
        connection,
        [
            storage_posted.Had(
                plan.subscription.channel_id, plan.subscription.locale.value, paper_id, now, ids[_key(plan)]
            )
            for plan in plans
            for paper_id in _papers(plan)
        ],
    )


async def _keep_schedule(connection: Connection, plans: Sequence[decision.Plan], now: datetime) -> None:
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
