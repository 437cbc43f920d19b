"""Decides what a due subscription does: post, wait for a digest, or move on. Pure: no storage, clock or rendering.

A post draws from *fresh* digests: dated within the subscription's last `fresh_days` local days, not older than the last
digest posted, and not covered by an earlier post. The first post of a subscription shows the newest date only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.services.daily import schedule, selection, styles
from bot.services.daily.schedule import DAY
from storage import models
from storage.decisions import StoredDecision
from storage.digest_reads import CandidateDigest, DigestPaper

REPOST_INTERVAL = timedelta(days=30)
"""A paper is not posted again in a channel within this time."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a subscription does now, and when it is due next.

    `post` is None if nothing is posted, `choice` if no papers were chosen from. `covered_digest_ids` are the digests
    that later posts do not draw from. While the subscription waits for a digest, `waiting_for_on` is the local date of
    the post, and `next_due` keeps the first date that is still to be posted.
    """

    subscription: models.Subscription
    next_due: schedule.DueTime
    post: PlannedPost | None = None
    choice: Choice | None = None
    covered_digest_ids: tuple[int, ...] = ()
    waiting_for_on: date | None = None
    waiting_until_at: datetime | None = None
    last_digest_on: date | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of papers for the local date `local_on` from the digests `digest_ids`.

    `digest_on` is the date of the newest of them, or the last day of a rolling post.
    """

    local_on: date
    digest_on: date
    digest_ids: tuple[int, ...]
    selection: selection.Selection


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """The content of one post. `local_on` is the date of the post, `digest_on` that of its newest digest.

    `missed_on` are earlier dates that were due during downtime; `since_on` is the first day of a rolling post.
    """

    local_on: date
    due_at: datetime
    digest_on: date
    selection: selection.Selection
    missed_on: tuple[date, ...] = ()
    since_on: date | None = None


class CandidatePool:
    """The digests that can be posted, with their papers. Ranks each combination of digests once."""

    def __init__(self, digests: Sequence[CandidateDigest], papers: Sequence[DigestPaper]) -> None:
        self.digests = digests
        self._papers: dict[int, list[selection.Candidate]] = {}
        self._ranked: dict[tuple[int, ...], tuple[selection.Candidate, ...]] = {}
        for paper in papers:
            candidate = selection.Candidate(paper.paper_id, paper.votes, paper.date_on, paper.rank)
            self._papers.setdefault(paper.digest_id, []).append(candidate)

    def select(
        self, digest_ids: tuple[int, ...], subscription: models.Subscription, posted_ids: Collection[int]
    ) -> selection.Selection:
        """Select papers of some digests by the subscription's `top_n` and `min_votes`."""
        return selection.select(
            self._rank_papers(digest_ids),
            posted_ids=posted_ids,
            top_n=subscription.top_n,
            min_votes=subscription.min_votes,
        )

    def _rank_papers(self, digest_ids: tuple[int, ...]) -> tuple[selection.Candidate, ...]:
        if digest_ids not in self._ranked:
            self._ranked[digest_ids] = selection.rank(
                paper for digest_id in digest_ids for paper in self._papers.get(digest_id, ())
            )
        return self._ranked[digest_ids]


@dataclass(frozen=True, slots=True)
class DueDates:
    """What fell due up to now, oldest first; the next due time; and the local date of today."""

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
        key = (schedule.schedule_key(subscription), subscription.due_on)
        if key not in self._cache:
            zone = schedule.parse_zone(subscription.timezone)
            at = schedule.parse_time(subscription.at_time)
            past: tuple[schedule.DueTime, ...] = ()
            if subscription.due_on is not None:
                past = schedule.due_between(subscription.due_on, self.now, at, zone, subscription.days)
            following = schedule.next_due(self.now, at, zone, subscription.days)
            self._cache[key] = DueDates(past, following, schedule.local_date(self.now, zone))
        return self._cache[key]


def delivery_key(subscription_id: int, local_on: date) -> str:
    """Return the unique key of the post of a local date."""
    return f"daily:{subscription_id}:{local_on.isoformat()}"


def oldest_digest_date(subscription: models.Subscription, today: date) -> date:
    """Return the first digest date that a post of `today` (local) can draw from."""
    oldest = today - (styles.window_days(subscription) - 1) * DAY
    if styles.is_rolling(subscription) or subscription.last_digest_on is None:
        return oldest
    return max(oldest, subscription.last_digest_on)


def newest_digest_date(today: date) -> date:
    """Return the last digest date that a post of `today` can draw from; the digest's own zone may be a day ahead."""
    return today + DAY


def settled_at(subscription: models.Subscription, digest: CandidateDigest) -> datetime:
    """Return when the votes of a digest have settled by the subscription's `settle_hours` (UTC)."""
    return digest.ingested_at + timedelta(hours=subscription.settle_hours)


