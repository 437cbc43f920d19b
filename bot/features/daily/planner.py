"""Plans the posts of due subscriptions into the outbox.

Each transaction plans one batch. It stores the deliveries (with rendered parts, under unique keys), their
papers, and the dates that are finished. Planning is idempotent.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

import structlog

from bot.archive import complete_days
from bot.core import clock, day_close, isolation, schedule
from bot.core.retries import Retries
from bot.features.daily import choice, options
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory, DeliveryHandler, NoticeRecipient
from bot.papers import post_papers
from bot.search.results import Relevance
from bot.text import query_parser
from storage import archive, daily, errors, models, papers, shelf, statements
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.outbox import add_all
from storage.snapshot import chunked

log = structlog.get_logger(__name__)

RETRY_DELAY = timedelta(hours=1)
"""A due subscription without papers is retried after this time, or as soon as a paper is added."""
BATCH_SIZE = 500
TOPIC_BATCH_SIZE = 10
"""The number of subscriptions with a topic per batch. A lookup takes 0.1 s; posts planned so far are sent meanwhile."""

TopicMatcher: TypeAlias = Callable[[str, Sequence[DigestPaper], int], Awaitable[Mapping[int, Relevance]]]
"""Returns the relevance, by paper id, of the papers that fully match a topic, which may be about a server's list."""
MARKER_PLACEHOLDER = "daily:0:0000-00-00"
"""The marker in a rendered post shared by many deliveries. Each delivery replaces it with its own key."""


