"""Which papers go into a post, and the post as plain data.

That is what a due subscription does, and how candidates are ranked and late papers added.

A post draws from *fresh* digests: dated within the last FRESH_DAYS local days, not older than the last
digest posted, not of a date that has not begun anywhere, and not covered by an earlier post. The first post of a
subscription shows the newest date only. It draws from the digests of all sources that choose papers, or from the source that
it names, of which digests for look-up count too if it has a topic (`find_origin`). Papers that a digest gained after its
post, by a correction or by another digest of its day, are *late*: they are shown below those of the next post that has
papers of its own, and not counted in `top_n`.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bot.core import day_close
from bot.daily import schedule
from bot.daily.schedule import DAY
from bot.outbox import contents
from bot.rendering import discord_text
from storage import models
from storage.archive import DigestPaper, Origin
from storage.daily import StoredDecision
from storage.models import StoredDigest, Style, Subscription

PostSchedule = tuple[str, str, tuple[int, ...]]
"""A subscription's schedule, for the footer: `HH:MM` or "", an IANA zone, ISO weekdays (1-7)."""


@dataclass(frozen=True, slots=True)
class DailyPost(models.PostFacts):
    """The day's top papers for one channel.

    `marker` names the delivery inside its messages (at most 64 characters of `A-Za-z0-9:_-`), by which they are found in
    the channel's history. `total` is the number of papers chosen from. `digest_on` is the digest's date, for WEEKLY the
    last day. `mention_role_id` is a role to mention at the head of the first message. One `by_webhook` has no buttons, menus
    and commands, which only a bot answers; a `silent` one raises no notification.
    """

    marker: str
    locale: models.Locale
    style: models.Style
    digest_on: date
    total: int
    papers: tuple[contents.PostPaper, ...]
    schedule: PostSchedule | None = None
    mention_role_id: int | None = None
    by_webhook: bool = False
    silent: bool = False

    @property
    def own_count(self) -> int:
        """The number of papers of the post's own day."""
        return len(self.papers) - sum(shown for _, shown, _ in self.late)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the papers: their ranks; late papers follow."""
        own = self.ranks or tuple(range(1, self.own_count + 1))
        last = own[-1] if own else 0
        return own + tuple(range(last + 1, last + 1 + len(self.papers) - len(own)))

    @property
    def has_votes(self) -> bool:
        """Whether the votes of a paper are known; otherwise the post leaves them out."""
        return any(paper.votes is not None for paper in self.papers)

    @property
    def is_in_other_language(self) -> bool:
        """Whether its summaries are all in another language than the post; its foot says so once."""
        return contents.is_in_other_language(self.papers, self.locale)


def sort_key(paper: DigestPaper) -> tuple[bool, int, int, int, int]:
    """Sort by votes, most first and unknown last; then by the newer digest; then by rank in the digest."""
    return (*models.votes_descending(paper.votes), -paper.date_on.toordinal(), paper.rank, paper.paper_id)


def rank_papers(papers: Iterable[DigestPaper]) -> tuple[DigestPaper, ...]:
    """Return the papers best first. A paper of several digests is kept once, at its best position."""
    best: dict[int, DigestPaper] = {}
    for paper in sorted(papers, key=sort_key):
        best.setdefault(paper.paper_id, paper)
    return tuple(best.values())


def find_origin(subscription: Subscription) -> Origin:
    """Return which digests a subscription may draw from."""
    return Origin(subscription.source, with_lookup=bool(subscription.source and subscription.topic))


def ranks_of(ranked: Sequence[DigestPaper], papers: Sequence[DigestPaper]) -> tuple[int, ...]:
    """Return the ranks of selected papers, from 1; () if they are the first ones, so that none was posted before."""
    chosen = {paper.paper_id for paper in papers}
    ranks = tuple(rank for rank, paper in enumerate(ranked, 1) if paper.paper_id in chosen)
    return () if ranks == tuple(range(1, len(papers) + 1)) else ranks


MAX_SHOWN = 5
LATE_DAYS = 7
"""Papers added to older digests are not posted."""


class LatePapers(NamedTuple):
    """The late papers to show, newest day first and best first; their days; the digests that they come from."""

    papers: tuple[DigestPaper, ...] = ()
    days: tuple[models.LateDay, ...] = ()
    digest_ids: tuple[int, ...] = ()


def list_supplements(digests: Iterable[models.StoredDigest], covered_ids: Collection[int]) -> set[int]:
    """Return the digests that only add to a day that was posted: a listing and a written digest, or two listings, of one day.

    Two written digests of one day are posted one after the other, and a list of its author's own choice does not belong to the
    day's list: each is posted beside the other.
    """
    digests = [digest for digest in digests if digest.format is not models.DigestFormat.LIST]
    covered: dict[date, set[models.DigestFormat]] = defaultdict(set)
    for digest in digests:
        if digest.id in covered_ids:
            covered[digest.date].add(digest.format)
    return {
        digest.id
        for digest in digests
        if digest.id not in covered_ids
        and (formats := covered.get(digest.date))
        and any(is_listing(found) for found in {*formats, digest.format})
    }


def is_listing(digest_format: models.DigestFormat) -> bool:
    """Return whether digests of a format are the day's list, which written digests describe."""
    return digest_format is models.DigestFormat.LISTING


