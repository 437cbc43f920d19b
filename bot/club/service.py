"""Plan the steps of clubs' meetings, choose candidates, count votes, and serve the commands and buttons.

Each step is a delivery. Its key contains the server, the meeting's time, the step and the previous delivery,
so each step is planned only once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import structlog

from bot.core import clock, isolation
from bot.daily import schedule
from bot.outbox import contents, outcomes
from storage import club as storage
from storage import database, errors, models, outbox, papers
from storage.database import Connection
from storage.models import Club, DeliveryState, Reason

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
VOTE_ENDS = timedelta(days=2)
"""How long before the meeting a vote ends."""
LATE_VOTE_ENDS = timedelta(hours=2)
"""How long before the meeting a vote ends if it began late."""
REMINDER = timedelta(hours=1)
RECENT = timedelta(days=7)
MAX_CANDIDATES = 5
MAX_PAST = 10


class Step(StrEnum):
    """The steps of a meeting. NONE: there were no candidates. GONE: the vote or its papers were deleted."""

    POLL = "poll"
    PAPER = "paper"
    REMINDER = "reminder"
    NONE = "none"
    GONE = "gone"
    SKIP = "skip"


UNDER_WAY = (Step.POLL, Step.PAPER, Step.REMINDER)
"""The steps of a meeting, in order."""


def voting_hours(now: datetime, meets_at: datetime) -> int:
    """Return the number of hours that a vote started now would stay open, or 0 if it is too late for one."""
    hours = (meets_at - VOTE_ENDS - now) // HOUR
    return max(0, hours if hours > 0 else (meets_at - LATE_VOTE_ENDS - now) // HOUR)


class Meeting(NamedTuple):
    """A club's next meeting, with its latest step, that step's delivery, and when the next step is due (UTC).

    The step and delivery are None before the first step.
    """

    on: date
    at: datetime
    due_at: datetime
    step: Step | None = None
    delivery: models.Delivery | None = None


NO_MEETING = Meeting(date.min, models.NEVER, models.NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClubPost:
    """The content of a meeting's step or, without a `step`, of a discussion opened by a reader (`opened_by`).

    `papers` are the candidates of a poll open for `hours`, or a single paper with its `votes`. `thread_id` is
    an existing thread. `undoing` are requests that close the poll and delete the event of earlier steps.
    """

    guild_id: int
    channel_id: int
    locale: models.Locale
    is_forum: bool = False
    marker: str = ""
    step: Step | None = None
    meeting: Meeting = NO_MEETING
    papers: Sequence[contents.PostPaper] = ()
    hours: int = 0
    votes: int = 0
    thread_id: int | None = None
    opened_by: int | None = None
    undoing: Sequence[Mapping[str, str]] = ()


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause: str | None
) -> list[contents.Owned]:
    club = await storage.get(connection, delivery.guild_id or 0)
    if club is None or delivery.local_on is None or pause is not None:
        return []
    place = {"guild_id": club.guild_id, "channel_id": delivery.channel_id}
    return [contents.Owned(name=f"c{club.guild_id}", user_id=club.created_by, locale=club.locale, **place)]


CLUB: contents.KindRecord[ClubPost] = contents.KindRecord(
    kind=models.DeliveryKind.CLUB,
    priority=models.Priority.INTERACTIVE,
    render=lambda renderer, post: renderer.render_club(post),
    find_owned=_find_owned,
)


def rule_of(club: Club) -> schedule.Rule:
    """Return the schedule of a club's meetings."""
    return schedule.Rule(schedule.parse_time(club.at_time), clock.stored_zone(club.timezone), (club.weekday,))


