"""Plans the daily posts of due subscriptions into the outbox.

One transaction plans a batch: deliveries under unique keys with their rendered parts and papers, and the dates that are done.
Planning is idempotent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import structlog

from bot.archive import arxiv_ids
from bot.core import clock, day_close, isolation
from bot.daily import choice, schedule
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from bot.sources import kinds
from storage import archive, daily, database, key_values, models, papers, sources
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.outbox import add_all

log = structlog.get_logger(__name__)

RETRY_DELAY = timedelta(hours=1)
"""What is due and could not be posted is looked at again after this time, or once a paper is added."""
BATCH_SIZE = 500
TOPIC_BATCH_SIZE = 10
"""Subscriptions with a topic in a batch: the look-up of each takes a tenth of a second, and those planned are sent meanwhile."""
MAX_LOGGED_KEYS = 10

TopicMatcher: TypeAlias = Callable[[Connection, str, Sequence[DigestPaper]], Awaitable[Mapping[int, float]]]
"""Returns how well those papers match a topic that match all of it, as `/topic` finds them, by id."""

PapersByText: TypeAlias = dict[tuple[int, str], list[DigestPaper]]
"""The papers of digests, by id and hash of the text."""


# The delivery kinds of subscriptions: how a post is rendered once for many channels, and whose subscription is paused once its
# posts are refused.

MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""Marker of a rendered post that is shared by many deliveries; each delivery puts its own key in its place."""


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
    find_owned=_find_owned,
)
ON_DEMAND = KindRecord(
    kind=models.DeliveryKind.ON_DEMAND, priority=models.Priority.INTERACTIVE, render=DAILY.render
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

    async def look_up(
        self, connection: Connection, pool: choice.CandidatePool, subscriptions: Iterable[models.Subscription]
    ) -> None:
        """Tell the pool which of its papers match the topics of the subscriptions."""
        for row in subscriptions:
            if not row.topic:
                continue
            checked = self._checked.setdefault(row.topic, set())
            matching = self._matching.setdefault(row.topic, {})
            unchecked = [paper for paper in pool.entries_of(row) if paper.paper_id not in checked]
            if unchecked and row.topic not in self.failures:
                failures: list[Exception] = []
                with isolation.collected(failures, reraise=database.FAILURES):
                    matching.update(await self._matcher(connection, row.topic, unchecked))
                    checked.update(paper.paper_id for paper in unchecked)
                if failures:
                    self.failures[row.topic] = failures[0]
            pool.matching[row.topic] = matching


async def load_pool(
    connection: Connection,
    due: Iterable[tuple[models.Subscription, schedule.Slot]],
    calendar: schedule.Calendar,
    loaded: PapersByText | None = None,
) -> choice.CandidatePool:
    """Return the papers that any of the subscriptions can draw from for these dates.

    Papers of digests that are `loaded` are not read again, and those that are read are added to them.
    """
    due = list(due)
    windows = [choice.find_window(row, slot, calendar.now) for row, slot in due]
    since_on = min(window.late_on for window in windows)
    until_on = max(window.last_on for window in windows)
    loaded = {} if loaded is None else loaded
    digests: dict[archive.Origin, list[models.StoredDigest]] = {}
    for origin in dict.fromkeys(choice.find_origin(row) for row, _ in due):
        rows = await archive.list_rows(connection, since_on=since_on, until_on=until_on, origin=origin)
        digests[origin] = rows[::-1]
    hashes = {digest.id: digest.hash for found in digests.values() for digest in found}
    missing: PapersByText = {key: [] for key in hashes.items() if key not in loaded}
    for paper in await archive.list_papers(connection, sorted(id_ for id_, _ in missing)):
        missing[paper.digest_id, hashes[paper.digest_id]].append(paper)
    loaded |= missing
    entries = {
        origin: [paper for digest in found for paper in loaded[digest.id, digest.hash]]
        for origin, found in digests.items()
    }
    return choice.CandidatePool(entries, calendar.now, calendar.closed_on)


async def load_calendar(connection: Connection, rule: day_close.DayClose, now: datetime) -> schedule.Calendar:
    """Return the calendar of `now` (UTC), with the days that are complete."""
    return schedule.Calendar(now, rule, await load_all_closings(connection, rule, now))


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
            whole = {digest.date_on for digest in digests if digest.format in _WHOLE_DAYS}
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


async def load_posted(
    connection: Connection,
    subscriptions: Iterable[models.Subscription],
    paper_ids: Collection[int],
    now: datetime,
) -> dict[daily.ChannelLocale, set[int]]:
    """Return which papers the channels of subscriptions were sent within REPOST_INTERVAL before `now`, by language."""
    channel_ids = {row.channel_id for row in subscriptions}
    since_at = now - choice.REPOST_INTERVAL
    return await daily.list_posted(connection, channel_ids, paper_ids, since_at=since_at)


async def load_details(
    connection: Connection, posts: Iterable[choice.PlannedPost]
) -> dict[int, models.PaperDetail]:
    """Return the details of all papers of some posts, by paper id."""
    ids = sorted({paper.paper_id for post in posts for paper in post.papers})
    details = await papers.list_details(connection, ids)
    return {detail.id: detail for detail in details}


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
        drawn_until: int | None = None,
    ) -> models.NewDelivery:
        """Return the delivery of a planned post; only a daily one mentions a role. Raises what its templates raise."""
        content = replace(post, local_on=post.digest_on, due_at=self._now, eligible=())
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
            drawn_until=drawn_until,
            post=cached_post.stored,
        )