def find_late(
    subscription: models.Subscription,
    digest_on: date,
    drawn: Iterable[models.StoredDigest],
    pool: CandidatePool,
    covered: Mapping[int, int],
    posted_ids: Collection[int],
    *,
    room: int = 0,
) -> LatePapers:
    """Return the papers that days before `digest_on` gained since they were posted, at most MAX_SHOWN besides `room`.

    `drawn` are the digests of the post, `covered` the revisions posted by digest.
    """
    first_on = digest_on - LATE_DAYS * DAY
    recent = [digest for digest in pool.digests_of(subscription) if first_on <= digest.date < digest_on]
    supplements = list_supplements(recent, covered)
    candidates: list[DigestPaper] = []
    for digest in recent:
        if digest.id in covered:
            since = covered[digest.id]
            if digest.revision > since:
                candidates += (paper for paper in pool.papers_of(digest.id) if paper.since_revision > since)
        elif digest.id in supplements:
            candidates += pool.papers_of(digest.id)
    most = MAX_SHOWN + room
    if subscription.style in MAX_PAPERS:
        most = min(most, MAX_PAPERS[subscription.style] - subscription.top_n + room)
    if not candidates or most <= 0:
        return LatePapers()
    known = {paper.paper_id for digest in drawn for paper in pool.papers_of(digest.id)}
    for digest in recent:
        since = covered.get(digest.id, 0)
        known.update(paper.paper_id for paper in pool.papers_of(digest.id) if paper.since_revision <= since)
    late = [
        paper
        for paper in rank_papers(candidates)
        if paper.paper_id not in known
        and paper.paper_id not in posted_ids
        and models.meets_minimum(paper.votes, subscription.min_votes)
        and (not subscription.topic or paper.paper_id in pool.matching.get(subscription.topic, ()))
    ]
    by_day: dict[date, list[DigestPaper]] = defaultdict(list)
    for paper in late:
        by_day[paper.date_on].append(paper)
    shown: list[DigestPaper] = []
    days: list[models.LateDay] = []
    for day in sorted(by_day, reverse=True):
        if chosen := by_day[day][: most - len(shown)]:
            shown += chosen
            days.append((day, len(chosen), len(by_day[day])))
    return LatePapers(tuple(shown), tuple(days), tuple(sorted({paper.digest_id for paper in late})))


FRESH_DAYS = 3
"""Number of days whose digests a post draws from, each digest once."""
ROLLING_DAYS: Mapping[Style, int] = {Style.WEEKLY: 7}
"""The same, including the digests of earlier posts, for styles that have it."""


