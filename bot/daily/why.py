"""Explains what became of a paper in the subscriptions of a channel, from what the planner decided, for `/why`.

The decision is the one recorded; votes and minimum are today's, so an answer says if the paper would be chosen today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from bot.core import clock, day_close
from bot.core.clock import Clock
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from storage import archive, daily, models, outbox
from storage.daily import PostedPaper, StoredDecision
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryState, PartState, StoredDigest


class Cause(StrEnum):
    """What became of a paper in one subscription."""

    POSTED = "posted"
    UNDER_WAY = "under-way"
    """Chosen; the message is planned in the outbox."""
    NOT_DELIVERED = "held"
    """Chosen and not posted; the delivery has the state and the reason."""
    TOO_FEW_VOTES = "too-few-votes"
    VOTES_UNKNOWN = "votes-unknown"
    BELOW_TOP = "below-top"
    OTHER_SOURCE = "other-source"
    """The subscription draws from other digests than those with the paper."""
    OFF_TOPIC = "off-topic"
    """The subscription has a topic, and the paper does not match it."""
    NOT_CHOSEN_THEN = "not-then"
    """Not chosen when the post was planned; it would be chosen with today's votes and options."""
    NOT_RECORDED = "not-recorded"
    """Not chosen; the decision is older than the retention, or than the table of decisions."""
    FIRST_POST = "first-post"
    """The first post of a subscription shows the newest digest only, and the paper's digest is older."""
    UPCOMING = "coming"
    CLOSING = "closing"
    """The post waits until the list of the day is complete."""
    STOPPED = "stopped"
    SUPERSEDED = "superseded"
    """The digest arrived after a newer one was posted."""
    BEFORE_SUBSCRIPTION = "before-subscription"
    TOO_OLD = "too-old"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one subscription; `subscription` is None if it has been deleted since the paper was posted.

    `digest_on` is the date of the digest. `at` (UTC) is when the paper was posted, or when the decision was or will be
    made. `rank` counts from 1 among `candidate_count` papers. `may_change`: the next
    post may decide differently. `is_repeated`: a later digest has the paper again, within REPOST_INTERVAL.
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


class PastDelivery(NamedTuple):
    """The latest post of the paper in the channel, its delivery, and the part that shows the paper."""

    posted: PostedPaper
    delivery: models.Delivery | None
    part: models.Part | None


@dataclass(frozen=True, slots=True)
class ExplanationInput:
    """What is known about one paper and one subscription.

    `containing_digests` are the digests with the paper that the subscription may draw from, newest first; `covered_ids` the
    digests that the subscription has drawn from. `decisions` are newest first. `upcoming` is the decision that the planner
    would make when the subscription is due next, with its chosen papers in `left_out`. `is_on_topic`: the paper matches the
    subscription's topic, if it has one.
    """

    paper_id: int
    votes: int | None
    subscription: models.Subscription
    containing_digests: tuple[StoredDigest, ...]
    covered_ids: Collection[int]
    past_delivery: PastDelivery | None
    decisions: Sequence[StoredDecision]
    upcoming: StoredDecision | None
    now: datetime
    is_on_topic: bool = True
    closings: day_close.Closings | None = None


def explain(facts: ExplanationInput) -> Explanation:
    """Return what became of the paper in the subscription."""
    past = facts.past_delivery
    if past is not None:
        posted_at = past.posted.posted_at
        is_in_newer = any(digest.date > posted_at.date() for digest in facts.containing_digests)
        if facts.now - posted_at < choice.REPOST_INTERVAL or not is_in_newer:
            return explain_past(past, facts.containing_digests, facts.now, facts.subscription)
    if not facts.containing_digests:
        return Explanation(Cause.OTHER_SOURCE, facts.subscription)
    eligible = _first_eligible(facts)
    if eligible is not None:
        if _is_closing(facts, eligible):
            assert facts.closings is not None
            closes_at = facts.closings.rule.closes_at(eligible.date)
            return Explanation(Cause.CLOSING, facts.subscription, eligible.date, closes_at, may_change=True)
        if facts.upcoming is not None:
            return _explain_decision(facts, facts.upcoming, may_change=True)
    digest_ids = _digest_ids(facts)
    for record in facts.decisions:
        if not digest_ids.isdisjoint((*record.digest_ids, *record.skipped_digest_ids)):
            return _explain_decision(facts, record, may_change=False)
    return _explain_never_eligible(facts)