def fresh_digests(
    subscription: models.Subscription,
    due_on: date,
    today: date,
    pool: CandidatePool,
    covered_ids: Collection[int],
) -> list[CandidateDigest]:
    """Return the digests that a post of `due_on` can draw from on the local date `today`."""
    first, last = oldest_digest_date(subscription, due_on), newest_digest_date(today)
    dated = [digest for digest in pool.digests if first <= digest.date_on <= last]
    if styles.is_rolling(subscription):
        return dated
    return [digest for digest in dated if digest.id not in covered_ids]


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

    `covered_ids` are digests that it drew from before, `posted_ids` papers posted in its channel within
    REPOST_INTERVAL. A date whose key is in `planned_keys` is finished, even if its due time has changed since.
    """
    now, dates = calendar.now, calendar.look_up(subscription)
    if not dates.past or delivery_key(subscription.id, dates.past[-1].local_on) in planned_keys:
        return Decision(subscription, dates.following)
    current = dates.past[-1]
    # Before the next post is due, so that "no papers today" is posted on its own day.
    until = min(current.at + timedelta(minutes=subscription.wait_minutes), dates.following.at - MINUTE)
    # A digest awaited past midnight still belongs to the date of the post.
    first_on = min(dates.today, current.local_on) if now <= until else dates.today
    fresh = fresh_digests(subscription, first_on, dates.today, pool, covered_ids)
    if styles.is_rolling(subscription):
        return _decide_rolling(subscription, dates, fresh, pool, posted_ids)
    settled = [settled_at(subscription, digest) for digest in fresh]
    ready = [digest for digest, moment in zip(fresh, settled, strict=True) if moment <= now]
    if ready:
        return _decide_daily(subscription, dates, ready, pool, posted_ids)
    if now < until:
        look_at = min([moment for moment in settled if moment > now] + [until])
        return Decision(
            subscription,
            schedule.DueTime(look_at, dates.past[0].local_on),
            waiting_for_on=current.local_on,
            waiting_until_at=until,
        )
    nothing = selection.Selection((), (), 0)
    post = _build_post(subscription, dates, current.local_on, nothing, _missed_dates(subscription, dates))
    return Decision(subscription, dates.following, post)


def _decide_daily(
    subscription: models.Subscription,
    dates: DueDates,
    ready: list[CandidateDigest],
    pool: CandidatePool,
    posted_ids: Collection[int],
) -> Decision:
    newest_on = max(digest.date_on for digest in ready)
    drawn = (
        ready if subscription.last_digest_on else [digest for digest in ready if digest.date_on == newest_on]
    )
    choice = _choose(subscription, dates, newest_on, drawn, pool, posted_ids)
    missed_on = _missed_dates(subscription, dates)
    return Decision(
        subscription,
        dates.following,
        post=_build_post(subscription, dates, newest_on, choice.selection, missed_on),
        choice=choice,
        covered_digest_ids=tuple(digest.id for digest in ready),
        last_digest_on=newest_on,
    )


def _decide_rolling(
    subscription: models.Subscription,
    dates: DueDates,
    digests: list[CandidateDigest],
    pool: CandidatePool,
    posted_ids: Collection[int],
) -> Decision:
    last_on = dates.past[-1].local_on
    choice = _choose(subscription, dates, last_on, digests, pool, posted_ids)
    post = _build_post(
        subscription,
        dates,
        last_on,
        choice.selection,
        since_on=styles.first_rolling_date(subscription, last_on),
    )
    return Decision(subscription, dates.following, post, choice)


def _choose(
    subscription: models.Subscription,
    dates: DueDates,
    digest_on: date,
    digests: Iterable[CandidateDigest],
    pool: CandidatePool,
    posted_ids: Collection[int],
) -> Choice:
    digest_ids = tuple(digest.id for digest in digests)
    selected = pool.select(digest_ids, subscription, posted_ids)
    return Choice(dates.past[-1].local_on, digest_on, digest_ids, selected)


def _build_post(
    subscription: models.Subscription,
    dates: DueDates,
    digest_on: date,
    selected: selection.Selection,
    missed_on: tuple[date, ...] = (),
    since_on: date | None = None,
) -> PlannedPost | None:
    if not selected.papers and not subscription.say_when_empty:
        return None
    current = dates.past[-1]
    return PlannedPost(current.local_on, current.at, digest_on, selected, missed_on, since_on)


def _missed_dates(subscription: models.Subscription, dates: DueDates) -> tuple[date, ...]:
    """Return the dates that fell due during downtime and are no longer fresh."""
    oldest_fresh = dates.today - (subscription.fresh_days - 1) * DAY
    return tuple(due.local_on for due in dates.past[:-1] if due.local_on < oldest_fresh)


def to_record(
    plan: Decision, choice: Choice, now: datetime, delivery_id: int | None = None
) -> StoredDecision:
    """Return the record of a choice made at `now` (UTC), for `/why`."""
    papers = choice.selection.papers
    return StoredDecision(
        subscription_id=plan.subscription.id,
        local_on=choice.local_on,
        decided_at=now,
        digest_on=choice.digest_on,
        digest_ids=choice.digest_ids,
        skipped_digest_ids=tuple(sorted({*plan.covered_digest_ids}.difference(choice.digest_ids))),
        min_votes=plan.subscription.min_votes,
        cutoff_rank=len(papers),
        cutoff_votes=papers[-1].votes if papers else None,
        left_out=tuple((paper.paper_id, paper.votes) for paper in choice.selection.left_out),
        delivery_id=delivery_id,
    )