MAX_PAPERS: Mapping[Style, int] = {Style.ANNOUNCEMENT: discord_text.EMBEDS - 1}
"""Papers that a post shows at most, for styles that have it: more would count as posted and not be visible."""


def max_own_papers(subscription: Subscription) -> int:
    """Return the number of papers of its own that a post has at most."""
    return min(subscription.top_n, MAX_PAPERS.get(subscription.style, subscription.top_n))


def is_rolling(subscription: Subscription) -> bool:
    """Return whether the posts draw from all digests of their last days, instead of each digest once."""
    return subscription.style in ROLLING_DAYS


def window_days(subscription: Subscription) -> int:
    """Return the number of days whose digests a post can draw from."""
    return ROLLING_DAYS.get(subscription.style, FRESH_DAYS)


def first_rolling_date(subscription: Subscription, last_on: date) -> date | None:
    """Return the first date of a rolling post that ends on `last_on`; None for a subscription without such posts."""
    return last_on - window_days(subscription) * DAY + DAY if is_rolling(subscription) else None


REPOST_INTERVAL = timedelta(days=30)
"""A paper is not posted again in a channel within this time."""

MINUTE = timedelta(minutes=1)

DIGEST_WAIT = timedelta(hours=12)
"""Longest time that a post waits for a digest, after its hour or after the close of the list that it waits for."""

CLOSE_WAIT = timedelta(hours=6)
"""Longest time after its hour that a post waits for a day's list to close; it is about a day that has closed by then."""

EASTERNMOST_OFFSET = timedelta(hours=14)
"""The zone in which a date begins first (Kiritimati)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a subscription does now; `subscription` has its next due time.

    `choice` is None if no papers were chosen from; it is posted if it has papers. `covered_digest_ids` are the digests
    that later posts do not draw from, `late_digest_ids` those whose late papers are posted. While the subscription
    waits for a digest, its `waiting_for_on` is the local date
    of the post, and its `due_on` keeps the first date that is still to be posted.
    """

    subscription: models.Subscription
    choice: PlannedPost | None = None
    covered_digest_ids: tuple[int, ...] = ()
    late_digest_ids: tuple[int, ...] = ()

    @property
    def post(self) -> PlannedPost | None:
        """The post; None if nothing is posted."""
        return self.choice if self.choice is not None and self.choice.papers else None


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """The content of the post of the local date `local_on`: papers of the digests `digest_ids`.

    `digest_on` is the date of the newest of them, or the last day of a rolling post, whose first day is `since_on`.
    `papers`, `left_out`, `total` and `ranks` are those of a `Selection`; papers of earlier days that were
    added `late` follow the day's own in `papers`. `missed_on` are earlier dates that were due during downtime.
    """

    local_on: date
    due_at: datetime
    digest_on: date
    digest_ids: tuple[int, ...] = ()
    papers: tuple[DigestPaper, ...] = ()
    left_out: tuple[DigestPaper, ...] = ()
    total: int = 0
    ranks: tuple[int, ...] = ()
    missed_on: tuple[date, ...] = ()
    since_on: date | None = None
    late: tuple[models.LateDay, ...] = ()

    @property
    def own_papers(self) -> tuple[DigestPaper, ...]:
        """The papers of the post's own digests."""
        return self.papers[: len(self.papers) - sum(shown for _, shown, _ in self.late)]


class Selection(NamedTuple):
    """The papers selected for a post, those that came after them, the number of all candidates of its digests, and the
    ranks as `ranks_of` returns them.
    """

    papers: tuple[DigestPaper, ...]
    left_out: tuple[DigestPaper, ...]
    total: int
    ranks: tuple[int, ...]


