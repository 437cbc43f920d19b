"""Explains for `/why` what happened to a paper in a channel's subscriptions.

Choices are not recorded, so an unposted paper is explained from current votes, texts and settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from bot.core import clock, day_close
from bot.core.clock import Clock
from bot.daily import choice, schedule
from bot.daily import planner as daily_planner
from storage import archive, daily, models, outbox
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryState, PartState


class Cause(StrEnum):
    """What happened to a paper in one subscription."""

    POSTED = "posted"
    POSTED_BY_ANOTHER = "posted-by-another"
    """In the post of another subscription of the channel, so this one leaves it out."""
    WAITING = "waiting"
    """In a planned post that is unsent or has an unknown outcome."""
    TOO_FEW_VOTES = "too-few-votes"
    VOTES_UNKNOWN = "votes-unknown"
    BELOW_TOP = "below-top"
    OTHER_SOURCE = "other-source"
    """Listed only in digests that the subscription does not draw from."""
    OFF_TOPIC = "off-topic"
    UPCOMING = "coming"
    STOPPED = "stopped"
    TOO_EARLY = "too-early"
    """Listed before the subscription was created and too old for a post now."""
    NOT_CHOSEN_THEN = "not-then"
    """Not chosen when its day was posted, but would be with current votes and settings."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to a paper in one subscription.

    `digest_on` is the paper's day, and `at` (UTC) is when it was or will be posted. `part` is the message
    with the paper; `reason` is why Discord refuses it. `rank` counts from 1 among `candidate_count` papers.
    """

    cause: Cause
    subscription: models.Subscription
    digest_on: date | None = None
    at: datetime | None = None
    part: models.Part | None = None
    reason: str | None = None
    votes: int | None = None
    rank: int = 0
    candidate_count: int = 0


class WhyAnswer(NamedTuple):
    """The explanations for a channel's subscriptions. `left_out` is the number of subscriptions without one."""

    explanations: tuple[Explanation, ...]
    left_out: int = 0


MAX_EXPLAINED = 5
"""The maximum number of subscriptions explained. One with a topic can take several tenths of a second."""


class WhyExplainer:
    """Explains what happened to a paper in a channel. Read-only."""

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

    async def explain(self, paper: models.PaperDetail, *, guild_id: int, channel_id: int) -> WhyAnswer:
        """Explain what happened to a paper in a channel. The result has no explanations if no digest lists the paper."""
        async with self._database.read() as connection:
            rows = await daily.list_rows(connection, guild_id=guild_id, channel_id=channel_id)
            if not paper.appearances:
                return WhyAnswer(())
            posts = await daily.list_posts_of_paper(connection, paper.id, channel_id)
            explained = rows[:MAX_EXPLAINED]
            found = [await self._explain(connection, paper, row, posts) for row in explained]
        return WhyAnswer(tuple(found), left_out=len(rows) - len(explained))

    async def _explain(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        row: models.Subscription,
        posts: Sequence[models.Delivery],
    ) -> Explanation:
        now = self._clock()
        own_post = next((post for post in posts if post.subscription_id == row.id), None)
        if own_post is not None:
            return await _explain_post(connection, paper, own_post, row)
        own = await _list_entries(connection, paper, choice.find_origin(row))
        listed_on = max((entry.date_on for entry in own), default=None)
        if listed_on is None:
            return Explanation(Cause.OTHER_SOURCE, row)
        if row.topic and paper.id not in await self._matcher(connection, row.topic, own):
            return Explanation(Cause.OFF_TOPIC, row, listed_on)
        if (post := next((post for post in posts if post.locale is row.locale), None)) is not None:
            found = await _explain_post(connection, paper, post, row)
            return replace(found, cause=Cause.POSTED_BY_ANOTHER) if found.cause is Cause.POSTED else found
        if not models.meets_minimum(paper.votes, row.min_votes):
            cause = Cause.VOTES_UNKNOWN if paper.votes is None else Cause.TOO_FEW_VOTES
            return Explanation(cause, row, listed_on, votes=paper.votes)
        calendar = await daily_planner.load_calendar(connection, self._day_close, now)
        slot = calendar.find_due(row) or calendar.following(row)
        if listed_on > choice.find_window(row, slot, max(now, slot.at)).last_on:
            slot = calendar.at(slot.at).following(row)
        then = schedule.Calendar(max(now, slot.at), self._day_close)
        mark = (await daily.list_marks(connection, [row.id])).get(row.id)
        planned = await daily_planner.choose_alone(connection, self._matcher, row, slot, then, mark)
        is_coming = any(shown.paper_id == paper.id for shown in planned.papers)
        ranked = [shown.paper_id for shown in planned.eligible]
        if is_coming or paper.id in ranked:
            cause, at = Cause.UPCOMING if is_coming else Cause.BELOW_TOP, slot.at
            if is_coming and row.state is not ActivityState.ACTIVE:
                cause = Cause.STOPPED
        elif clock.local_date(row.created_at, clock.stored_zone(row.timezone)) > listed_on:
            return Explanation(Cause.TOO_EARLY, row, listed_on)
        else:
            # The paper's day was already posted, so rank it there by current votes.
            on_day = schedule.Slot(listed_on, now, listed_on)
            today = schedule.Calendar(now, self._day_close)
            day = await daily_planner.choose_alone(
                connection, self._matcher, row, on_day, today, with_posted=True
            )
            ranked, at = [shown.paper_id for shown in day.eligible], None
            is_below = paper.id in ranked and all(shown.paper_id != paper.id for shown in day.papers)
            cause = Cause.BELOW_TOP if is_below else Cause.NOT_CHOSEN_THEN
        rank = ranked.index(paper.id) + 1 if paper.id in ranked else 0
        return Explanation(cause, row, listed_on, at, rank=rank, candidate_count=len(ranked))


async def _explain_post(
    connection: Connection,
    paper: models.PaperDetail,
    delivery: models.Delivery,
    subscription: models.Subscription,
) -> Explanation:
    """Explain a paper that was posted or is in a planned post."""
    parts = await outbox.list_parts(connection, delivery.id)
    showing = [part for part in parts if part.payload and paper.arxiv_id in part.payload]
    part = next(iter(showing or parts), None)  # payloads are purged after a while
    is_sent = delivery.state is DeliveryState.SENT or (part is not None and part.state is PartState.SENT)
    at = delivery.planned_at
    if is_sent:
        at = (part and part.last_attempt_at) or delivery.finished_at or at
    cause = Cause.POSTED if is_sent else Cause.WAITING
    return Explanation(cause, subscription, delivery.digest_on, at, part, delivery.reason)


async def _list_entries(
    connection: Connection, paper: models.PaperDetail, origin: archive.Origin
) -> list[DigestPaper]:
    """Return the paper's entries in the digests of an origin."""
    dates = {of.digest_id: of.date for of in paper.appearances}
    digests = await archive.list_rows(
        connection, since_on=min(dates.values()), until_on=max(dates.values()), origin=origin
    )
    own = [digest.id for digest in digests if digest.id in dates]
    return [entry for entry in await archive.list_papers(connection, own) if entry.paper_id == paper.id]
