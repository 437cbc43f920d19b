"""Says why a paper was not posted by a standing order, or when it was. Pure: decides over what `why` has read.

Votes and settings are today's: what they were when a post was put together is not kept, so the answers say so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.services.daily import decision, planner, schedule, selection, styles
from storage import models
from storage.digest_reads import CandidateDigest
from storage.models import ActivityState, DeliveryState, PartState
from storage.posted import PostedPaper

DAY = timedelta(days=1)


class Cause(StrEnum):
    """What became of a paper in one standing order."""

    POSTED = "posted"
    UNDER_WAY = "under-way"
    """Chosen; its message waits in the outbox for its turn."""
    NOT_DELIVERED = "held"
    """Chosen, and not posted: the delivery's state and reason say why."""
    TOO_FEW_VOTES = "too-few-votes"
    VOTES_UNKNOWN = "votes-unknown"
    BELOW_TOP = "below-top"
    NOT_CHOSEN_THEN = "not-then"
    """It would be chosen by its votes of today and the order of today, and was not when the post was put together."""
    FIRST_POST = "first-post"
    """A channel's first post shows the newest digest alone, and this one was older."""
    UPCOMING = "coming"
    SETTLING = "settling"
    """Its digest waits until the votes have had their hours."""
    STOPPED = "stopped"
    SUPERSEDED = "overtaken"
    """Its digest came when a newer one had been posted."""
    BEFORE_SUBSCRIPTION = "before-order"
    TOO_OLD = "too-old"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one standing order; `subscription` is None for a post of an order that is no more.

    `digest_on` is the date of the digest spoken of, `at` (UTC) when it was posted, or when the next post or the end of
    the waiting is. `rank` counts from 1 among `of` papers. `is_open`: the next post may still decide otherwise.
    `repeated`: a later digest has the paper again, which is not posted twice within 30 days.
    """

    cause: Cause
    subscription: models.Subscription | None
    digest_on: date | None = None
    at: datetime | None = None
    delivery: models.Delivery | None = None
    part: models.Part | None = None
    votes: int | None = None
    rank: int = 0
    candidate_count: int = 0
    may_change: bool = False
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class PastDelivery:
    """That the channel was to have the paper, the delivery that was to bring it, and the part of it that shows it."""

    posted_paper: PostedPaper
    delivery: models.Delivery | None
    part: models.Part | None


@dataclass(frozen=True, slots=True)
class SelectionRun:
    """One choice of papers: `ranked` are those to choose from, new to the channel and best first.

    `chosen` were taken and are not among `ranked` any more; `at` is when that was. A choice that is still to be made has
    taken none. `newest_on` is the only date drawn from in a channel's first post, else None.
    """

    digest_on: date
    at: datetime
    ranked: tuple[selection.Candidate, ...]
    chosen_count: int = 0
    first_post_digest_on: date | None = None


@dataclass(frozen=True, slots=True)
class ExplanationInput:
    """What is known of one paper and one order. `standings` are the digests that hold the paper, the newest first.

    `last` is the latest choice that its digest was part of, `upcoming` the next one; `covered` are the ids of the
    digests that the order drew from.
    """

    paper_id: int
    votes: int | None
    subscription: models.Subscription
    containing_digests: tuple[CandidateDigest, ...]
    covered_ids: Collection[int]
    past_delivery: PastDelivery | None
    last_selection: SelectionRun | None
    upcoming_selection: SelectionRun | None
    now: datetime


def explain(facts: ExplanationInput) -> Explanation:
    """Return what became of the paper in this order."""
    if facts.past_delivery is not None and not _may_be_reposted(facts, facts.past_delivery):
        return explain_past(facts.past_delivery, facts.containing_digests, facts.now, facts.subscription)
    hopeful = next((one for one in facts.containing_digests if _is_eligible(facts, one)), None)
    if hopeful is not None and facts.upcoming_selection is not None:
        return _explain_upcoming(facts, hopeful, facts.upcoming_selection)
    if facts.last_selection is not None:
        return _explain_selection(facts, facts.last_selection, may_change=False)
    return _explain_never_eligible(facts)


def eligible_dates(subscription: models.Subscription, now: datetime) -> tuple[date, date] | None:
    """Return the dates of the digests that the next post can draw from; None when no post is planned.

    A post that is overdue, since the bot was away, is made now and by today's date.
    """
    if subscription.state is not ActivityState.ACTIVE or subscription.next_due_at is None:
        return None
    today = schedule.local_date(
        max(subscription.next_due_at, now), schedule.parse_zone(subscription.timezone)
    )
    return decision.oldest_digest_date(subscription, today), decision.newest_digest_date(today)


def explain_past(
    past: PastDelivery,
    containing_digests: tuple[CandidateDigest, ...],
    now: datetime,
    subscription: models.Subscription | None,
) -> Explanation:
    """Return what became of a paper that was chosen."""
    delivery, part = past.delivery, past.part
    digest_on = delivery.digest_on if delivery is not None else None
    if delivery is None or delivery.state is DeliveryState.SENT or _is_sent(part):
        cause = Cause.POSTED
    else:
        cause = Cause.UNDER_WAY if delivery.state is DeliveryState.PLANNED else Cause.NOT_DELIVERED
    at = past.posted_paper.had_at
    if cause is Cause.POSTED and delivery is not None:
        at = (part.sent_at if part is not None else None) or delivery.finished_at or at
    since = digest_on or at.date()
    repeated = (
        any(one.date_on > since for one in containing_digests)
        and now - past.posted_paper.had_at < planner.REPOST_INTERVAL
    )
    return Explanation(
        cause, subscription, digest_on, at, delivery, part, is_repeated=repeated and cause is Cause.POSTED
    )


def _is_sent(part: models.Part | None) -> bool:
    return part is not None and part.state is PartState.SENT


def _may_be_reposted(facts: ExplanationInput, past: PastDelivery) -> bool:
    """Whether a newer digest has the paper so long after the post that it counts as new."""
    if facts.now - past.posted_paper.had_at < planner.REPOST_INTERVAL:
        return False
    return any(one.date_on > past.posted_paper.had_at.date() for one in facts.containing_digests)


def _is_eligible(facts: ExplanationInput, digest: CandidateDigest) -> bool:
    """Whether the next post can draw from this digest."""
    dates = eligible_dates(facts.subscription, facts.now)
    if dates is None or not dates[0] <= digest.date_on <= dates[1]:
        return False
    return styles.is_rolling(facts.subscription) or digest.id not in facts.covered_ids


def _explain_upcoming(
    facts: ExplanationInput, digest: CandidateDigest, upcoming: SelectionRun
) -> Explanation:
    subscription = facts.subscription
    settled_at = digest.ingested_at + timedelta(hours=subscription.settle_hours)
    waits = subscription.waiting_for_on is not None or settled_at > upcoming.at
    if settled_at > facts.now and waits and not styles.is_rolling(subscription):
        return Explanation(Cause.SETTLING, subscription, digest.date_on, settled_at, may_change=True)
    if upcoming.first_post_digest_on is not None and digest.date_on < upcoming.first_post_digest_on:
        return Explanation(Cause.FIRST_POST, subscription, digest.date_on, upcoming.at, may_change=True)
    return _explain_selection(facts, upcoming, may_change=True)


def _explain_selection(facts: ExplanationInput, run: SelectionRun, *, may_change: bool) -> Explanation:
    """Return why the paper was not (or would not be) among those taken in one choice."""
    subscription = facts.subscription

    def because(cause: Cause, rank: int = 0, of: int = 0) -> Explanation:
        return Explanation(
            cause,
            subscription,
            run.digest_on,
            run.at,
            votes=facts.votes,
            rank=rank,
            candidate_count=of,
            may_change=may_change,
        )

    if (
        not may_change
        and run.first_post_digest_on is not None
        and _are_all_dated_before(facts, run.first_post_digest_on)
    ):
        return because(Cause.FIRST_POST)
    if not selection.meets_minimum(facts.votes, subscription.min_votes):
        return because(Cause.VOTES_UNKNOWN if facts.votes is None else Cause.TOO_FEW_VOTES)
    enough = [
        one.paper_id for one in run.ranked if selection.meets_minimum(one.votes, subscription.min_votes)
    ]
    if facts.paper_id not in enough:
        return because(Cause.NOT_CHOSEN_THEN)
    rank, of = run.chosen_count + enough.index(facts.paper_id) + 1, run.chosen_count + len(enough)
    if rank > subscription.top_n:
        return because(Cause.BELOW_TOP, rank, of)
    return because(Cause.UPCOMING if may_change else Cause.NOT_CHOSEN_THEN, rank, of)


def _are_all_dated_before(facts: ExplanationInput, on: date) -> bool:
    return all(one.date_on < on for one in facts.containing_digests)


def _explain_never_eligible(facts: ExplanationInput) -> Explanation:
    """Return why no post of the order could draw from the paper's digest."""
    subscription, newest = facts.subscription, facts.containing_digests[0]
    begun_on = schedule.local_date(subscription.created_at, schedule.parse_zone(subscription.timezone))
    days = styles.window_days(subscription)
    if newest.date_on < begun_on - (days - 1) * DAY:
        cause = Cause.BEFORE_SUBSCRIPTION
    elif subscription.state is not ActivityState.ACTIVE:
        cause = Cause.STOPPED
    elif subscription.last_digest_on is not None and newest.date_on < subscription.last_digest_on:
        cause = Cause.SUPERSEDED
    else:
        cause = Cause.TOO_OLD
    return Explanation(cause, subscription, newest.date_on)
