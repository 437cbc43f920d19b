"""Plans the daily posts of due subscriptions into the outbox.

One transaction plans a batch: deliveries under unique keys with their rendered parts, papers posted, digests covered,
the decisions for `/why`, and the next due times. Planning is idempotent.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

import structlog

from bot.archive import arxiv_ids
from bot.core import clock, day_close, isolation
from bot.daily import choice, schedule
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from bot.search import index as search_index
from bot.sources import kinds
from storage import archive, daily, database, key_values, models, outbox, papers, sources
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.outbox import add_all

log = structlog.get_logger(__name__)

POSTPONE_DELAY = timedelta(hours=1)
INDEX_DELAY = timedelta(seconds=1)
"""A post with a topic waits this long while the papers of its digests are indexed, and on until the next tick."""
BATCH_SIZE = 500
TOPIC_BATCH_SIZE = 10
"""Subscriptions with a topic in a batch: the look-up of each takes a tenth of a second, and those planned are sent meanwhile."""
DUE_TIMES_IN_BATCH = 200
"""Subscriptions whose due times are computed again in a transaction, of which the event loop reads the rows at once."""
MAX_LOGGED_KEYS = 10

TopicMatcher: TypeAlias = Callable[[Connection, str, Sequence[DigestPaper]], Awaitable[Mapping[int, float]]]
"""Returns how well those papers match a topic that match all of it, as `/topic` finds them, by id."""

_ListDue: TypeAlias = Callable[[Connection], Awaitable[list[models.Subscription]]]


PapersByRevision: TypeAlias = dict[tuple[int, int], list[DigestPaper]]
"""The papers of digests, by id and revision."""


# The delivery kinds of subscriptions: how a post is rendered once for many channels, what its expiry undoes, and whose
# subscription is paused once its posts are refused.

MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""Marker of a rendered post that is shared by many deliveries; each delivery puts its own key in its place."""


