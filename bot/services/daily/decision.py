"""Decides what a due subscription does now: post, wait, or move on. Pure: no storage, no clock, no rendering.

A post draws from *fresh* digests: dated within the subscription's last local days, not older than the last one posted
there, and not covered by it before. A channel that has had nothing yet gets the newest date alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.services.daily import schedule, selection
from storage import models
from storage.digest_reads import DigestPaper, FreshDigest

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription does, and when it is due next.

    `post` is None when nothing is posted. `covers` are the digests that it will not draw from again. While it waits for a
    digest, `waiting_for_on` is the local date, and `next_due` keeps standing for it and for the days missed before it.
    """

    subscription: models.Subscription
    next_due: schedule.Due
    post: Post | None = None
    covers: tuple[int, ...] = ()
    waiting_for_on: date | None = None
    waiting_until_at: datetime | None = None
    last_digest_on: date | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """The papers of one post, chosen. `local_on` is the date of the post, `digest_on` that of the newest digest in it."""

    local_on: date
    due_at: datetime
    digest_on: date
    choice: selection.Choice
    missed_on: tuple[date, ...] = ()
    since_on: date | None = None


class Shelf:
    """The digests that could be posted, with their papers. Ranks each combination of digests once."""

    def __init__(self, digests: Sequence[FreshDigest], papers: Sequence[DigestPaper]) -> None:
        self.digests = digests
        self._papers: dict[int, list[selection.Candidate]] = {}
        self._ranked: dict[tuple[int, ...], tuple[selection.Candidate, ...]] = {}
        for paper in papers:
            candidate = selection.Candidate(paper.paper_id, paper.votes, paper.date_on, paper.rank)
            self._papers.setdefault(paper.digest_id, []).append(candidate)

    def ranked(self, digest_ids: Iterable[int]) -> tuple[selection.Candidate, ...]:
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
        self._read: dict[object, tuple[tuple[schedule.Due, ...], schedule.Due, date]] = {}

    def read(self, subscription: models.Subscription) -> tuple[tuple[schedule.Due, ...], schedule.Due, date]:
        """Return what fell due up to now (oldest first), what is due next, and the local date."""
        key = (subscription.at_time, subscription.timezone, subscription.days, subscription.due_on)
        if key not in self._read:
            zone = schedule.parse_zone(subscription.timezone)
            at = schedule.parse_time(subscription.at_time)
            due: tuple[schedule.Due, ...] = ()
            if subscription.due_on is not None:
                due = schedule.due_between(subscription.due_on, self.now, at, zone, subscription.days)
            following = schedule.next_due(self.now, at, zone, subscription.days)
            self._read[key] = due, following, schedule.local_date(self.now, zone)
        return self._read[key]


def key(subscription_id: int, local_on: date) -> str:
    """Return the key under which the post of a local date is planned, once."""
    return f"daily:{subscription_id}:{local_on.isoformat()}"


def oldest_of_interest(subscription: models.Subscription, today: date) -> date:
    """Return the first digest date that a post of `today` (local) can draw from."""
    days = WEEK if subscription.style is models.Style.WEEKLY else subscription.fresh_days * DAY
    oldest = today - days + DAY
    if subscription.last_digest_on is not None and subscription.style is not models.Style.WEEKLY:
        return max(oldest, subscription.last_digest_on)
    return oldest


def newest_of_interest(today: date) -> date:
    """Return the last digest date that a post of `today` can draw from: the digest's own zone may be a day ahead."""
    return today + DAY


def fresh(
    subscription: models.Subscription, due_on: date, today: date, shelf: Shelf, covered: Collection[int]
) -> list[FreshDigest]:
    """Return the digests that the subscription may draw from at the local date `today`, for a post of `due_on`."""
    first, last = oldest_of_interest(subscription, due_on), newest_of_interest(today)
    found = [digest for digest in shelf.digests if first <= digest.date_on <= last]
    if subscription.style is models.Style.WEEKLY:
        return found
    return [digest for digest in found if digest.id not in covered]