class CandidatePool:
    """The digests that can be posted, by their origin and oldest first, with their papers. Ranks each combination once.

    `matching` holds the papers that match each topic: how well, by id. A topic that is not in it matches nothing.
    """

    def __init__(
        self, digests: Mapping[Origin, Sequence[StoredDigest]], papers: Iterable[DigestPaper]
    ) -> None:
        self.digests = tuple({digest.id: digest for found in digests.values() for digest in found}.values())
        self.matching: dict[str, Mapping[int, float]] = {}
        self._by_origin = digests
        self._papers: dict[int, list[DigestPaper]] = {}
        self._ranked: dict[tuple[int, ...], tuple[DigestPaper, ...]] = {}
        self._on_topic: dict[tuple[tuple[int, ...], str, bool], tuple[DigestPaper, ...]] = {}
        for paper in papers:
            self._papers.setdefault(paper.digest_id, []).append(paper)

    def digests_of(self, subscription: Subscription) -> Sequence[StoredDigest]:
        """Return the digests that a subscription may draw from."""
        return self._by_origin.get(find_origin(subscription), ())

    def papers_of(self, digest_id: int) -> Sequence[DigestPaper]:
        """Return the papers of a digest."""
        return self._papers.get(digest_id, ())

    def select(
        self, digest_ids: tuple[int, ...], subscription: models.Subscription, posted_ids: Collection[int]
    ) -> Selection:
        """Select papers of some digests by the subscription's topic, `top_n` and `min_votes`, none of `posted_ids`."""
        if digest_ids not in self._ranked:
            self._ranked[digest_ids] = rank_papers(
                paper for digest_id in digest_ids for paper in self._papers.get(digest_id, ())
            )
        ranked = self._rank_on_topic(digest_ids, subscription)
        eligible = tuple(
            paper
            for paper in ranked
            if paper.paper_id not in posted_ids and models.meets_minimum(paper.votes, subscription.min_votes)
        )
        most = max_own_papers(subscription)
        papers, left_out = eligible[:most], eligible[most:]
        return Selection(papers, left_out, len(self._ranked[digest_ids]), ranks_of(ranked, papers))

    def _rank_on_topic(
        self, digest_ids: tuple[int, ...], subscription: models.Subscription
    ) -> tuple[DigestPaper, ...]:
        """Rank the papers on the subscription's topic; those of one source with equal votes by how well they match."""
        topic, is_of_source = subscription.topic, bool(subscription.source)
        if not topic:
            return self._ranked[digest_ids]
        key = digest_ids, topic, is_of_source
        if key not in self._on_topic:
            matching = self.matching.get(topic, {})
            found = [paper for paper in self._ranked[digest_ids] if paper.paper_id in matching]
            if is_of_source:
                found.sort(
                    key=lambda paper: (*models.votes_descending(paper.votes), -matching[paper.paper_id])
                )
            self._on_topic[key] = tuple(found)
        return self._on_topic[key]


class DueDates(NamedTuple):
    """The times that have fallen due, oldest first; the next due time; and the local date of today."""

    past: tuple[schedule.DueTime, ...]
    following: schedule.DueTime
    today: date


