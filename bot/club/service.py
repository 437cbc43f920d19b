"""When a club does what, its candidates and votes, and the use cases of its commands and buttons.

A meeting goes through steps, each a delivery. Its key names the server, the meeting's date, the step and the delivery before it:
it is planned once, whoever plans it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import structlog

from bot.core import clock, isolation
from bot.core.clock import Clock
from bot.daily import schedule
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from storage import club as storage
from storage import models, outbox, papers
from storage.database import Connection, Database
from storage.errors import StorageError
from storage.models import Club, DeliveryState, PartState

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
VOTE_ENDS = timedelta(days=2)
"""How long before the meeting a vote ends."""
LATE_VOTE_ENDS = timedelta(hours=2)
"""The same for a vote that a manager begins when others have ended."""
REMINDER = timedelta(hours=1)
RECENT = timedelta(days=7)
MAX_CANDIDATES = 5


class Step(StrEnum):
    """The steps of a meeting. NONE: no paper was chosen."""

    POLL = "poll"
    PAPER = "paper"
    REMINDER = "reminder"
    NONE = "none"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClubPost:
    """The messages of a step; without one of a discussion, which a reader (`opened_by`) asked for. Times are UTC.

    `papers` are the candidates of a poll open for `hours`, with `nominations` by arXiv id, or one paper with its `votes`.
    `thread_id` is a thread that there is already; `reason` ends the Fluent id that says why there is no paper.
    """

    marker: str
    locale: models.Locale
    guild_id: int
    channel_id: int
    is_forum: bool
    step: Step | None = None
    papers: tuple[contents.PostPaper, ...] = ()
    meets_on: date = date.min
    meets_at: datetime = models.NEVER
    hours: int = 0
    nominations: Mapping[str, int] = field(default_factory=dict)
    votes: int = 0
    thread_id: int | None = None
    opened_by: int | None = None
    reason: str = ""


async def _find_owned(connection: Connection, delivery: models.Delivery, pause: str | None) -> list[Owned]:
    club = await storage.get(connection, delivery.guild_id or 0)
    if club is None or delivery.local_on is None or pause is not None:
        return []
    place = {"guild_id": club.guild_id, "channel_id": delivery.channel_id}
    return [Owned(name=f"c{club.guild_id}", user_id=club.created_by, locale=club.locale, **place)]


CLUB: KindRecord[ClubPost] = KindRecord(
    kind=models.DeliveryKind.CLUB,
    priority=models.Priority.INTERACTIVE,
    render=lambda renderer, post: renderer.render_club(post),
    find_owned=_find_owned,
)


def voting_hours(now: datetime, meets_at: datetime, *, is_late: bool = False) -> int:
    """Return how many whole hours a vote that begins now is open, 0 if it is too late; one that `is_late` may begin later."""
    hours = (meets_at - VOTE_ENDS - now) // HOUR
    if hours < 1 and is_late:
        hours = (meets_at - LATE_VOTE_ENDS - now) // HOUR
    return max(0, hours)


class Meeting(NamedTuple):
    """The next meeting of a club, when its vote begins, its newest step and the delivery of that; None before the first."""

    on: date
    at: datetime
    begins_at: datetime
    step: Step | None = None
    delivery: models.Delivery | None = None

    @property
    def is_decided(self) -> bool:
        """Whether its paper is known."""
        return self.step in (Step.PAPER, Step.REMINDER)

    @property
    def ends_at(self) -> datetime:
        """When its vote ends (UTC), which has begun."""
        began_at = self.delivery.planned_at if self.delivery else self.at
        return began_at + voting_hours(began_at, self.at, is_late=True) * HOUR


def rule_of(club: Club) -> schedule.Rule:
    """Return when a club meets."""
    return schedule.Rule(schedule.parse_time(club.at_time), clock.parse_zone(club.timezone), (club.weekday,))


async def load_meeting(connection: Connection, club: Club, now: datetime) -> Meeting:
    """Return the next meeting of a club: that of its newest step, or the first that leaves time for a vote."""
    rule = rule_of(club)
    newest = None if club.step_id is None else await outbox.get(connection, club.step_id)
    if newest is not None and newest.local_on is not None:
        step = Step(newest.key.split(":")[3])
        # A meeting with a paper stays when the club moves to another day or time.
        at = newest.expires_at if step in (Step.PAPER, Step.REMINDER) else rule.due_at(newest.local_on)
        if at > now:
            return Meeting(newest.local_on, at, newest.planned_at, step, newest)
    begins_at = max(now, club.starts_at)
    due = schedule.next_due(begins_at, rule)
    if not voting_hours(begins_at, due.at):
        begins_at, due = due.at, schedule.next_due(due.at, rule)
    return Meeting(due.local_on, due.at, begins_at)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Plans the next step of a club, which is locked, at `now` (UTC). Its methods return whether they planned one."""

    connection: Connection
    deliveries: DeliveryFactory
    club: Club
    meeting: Meeting
    now: datetime

    async def add(
        self, step: Step, papers: Sequence[models.PaperDetail] = (), *, at: int | None = None, **fields: Any
    ) -> int | None:
        """Plan a step for the channel `at` (None: the club's own). It expires when the meeting begins. Returns its id."""
        club, meeting = self.club, self.meeting
        post = ClubPost(
            marker=f"club:{club.guild_id}:{meeting.on}:{step}:{club.step_id or club.starts_at.timestamp()}",
            locale=club.locale,
            guild_id=club.guild_id,
            channel_id=club.channel_id,
            is_forum=club.is_forum,
            step=step,
            papers=tuple(contents.build_post_paper(paper, club.locale) for paper in papers),
            meets_on=meeting.on,
            meets_at=meeting.at,
            **fields,
        )
        delivery = self.deliveries.build_post(
            CLUB,
            post,
            self.now,
            guild_id=club.guild_id,
            channel_id=at or club.channel_id,
            local_on=meeting.on,
            papers=tuple(paper.arxiv_id for paper in papers),
        )
        is_decided = step in (Step.PAPER, Step.REMINDER)
        expires_at = meeting.at if is_decided else min(delivery.expires_at, meeting.at)
        delivery = replace(delivery, expires_at=expires_at)
        if (delivery_id := await outbox.add(self.connection, delivery)) is not None:
            await storage.put(self.connection, replace(club, step_id=delivery_id))
        return delivery_id

    async def stop_step(self) -> None:
        """Stop what the newest step has not sent yet."""
        if (delivery := self.meeting.delivery) is not None:
            await outbox.cancel(self.connection, [delivery.id], reason=models.Reason.BY_HAND, now=self.now)

    async def begin_vote(self, hours: int) -> bool:
        """Plan a poll that is open for these hours. False without candidates."""
        guild_id, since_at = self.club.guild_id, self.now - RECENT
        found = await storage.list_candidates(self.connection, guild_id, since_at, 2 * MAX_CANDIDATES)
        candidates = (await papers.list_details(self.connection, list(found)))[:MAX_CANDIDATES]
        if not candidates:
            return False
        await storage.remove_nominations(self.connection, guild_id, [paper.id for paper in candidates])
        nominations = {paper.arxiv_id: found[paper.id] for paper in candidates if found[paper.id]}
        return bool(await self.add(Step.POLL, candidates, hours=hours, nominations=nominations))

    async def end_vote(self, counts: Mapping[int, int] | None) -> bool:
        """Plan the paper with most votes, by the number of the answer; False while its thread is being opened. None: no poll."""
        connection, club, delivery = self.connection, self.club, self.meeting.delivery
        order = delivery.papers if delivery is not None and counts is not None else ()
        ids = await papers.get_ids(connection, order)
        found = await papers.list_details(connection, list(ids.values()))
        listed = {paper.arxiv_id: paper for paper in found}
        ranked = [
            (-(counts or {}).get(place, 0), models.votes_descending(listed[arxiv_id].votes), place)
            for place, arxiv_id in enumerate(order, start=1)
            if arxiv_id in listed
        ]
        if not ranked:
            return bool(await self.add(Step.NONE, reason="poll-gone" if counts is None else "papers-gone"))
        votes, _, place = min(ranked)
        paper = listed[order[place - 1]]
        key = {"channel_id": club.channel_id, "paper_id": paper.id}
        thread = await storage.find_thread(connection, **key)
        if thread is not None and thread.is_waiting:
            return False
        thread_id = None if thread is None else thread.thread_id
        at = thread_id if club.is_forum else None
        if (added := await self.add(Step.PAPER, [paper], at=at, votes=-votes, thread_id=thread_id)) is None:
            return False
        delivery_id = added if thread is None or thread_id is None else thread.delivery_id
        values = {"guild_id": club.guild_id, "opened_at": self.now, "meets_on": self.meeting.on}
        await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)
        return True

    async def remind(self) -> bool:
        """Plan the reminder. False while the thread is being opened, or if it could not be."""
        meeting = {"guild_id": self.club.guild_id, "meets_on": self.meeting.on}
        thread = await storage.find_thread(self.connection, **meeting)
        if thread is None or thread.thread_id is None:
            return False
        return bool(await self.add(Step.REMINDER, at=thread.thread_id, thread_id=thread.thread_id))