async def load_meeting(connection: Connection, club: Club, now: datetime) -> Meeting:
    """Return a club's next meeting: the one in progress, or else the first that leaves enough time for a vote.

    A meeting in progress keeps its time even if the club's schedule changes, since its steps' keys contain
    the time.
    """
    newest = None if club.step_id is None else await outbox.get(connection, club.step_id)
    if newest is not None and newest.local_on is not None:
        _, _, timestamp, step, _ = newest.key.split(":")
        if (at := datetime.fromtimestamp(int(timestamp), UTC)) > now:
            ends_at = newest.planned_at + voting_hours(newest.planned_at, at) * HOUR
            due_at = {Step.POLL: ends_at, Step.PAPER: at - REMINDER}.get(Step(step), at)
            return Meeting(newest.local_on, at, due_at, Step(step), newest)
    begins_at, rule = max(now, club.starts_at), rule_of(club)
    due = schedule.next_due(begins_at, rule)
    if not voting_hours(begins_at, due.at):
        begins_at, due = due.at, schedule.next_due(due.at, rule)
    return Meeting(due.on, due.at, begins_at)


async def find_poll(connection: Connection, meeting: Meeting) -> models.Part | None:
    """Return the part that contains the poll of an open vote, or None if it was not sent."""
    if meeting.step is not Step.POLL or meeting.delivery is None:
        return None
    *_, part = await outbox.list_parts(connection, meeting.delivery.id)
    return part if part.message_id is not None else None


