"""Decides what a due subscription does now: post, wait, or move on. Pure: no storage, no clock, no rendering.

A post draws from *fresh* digests: dated within the subscription's last local days, not older than the last one posted
there, and not covered by it before. A channel that has had nothing yet gets the newest date alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.services.daily import schedule, selection, styles
from bot.services.daily.styles import DAY
from storage import models
from storage.digest_reads import CandidateDigest, DigestPaper

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a subscription does, and when it is due next.

    `post` is None when nothing is posted. `covers` are the digests that it will not draw from again. While it waits for a
    digest, `waiting_for_on` is the local date, and `next_due` keeps standing for it and for the days missed before it.
    """

    subscription: models.Subscription
    next_due: schedule.DueTime
    post: PlannedPost | None = None
    covered_digest_ids: tuple[int, ...] = ()
    waiting_for_on: date | None = None
    waiting_until_at: datetime | None = None
    last_digest_on: date | None = None


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """The papers of one post, chosen. `local_on` is the date of the post, `digest_on` that of the newest digest in it."""

    local_on: date
    due_at: datetime
    digest_on: date
    selection: selection.Selection
    missed_on: tuple[date, ...] = ()
    since_on: date | None = None


class CandidatePool:
    """The digests that could be posted, with their papers. Ranks each combination of digests once."""

    def __init__(self, digests: Sequence[CandidateDigest], papers: Sequence[DigestPaper]) -> None:
        self.digests = digests
        self._papers: dict[int, list[selection.Candidate]] = {}
        self._ranked: dict[tuple[int, ...], tuple[selection.Candidate, ...]] = {}
        for paper in papers:
            candidate = selection.Candidate(paper.paper_id, paper.votes, paper.date_on, paper.rank)
            self._papers.setdefault(paper.digest_id, []).append(candidate)

    def rank_papers(self, digest_ids: Iterable[int]) -> tuple[selection.Candidate, ...]:
        """Return the papers of some digests, best first."""
        key = tuple(digest_ids)
        if key not in self._ranked:
            self._ranked[key] = selection.rank(
                paper for digest_id in key for paper in self._papers.get(digest_id, ())
            )
        return self._ranked[key]


class Calendar:
    """What the zones' clocks say at one moment (`now`, UTC). Works out each schedule once."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._cache: dict[object, tuple[tuple[schedule.DueTime, ...], schedule.DueTime, date]] = {}

    def look_up(
        self, subscription: models.Subscription
    ) -> tuple[tuple[schedule.DueTime, ...], schedule.DueTime, date]:
        """Return what fell due up to now (oldest first), what is due next, and the local date."""
        key = (subscription.at_time, subscription.timezone, subscription.days, subscription.due_on)
        if key not in self._cache:
            zone = schedule.parse_zone(subscription.timezone)
            at = schedule.parse_time(subscription.at_time)
            due: tuple[schedule.DueTime, ...] = ()
            if subscription.due_on is not None:
                due = schedule.due_between(subscription.due_on, self.now, at, zone, subscription.days)
            following = schedule.next_due(self.now, at, zone, subscription.days)
            self._cache[key] = due, following, schedule.local_date(self.now, zone)
        return self._cache[key]


def delivery_key(subscription_id: int, local_on: date) -> str:
    """Return the key under which the post of a local date is planned, once."""
    return f"daily:{subscription_id}:{local_on.isoformat()}"


def oldest_digest_date(subscription: models.Subscription, today: date) -> date:
    """Return the first digest date that a post of `today` (local) can draw from."""
    oldest = today - styles.window_days(subscription) * DAY + DAY
    if subscription.last_digest_on is not None and not styles.is_rolling(subscription):
        return max(oldest, subscription.last_digest_on)
    return oldest


def newest_digest_date(today: date) -> date:
    """Return the last digest date that a post of `today` can draw from: the digest's own zone may be a day ahead."""
    return today + DAY


def fresh_digests(
    subscription: models.Subscription,
    due_on: date,
    today: date,
    pool: CandidatePool,
    covered_ids: Collection[int],
) -> list[CandidateDigest]:
    """Return the digests that the subscription may draw from at the local date `today`, for a post of `due_on`."""
    first, last = oldest_digest_date(subscription, due_on), newest_digest_date(today)
    found = [digest for digest in pool.digests if first <= digest.date_on <= last]
    if styles.is_rolling(subscription):
        return found
    return [digest for digest in found if digest.id not in covered_ids]