async def _undo(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Plan unsent posts again, with their digests and late papers, where no later one of the subscription is planned.

    The papers of one that is paused or blocked can come with the channel's other posts.
    """
    covering = [(row.subscription_id, row.planned_at) for row in unsent if row.subscription_id is not None]
    await daily.remove_covered(connection, covering)
    await outbox.release_keys(connection, [row.id for row in unsent])
    await daily.make_due_again(connection, unsent)
    stopped = {
        row.id
        for row in await daily.list_rows(connection, ids=[id_ for id_, _ in covering])
        if row.state is not models.ActivityState.ACTIVE
    }
    await daily.uncover_papers(connection, [row.id for row in unsent if row.subscription_id in stopped])


async def _undo_on_demand(connection: Connection, unsent: Sequence[models.Delivery], now: datetime) -> None:
    """Let the papers of unsent posts come with the channel's next ones."""
    await daily.uncover_papers(connection, [row.id for row in unsent])


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[Owned]:
    ids = [] if delivery.subscription_id is None else [delivery.subscription_id]
    rows = [
        row for row in await daily.list_rows(connection, ids=ids) if row.state is models.ActivityState.ACTIVE
    ]
    if pause_for is not None:
        await daily.set_state(
            connection, [row.id for row in rows], models.ActivityState.PAUSED, reason=pause_for
        )
    return [_owned(row) for row in rows]


def _owned(subscription: models.Subscription) -> Owned:
    return Owned(
        name=f"s{subscription.id}",
        guild_id=subscription.guild_id,
        channel_id=subscription.channel_id,
        user_id=subscription.created_by,
        locale=subscription.locale,
        subscription_id=subscription.id,
    )


DAILY: KindRecord[choice.DailyPost] = KindRecord(
    kind=models.DeliveryKind.DAILY,
    priority=models.Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_daily(post),
    undo=_undo,
    find_owned=_find_owned,
)
ON_DEMAND = KindRecord(
    kind=models.DeliveryKind.ON_DEMAND,
    priority=models.Priority.INTERACTIVE,
    render=DAILY.render,
    undo=_undo_on_demand,
)


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A daily post rendered with MARKER_PLACEHOLDER: its messages without nonces, and what is stored of it."""

    parts: tuple[models.NewPart, ...]
    stored: models.StoredPost


def render(factory: DeliveryFactory, post: choice.DailyPost) -> RenderedPost:
    """Render a post once, for any number of deliveries. `post.marker` must be MARKER_PLACEHOLDER.

    A paper that cannot be rendered is shown by its id, votes and address alone, and logged: it must not stop the post.
    Raises what the rendering of such papers raises.
    """
    failures: list[Exception] = []
    with isolation.collected(failures):
        parts = factory.render(DAILY, post)
    if failures:
        papers = tuple(_reduce_failing(factory, post, paper) for paper in post.papers)
        reduced = [paper.arxiv_id for paper, whole in zip(papers, post.papers, strict=True) if paper != whole]
        post = replace(post, papers=papers)
        parts = factory.render(DAILY, post)
        log.error(
            "papers shown only by their IDs", papers=reduced, day=str(post.digest_on), exc_info=failures[0]
        )
    stored = models.StoredPost(
        papers=tuple(paper.arxiv_id for paper in post.papers),
        digests=tuple(paper.digest_id for paper in post.papers),
        total=post.total,
        **post.facts(),
    )
    return RenderedPost(parts, stored)


def _reduce_failing(
    factory: DeliveryFactory, post: choice.DailyPost, paper: contents.PostPaper
) -> contents.PostPaper:
    """Return a paper of a post, with nothing but its id, votes and address if it cannot be rendered alone."""
    failures: list[Exception] = []
    with isolation.collected(failures):
        factory.render(DAILY, replace(post, papers=(paper,), late=(), ranks=()))
    if not failures:
        return paper
    url = arxiv_ids.abstract_url(paper.arxiv_id)
    return contents.PostPaper(paper.arxiv_id, None, url, paper.date, paper.votes, digest_id=paper.digest_id)


class TopicMatches:
    """The papers that match each topic. The search engine is asked once about each topic and paper."""

    def __init__(self, matcher: TopicMatcher) -> None:
        self._matcher = matcher
        self._checked: dict[str, set[int]] = {}
        self._matching: dict[str, dict[int, float]] = {}
        self.failures: dict[str, Exception] = {}
        """Topics whose look-up caused a bug, which must not hold up the posts on others."""

    def covers(self, subscription: models.Subscription) -> bool:
        """Return whether the subscription's topic was looked up, if it has one."""
        return not subscription.topic or subscription.topic in self._checked

    async def look_up(
        self, connection: Connection, pool: choice.CandidatePool, subscriptions: Iterable[models.Subscription]
    ) -> None:
        """Find the papers of the pool that match the topics of the subscriptions, and tell the pool."""
        digest_ids: dict[str, set[int]] = {}
        for row in subscriptions:
            if row.topic:
                digest_ids.setdefault(row.topic, set()).update(of.id for of in pool.digests_of(row))
        for topic, ids in digest_ids.items():
            checked = self._checked.setdefault(topic, set())
            matching = self._matching.setdefault(topic, {})
            drawn = (paper for id_ in sorted(ids) for paper in pool.papers_of(id_))
            unchecked = [paper for paper in drawn if paper.paper_id not in checked]
            if unchecked and topic not in self.failures:
                failures: list[Exception] = []
                with isolation.collected(failures, reraise=database.FAILURES):
                    matching.update(await self._matcher(connection, topic, unchecked))
                    checked.update(paper.paper_id for paper in unchecked)
                if failures:
                    self.failures[topic] = failures[0]
            pool.matching[topic] = matching


async def list_unindexed(
    connection: Connection,
    pool: choice.CandidatePool,
    subscriptions: Iterable[models.Subscription],
    now: datetime,
) -> set[int]:
    """Return the subscriptions, by id, whose topic cannot be matched at `now` (UTC): the papers of a digest are being indexed.

    A large digest is indexed after the transaction that stores it. What is not done POSTPONE_DELAY later is not waited for.
    """
    on_topic = [subscription for subscription in subscriptions if subscription.topic]
    waiting = await search_index.list_waiting(connection) if on_topic else set()
    if not waiting:
        return set()
    incomplete = {
        digest.id
        for digest in pool.digests
        if now - digest.updated_at < POSTPONE_DELAY
        and any(paper.paper_id in waiting for paper in pool.papers_of(digest.id))
    }
    return {
        subscription.id
        for subscription in on_topic
        if any(digest.id in incomplete for digest in pool.digests_of(subscription))
    }


async def load_pool(
    connection: Connection,
    subscriptions: Iterable[models.Subscription],
    now: datetime,
    loaded: PapersByRevision | None = None,
) -> choice.CandidatePool:
    """Return every digest that any of the subscriptions can draw from at `now` (UTC), with its papers.

    `loaded` is as in `load_digests`.
    """
    subscriptions = list(subscriptions)
    first_dates: list[date] = []
    for subscription in subscriptions:
        today = schedule.local_date_of(subscription, now)
        # A post that still waits for its digest may be yesterday's.
        first_dates.append(choice.oldest_digest_date(subscription, today - schedule.DAY))
    first_on = min(first_dates) - choice.LATE_DAYS * schedule.DAY
    return await load_digests(connection, subscriptions, first_on, choice.newest_digest_date(now), loaded)


async def load_closings(
    connection: Connection,
    rule: day_close.DayClose,
    now: datetime,
    subscriptions: Iterable[models.Subscription],
) -> day_close.Closings | None:
    """Return which days are complete; None if no subscription waits for that, or no source has lists."""
    if all(subscription.at_time for subscription in subscriptions):
        return None
    return await load_all_closings(connection, rule, now)


async def load_all_closings(
    connection: Connection, rule: day_close.DayClose, now: datetime
) -> day_close.Closings | None:
    """Return which days are complete; None if no source has lists. A day whose digest is being written is not complete."""
    reads = await load_reads(connection, now)
    if reads is None:
        return None
    if rule.writing_period:
        written_on = await key_values.get(connection, key_values.WRITTEN_ON) or ""
        reads = {
            day: read_at
            for day, read_at in reads.items()
            if day.isoformat() <= written_on or now >= rule.written_by(day)
        }
    return day_close.Closings(rule, reads)


_RECENT_DAYS = 10
"""Days with digests that are looked at for a complete one: six may be open, of which one is dated tomorrow."""
_WHOLE_DAYS = {models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW, models.DigestFormat.LOOKUP}
"""Formats in which a day comes at once; lists grow, or are one author's."""


class RecentDays(NamedTuple):
    """The recent days that have digests, newest first, and which of them are complete. Those dated ahead are left out."""

    dates: list[date]
    complete: list[date]
    closings: day_close.Closings | None
    """None if no source has lists that were read lately."""

    @property
    def newest(self) -> date | None:
        """Return the newest complete day; with none, as after the first start, the newest; None without digests."""
        return next(iter(self.complete or self.dates), None)


async def list_recent_days(connection: Connection, rule: day_close.DayClose, now: datetime) -> RecentDays:
    """Return the recent days at `now` (UTC); those for look-up only if there are no others.

    A day is complete when its list, or that of a later day, was read after its close, or none could be read for SILENT_PERIOD.
    Without a source of lists that answers, it is when it has a digest of the whole day, or else at its close.
    """
    closings = await load_all_closings(connection, rule, now)
    if closings is not None and not closings.has_read_since(now - day_close.SILENT_PERIOD):
        closings = None
    until_on = clock.latest_date(now)
    for origin in (archive.POSTED, archive.ALL):
        if dates := await archive.list_dates(
            connection, limit=_RECENT_DAYS, until_on=until_on, origin=origin
        ):
            digests = await archive.list_rows(
                connection, since_on=dates[-1], until_on=dates[0], origin=origin
            )
            whole = {digest.date for digest in digests if digest.format in _WHOLE_DAYS}
            complete = [day for day in dates if _is_complete(day, rule, now, closings, whole)]
            return RecentDays(dates, complete, closings)
    return RecentDays([], [], closings)


def _is_complete(
    day: date,
    rule: day_close.DayClose,
    now: datetime,
    closings: day_close.Closings | None,
    whole: Collection[date],
) -> bool:
    closes_at = rule.closes_at(day)
    if closings is None:
        return day in whole or closes_at <= now
    return day <= closings.newest_complete(now) or now >= closes_at + day_close.SILENT_PERIOD


async def load_reads(connection: Connection, now: datetime) -> dict[date, datetime] | None:
    """Return when the list of each recent day was read last (UTC); None if no source has lists."""
    since = now - choice.REPOST_INTERVAL
    pages = await sources.list_recent_reads(connection, models.SourceKind.HUGGINGFACE, since)
    if pages is None:
        return None
    reads: dict[date, datetime] = {}
    for location, read_at in pages:
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(location.rpartition("?date=")[2])
            reads[day] = max(read_at, reads.get(day, read_at))
    return reads


async def load_digests(
    connection: Connection,
    subscriptions: Iterable[models.Subscription],
    since_on: date,
    until_on: date,
    loaded: PapersByRevision | None = None,
) -> choice.CandidatePool:
    """Return the digests of these dates, both ends included, that the subscriptions draw from, with their papers.

    Papers that are `loaded` are not read again, and those that are read are added to them.
    """
    loaded = {} if loaded is None else loaded
    digests: dict[archive.Origin, list[models.StoredDigest]] = {}
    for origin in dict.fromkeys(map(choice.find_origin, subscriptions)):
        rows = await archive.list_rows(connection, since_on=since_on, until_on=until_on, origin=origin)
        digests[origin] = rows[::-1]
    revisions = {digest.id: digest.revision for found in digests.values() for digest in found}
    missing: PapersByRevision = {key: [] for key in revisions.items() if key not in loaded}
    for paper in await archive.list_papers(connection, sorted(id_ for id_, _ in missing)):
        missing[paper.digest_id, revisions[paper.digest_id]].append(paper)
    loaded |= missing
    return choice.CandidatePool(
        digests, (paper for key in sorted(revisions.items()) for paper in loaded[key])
    )


async def load_posted_ids(
    connection: Connection, subscription: models.Subscription, now: datetime
) -> set[int]:
    """Return the papers that the subscription's channel and language were sent within REPOST_INTERVAL before `now`."""
    by_channel = await daily.list_posted_papers(
        connection, [subscription.channel_id], since_at=now - choice.REPOST_INTERVAL
    )
    return by_channel.get(daily.channel_locale(subscription), set())


async def load_details(
    connection: Connection, posts: Iterable[choice.PlannedPost | None]
) -> dict[int, models.PaperDetail]:
    """Return the details of all papers of some posts, by paper id."""
    ids = sorted({paper.paper_id for post in posts if post for paper in post.papers})
    details = await papers.list_details(connection, ids)
    return {detail.id: detail for detail in details}


def posted_papers(
    subscription: models.Subscription, post: choice.PlannedPost, now: datetime, delivery_id: int
) -> list[daily.PostedPaper]:
    """Return the records of a post's papers as posted in the subscription's channel."""
    key = daily.channel_locale(subscription)
    return [daily.PostedPaper(*key, paper.paper_id, now, delivery_id) for paper in post.papers]


def build_daily_post(
    subscription: models.Subscription, post: choice.PlannedPost, details: Mapping[int, models.PaperDetail]
) -> choice.DailyPost:
    """Return the content of a planned post, with the shared marker. `details` are keyed by paper id."""
    return choice.DailyPost(
        marker=MARKER_PLACEHOLDER,
        locale=subscription.locale,
        style=subscription.style,
        digest_on=post.digest_on,
        total=post.total,
        papers=tuple(
            contents.build_post_paper(details[paper.paper_id], subscription.locale) for paper in post.papers
        ),
        schedule=schedule.schedule_key(subscription),
        since_on=post.since_on,
        missed_on=post.missed_on,
        topic=subscription.topic,
        source=kinds.public_label(subscription.source) if subscription.source else "",
        late=post.late,
        ranks=post.ranks,
        by_webhook=subscription.is_by_webhook,
        silent=subscription.silent,
    )


class RenderedPosts:
    """The posts rendered at one moment (`now`, UTC), cached, as are failures: ten thousand channels show the same few posts."""

    def __init__(self, factory: DeliveryFactory, now: datetime) -> None:
        self._factory = factory
        self._now = now
        self._cache: dict[object, RenderedPost | Exception] = {}

    def build_delivery(
        self,
        subscription: models.Subscription,
        post: choice.PlannedPost,
        details: Mapping[int, models.PaperDetail],
        *,
        record: KindRecord[choice.DailyPost] = DAILY,
        key: str | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of a planned post; only a daily one mentions a role. Raises what its templates raise."""
        content = replace(post, local_on=post.digest_on, due_at=self._now, digest_ids=())
        role_id = subscription.mention_role_id if post.papers and record is DAILY else None
        look = subscription.locale, subscription.style, subscription.topic, subscription.source, role_id
        cached = (
            content,
            look,
            schedule.schedule_key(subscription),
            subscription.is_by_webhook,
            subscription.silent,
        )
        if cached not in self._cache:
            built = replace(build_daily_post(subscription, post, details), mention_role_id=role_id)
            failures: list[Exception] = []
            with isolation.collected(failures):
                self._cache[cached] = render(self._factory, built)
            if failures:
                self._cache[cached] = failures[0]
                raise failures[0]
        cached_post = self._cache[cached]
        if isinstance(cached_post, Exception):
            raise cached_post.with_traceback(None)  # it grew with each channel otherwise
        return self._factory.build(
            record,
            key or choice.delivery_key(subscription.id, post.local_on),
            subscription.locale,
            cached_post.parts,
            self._now,
            due_at=post.due_at,
            subscription_id=subscription.id,
            guild_id=subscription.guild_id or None,
            channel_id=subscription.channel_id,
            local_on=post.local_on,
            digest_on=post.digest_on,
            post=cached_post.stored,
        )


class DailyPlanner:
    """Plans the posts of due subscriptions. `matcher` finds the papers on their topics."""

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        matcher: TopicMatcher,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._matcher = matcher
        self._deliveries = deliveries
        self._day_close = rule or day_close.default()

    async def tick(self, now: datetime, on_planned: Callable[[], None] = lambda: None) -> int:
        """Plan everything that is due at `now` (UTC), posts without a topic first. Returns the number of posts planned.

        `on_planned` is called after each transaction that planned some.
        """
        planned = 0
        rendered = RenderedPosts(self._deliveries, now)
        matches, loaded = TopicMatches(self._matcher), PapersByRevision()
        for has_topic, limit in ((False, BATCH_SIZE), (True, TOPIC_BATCH_SIZE)):
            list_due = functools.partial(daily.list_due, now=now, limit=limit, has_topic=has_topic)
            is_done = False
            while not is_done:
                await self._read_ahead(list_due, now, matches, loaded)
                counts = await self._plan_batch(list_due, now, rendered, matches, loaded)
                if counts is None:
                    continue
                due_count, planned_count = counts
                planned += planned_count
                if planned_count:
                    on_planned()
                is_done = not due_count
                await asyncio.sleep(0)
        return planned

    async def reschedule(self, now: datetime, *, ahead_since: datetime | None = None) -> int:
        """Recompute all due times, after a change of time zone rules or of the clock. Returns the number changed.

        `ahead_since` (UTC) is as in `recompute_due`. Between two batches others write.
        """
        last_id, count = 0, 0
        while True:
            changed = []
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                active = await daily.list_rows(
                    connection, state=models.ActivityState.ACTIVE, after_id=last_id, limit=DUE_TIMES_IN_BATCH
                )
                for subscription in active:
                    if not clock.is_known_zone(subscription.timezone):
                        continue
                    with isolation.isolated(log, "due time not computed", subscription=subscription.id):
                        due = recompute_due(subscription, now, ahead_since)
                        stored = subscription.next_due_at, subscription.due_on
                        if due is not None and (due.at, due.local_on) != stored:
                            changed.append(schedule.set_due(subscription, due))
                await daily.set_schedules(connection, changed)
            count += len(changed)
            if not active:
                return count
            last_id = active[-1].id

    async def _read_ahead(
        self, list_due: _ListDue, now: datetime, matches: TopicMatches, loaded: PapersByRevision
    ) -> None:
        """Read papers and match topics outside the planning transaction, which keeps other writers waiting."""
        async with self._database.read() as connection:
            due = await list_due(connection)
            known = [subscription for subscription in due if clock.is_known_zone(subscription.timezone)]
            if known:
                pool = await load_pool(connection, known, now, loaded)
                unindexed = await list_unindexed(connection, pool, known, now)
                await matches.look_up(connection, pool, [row for row in known if row.id not in unindexed])

    async def _plan_batch(
        self,
        list_due: _ListDue,
        now: datetime,
        rendered: RenderedPosts,
        matches: TopicMatches,
        loaded: PapersByRevision,
    ) -> tuple[int, int] | None:
        """Plan the subscriptions that `list_due` returns. Returns how many were due and how many posts were planned.

        Returns None, and plans nothing, if a topic of theirs is not matched yet.
        """
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            due = await list_due(connection)
            if not due:
                return 0, 0
            known = [subscription for subscription in due if clock.is_known_zone(subscription.timezone)]
            decided = await self._decide(connection, known, now, matches, loaded)
            if decided is None:
                return None
            plans, revisions = decided
            details = await load_details(connection, [plan.post for plan in plans])
            plans, deliveries = _build_deliveries(known, plans, details, now, rendered)
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
        return len(due), len(ids)

    async def _decide(
        self,
        connection: Connection,
        due: Sequence[models.Subscription],
        now: datetime,
        matches: TopicMatches,
        loaded: PapersByRevision,
    ) -> tuple[list[choice.Decision], dict[int, int]] | None:
        """Return the decisions, and the revisions of the digests that they are about; None if a topic is not matched yet."""
        if not due:
            return [], {}
        pool = await load_pool(connection, due, now, loaded)
        unindexed = await list_unindexed(connection, pool, due, now)
        indexed = [subscription for subscription in due if subscription.id not in unindexed]
        if not all(matches.covers(subscription) for subscription in indexed):
            return None
        await matches.look_up(connection, pool, indexed)
        digest_ids = [digest.id for digest in pool.digests]
        covered = await daily.list_covered(connection, [subscription.id for subscription in due], digest_ids)
        posted_ids = await daily.list_posted_papers(
            connection,
            {subscription.channel_id for subscription in due},
            since_at=now - choice.REPOST_INTERVAL,
        )
        closings = await load_closings(connection, self._day_close, now, due)
        calendar = choice.Calendar(now)
        keys: list[str] = []
        failures: dict[int, Exception] = {}
        for subscription in due:
            failed = [matches.failures[subscription.topic]] if subscription.topic in matches.failures else []
            with isolation.collected(failed):
                if past := calendar.look_up(subscription).past:
                    keys.append(choice.delivery_key(subscription.id, past[-1].local_on))
            if failed:
                failures[subscription.id] = failed[0]
        planned_keys = await outbox.list_existing_keys(connection, keys)
        plans: list[choice.Decision] = []
        for subscription in due:
            if subscription.id in unindexed:
                plans.append(choice.Decision(replace(subscription, next_due_at=now + INDEX_DELAY)))
                continue
            channel_posted_ids = posted_ids.setdefault(daily.channel_locale(subscription), set())
            failed = [failures[subscription.id]] if subscription.id in failures else []
            # What causes a bug in one server's settings must not stop the posts of the others.
            with isolation.collected(failed):
                if not failed:
                    plan = choice.decide(
                        subscription,
                        calendar,
                        pool,
                        covered_ids=covered.get(subscription.id, {}),
                        posted_ids=channel_posted_ids,
                        planned_keys=planned_keys,
                        closings=closings,
                    )
            if failed:
                plan = _postpone(subscription, now, "planning failed", exc_info=failed[0])
            elif plan.post is not None:
                # A second subscription of the channel that is due now must not repeat these papers.
                channel_posted_ids.update(paper.paper_id for paper in plan.post.papers)
            plans.append(plan)
        return plans, {digest.id: digest.revision for digest in pool.digests}


def _build_deliveries(
    subscribed: Sequence[models.Subscription],
    plans: Sequence[choice.Decision],
    details: Mapping[int, models.PaperDetail],
    now: datetime,
    rendered: RenderedPosts,
) -> tuple[list[choice.Decision], list[models.NewDelivery]]:
    """Return the plans of the subscriptions and their deliveries. A plan that cannot be rendered is postponed."""
    kept: list[choice.Decision] = []
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
    return kept, deliveries


def recompute_due(
    subscription: models.Subscription, now: datetime, ahead_since: datetime | None = None
) -> schedule.DueTime | None:
    """Return the due time of an active subscription by today's time zone rules, or None to keep the stored one.

    The local date of the post is kept, unless it is later than the next due date: then the clock was wrong. A date that
    fell due while the clock was ahead (from `ahead_since` to `now`, UTC) counts as the next: it is due now, unless it
    has its post.
    """
    following = schedule.next_due_of(subscription, now)
    first_open = schedule.next_due_of(subscription, ahead_since or now)
    if subscription.waiting_for_on is not None:
        return first_open if subscription.waiting_for_on >= following.local_on else None
    if subscription.due_on is None or subscription.due_on > first_open.local_on:
        due = first_open
    else:
        due = next(schedule.iter_due_times(subscription.due_on, schedule.rule_of(subscription)))
    if due.at < subscription.created_at <= now:
        # The clock was behind, and the date before the subscription was made seemed to be the next one.
        return schedule.next_due_of(subscription, subscription.created_at)
    return due


def _postpone(
    subscription: models.Subscription, now: datetime, reason: str, **details: object
) -> choice.Decision:
    """Return a decision to try again after POSTPONE_DELAY, so that other subscriptions are not held up."""
    log.error("post not planned", subscription=subscription.id, reason=reason, **details)
    due = schedule.DueTime(now + POSTPONE_DELAY, subscription.due_on or now.date())
    return choice.Decision(schedule.set_due(subscription, due))


async def _store_plans(
    connection: Connection,
    plans: Sequence[choice.Decision],
    revisions: Mapping[int, int],
    delivery_ids: Mapping[str, int],
    now: datetime,
) -> None:
    """Store what follows from the plans. `revisions` are by digest, `delivery_ids` the new deliveries by key."""
    records: list[daily.StoredDecision] = []
    papers: list[daily.PostedPaper] = []
    covered: list[tuple[int, int, int]] = []
    late: list[tuple[int, int, int]] = []
    for plan in plans:
        subscription_id, delivery_id = plan.subscription.id, None
        if plan.post is not None:
            delivery_id = delivery_ids.get(choice.delivery_key(subscription_id, plan.post.local_on))
            if delivery_id is not None:
                papers += posted_papers(plan.subscription, plan.post, now, delivery_id)
        if plan.choice is not None:
            records.append(choice.to_record(plan, plan.choice, now, delivery_id))
        covered += [(subscription_id, id_, revisions[id_]) for id_ in plan.covered_digest_ids]
        late += [(subscription_id, id_, revisions[id_]) for id_ in plan.late_digest_ids]
    await daily.add_posted_papers(connection, papers)
    await daily.set_late_revisions(connection, late, now)
    await daily.add_covered(connection, covered + late, now)
    await daily.add_decisions(connection, records)
    await daily.set_schedules(connection, [plan.subscription for plan in plans])