class Calendar:
    """The due dates of subscriptions at one moment (`now`, UTC). Computes each schedule once."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._cache: dict[object, DueDates] = {}

    def look_up(self, subscription: models.Subscription) -> DueDates:
        """Return the due dates of a subscription."""
        rule = schedule.rule_of(subscription)
        key = rule, subscription.due_on
        if key not in self._cache:
            past: tuple[schedule.DueTime, ...] = ()
            if subscription.due_on is not None:
                past = schedule.due_between(subscription.due_on, self.now, rule)
            today = schedule.local_date_of(subscription, self.now)
            self._cache[key] = DueDates(past, schedule.next_due(self.now, rule), today)
        return self._cache[key]


def delivery_key(subscription_id: int, local_on: date) -> str:
    """Return the unique key of the post of a local date."""
    return f"daily:{subscription_id}:{local_on.isoformat()}"


def oldest_digest_date(subscription: models.Subscription, today: date) -> date:
    """Return the first digest date that a post of `today` (local) can draw from."""
    # A day's list closes on the next date in half of the world.
    extra = 0 if subscription.at_time else 1
    oldest = today - (window_days(subscription) - 1 + extra) * DAY
    if is_rolling(subscription) or subscription.last_digest_on is None:
        return oldest
    # A digest that was dated ahead of the local date must not exclude the digest of that date.
    return max(oldest, min(subscription.last_digest_on, today))


def newest_digest_date(now: datetime) -> date:
    """Return the last digest date that any post at `now` (UTC) can draw from: today's in the zone that is furthest ahead.

    A later date is a mistake of the digest or of its zone; it is posted once the date has begun.
    """
    return (now + EASTERNMOST_OFFSET).date()


def digest_dates(subscription: models.Subscription, due_on: date, now: datetime) -> tuple[date, date]:
    """Return the first and the last digest date that a post of `due_on` (local) can draw from at `now` (UTC).

    A rolling post that is late names the days until its own date; those that have come since are in the next one's.
    """
    newest = newest_digest_date(now)
    last = min(due_on, newest) if is_rolling(subscription) else newest
    return oldest_digest_date(subscription, due_on), last


def fresh_digests(
    subscription: models.Subscription,
    due_on: date,
    now: datetime,
    pool: CandidatePool,
    covered_ids: Collection[int],
    posted_ids: Collection[int],
) -> list[StoredDigest]:
    """Return the digests that a post of `due_on` can draw from at `now` (UTC).

    What adds to a day of which papers were posted is left out. If its first digest had none for this channel, for example
    since none was on the topic, the day's list is drawn from as if it had come first.
    """
    first, last = digest_dates(subscription, due_on, now)
    own = pool.digests_of(subscription)
    dated = [digest for digest in own if first <= digest.date <= last]
    if is_rolling(subscription):
        return dated
    uncovered = [digest for digest in dated if digest.id not in covered_ids]
    shown_ids = {
        id_ for id_ in covered_ids if any(paper.paper_id in posted_ids for paper in pool.papers_of(id_))
    }
    posted_before = list_supplements(own, shown_ids)
    return [digest for digest in uncovered if digest.id not in posted_before]


def decide(
    subscription: models.Subscription,
    calendar: Calendar,
    pool: CandidatePool,
    *,
    covered_ids: Mapping[int, int],
    posted_ids: Collection[int],
    planned_keys: Collection[str] = (),
    closings: day_close.Closings | None = None,
) -> Decision:
    """Return what a due subscription does at the calendar's moment.

    `covered_ids` are digests that it drew from before, by revision posted; `posted_ids` papers posted in its channel within
    REPOST_INTERVAL. A date whose key is in `planned_keys` is finished, even if its due time has changed since.
    Without `closings`, no list is read, and every digest is complete.
    """
    now, (past, following, today) = calendar.now, calendar.look_up(subscription)
    moved_on = schedule.set_due(subscription, following)
    if not past or delivery_key(subscription.id, past[-1].local_on) in planned_keys:
        return Decision(moved_on)
    current = past[-1]
    close = awaited_close(subscription, current.at, now, closings)
    since = current.at if close is None else max(current.at, close.at)
    until = min(since + DIGEST_WAIT, following.at - MINUTE)
    # A digest awaited past midnight still belongs to the date of the post, and a week begins with its post's date, however late.
    is_of_due_date = now <= until or is_rolling(subscription)
    first_on = min(today, current.local_on) if is_of_due_date else today
    fresh = fresh_digests(subscription, first_on, now, pool, covered_ids, posted_ids)
    if close is not None:
        fresh = [digest for digest in fresh if digest.date <= close.local_on]
    empty = PlannedPost(current.local_on, current.at, current.local_on)
    if is_rolling(subscription):
        empty = replace(empty, since_on=first_rolling_date(subscription, current.local_on))
        return Decision(moved_on, _choose(empty, fresh, subscription, pool, posted_ids))
    # Dates that fell due during downtime and are not fresh any more.
    oldest_fresh = today - (FRESH_DAYS - 1) * DAY
    missed_on = tuple(due.local_on for due in past[:-1] if due.local_on < oldest_fresh)
    empty = replace(empty, missed_on=missed_on)
    look_at: datetime | None = None
    is_complete = close is None or closings is None or closings.is_complete(close.local_on)
    if close is not None and (now < close.at or not is_complete):
        # Every minute after the close, and more rarely the longer its source is down.
        look_at = close.at if now < close.at else now + max(MINUTE, (now - close.at) / 8)
    if fresh and (look_at is None or now >= until):
        return _decide_daily(subscription, moved_on, today, empty, fresh, pool, covered_ids, posted_ids)
    # If the list is still empty after its close, the day has no list.
    if now < until and (close is None or look_at is not None):
        due = schedule.DueTime(until if look_at is None else min(look_at, until), past[0].local_on)
        return Decision(schedule.set_due(subscription, due, waiting_for_on=current.local_on, until=until))
    return Decision(moved_on)


def _decide_daily(
    subscription: models.Subscription,
    moved_on: models.Subscription,
    today: date,
    empty: PlannedPost,
    fresh: list[StoredDigest],
    pool: CandidatePool,
    covered_ids: Mapping[int, int],
    posted_ids: Collection[int],
) -> Decision:
    newest_on = max(digest.date for digest in fresh)
    drawn = fresh if subscription.last_digest_on else [digest for digest in fresh if digest.date == newest_on]
    choice = _choose(replace(empty, digest_on=newest_on), drawn, subscription, pool, posted_ids)
    late = LatePapers()
    if choice.papers:
        room = subscription.top_n - len(choice.papers)  # a day that has barely begun leaves places
        late = find_late(subscription, newest_on, drawn, pool, covered_ids, posted_ids, room=room)
        choice = replace(choice, papers=choice.papers + late.papers, late=late.days)
    return Decision(
        # At most today: today's own digest may arrive after one that is dated tomorrow.
        replace(moved_on, last_digest_on=min(newest_on, today)),
        choice,
        covered_digest_ids=tuple(digest.id for digest in fresh),
        late_digest_ids=late.digest_ids,
    )


def awaited_close(
    subscription: models.Subscription, due_at: datetime, now: datetime, closings: day_close.Closings | None
) -> schedule.DueTime | None:
    """Return the newest day that a post due at `due_at` (UTC) can be about, and its close; None for a post at its time.

    That is the newest day whose list closes within CLOSE_WAIT after the due time, or has closed by now.
    """
    if subscription.at_time or closings is None:
        return None
    day = closings.rule.last_closed(max(due_at + CLOSE_WAIT, now))
    return schedule.DueTime(closings.rule.closes_at(day), day)


def _choose(
    empty: PlannedPost,
    digests: Iterable[StoredDigest],
    subscription: models.Subscription,
    pool: CandidatePool,
    posted_ids: Collection[int],
) -> PlannedPost:
    """Return the post with papers of the digests."""
    digest_ids = tuple(digest.id for digest in digests)
    selection = pool.select(digest_ids, subscription, posted_ids)
    return replace(empty, digest_ids=digest_ids, **selection._asdict())


def to_record(
    plan: Decision, choice: PlannedPost, now: datetime, delivery_id: int | None = None
) -> StoredDecision:
    """Return the record of a choice made at `now` (UTC), for `/why`."""
    return StoredDecision(
        subscription_id=plan.subscription.id,
        local_on=choice.local_on,
        decided_at=now,
        digest_on=choice.digest_on,
        digest_ids=choice.digest_ids,
        skipped_digest_ids=tuple(sorted({*plan.covered_digest_ids}.difference(choice.digest_ids))),
        min_votes=plan.subscription.min_votes,
        cutoff_rank=len(choice.own_papers),
        cutoff_votes=choice.own_papers[-1].votes if choice.own_papers else None,
        left_out=tuple((paper.paper_id, paper.votes) for paper in choice.left_out),
        delivery_id=delivery_id,
    )