async def _find_recipients(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[NoticeRecipient]:
    ids = [] if delivery.subscription_id is None else [delivery.subscription_id]
    rows = [
        row for row in await daily.list_rows(connection, ids=ids) if row.state is models.ActivityState.ACTIVE
    ]
    if pause_for is not None:
        await daily.set_state(
            connection, [row.id for row in rows], models.ActivityState.PAUSED, reason=pause_for
        )
    return list(map(_owner_of, rows))


def _owner_of(row: models.Subscription) -> NoticeRecipient:
    return NoticeRecipient(
        name=f"s{row.id}",
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        user_id=row.created_by,
        locale=row.locale,
        subscription_id=row.id,
    )


DAILY = DeliveryHandler(
    kind=models.DeliveryKind.DAILY, priority=models.Priority.SCHEDULED, find_recipients=_find_recipients
)


async def _find_poster(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[NoticeRecipient]:
    """Return the subscription of a post at once, whose refusals do not pause it."""
    return [] if pause_for is not None else await _find_recipients(connection, delivery, None)


ON_DEMAND = DeliveryHandler(
    kind=models.DeliveryKind.ON_DEMAND, priority=models.Priority.INTERACTIVE, find_recipients=_find_poster
)


async def load_pool(
    connection: Connection,
    due: Collection[tuple[models.Subscription, schedule.Slot]],
    calendar: schedule.Calendar,
    marks: Mapping[int, daily.HighWaterMark],
    added_until: int | None = None,
) -> choice.CandidatePool:
    """Return the papers available to the subscriptions on their dates, with `marks` by id.

    `added_until` excludes papers from later ingests, whose commits may already be visible on PostgreSQL.
    """
    windows = [choice.find_window(row, slot, calendar.now) for row, slot in due]
    since = dict[archive.Origin, date]()
    for window, (row, _) in zip(windows, due, strict=True):
        oldest, origin = choice.find_oldest(window, marks.get(row.id)), choice.find_origin(row)
        since[origin] = min(oldest, since.get(origin, oldest))
    until_on = max(window.last_on for window in windows)
    digest_ids: dict[archive.Origin, list[int]] = {}
    for origin, since_on in since.items():
        rows = await archive.list_rows(connection, since_on=since_on, until_on=until_on, origin=origin)
        digest_ids[origin] = [row.id for row in reversed(rows)]
    papers_of: dict[int, list[DigestPaper]] = defaultdict(list)
    listed = await archive.list_papers(connection, {id_ for ids in digest_ids.values() for id_ in ids})
    withdrawn = await papers.list_withdrawn(connection, {paper.paper_id for paper in listed})
    for paper in listed:
        is_early = added_until is None or paper.added_seq <= added_until
        if is_early and paper.paper_id not in withdrawn:
            papers_of[paper.digest_id].append(paper)
    entries = {
        origin: [paper for id_ in ids for paper in papers_of[id_]] for origin, ids in digest_ids.items()
    }
    return choice.CandidatePool(entries, calendar.now, calendar.closed_on)


async def match_topics(
    pool: choice.CandidatePool,
    due: Mapping[models.Subscription, schedule.Slot],
    marks: Mapping[int, daily.HighWaterMark],
    matcher: TopicMatcher,
) -> None:
    """Add the papers that match the subscriptions' topics to the pool, searching once per topic and origin.

    With a server's list only what a post draws is compared. Of a list that is too short, which is no fault, nothing matches.
    """
    for row, slot in due.items():
        key = choice.find_topic(row)
        former = pool.matching.get(key, {})
        if not row.topic or (key in pool.matching and not key.server_id) or isinstance(former, Exception):
            continue
        entries = pool.entries_of(row)
        if key.server_id:
            drawn = pool.draw(row, slot, marks.get(row.id))
            entries = [paper for paper in (*drawn.own, *drawn.late) if paper.paper_id not in former]
        with isolation.collected([], reraise=statements.FAILURES) as failures:
            pool.matching[key] = {**former, **await matcher(row.topic, entries, key.server_id)}
        if failures:  # so that other topics are still posted
            pool.matching[key] = {} if isinstance(failures[0], errors.UsageError) else failures[0]


async def load_marks(
    connection: Connection, rows: Sequence[models.Subscription], now: datetime
) -> dict[int, daily.HighWaterMark]:
    """Return what is new to the subscriptions that have had a post, by id."""
    return await daily.list_marks(connection, rows, returned_since=now - choice.RETURN_PERIOD)


class SinglePost(NamedTuple):
    """The date of a single subscription's post and its candidates. Without a `mark`, it is chosen like a first post."""

    row: models.Subscription
    slot: schedule.Slot
    pool: choice.CandidatePool
    mark: daily.HighWaterMark | None

    async def choose(self, connection: Connection, now: datetime) -> choice.PlannedPost:
        """Return the post without papers already posted in the channel."""
        row, slot, pool, mark = self
        posted = await _load_posted(connection, [row], [pool.draw(row, slot, mark)], now)
        return pool.choose(row, slot, mark, posted.get(daily.channel_locale(row), ()))

    def choose_with_posted(self) -> choice.PlannedPost:
        """Return the post, including papers already posted in the channel."""
        return self.pool.choose(self.row, self.slot, self.mark, ())


async def load_single(
    connection: Connection,
    matcher: TopicMatcher,
    row: models.Subscription,
    slot: schedule.Slot,
    calendar: schedule.Calendar,
    mark: daily.HighWaterMark | None = None,
    *,
    added_until: int | None = None,
) -> SinglePost:
    """Load the candidates for a subscription's post and match its topic, which may take several tenths of a second.

    `added_until` excludes papers from later ingests.
    """
    marks = {row.id: mark} if mark else {}
    pool = await load_pool(connection, [(row, slot)], calendar, marks, added_until)
    await match_topics(pool, {row: slot}, marks, matcher)
    return SinglePost(row, slot, pool, mark)


async def _load_posted(
    connection: Connection, rows: Iterable[models.Subscription], drawn: Iterable[choice.Drawn], now: datetime
) -> dict[daily.ChannelLocale, set[int]]:
    """Return which of the drawn papers were posted within REPOST_INTERVAL before `now`, keyed by channel and language."""
    distinct = {id(each): each for each in drawn}.values()
    paper_ids = {paper.paper_id for each in distinct for paper in (*each.own, *each.late)}
    since_at = now - contents.REPOST_INTERVAL
    return await daily.list_posted(connection, {row.channel_id for row in rows}, paper_ids, since_at=since_at)


async def load_content(
    connection: Connection, planned: Sequence[tuple[models.Subscription, choice.PlannedPost]]
) -> tuple[list[choice.PlannedPost], dict[int, models.PaperDetail]]:
    """Return the posts with the number of members of each post's server who saved its papers, and these by paper id."""
    ids = sorted({paper.paper_id for _, post in planned for paper in post.papers})
    counts = await shelf.count_savers(connection, ids)
    posts = [
        replace(post, savers=tuple(counts.get((row.guild_id, paper.paper_id), 0) for paper in post.papers))
        for row, post in planned
    ]
    return posts, {detail.id: detail for detail in await papers.list_details(connection, ids)}


async def find_ready(
    matcher: TopicMatcher,
    connection: Connection,
    rows: Iterable[models.Subscription],
    calendar: schedule.Calendar,
) -> set[int]:
    """Return the ids of due posts for which there are papers, so that only a failure keeps them from being planned."""
    active = (row for row in rows if row.state is models.ActivityState.ACTIVE)
    due = {row: slot for row in active if (slot := calendar.find_due(row)) is not None}
    if not due:
        return set()
    marks = await load_marks(connection, [*due], calendar.now)
    pool = await load_pool(connection, due.items(), calendar, marks)
    await match_topics(pool, due, marks, matcher)
    drawn = [pool.draw(row, slot, marks.get(row.id)) for row, slot in due.items()]
    posted = await _load_posted(connection, due, drawn, calendar.now)
    ready = set()
    for row, slot in due.items():
        with isolation.collected([]) as failures:
            posted_here = posted.get(daily.channel_locale(row), ())
            if pool.choose(row, slot, marks.get(row.id), posted_here).papers:
                ready.add(row.id)
        ready |= {row.id} if failures else set()
    return ready


def build_daily_post(
    subscription: models.Subscription, post: choice.PlannedPost, details: Mapping[int, models.PaperDetail]
) -> choice.DailyPost:
    """Return a planned post's content. Deliveries set their own `marker`. `details` is keyed by paper id."""
    papers = tuple(
        post_papers.build_post_paper(
            details[paper.paper_id], subscription.locale, savers=savers, shared=shared
        )
        for paper, savers, shared in zip(
            post.papers, post.savers, post.shared or [()] * len(post.papers), strict=True
        )
    )
    topic = query_parser.parse_query(subscription.topic)
    return choice.DailyPost(MARKER_PLACEHOLDER, subscription, post, papers, topic)


class RenderedPosts:
    """Renders posts as of `now` (UTC), with a cache, since thousands of channels show the same few posts."""

    def __init__(self, factory: DeliveryFactory, now: datetime) -> None:
        self._factory = factory
        self._now = now
        self._cache: dict[object, tuple[models.NewPart, ...]] = {}

    def build_delivery(
        self,
        record: DeliveryHandler,
        key: str,
        subscription: models.Subscription,
        post: choice.PlannedPost,
        details: Mapping[int, models.PaperDetail],
        slot: schedule.Slot,
        *,
        expires_at: datetime,
        drawn_until: int | None,
    ) -> models.NewDelivery:
        """Return the delivery of a post. Only daily posts mention a role. Template errors are not caught.

        `drawn_until` is the number of ingests that a daily post drew from; a post at once leaves no mark.
        """
        role_id = subscription.mention_role_id if record is DAILY else None
        settings = tuple(getattr(subscription, name) for name in options.SETTINGS)
        cached = post, role_id, subscription.is_by_webhook, settings
        if cached not in self._cache:
            built = replace(build_daily_post(subscription, post, details), mention_role_id=role_id)
            self._cache[cached] = self._factory.render(built)
        return self._factory.build(
            record,
            key,
            subscription.locale,
            self._cache[cached],
            self._now,
            expires_at=expires_at,
            due_at=slot.at,
            subscription_id=subscription.id,
            guild_id=subscription.guild_id or None,
            channel_id=subscription.channel_id,
            local_on=slot.on,
            digest_on=post.digest_on,
            drawn_until=drawn_until,
            papers=tuple(paper.paper_key for paper in post.papers),
        )


def list_placed_papers(post: choice.PlannedPost, delivery: models.NewDelivery) -> list[tuple[int, int]]:
    """Return the ids of a post's papers, each with the position of the part that has it. The first part has the rest."""
    places = [position for position, part in enumerate(delivery.parts) for _ in range(part.paper_count)]
    return [(paper.paper_id, places.pop() if places else 0) for paper in reversed(post.papers)]


class _Tick(NamedTuple):
    """State shared by the batches of a tick. `pool` has the papers added by the first `added_seq` ingests."""

    calendar: schedule.Calendar
    added_seq: int
    marks: Mapping[int, daily.HighWaterMark]
    pool: choice.CandidatePool
    rendered: RenderedPosts


@dataclass(eq=False)
class DailyPlanner:
    """Plans the posts of due subscriptions. `matcher` finds the papers on a topic."""

    _database: Database
    _deliveries: DeliveryFactory
    _matcher: TopicMatcher
    _day_close: day_close.DayClose

    def __post_init__(self) -> None:
        self._resting: dict[tuple[models.Subscription, int], datetime] = {}
        """Until when (UTC) a subscription without papers need not be retried, by subscription and number of ingests."""
        self._retries = Retries(log)

    async def tick(self, now: datetime, on_planned: Callable[[], None] = lambda: None) -> int:
        """Plan the posts due at `now` (UTC), those without a topic first. Returns the number of posts planned.

        `on_planned` is called after each batch.
        """
        async with self._database.read() as connection:
            calendar = await complete_days.load_calendar(connection, self._day_close, now)
            added_seq = await archive.get_added_seq(connection)
            rows = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
            if not (due := self._find_due(rows, calendar, added_seq)):
                return 0
            marks = await load_marks(connection, [row for row, _ in due], now)
            pool = await load_pool(connection, due, calendar, marks, added_seq)
        tick = _Tick(calendar, added_seq, marks, pool, RenderedPosts(self._deliveries, now))
        plain = [(row, slot) for row, slot in due if not row.topic]
        on_topic = [(row, slot) for row, slot in due if row.topic]
        planned = 0
        for batch in (*chunked(plain, BATCH_SIZE), *chunked(on_topic, TOPIC_BATCH_SIZE)):
            planned += await self._plan_batch(batch, tick)
            on_planned()
            await asyncio.sleep(0)
        return planned

    def _find_due(
        self, rows: Iterable[models.Subscription], calendar: schedule.Calendar, added_seq: int
    ) -> list[tuple[models.Subscription, schedule.Slot]]:
        """Return the due subscriptions, longest overdue first, except those known to have nothing to post."""
        due: list[tuple[models.Subscription, schedule.Slot]] = []
        self._resting = {key: until for key, until in self._resting.items() if calendar.now < until}
        for row in rows:
            if (row, added_seq) in self._resting or not self._retries.is_due(row, calendar.now):
                continue
            # Settings that trigger a bug must not stop the posts of other servers.
            with self._retries.attempt("due time not computed", row, calendar.now, subscription=row.id):
                if (slot := calendar.find_due(row)) is not None:
                    due.append((row, slot))
        return sorted(due, key=lambda pair: pair[1].at)

    async def _plan_batch(self, due: Sequence[tuple[models.Subscription, schedule.Slot]], tick: _Tick) -> int:
        """Plan posts for the subscriptions unchanged since they were read. Returns the number of posts."""
        calendar, slots = tick.calendar, dict(due)
        if any(row.topic for row in slots):
            # Do this outside the transaction, which blocks other writers.
            await match_topics(tick.pool, slots, tick.marks, self._matcher)
        async with self._database.transaction() as connection:
            await archive.lock_ingest(connection)  # so that an on-demand post does not choose the same papers
            rows = await daily.lock_active(connection, [row.id for row in slots])
            trying = rows = [row for row in rows if row in slots]
            while True:
                chosen = await self._choose(connection, [(row, slots[row]) for row in trying], tick)
                counted, details = await load_content(connection, chosen)
                posts = {row: post for (row, _), post in zip(chosen, counted, strict=True) if post.papers}
                built = self._build(posts, details, slots, tick)
                if built.keys() == posts.keys():
                    break
                # The papers of a post that cannot be built are free for the channel's other posts.
                trying = [row for row, post in chosen if row in built or not post.papers]
            ids = await add_all(connection, list(built.values()))
            placed = {
                ids[delivery.key]: list_placed_papers(posts[row], delivery)
                for row, delivery in built.items()
                if delivery.key in ids
            }
            await daily.add_delivery_papers(connection, placed)
            waiting = [row for row in rows if row not in built and self._retries.is_due(row, calendar.now)]
            given_up = [row for row in waiting if calendar.is_over(slots[row])]
            await daily.set_last_on(connection, {row.id: slots[row].on for row in (*built, *given_up)})
            for row in waiting:
                rest_until = min(calendar.now + RETRY_DELAY, slots[row].at + schedule.WAIT)
                self._resting[row, tick.added_seq] = rest_until
            # A template error must not plan the posts of this batch again.
            with isolation.isolated(log, "notice not planned", reraise=statements.FAILURES):
                await self._notify_of_missing_papers(connection, given_up, calendar)
        if ids:
            log.info("posts planned", count=len(ids))
        return len(ids)

    def _build(
        self,
        posts: Mapping[models.Subscription, choice.PlannedPost],
        details: Mapping[int, models.PaperDetail],
        slots: Mapping[models.Subscription, schedule.Slot],
        tick: _Tick,
    ) -> dict[models.Subscription, models.NewDelivery]:
        """Return the deliveries of posts. Those that cannot be rendered are left out."""
        built: dict[models.Subscription, models.NewDelivery] = {}
        for row, post in posts.items():
            # A template error in one style must not stop the other posts.
            with self._retries.attempt("post not built", row, tick.calendar.now, subscription=row.id):
                built[row] = tick.rendered.build_delivery(
                    DAILY,
                    f"daily:{row.id}:{slots[row].on}",
                    row,
                    post,
                    details,
                    slots[row],
                    expires_at=tick.calendar.following(row).at,
                    drawn_until=tick.added_seq,
                )
        return built

    async def _notify_of_missing_papers(
        self, connection: Connection, rows: Sequence[models.Subscription], calendar: schedule.Calendar
    ) -> None:
        """Plan a notice to the owners of posts whose date had no papers, once two expected days brought none."""
        for origin in dict.fromkeys(map(choice.find_origin, rows)):
            days = day_close.EXPECTED_WEEKS * 7
            listed = await archive.list_dates(
                connection, limit=days, until_on=clock.latest_date(calendar.now), origin=origin
            )
            if len(day_close.find_missed_days(listed, calendar.closed_on)) >= day_close.MISSED_DAYS:
                owners = [_owner_of(row) for row in rows if choice.find_origin(row) == origin]
                await outcomes.notify_owners(
                    connection,
                    self._deliveries,
                    owners,
                    contents.NoticeKind.PAPERS_STOPPED,
                    calendar.now,
                    default_locale=rows[0].locale,
                    on=listed[0],
                )

    async def _choose(
        self, connection: Connection, due: Sequence[tuple[models.Subscription, schedule.Slot]], tick: _Tick
    ) -> list[tuple[models.Subscription, choice.PlannedPost]]:
        """Return the posts, which may have no papers. Subscriptions that fail are left out."""
        now, drawn = tick.calendar.now, dict[models.Subscription, choice.Drawn]()
        marks = await load_marks(connection, [row for row, _ in due], now)
        for row, slot in due:
            # Settings that trigger a bug must not stop the posts of other servers.
            with self._retries.attempt("papers not drawn", row, now, subscription=row.id):
                drawn[row] = tick.pool.draw(row, slot, marks.get(row.id))
        posted = await _load_posted(connection, drawn, drawn.values(), now)
        chosen: list[tuple[models.Subscription, choice.PlannedPost]] = []
        slots = dict(due)
        for row in drawn:
            with self._retries.attempt("papers not chosen", row, now, subscription=row.id):
                posted_here = posted.setdefault(daily.channel_locale(row), set())
                post = tick.pool.choose(row, slots[row], marks.get(row.id), posted_here)
                chosen.append((row, post))
                # Another subscription of the channel may be due now and must not repeat these papers.
                posted_here.update(paper.paper_id for paper in post.papers)
        return chosen