def eligible_dates(subscription: models.Subscription, now: datetime) -> tuple[date, date] | None:
    """Return the first and last digest date that the next post can draw from; None if no post is due.

    An overdue post is planned at `now` and draws by today's date, one of a week by the date that it was due on.
    """
    if subscription.state is not ActivityState.ACTIVE or subscription.next_due_at is None:
        return None
    decided_at = max(subscription.next_due_at, now)
    past, _, today = choice.Calendar(decided_at).look_up(subscription)
    due_on = min(today, past[-1].local_on) if past and choice.is_rolling(subscription) else today
    return choice.digest_dates(subscription, due_on, decided_at)


def _next_post_with(
    subscription: models.Subscription, containing_digests: Sequence[StoredDigest], now: datetime
) -> models.Subscription:
    """Return the subscription, due at the post after its next one if all digests are of later days than the next one's."""
    dates = eligible_dates(subscription, now)
    if dates is None or not containing_digests or containing_digests[-1].date <= dates[1]:
        return subscription
    assert subscription.next_due_at is not None
    decided_at = max(subscription.next_due_at, now)
    return schedule.set_due(subscription, schedule.next_due_of(subscription, decided_at))


def explain_past(
    past: PastDelivery,
    containing_digests: tuple[StoredDigest, ...],
    now: datetime,
    subscription: models.Subscription | None,
) -> Explanation:
    """Return what became of a paper that was chosen."""
    posted_paper, delivery, part = past
    digest_on = delivery.digest_on if delivery is not None else None
    if (
        delivery is None
        or delivery.state is DeliveryState.SENT
        or (part is not None and part.state is PartState.SENT)
    ):
        cause = Cause.POSTED
    else:
        cause = Cause.UNDER_WAY if delivery.state is DeliveryState.WAITING else Cause.NOT_DELIVERED
    at = posted_paper.posted_at
    if cause is Cause.POSTED and delivery is not None:
        at = (part.sent_at if part is not None else None) or delivery.finished_at or at
    since = digest_on or at.date()
    is_repeated = (
        cause is Cause.POSTED
        and any(digest.date > since for digest in containing_digests)
        and now - posted_paper.posted_at < choice.REPOST_INTERVAL
    )
    return Explanation(cause, subscription, digest_on, at, delivery, part, is_repeated=is_repeated)


def _digest_ids(facts: ExplanationInput) -> set[int]:
    return {digest.id for digest in facts.containing_digests}


def _first_eligible(facts: ExplanationInput) -> StoredDigest | None:
    """Return the newest digest that the next post can draw from, or the one that it can draw from first."""
    dates = eligible_dates(facts.subscription, facts.now)
    if dates is None:
        return None
    is_rolling = choice.is_rolling(facts.subscription)
    eligible = [
        digest
        for digest in facts.containing_digests
        if dates[0] <= digest.date <= dates[1] and (is_rolling or digest.id not in facts.covered_ids)
    ]
    complete = (digest for digest in eligible if not _is_closing(facts, digest))
    return next(complete, eligible[-1] if eligible else None)


def _is_closing(facts: ExplanationInput, digest: StoredDigest) -> bool:
    """Return whether the subscription waits for the list of the digest's day to be complete."""
    if facts.subscription.at_time or facts.closings is None:
        return False
    return not facts.closings.is_complete(digest.date)


def _explain_decision(facts: ExplanationInput, record: StoredDecision, *, may_change: bool) -> Explanation:
    """Return why the paper was not chosen, or whether it will be if the decision `may_change`."""
    subscription, rank, count = facts.subscription, *_rank(facts, record)
    if _digest_ids(facts).isdisjoint(record.digest_ids):
        cause = Cause.FIRST_POST
    elif not facts.is_on_topic:
        cause = Cause.OFF_TOPIC
    elif not models.meets_minimum(facts.votes, subscription.min_votes):
        cause = Cause.VOTES_UNKNOWN if facts.votes is None else Cause.TOO_FEW_VOTES
    elif rank > choice.max_own_papers(subscription):
        cause = Cause.BELOW_TOP
    else:
        cause = Cause.UPCOMING if may_change else Cause.NOT_CHOSEN_THEN
    return Explanation(
        cause,
        subscription,
        record.digest_on,
        record.decided_at,
        votes=facts.votes,
        rank=rank,
        candidate_count=count,
        may_change=may_change,
    )