async def list_candidates(connection: Connection, guild_id: int, now: datetime) -> list[models.PaperDetail]:
    """Return the candidates for a vote that starts now."""
    found = await storage.list_candidates(connection, guild_id, now - RECENT, 2 * MAX_CANDIDATES)
    return (await papers.list_details(connection, found))[:MAX_CANDIDATES]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Plans the next step of a locked club at `now` (UTC)."""

    connection: Connection
    deliveries: contents.DeliveryFactory
    club: Club
    meeting: Meeting
    now: datetime

    async def add(
        self,
        step: Step,
        papers: Sequence[models.PaperDetail] = (),
        thread_id: int | None = None,
        **fields: Any,
    ) -> int | None:
        """Plan a step that expires when the meeting starts. Returns its delivery id; None if already planned."""
        club, meeting = self.club, self.meeting
        former = club.step_id or int(club.starts_at.timestamp())
        post = ClubPost(
            guild_id=club.guild_id,
            channel_id=club.channel_id,
            locale=club.locale,
            marker=f"club:{club.guild_id}:{meeting.at.timestamp():.0f}:{step}:{former}",
            step=step,
            meeting=meeting,
            papers=[contents.build_post_paper(paper, club.locale) for paper in papers],
            thread_id=thread_id,
            **fields,
        )
        delivery = self.deliveries.build_post(
            CLUB,
            post,
            self.now,
            guild_id=club.guild_id,
            channel_id=thread_id if step is Step.REMINDER else club.channel_id,
            local_on=meeting.on,
            papers=tuple(paper.arxiv_id for paper in papers),
        )
        if step is not Step.POLL or delivery.expires_at > meeting.at:
            delivery = replace(delivery, expires_at=meeting.at)
        if (delivery_id := await outbox.add(self.connection, delivery)) is not None:
            await storage.put(self.connection, replace(club, step_id=delivery_id))
        return delivery_id

    async def skip(self) -> None:
        """Cancel unsent steps, and plan a notice plus requests to close the poll and delete the event."""
        connection, meeting, guild_id = self.connection, self.meeting, self.club.guild_id
        if meeting.delivery is not None:
            await outbox.cancel(connection, [meeting.delivery.id], reason=Reason.BY_HAND, now=self.now)
        ids = await storage.list_event_ids(connection, guild_id, meeting.on)
        events = f"/guilds/{guild_id}/scheduled-events"
        undoing = [{"method": "DELETE", "path": f"{events}/{event_id}"} for event_id in ids]
        if poll := await find_poll(connection, meeting):
            path = f"/channels/{poll.channel_id}/polls/{poll.message_id}/expire"
            undoing.append({"method": "POST", "path": path})
        await storage.clear_meeting(connection, guild_id, meeting.on)
        await self.add(Step.SKIP, undoing=undoing)

    async def begin_vote(self) -> str:
        """Plan a poll. Returns the Fluent id of the result."""
        if not (hours := voting_hours(self.now, self.meeting.at)):
            return "club-vote-too-late"
        candidates = await list_candidates(self.connection, self.club.guild_id, self.now)
        if not candidates:
            return "club-no-candidates"
        await self.add(Step.POLL, candidates, hours=hours)
        return "club-vote-begins"

    async def end_vote(self, counts: Mapping[int, int]) -> None:
        """Plan the post of the winning paper, unless its thread is being opened. `counts` maps answers to votes."""
        connection, club, delivery = self.connection, self.club, self.meeting.delivery
        order = delivery.papers if delivery is not None and counts else ()
        votes = {arxiv_id: counts.get(place, 0) for place, arxiv_id in enumerate(order, start=1)}
        ids = await papers.get_ids(connection, order)
        listed = await papers.list_details(connection, [ids[one] for one in order if one in ids])
        if not listed:
            await self.add(Step.GONE)
            return
        paper = min(listed, key=lambda one: (-votes[one.arxiv_id], models.votes_descending(one.votes)))
        key = {"channel_id": club.channel_id, "paper_id": paper.id}
        if (thread_id := await storage.find_thread(connection, **key)) == 0:
            return
        delivery_id = await self.add(Step.PAPER, [paper], thread_id, votes=votes[paper.arxiv_id])
        values = {"guild_id": club.guild_id, "opened_at": self.now, "meets_on": self.meeting.on}
        await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)


class Overview(NamedTuple):
    """A club with its next and past meetings, and the open poll, or else the next candidates."""

    club: Club
    meeting: Meeting
    poll: models.Part | None
    candidates: Sequence[models.PaperDetail]
    past: Sequence[storage.PastMeeting]


class NoClubError(errors.PaperroundError):
    """Raised if the server has no club."""


@dataclass(frozen=True, slots=True)
class Clubs:
    """Manages clubs and plans their due steps. Methods that return a string return a Fluent id."""

    _database: database.Database
    _clock: clock.Clock
    _deliveries: contents.DeliveryFactory
    _request: Callable[..., Awaitable[Any]]

    async def tick(self, now: datetime) -> int:
        """Plan all steps due at `now` (UTC). Returns how many were planned. Errors of single clubs are logged."""
        async with self._database.transaction() as connection:
            await storage.settle(connection, now - RECENT)
            clubs = await storage.list_present(connection)
            meetings = {club.guild_id: await load_meeting(connection, club, now) for club in clubs}
        due = {guild_id: meeting for guild_id, meeting in meetings.items() if meeting.due_at <= now}
        for guild_id, meeting in due.items():
            with isolation.isolated(log, "club failed", reraise=(errors.StorageError,), guild=guild_id):
                await self._plan_due(guild_id, meeting)
        return len(due)

    async def _plan_due(self, guild_id: int, meeting: Meeting) -> None:
        counts = await self._read_counts(meeting) if meeting.step is Step.POLL else {}
        if counts is None:
            return
        async with self._steps(guild_id) as steps:
            if (steps.meeting.on, steps.meeting.delivery) != (meeting.on, meeting.delivery):
                return  # another process was faster
            if meeting.step is Step.POLL:
                await steps.end_vote(counts)
            elif meeting.step is Step.PAPER:
                key = {"guild_id": guild_id, "meets_on": meeting.on}
                if thread_id := await storage.find_thread(steps.connection, **key):
                    await steps.add(Step.REMINDER, thread_id=thread_id)
            elif await steps.begin_vote() == "club-no-candidates":
                await steps.add(Step.NONE)

    async def _read_counts(self, meeting: Meeting) -> Mapping[int, int] | None:
        """Return a poll's votes, keyed by answer number; {} if it was deleted, None if they are not counted yet."""
        async with self._database.read() as connection:
            part = await find_poll(connection, meeting)
        if part is None:
            return None if meeting.delivery and meeting.delivery.state is DeliveryState.WAITING else {}
        try:
            message = await self._request("GET", f"/channels/{part.channel_id}/messages/{part.message_id}")
        except outcomes.DeliveryError as error:
            return {} if error.status == 404 else None
        results = message["poll"].get("results") or {}
        if not results.get("is_finalized"):
            return None
        return {0: 0} | {int(one["id"]): int(one["count"]) for one in results.get("answer_counts") or ()}

    @asynccontextmanager
    async def _steps(self, guild_id: int) -> AsyncIterator[_Steps]:
        """Lock a server's club in a transaction. Raises NoClubError if the server has no club."""
        now = self._clock()
        async with self._database.transaction() as connection:
            if (club := await storage.get(connection, guild_id, for_update=True)) is None:
                raise NoClubError
            meeting = await load_meeting(connection, club, now)
            yield _Steps(connection, self._deliveries, club, meeting, now)

    async def set_up(self, wanted: Club) -> str:
        """Store a club. Its first vote opens at the first scheduled time after `starts_at`.

        A meeting whose vote has already begun is kept.
        """
        done = "club-set-up"
        club = replace(wanted, starts_at=schedule.next_due(wanted.starts_at, rule_of(wanted)).at)
        async with self._database.transaction() as connection:
            if (former := await storage.get(connection, club.guild_id, for_update=True)) is not None:
                done = "club-changed"
                if (await load_meeting(connection, former, wanted.starts_at)).step in UNDER_WAY:
                    club, done = replace(club, step_id=former.step_id), "club-changed-later"
            await storage.put(connection, club)
        return done

    async def load(self, guild_id: int) -> Overview | None:
        """Return a server's club, or None."""
        now = self._clock()
        async with self._database.read() as connection:
            if (club := await storage.get(connection, guild_id)) is None:
                return None
            meeting = await load_meeting(connection, club, now)
            poll = await find_poll(connection, meeting)
            is_open = meeting.step is Step.POLL
            candidates = [] if is_open else await list_candidates(connection, guild_id, now)
            past = await storage.list_meetings(connection, guild_id, MAX_PAST)
        return Overview(club, meeting, poll, candidates, past)

    async def begin_vote(self, guild_id: int) -> str:
        """Start the next meeting's vote, even after a skip. Returns "" if it has already started. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step in UNDER_WAY:
                return ""
            # The vote is for the first meeting that leaves enough time.
            club = replace(steps.club, starts_at=steps.now)
            meeting = await load_meeting(steps.connection, club, steps.now)
            return await replace(steps, club=club, meeting=meeting).begin_vote()

    async def skip(self, guild_id: int) -> str:
        """Skip the next meeting, whichever step it has reached. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step is not Step.SKIP:
                await steps.skip()
            return "club-skipped"

    async def stop(self, guild_id: int) -> None:
        """Delete a club but keep its past papers. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step in UNDER_WAY:
                await steps.skip()
            await storage.remove(steps.connection, guild_id)

    async def discuss(self, paper: models.PaperDetail, post: ClubPost) -> int | None:
        """Return the id of a paper's thread after unarchiving it, or None if it is still being opened."""
        now, key = self._clock(), {"channel_id": post.channel_id, "paper_id": paper.id}
        async with self._database.read() as connection:
            known = await storage.find_thread(connection, **key)
        if known == 0 or (known and await self._open_again(known)):
            return known or None
        async with self._database.transaction() as connection:
            if await storage.find_thread(connection, **key) != known:
                return None
            marker = f"club:{post.channel_id}:{paper.id}:{known or int(now.timestamp())}"
            post = replace(post, marker=marker, papers=[contents.build_post_paper(paper, post.locale)])
            delivery = self._deliveries.build_post(
                CLUB, post, now, guild_id=post.guild_id, channel_id=post.channel_id
            )
            if (delivery_id := await outbox.add(connection, delivery)) is not None:
                values = {"guild_id": post.guild_id, "opened_at": now, "thread_id": 0}
                await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)
        return None

    async def _open_again(self, thread_id: int) -> bool:
        """Unarchive a thread. Returns False if it was deleted."""
        try:
            await self._request("PATCH", f"/channels/{thread_id}", payload={"archived": False})
        except outcomes.DeliveryError as error:
            return error.status != 404
        return True