_UNKNOWN: Mapping[int, int] = {0: 0}
"""Counts that Discord has not made yet."""


class Overview(NamedTuple):
    """A club, its next meeting, a page of the papers of those before, and the number of all.

    `nominated` are papers for the next vote; `poll` is the channel and message of the newest poll.
    """

    club: Club
    meeting: Meeting
    past: Sequence[storage.PastMeeting] = ()
    total: int = 0
    nominated: Sequence[storage.Nominated] = ()
    poll: tuple[int, int] | None = None


class Clubs:
    """The use cases of clubs, and what is due each minute. What returns a text returns the Fluent id of what happened."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        request: Callable[[str, str], Awaitable[Any]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._request = request

    async def tick(self, now: datetime) -> int:
        """Plan all steps that are due at `now` (UTC). Returns their number. Errors of one club are logged."""
        async with self._database.read() as connection:
            clubs = await storage.list_present(connection)
            meetings = [await load_meeting(connection, club, now) for club in clubs]
            has_ended = await storage.has_unsettled(connection)
        if has_ended:
            async with self._database.transaction() as connection:
                await storage.settle(connection, now + HOUR)
        planned = 0
        for club, meeting in zip(clubs, meetings, strict=True):
            with isolation.isolated(log, "club failed", reraise=(StorageError,), guild=club.guild_id):
                planned += await self._plan_due(club, meeting, now)
        return planned

    async def _plan_due(self, club: Club, meeting: Meeting, now: datetime) -> bool:
        step = meeting.step
        due = {
            None: now >= meeting.begins_at,
            Step.POLL: now >= meeting.ends_at,
            Step.PAPER: now >= meeting.at - REMINDER,
        }
        if not due.get(step, False):
            return False
        counts = await self._read_counts(meeting) if step is Step.POLL else None
        if counts is _UNKNOWN:
            return False
        async with self._database.transaction() as connection:
            steps = await self._lock(connection, club.guild_id)
            if steps is None or (steps.meeting.on, steps.meeting.delivery) != (meeting.on, meeting.delivery):
                return False  # somebody else was first
            if step is None:
                is_planned = await steps.begin_vote(voting_hours(now, meeting.at))
                return is_planned or bool(await steps.add(Step.NONE, reason="no-candidates"))
            return await (steps.remind() if step is Step.PAPER else steps.end_vote(counts))

    async def _read_counts(self, meeting: Meeting) -> Mapping[int, int] | None:
        """Return the votes of a poll by the number of the answer; None if it is gone, _UNKNOWN if it is not counted yet."""
        assert meeting.delivery is not None
        async with self._database.read() as connection:
            *_, part = await outbox.list_parts(connection, meeting.delivery.id)
        if part.state is not PartState.SENT or part.message_id is None:
            return _UNKNOWN if meeting.delivery.state is DeliveryState.WAITING else None
        try:
            message = await self._request("GET", f"/channels/{part.channel_id}/messages/{part.message_id}")
        except outcomes.DeliveryError as error:
            return None if error.status == 404 else _UNKNOWN
        results = message["poll"].get("results") or {}
        if not results.get("is_finalized"):
            return _UNKNOWN
        return {int(entry["id"]): int(entry["count"]) for entry in results.get("answer_counts") or ()}

    async def set_up(self, wanted: Club) -> Overview | None:
        """Store a club, whose first vote begins at its next time. Returns the club and meeting before, None if it is new.

        A change keeps a meeting that has its paper. Another is planned anew on the new day: its open vote ends without a result.
        """
        async with self._database.transaction() as connection:
            steps = await self._lock(connection, wanted.guild_id)
            if steps is None:
                await storage.put(connection, wanted)
                return None
            former, meeting = steps.club, steps.meeting
            kept = replace(wanted, starts_at=former.starts_at, step_id=former.step_id)
            delivery = meeting.delivery
            is_refused = delivery and delivery.reason and delivery.state is DeliveryState.WAITING
            if is_refused or replace(kept, locale=former.locale, created_by=former.created_by) != former:
                if not meeting.is_decided:
                    await steps.stop_step()
                    kept = replace(kept, step_id=None)
                has_begun = meeting.step is not None
                kept = replace(kept, starts_at=steps.now if has_begun else wanted.starts_at)
            await storage.put(connection, kept)
        poll = await self._find_poll(meeting) if kept.step_id is None else None
        return Overview(former, meeting, poll=poll)

    async def find_poll(self, guild_id: int) -> tuple[int, int] | None:
        """Return the channel and message of the open vote of a server's club."""
        async with self._database.read() as connection:
            club = await storage.get(connection, guild_id)
            meeting = None if club is None else await load_meeting(connection, club, self._clock())
        return None if meeting is None else await self._find_poll(meeting)

    async def _find_poll(self, meeting: Meeting) -> tuple[int, int] | None:
        """Return the channel and message of a meeting's poll if it was sent."""
        if meeting.step is not Step.POLL or meeting.delivery is None:
            return None
        async with self._database.read() as connection:
            *_, part = await outbox.list_parts(connection, meeting.delivery.id)
        if part.channel_id is None or part.message_id is None:
            return None
        return part.channel_id, part.message_id

    async def load(self, guild_id: int, user_id: int, *, limit: int, offset: int) -> Overview | None:
        """Return a server's club for a reader, or None."""
        async with self._database.read() as connection:
            if (club := await storage.get(connection, guild_id)) is None:
                return None
            past = await storage.list_meetings(connection, guild_id, limit=limit, offset=offset)
            nominated = await storage.list_nominated(connection, guild_id, user_id)
            meeting = await load_meeting(connection, club, self._clock())
        return Overview(club, meeting, *past, nominated, await self._find_poll(meeting))

    async def _lock(self, connection: Connection, guild_id: int) -> _Steps | None:
        now = self._clock()
        if (club := await storage.get(connection, guild_id, for_update=True)) is None:
            return None
        return _Steps(connection, self._deliveries, club, await load_meeting(connection, club, now), now)

    async def begin_vote(self, guild_id: int) -> str:
        """Begin the vote for the next meeting now, also after the usual time or a skip."""
        async with self._database.transaction() as connection:
            if (steps := await self._lock(connection, guild_id)) is None:
                return "club-none"
            if steps.meeting.step is Step.POLL:
                return "club-vote-is-open"
            if steps.meeting.is_decided:
                return "club-has-paper"
            if (
                steps.meeting.step is None
            ):  # the first meeting that leaves time, though votes should start later
                club = replace(steps.club, starts_at=steps.now)
                meeting = await load_meeting(connection, club, steps.now)
                meeting = meeting if meeting.begins_at == steps.now else steps.meeting
                steps = replace(steps, club=club, meeting=meeting)
            if not (hours := voting_hours(steps.now, steps.meeting.at, is_late=True)):
                return "club-vote-too-late"
            return "club-vote-begins" if await steps.begin_vote(hours) else "club-no-candidates"

    async def skip(self, guild_id: int) -> str:
        """Skip the next meeting at any step; votes for it do not count."""
        async with self._database.transaction() as connection:
            if (steps := await self._lock(connection, guild_id)) is None:
                return "club-none"
            if (skipped := steps.meeting).step is not Step.SKIP:
                await steps.stop_step()
                await storage.clear_meeting(connection, guild_id, skipped.on)
                await steps.add(Step.SKIP, votes=int(skipped.step is Step.POLL))
            return "club-skipped"

    async def stop(self, guild_id: int) -> None:
        """Delete a club; what it read stays listed."""
        async with self._database.transaction() as connection:
            if (steps := await self._lock(connection, guild_id)) is None:
                return
            await steps.stop_step()
            await storage.remove(connection, guild_id)

    async def nominate(self, guild_id: int, user_id: int, paper_id: int) -> str:
        """Nominate a paper in the place of the reader's former one, or withdraw it."""
        async with self._database.transaction() as connection:
            if await storage.get(connection, guild_id) is None:
                return "club-none"
            former = await storage.get_nomination(connection, guild_id, user_id)
            if former == paper_id:
                await storage.remove_nominations(connection, guild_id, [paper_id], user_id)
                return "club-withdrawn"
            await storage.add_nomination(connection, guild_id, user_id, paper_id, self._clock())
            return "club-nominated" if former is None else "club-nominated-instead"

    async def discuss(
        self, paper: models.PaperDetail, gone_id: int | None = None, **fields: Any
    ) -> int | None:
        """Return the id of the thread about a paper, but for one that is gone; None if it is planned now, or being opened."""
        now, channel_id = self._clock(), fields["channel_id"]
        key = {"channel_id": channel_id, "paper_id": paper.id}
        async with self._database.transaction() as connection:
            known = await storage.find_thread(connection, **key)
            if known is not None and (known.is_waiting or known.thread_id not in (None, gone_id)):
                return known.thread_id
            marker = f"club:{channel_id}:{paper.id}:{0 if known is None else known.delivery_id}"
            shown = (contents.build_post_paper(paper, fields["locale"]),)
            post = ClubPost(marker=marker, papers=shown, **fields)
            delivery = self._deliveries.build_post(
                CLUB, post, now, guild_id=post.guild_id, channel_id=channel_id
            )
            if (delivery_id := await outbox.add(connection, delivery)) is not None:
                values = {"guild_id": post.guild_id, "opened_at": now, "thread_id": None}
                await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)
        return None
