"""Explains for `/why` what happened to a paper in a channel's subscriptions.

Choices are not recorded, so an unposted paper is explained from current votes, texts and settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from bot.archive import complete_days
from bot.core import clock, day_close, schedule
from bot.core.clock import Clock
from bot.features.daily import choice
from bot.features.daily import planner as daily_planner
from bot.search.our_lists import Likeness
from bot.search.service import SearchService
from storage import archive, daily, models, outbox, papers
from storage.archive import DigestPaper
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryKind, PartState


class Cause(StrEnum):
    POSTED = "posted"
    POSTED_BY_ANOTHER = "posted-by-another"
    """In the post of another subscription of the channel, so this one leaves it out."""
    WAITING = "waiting"
    """In a message that will be sent."""
    UNCERTAIN = "uncertain"
    """In a message that may have been sent."""
    UNSENT = "unsent"
    """In a message that was not sent in time. It does not come again."""
    TOO_FEW_VOTES = "too-few-votes"
    VOTES_UNKNOWN = "votes-unknown"
    BELOW_TOP = "below-top"
    WITHDRAWN = "withdrawn"
    OTHER_SOURCE = "other-source"
    """Listed only in digests that the subscription does not draw from."""
    OFF_TOPIC = "off-topic"
    UPCOMING = "coming"
    STOPPED = "stopped"
    LATE = "late"
    """Late, and not among those that follow the next post."""
    TOO_OLD = "too-old"
    """When the first post after it was listed was made, its day was too long ago."""
    TOO_EARLY = "too-early"
    """Listed before the subscription was created and too old for a post now."""
    NOT_CHOSEN_THEN = "not-then"
    """Not chosen when its day was posted, but would be with current votes and settings."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to a paper in one subscription.

    `digest_on` is the paper's day, and `at` (UTC) is when it was or will be posted. `part` is the message
    with the paper; `reason` is why Discord refuses it, or who withdrew it. `rank` counts from 1 among
    `candidate_count` papers, of which the post takes the first `taken`, and is 0 for a late paper.
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
    taken: int = 0
    likeness: Likeness | None = None
    """How much the paper is like the server's list, for a post that is about it."""
    nearest: tuple[str, ...] = ()
    """The titles of the papers of the list that it is most like."""


class WhyAnswer(NamedTuple):
    """The explanations for a channel's subscriptions `rows`. `left_out` is the number of those without one."""

    explanations: tuple[Explanation, ...]
    rows: Sequence[models.Subscription]

    @property
    def left_out(self) -> int:
        return len(self.rows) - len(self.explanations)


MAX_NEAREST = 3
MAX_EXPLAINED = 5
"""The maximum number of subscriptions explained. One with a topic can take several tenths of a second."""