def _rank(facts: ExplanationInput, record: StoredDecision) -> tuple[int, int]:
    """Return the rank of the paper in a decision, from 1, and the number of papers ranked.

    A paper that was not ranked, because it had too few votes or the digest did not have it yet, gets the rank that
    today's votes would have given it.
    """
    ids = [paper_id for paper_id, _ in record.left_out]
    if facts.paper_id in ids:
        return record.cutoff_rank + ids.index(facts.paper_id) + 1, record.cutoff_rank + len(ids)
    votes_key = models.votes_descending(facts.votes)
    count = record.cutoff_rank + len(ids) + 1
    if votes_key < models.votes_descending(record.cutoff_votes):
        return 1, count
    better = [votes for _, votes in record.left_out if models.votes_descending(votes) <= votes_key]
    return record.cutoff_rank + len(better) + 1, count


def _explain_never_eligible(facts: ExplanationInput) -> Explanation:
    """Return why there is no decision of the subscription about the paper's digests."""
    subscription, newest = facts.subscription, facts.containing_digests[0]
    begun_on = clock.local_date(subscription.created_at, clock.parse_zone(subscription.timezone))
    window = (choice.window_days(subscription) - 1) * schedule.DAY
    if not _digest_ids(facts).isdisjoint(facts.covered_ids):
        cause = Cause.NOT_RECORDED
    elif newest.date < begun_on - window:
        cause = Cause.BEFORE_SUBSCRIPTION
    elif subscription.state is not ActivityState.ACTIVE:
        cause = Cause.STOPPED
    elif choice.is_rolling(subscription) and not any(
        first <= newest.date <= last
        for first, last in (
            choice.digest_dates(subscription, record.local_on, record.decided_at)
            for record in facts.decisions
        )
    ):
        cause = Cause.NOT_RECORDED
    elif subscription.last_digest_on is not None and newest.date < subscription.last_digest_on:
        newer = [record.decided_at for record in facts.decisions if record.digest_on > newest.date]
        cause = Cause.SUPERSEDED
        if newer and min(newer) >= newest.ingested_at:
            # It was there before the newer one was posted.
            is_first = len(newer) == len(facts.decisions)
            cause = Cause.FIRST_POST if is_first else Cause.TOO_OLD
    else:
        cause = Cause.TOO_OLD
    return Explanation(cause, subscription, newest.date)


class WhyAnswer(NamedTuple):
    """The explanations for the subscriptions of a channel, then those for posts of deleted subscriptions.

    Then the server's other channels with a subscription that the reader may see, or None if this channel has one; and how many
    of the channel's subscriptions are left out.
    """

    explanations: tuple[Explanation, ...]
    other_channel_ids: tuple[int, ...] | None
    left_out: int = 0