class _Rest(NamedTuple):
    """A date of a subscription that could not be posted with the papers of `added_seq` ingests.

    It is looked at again when the subscription changes, a paper is added, or at `until` (UTC).
    """

    row: daily.Schedule
    added_seq: int
    until: datetime


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
        self._resting: dict[int, _Rest] = {}

    async def tick(self, now: datetime, on_planned: Callable[[], None] = lambda: None) -> int:
        """Plan everything that is due at `now` (UTC), posts without a topic first. Returns the number of posts planned.

        `on_planned` is called after each transaction that planned some.
        """
        async with self._database.read() as connection:
            calendar = await load_calendar(connection, self._day_close, now)
            added_seq = await archive.get_added_seq(connection)
            rows = await daily.list_schedules(connection)
        due = self._find_due(rows, calendar, added_seq)
        rendered = RenderedPosts(self._deliveries, now)
        matches, loaded = TopicMatches(self._matcher), PapersByText()
        planned = 0
        plain, on_topic = ([row.id for row in due if bool(row.topic) is has] for has in (False, True))
        for ids in database.chunked(plain, BATCH_SIZE):
            planned += await self._plan_batch(ids, calendar, rendered, matches, loaded, on_planned)
        for ids in database.chunked(on_topic, TOPIC_BATCH_SIZE):
            await self._read_ahead(ids, calendar, matches, loaded)
            planned += await self._plan_batch(ids, calendar, rendered, matches, loaded, on_planned)
        return planned

    def _find_due(
        self, rows: Iterable[daily.Schedule], calendar: schedule.Calendar, added_seq: int
    ) -> list[daily.Schedule]:
        """Return what is due and does not rest, longest overdue first."""
        due: list[tuple[datetime, daily.Schedule]] = []
        resting: dict[int, _Rest] = {}
        for row in rows:
            rest = self._resting.get(row.id)
            if rest and (rest.row, rest.added_seq) == (row, added_seq) and calendar.now < rest.until:
                resting[row.id] = rest
                continue
            failures: list[Exception] = []
            # What causes a bug in one server's settings must not stop the posts of the others.
            with isolation.collected(failures):
                if (slot := calendar.find_due(row)) is not None:
                    due.append((slot.at, row))
            if failures:
                resting[row.id] = _Rest(row, added_seq, calendar.now + RETRY_DELAY)
                _log_failure(row.id, "its due time cannot be computed", failures[0])
        self._resting = resting
        return [row for _, row in sorted(due, key=itemgetter(0))]

    async def _read_ahead(
        self, ids: Sequence[int], calendar: schedule.Calendar, matches: TopicMatches, loaded: PapersByText
    ) -> None:
        """Read papers and match topics outside the planning transaction, which keeps other writers waiting."""
        async with self._database.read() as connection:
            due = _find_slots(await daily.list_rows(connection, ids=ids), calendar)
            if due:
                pool = await load_pool(connection, due, calendar, loaded)
                await matches.look_up(connection, pool, [row for row, _ in due])

    async def _plan_batch(
        self,
        ids: Sequence[int],
        calendar: schedule.Calendar,
        rendered: RenderedPosts,
        matches: TopicMatches,
        loaded: PapersByText,
        on_planned: Callable[[], None],
    ) -> int:
        """Plan those of the subscriptions that are due. Returns how many posts were planned."""
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)
            due = _find_slots(await daily.lock_active(connection, ids), calendar)
            if not due:
                return 0
            added_seq = await archive.get_added_seq(connection)
            posts = await self._choose(connection, due, calendar, matches, loaded)
            details = await load_details(connection, posts.values())
            deliveries: dict[str, models.NewDelivery] = {}
            done: dict[int, date] = {}
            for row, slot in due:
                if row.id in posts and posts[row.id].papers:
                    # A template error in one style must not stop the other posts.
                    with isolation.isolated(log, "post not planned", subscription=row.id) as failures:
                        delivery = rendered.build_delivery(row, posts[row.id], details, drawn_until=added_seq)
                    if not failures:
                        deliveries[delivery.key] = delivery
                        done[row.id] = slot.on
                if row.id not in done and calendar.is_over(slot):
                    done[row.id] = slot.on
                elif row.id not in done:
                    rest_until = min(calendar.now + RETRY_DELAY, slot.at + schedule.WAIT)
                    seen = daily.Schedule(*(getattr(row, name) for name in daily.Schedule._fields))
                    self._resting[row.id] = _Rest(seen, added_seq, rest_until)
            keys = await add_all(connection, list(deliveries.values()))
            papers = {
                delivery_id: [paper.paper_id for paper in posts[subscription_id].papers]
                for key, delivery_id in keys.items()
                if (subscription_id := deliveries[key].subscription_id) is not None
            }
            await daily.add_delivery_papers(connection, papers)
            await daily.set_last_on(connection, done)
        if keys:
            log.info("posts planned", count=len(keys), deliveries=list(keys)[:MAX_LOGGED_KEYS])
            on_planned()
        await asyncio.sleep(0)
        return len(keys)

    async def _choose(
        self,
        connection: Connection,
        due: Sequence[_Due],
        calendar: schedule.Calendar,
        matches: TopicMatches,
        loaded: PapersByText,
    ) -> dict[int, choice.PlannedPost]:
        """Return the posts by subscription, without papers where there are none; those that fail are left out."""
        pool = await load_pool(connection, due, calendar, loaded)
        await matches.look_up(connection, pool, [row for row, _ in due])
        marks = await daily.list_marks(connection, [row.id for row, _ in due])
        drawn = {row.id: pool.draw(row, slot, marks.get(row.id)) for row, slot in due}
        distinct = {id(each): each for each in drawn.values()}.values()
        ids = {paper.paper_id for each in distinct for paper in (*each.own, *each.late)}
        posted = await load_posted(connection, [row for row, _ in due], ids, calendar.now)
        posts: dict[int, choice.PlannedPost] = {}
        for row, slot in due:
            # What causes a bug in one server's settings must not stop the posts of the others.
            with isolation.isolated(log, "post not planned", subscription=row.id):
                if row.topic in matches.failures:
                    raise matches.failures[row.topic].with_traceback(None)
                posted_here = posted.setdefault(daily.channel_locale(row), set())
                posts[row.id] = post = pool.choose(row, slot, marks.get(row.id), posted_here)
                # A second subscription of the channel that is due now must not repeat these papers.
                posted_here.update(paper.paper_id for paper in post.papers)
        return posts


_Due: TypeAlias = tuple[models.Subscription, schedule.Slot]


def _find_slots(rows: Iterable[models.Subscription], calendar: schedule.Calendar) -> list[_Due]:
    """Return those of the subscriptions that are due, with the date."""
    slots = [(row, calendar.find_due(row)) for row in rows if clock.is_known_zone(row.timezone)]
    return [(row, slot) for row, slot in slots if slot is not None]


def _log_failure(subscription_id: int, reason: str, failure: Exception) -> None:
    log.error("post not planned", subscription=subscription_id, reason=reason, exc_info=failure)