def decide(
    subscription: models.Subscription,
    calendar: Calendar,
    shelf: Shelf,
    *,
    covered: Collection[int],
    had: Collection[int],
    planned: Collection[str] = (),
) -> Plan:
    """Return what a due subscription does at the calendar's moment.

    `covered` are the ids of digests that it drew from before, `had` those of the papers that its place had lately,
    `planned` the keys of posts that were planned before: such a day is over, whatever its time is now.
    """
    now = calendar.now
    due, following, today = calendar.read(subscription)
    if not due or key(subscription.id, due[-1].local_on) in planned:
        return Plan(subscription, following)
    current = due[-1]
    # Before the next post is due, so that "no papers today" still has its day.
    until = min(current.at + timedelta(minutes=subscription.wait_minutes), following.at - MINUTE)
    # A digest that is waited for past midnight is still its day's.
    first_on = min(today, current.local_on) if now <= until else today
    found = fresh(subscription, first_on, today, shelf, covered)
    if subscription.style is models.Style.WEEKLY:
        return _weekly(subscription, current, following, found, shelf, had)
    settled_at = [digest.ingested_at + timedelta(hours=subscription.settle_hours) for digest in found]
    ready = [digest for digest, moment in zip(found, settled_at, strict=True) if moment <= now]
    if not ready and now < until:
        look_at = min([moment for moment in settled_at if moment > now] + [until])
        return Plan(
            subscription,
            schedule.Due(look_at, due[0].local_on),
            waiting_for_on=current.local_on,
            waiting_until_at=until,
        )
    missed = _missed(subscription, [one.local_on for one in due[:-1]], today)
    if not ready:
        empty = _post(
            subscription,
            current,
            current.local_on,
            selection.choose((), had=(), top_n=1, min_votes=0),
            missed,
        )
        return Plan(subscription, following, post=empty)
    return _daily(subscription, current, following, ready, shelf, had, missed)


def _daily(
    subscription: models.Subscription,
    current: schedule.Due,
    following: schedule.Due,
    ready: list[FreshDigest],
    shelf: Shelf,
    had: Collection[int],
    missed: tuple[date, ...],
) -> Plan:
    newest = max(digest.date_on for digest in ready)
    drawn = ready if subscription.last_digest_on else [digest for digest in ready if digest.date_on == newest]
    choice = selection.choose(
        shelf.ranked(digest.id for digest in drawn),
        had=had,
        top_n=subscription.top_n,
        min_votes=subscription.min_votes,
    )
    return Plan(
        subscription,
        following,
        post=_post(subscription, current, newest, choice, missed),
        covers=tuple(digest.id for digest in ready),
        last_digest_on=newest,
    )


def _weekly(
    subscription: models.Subscription,
    current: schedule.Due,
    following: schedule.Due,
    found: list[FreshDigest],
    shelf: Shelf,
    had: Collection[int],
) -> Plan:
    ranked = shelf.ranked(digest.id for digest in found)
    choice = selection.choose(ranked, had=had, top_n=subscription.top_n, min_votes=subscription.min_votes)
    post = _post(subscription, current, current.local_on, choice, (), since_on=current.local_on - WEEK + DAY)
    return Plan(subscription, following, post=post)


def _post(
    subscription: models.Subscription,
    current: schedule.Due,
    digest_on: date,
    choice: selection.Choice,
    missed: tuple[date, ...],
    since_on: date | None = None,
) -> Post | None:
    if not choice.papers and not subscription.say_when_empty:
        return None
    return Post(current.local_on, current.at, digest_on, choice, missed, since_on)


def _missed(subscription: models.Subscription, dates: Sequence[date], today: date) -> tuple[date, ...]:
    """Return the days that fell due while nothing could be posted and that are no longer fresh."""
    oldest_fresh = today - (subscription.fresh_days - 1) * DAY
    return tuple(on for on in dates if on < oldest_fresh)