class WhyExplainer:
    """Explains what became of a paper in a channel. Read-only."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        matcher: daily_planner.TopicMatcher,
        rule: day_close.DayClose | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._matcher = matcher
        self._day_close = rule or day_close.default()

    async def explain(
        self,
        paper: models.PaperDetail,
        *,
        guild_id: int,
        channel_id: int,
        may_see: Callable[[int], bool] = lambda _: True,
        most: int | None = None,
    ) -> WhyAnswer:
        """Return what became of a paper in a channel. There are no explanations if no digest has the paper.

        Of the server's other channels it names those that the reader `may_see`.

        With `most` only the first ones of the channel's subscriptions are explained: each has to be planned, which takes
        tenths of a second with a topic and many papers, and a channel may have a hundred.
        """
        async with self._database.read() as connection:
            in_guild = await daily.list_rows(connection, guild_id=guild_id)
            in_channel = [row for row in in_guild if row.channel_id == channel_id]
            containing = await _list_containing_digests(connection, paper)
            past = await _list_past_deliveries(connection, paper, channel_id)
            explanations = []
            for row in in_channel[:most] if containing else ():
                own = await _list_containing_digests(connection, paper, choice.find_origin(row))
                explanations.append(explain(await self._load_input(connection, paper, row, own, past)))
        locales = {row.locale.value for row in in_channel}
        explanations += [
            explain_past(delivery, containing, self._clock(), None)
            for locale, delivery in past.items()
            if locale not in locales
        ]
        others = dict.fromkeys(row.channel_id for row in in_guild if may_see(row.channel_id))
        left_out = 0 if most is None or not containing else max(0, len(in_channel) - most)
        return WhyAnswer(tuple(explanations), None if in_channel else tuple(others), left_out)

    async def _load_input(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        subscription: models.Subscription,
        containing_digests: tuple[models.StoredDigest, ...],
        past_deliveries: dict[str, PastDelivery],
    ) -> ExplanationInput:
        subscription = _next_post_with(subscription, containing_digests, self._clock())
        digest_ids = [digest.id for digest in containing_digests]
        covered = await daily.list_covered(connection, [subscription.id], digest_ids)
        return ExplanationInput(
            paper_id=paper.id,
            votes=paper.votes,
            subscription=subscription,
            containing_digests=containing_digests,
            covered_ids=covered.get(subscription.id, {}),
            past_delivery=past_deliveries.get(subscription.locale.value),
            decisions=await daily.list_decisions(connection, subscription.id),
            upcoming=await self._decide_upcoming(connection, subscription),
            now=self._clock(),
            is_on_topic=await self._is_on_topic(connection, paper, subscription),
            closings=await daily_planner.load_closings(
                connection, self._day_close, self._clock(), [subscription]
            ),
        )

    async def _is_on_topic(
        self, connection: Connection, paper: models.PaperDetail, subscription: models.Subscription
    ) -> bool:
        """Return whether the paper matches the subscription's topic, with today's texts and votes."""
        if not subscription.topic:
            return True
        digest_ids = [appearance.digest_id for appearance in paper.appearances]
        rows = await archive.list_papers(connection, digest_ids)
        own = [row for row in rows if row.paper_id == paper.id]
        return paper.id in await self._matcher(connection, subscription.topic, own)

    async def _decide_upcoming(
        self, connection: Connection, subscription: models.Subscription
    ) -> daily.StoredDecision | None:
        """Return the planner's decision at the next due time, by today's digests and votes."""
        if subscription.state is not models.ActivityState.ACTIVE or subscription.next_due_at is None:
            return None
        due_at = max(subscription.next_due_at, self._clock())
        closings = await daily_planner.load_closings(connection, self._day_close, due_at, [subscription])
        close = choice.awaited_close(subscription, due_at, due_at, closings)
        if close is not None:
            # As if the lists were read in time.
            due_at = max(due_at, close.at)
            closings = day_close.Closings(self._day_close, {close.local_on: due_at})
        pool = await daily_planner.load_pool(connection, [subscription], due_at)
        await daily_planner.TopicMatches(self._matcher).look_up(connection, pool, [subscription])
        digest_ids = [digest.id for digest in pool.digests]
        covered = await daily.list_covered(connection, [subscription.id], digest_ids)
        plan = choice.decide(
            subscription,
            choice.Calendar(due_at),
            pool,
            covered_ids=covered.get(subscription.id, {}),
            posted_ids=await daily_planner.load_posted_ids(connection, subscription, self._clock()),
            closings=closings,
        )
        if plan.choice is None:
            return None
        record = choice.to_record(plan, plan.choice, subscription.next_due_at)
        chosen = tuple((paper.paper_id, paper.votes) for paper in plan.choice.own_papers)
        return replace(record, cutoff_rank=0, cutoff_votes=None, left_out=chosen + record.left_out)


async def _list_containing_digests(
    connection: Connection, paper: models.PaperDetail, origin: archive.Origin = archive.ALL
) -> tuple[models.StoredDigest, ...]:
    """Return the digests with the paper, newest first."""
    ids = {appearance.digest_id for appearance in paper.appearances}
    if not ids:
        return ()
    dates = [appearance.date for appearance in paper.appearances]
    newest_first = await archive.list_rows(
        connection, since_on=min(dates), until_on=max(dates), origin=origin
    )
    return tuple(digest for digest in newest_first if digest.id in ids)


async def _list_past_deliveries(
    connection: Connection, paper: models.PaperDetail, channel_id: int
) -> dict[str, PastDelivery]:
    """Return the latest delivery of the paper to the channel, by language."""
    past: dict[str, PastDelivery] = {}
    for row in await daily.list_posts_of_paper(connection, paper.id, channel_id=channel_id):
        delivery = None if row.delivery_id is None else await outbox.get(connection, row.delivery_id)
        parts = [] if delivery is None else await outbox.list_parts(connection, delivery.id)
        showing = [part for part in parts if part.payload and paper.arxiv_id in part.payload]
        # Payloads are purged after a while.
        part = next(iter(showing or parts), None)
        past[row.locale] = PastDelivery(row, delivery, part)
    return past