@dataclass(eq=False)
class WhyExplainer:
    """Explains what happened to a paper in a channel. Read-only."""

    _database: Database
    _clock: Clock
    _search: SearchService
    _day_close: day_close.DayClose

    async def explain(self, paper: models.PaperDetail, *, guild_id: int, channel_id: int) -> WhyAnswer:
        """Explain what happened to a paper that a digest lists in a channel."""
        async with self._database.read() as connection:
            rows = await daily.list_rows(connection, guild_id=guild_id, channel_id=channel_id)
            posts = await daily.list_posts_of_paper(connection, paper.id, channel_id)
            explained = rows[:MAX_EXPLAINED]
            explanations = [await self._explain(connection, paper, row, posts) for row in explained]
            described = [await self._add_likeness(connection, paper, each) for each in explanations]
        return WhyAnswer(tuple(described), rows)

    async def _add_likeness(
        self, connection: Connection, paper: models.PaperDetail, explanation: Explanation
    ) -> Explanation:
        """Add how near a paper is to the server's list, and to which of its papers, if the post is about it."""
        server_id = choice.find_topic(row := explanation.subscription).server_id
        entries = await _list_entries(connection, paper, choice.find_origin(row)) if server_id else []
        alike = await self._search.compare_with_list(server_id, entries) if entries else {}
        if (found := alike.get(paper.id)) is None:
            return explanation
        near = await self._search.our_lists.list_nearest(paper.id, found.nearest, MAX_NEAREST)
        titles = tuple(one.title or one.key for one in await papers.list_rows(connection, near))
        return replace(explanation, likeness=found, nearest=titles)

    async def _explain(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        row: models.Subscription,
        posts: Sequence[daily.PostOfPaper],
    ) -> Explanation:
        own_posts = [post for post in posts if post.delivery.subscription_id == row.id]
        for post in own_posts:
            if post.is_posted:
                return _explain_post(post, row)
        if paper.withdrawn_by and not any(post.is_posted for post in posts):
            return Explanation(Cause.WITHDRAWN, row, reason=paper.withdrawn_by)
        in_origin = await _list_entries(connection, paper, choice.find_origin(row))
        listed_on = max((entry.date_on for entry in in_origin), default=None)
        if listed_on is None:
            return Explanation(Cause.OTHER_SOURCE, row)
        if row.topic and paper.id not in await self._search.match_papers(row.topic, in_origin, row.guild_id):
            return Explanation(Cause.OFF_TOPIC, row, listed_on)
        for post in posts:
            if post.is_posted and post.delivery.locale is row.locale:
                of_another = _explain_post(post, row)
                is_there = of_another.cause is Cause.POSTED
                return replace(of_another, cause=Cause.POSTED_BY_ANOTHER) if is_there else of_another
        if not models.meets_minimum(paper.votes, row.min_votes):
            cause = Cause.VOTES_UNKNOWN if paper.votes is None else Cause.TOO_FEW_VOTES
            return Explanation(cause, row, listed_on, votes=paper.votes)
        in_next = await self._explain_next(connection, paper, row, listed_on)
        if in_next is not None:
            return in_next
        if own_posts:
            return replace(_explain_post(own_posts[0], row), cause=Cause.UNSENT)
        return await self._explain_passed(connection, paper, row, in_origin)

    async def _explain_passed(
        self,
        connection: Connection,
        paper: models.PaperDetail,
        row: models.Subscription,
        entries: Sequence[DigestPaper],
    ) -> Explanation:
        """Explain a paper by the first post that was planned while one of its entries was new enough.

        Its papers are chosen again from what was listed then, by current votes and settings.
        """
        listed_on = max(entry.date_on for entry in entries)
        is_before = clock.local_date(row.created_at, clock.stored_zone(row.timezone)) > listed_on
        too_old = Explanation(Cause.TOO_EARLY if is_before else Cause.TOO_OLD, row, listed_on)
        mark: daily.HighWaterMark | None = None
        posts = await outbox.list_rows(connection, subscription_id=row.id, kind=DeliveryKind.DAILY)
        calendar = await complete_days.load_calendar(connection, self._day_close, self._clock())
        for post in reversed(posts):
            if post.digest_on is None or post.local_on is None:
                continue
            until, slot = post.drawn_until or 0, calendar.at(post.planned_at).newest(row)
            if slot.on != post.local_on:  # the schedule was another then
                slot = schedule.Slot(post.local_on, post.planned_at)
            late_on = choice.find_window(row, slot, post.planned_at).late_on
            if any(
                entry.added_seq <= until and late_on <= entry.date_on <= post.digest_on for entry in entries
            ):
                break
            mark = daily.HighWaterMark(post.digest_on, until, frozenset())
        else:
            return too_old
        single = await daily_planner.load_single(
            connection,
            self._search.match_papers,
            row,
            slot,
            calendar.at(post.planned_at),
            mark,
            added_until=until,
        )
        place = _explain_place(paper, listed_on, single, single.choose_with_posted(), Cause.NOT_CHOSEN_THEN)
        if place is None:
            # A first post has only the newest day of those before it.
            return replace(too_old, cause=Cause.TOO_EARLY) if mark is None else too_old
        return replace(place, digest_on=post.digest_on) if place.cause is Cause.NOT_CHOSEN_THEN else place

    async def _explain_next(
        self, connection: Connection, paper: models.PaperDetail, row: models.Subscription, listed_on: date
    ) -> Explanation | None:
        """Explain a paper by its place in the next post; None if it is not new."""
        now = self._clock()
        calendar = await complete_days.load_calendar(connection, self._day_close, now)
        slot = calendar.find_due(row) or calendar.following(row)
        if listed_on > choice.find_window(row, slot, max(now, slot.at)).last_on:
            slot = calendar.at(slot.at).following(row)
        planned_at = max(now, slot.at)
        mark = (await daily_planner.load_marks(connection, [row], now)).get(row.id)
        single = await daily_planner.load_single(
            connection,
            self._search.match_papers,
            row,
            slot,
            schedule.Calendar(planned_at, self._day_close),
            mark,
        )
        post = await single.choose(connection, planned_at)
        cause = Cause.UPCOMING if row.state is ActivityState.ACTIVE else Cause.STOPPED
        return _explain_place(paper, listed_on, single, post, cause, slot.at)


def _explain_place(
    paper: models.PaperDetail,
    listed_on: date,
    single: daily_planner.SinglePost,
    post: choice.PlannedPost,
    chosen: Cause,
    at: datetime | None = None,
) -> Explanation | None:
    """Explain a paper by its place in a post: `chosen`, below the chosen ones, or late. None if the post does not draw it."""
    row, slot, pool, mark = single
    ranked = [candidate.paper_id for candidate in post.eligible]
    is_chosen = any(shown.paper_id == paper.id for shown in post.papers)
    if is_chosen or paper.id in ranked:
        cause = chosen if is_chosen else Cause.BELOW_TOP
        rank = ranked.index(paper.id) + 1 if paper.id in ranked else 0  # chosen as a late paper
        total, taken = len(ranked), len(post.ranks)
        return Explanation(cause, row, listed_on, at, rank=rank, candidate_count=total, taken=taken)
    is_late = any(late.paper_id == paper.id for late in pool.draw(row, slot, mark).late)
    return Explanation(Cause.LATE, row, listed_on) if is_late else None


def _explain_post(post: daily.PostOfPaper, subscription: models.Subscription) -> Explanation:
    delivery, part, _ = post
    cause, at = Cause.UNCERTAIN, delivery.planned_at
    match part.state:
        case PartState.SENT:
            cause, at = Cause.POSTED, part.last_attempt_at or delivery.finished_at or at
        case PartState.WAITING | PartState.SENDING:
            cause = Cause.WAITING
        case PartState.STOPPED:
            at = part.first_attempt_at or at
        case _:
            assert_never(part.state)
    reason = delivery.reason or part.error
    return Explanation(cause, subscription, delivery.digest_on, at, part, reason)


async def _list_entries(
    connection: Connection, paper: models.PaperDetail, origin: archive.Origin
) -> list[DigestPaper]:
    dates = {appearance.digest_id: appearance.date for appearance in paper.appearances}
    digests = await archive.list_rows(
        connection, since_on=min(dates.values()), until_on=max(dates.values()), origin=origin
    )
    ids = [digest.id for digest in digests if digest.id in dates]
    return [entry for entry in await archive.list_papers(connection, ids) if entry.paper_id == paper.id]