def decide(
    subscription: models.Subscription,
    calendar: Calendar,
    pool: CandidatePool,
    *,
    covered_ids: Collection[int],
    posted_ids: Collection[int],
    planned_keys: Collection[str] = (),
) -> Decision:
    """Return what a due subscription does at the calendar's moment.

    `covered` are the ids of digests that it drew from before, `had` those of the papers that its place had lately,
    `planned` the keys of posts that were planned before: such a day is over, whatever its time is now.
    """
    now = calendar.now
    due, following, today = calendar.look_up(subscription)
    if not due or delivery_key(subscription.id, due[-1].local_on) in planned_keys:
        return Decision(subscription, following)
    current = due[-1]
    # Before the next post is due, so that "no papers today" still has its day.
    until = min(current.at + timedelta(minutes=subscription.wait_minutes), following.at - MINUTE)
    # A digest that is waited for past midnight is still its day's.
    first_on = min(today, current.local_on) if now <= until else today
    found = fresh_digests(subscription, first_on, today, pool, covered_ids)
    if styles.is_rolling(subscription):
        return _decide_rolling(subscription, current, following, found, pool, posted_ids)
    settled_at = [digest.ingested_at + timedelta(hours=subscription.settle_hours) for digest in found]
    ready = [digest for digest, moment in zip(found, settled_at, strict=True) if moment <= now]
    if not ready and now < until:
        look_at = min([moment for moment in settled_at if moment > now] + [until])
        return Decision(
            subscription,
            schedule.DueTime(look_at, due[0].local_on),
            waiting_for_on=current.local_on,
            waiting_until_at=until,
        )
    missed = _missed_dates(subscription, [one.local_on for one in due[:-1]], today)
    if not ready:
        empty = _build_post(
            subscription,
            current,
            current.local_on,
            selection.select((), posted_ids=(), top_n=1, min_votes=0),
            missed,
        )
        return Decision(subscription, following, post=empty)
    return _decide_daily(subscription, current, following, ready, pool, posted_ids, missed)


def _decide_daily(
    subscription: models.Subscription,
    current: schedule.DueTime,
    following: schedule.DueTime,
    ready: list[CandidateDigest],
    pool: CandidatePool,
    posted_ids: Collection[int],
    missed: tuple[date, ...],
) -> Decision:
    newest = max(digest.date_on for digest in ready)
    drawn = ready if subscription.last_digest_on else [digest for digest in ready if digest.date_on == newest]
    choice = selection.select(
        pool.rank_papers(digest.id for digest in drawn),
        posted_ids=posted_ids,
        top_n=subscription.top_n,
        min_votes=subscription.min_votes,
    )
    return Decision(
        subscription,
        following,
        post=_build_post(subscription, current, newest, choice, missed),
        covered_digest_ids=tuple(digest.id for digest in ready),
        last_digest_on=newest,
    )


def _decide_rolling(
    subscription: models.Subscription,
    current: schedule.DueTime,
    following: schedule.DueTime,
    digests: list[CandidateDigest],
    pool: CandidatePool,
    posted_ids: Collection[int],
) -> Decision:
    ranked = pool.rank_papers(digest.id for digest in digests)
    choice = selection.select(
        ranked, posted_ids=posted_ids, top_n=subscription.top_n, min_votes=subscription.min_votes
    )
    since_on = styles.first_rolling_date(subscription, current.local_on)
    post = _build_post(subscription, current, current.local_on, choice, (), since_on=since_on)
    return Decision(subscription, following, post=post)


def _build_post(
    subscription: models.Subscription,
    current: schedule.DueTime,
    digest_on: date,
    choice: selection.Selection,
    missed: tuple[date, ...],
    since_on: date | None = None,
) -> PlannedPost | None:
    if not choice.papers and not subscription.say_when_empty:
        return None
    return PlannedPost(current.local_on, current.at, digest_on, choice, missed, since_on)


def _missed_dates(subscription: models.Subscription, dates: Sequence[date], today: date) -> tuple[date, ...]:
    """Return the days that fell due while nothing could be posted and that are no longer fresh."""
    oldest_fresh = today - (subscription.fresh_days - 1) * DAY
    return tuple(on for on in dates if on < oldest_fresh)
