"""When a club does what, its candidates and votes, and the use cases of its commands and buttons.

A meeting goes through steps, each a delivery. Its key names the server, the meeting's date, the step and the delivery before it:
it is planned once, whoever plans it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import structlog

from bot.core import clock, isolation
from bot.daily import schedule
from bot.outbox import contents, outcomes
from storage import club as storage
from storage import database, errors, models, outbox, papers
from storage.database import Connection
from storage.models import Club, DeliveryState

log = structlog.get_logger(__name__)
list_unread = storage.list_unread

HOUR = timedelta(hours=1)
VOTE_ENDS = timedelta(days=2)
"""How long before the meeting a vote ends."""
LATE_VOTE_ENDS = timedelta(hours=2)
"""The same for a vote that begins when others have ended."""
REMINDER = timedelta(hours=1)
RECENT = timedelta(days=7)
MAX_CANDIDATES = 5


class Step(StrEnum):
    """The steps of a meeting. NONE: no paper was chosen; END: the club moves or ends, which has no message."""

    POLL = "poll"
    PAPER = "paper"
    REMINDER = "reminder"
    NONE = "none"
    SKIP = "skip"
    END = "end"


DECIDED = (Step.PAPER, Step.REMINDER)
"""The steps of a meeting whose paper is known."""


def voting_hours(now: datetime, meets_at: datetime) -> int:
    """Return how many whole hours a vote that begins now is open; 0 if it is too late."""
    hours = (meets_at - VOTE_ENDS - now) // HOUR
    return max(0, hours if hours > 0 else (meets_at - LATE_VOTE_ENDS - now) // HOUR)


class Meeting(NamedTuple):
    """The next meeting of a club, when its vote begins, its newest step and the delivery of that; None before the first."""

    on: date
    at: datetime
    begins_at: datetime
    step: Step | None = None
    delivery: models.Delivery | None = None

    @property
    def ends_at(self) -> datetime:
        """When its vote ends (UTC)."""
        return self.begins_at + voting_hours(self.begins_at, self.at) * HOUR


NO_MEETING = Meeting(date.min, models.NEVER, models.NEVER)


class Place(NamedTuple):
    """Where a club meets, or a discussion is opened, and the language there."""

    guild_id: int
    channel_id: int
    is_forum: bool
    locale: models.Locale


@dataclass(frozen=True, slots=True, kw_only=True)
class ClubPost:
    """The messages of a step of a meeting; without one of a discussion, which a reader (`opened_by`) asked for.

    `papers` are the candidates of a poll open for `hours`, with `nominations` by arXiv id, or one paper with its `votes`.
    `thread_id` is a thread that there is already; `reason` ends the Fluent id that says why there is no paper. `undoing` are
    the methods and paths of requests that close what former steps opened.
    """

    marker: str
    place: Place
    step: Step | None = None
    meeting: Meeting = NO_MEETING
    papers: Sequence[contents.PostPaper] = ()
    hours: int = 0
    nominations: Mapping[str, int] = field(default_factory=dict)
    votes: int = 0
    thread_id: int | None = None
    opened_by: int | None = None
    reason: str = ""
    undoing: Sequence[tuple[str, str]] = ()

    @property
    def locale(self) -> models.Locale:
        """The language of the messages."""
        return self.place.locale


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
    """Return when a club meets."""
    return schedule.Rule(schedule.parse_time(club.at_time), clock.parse_zone(club.timezone), (club.weekday,))


async def load_meeting(connection: Connection, club: Club, now: datetime) -> Meeting:
    """Return the next meeting of a club: that of its newest step, or the first that leaves time for a vote."""
    rule = rule_of(club)
    newest = None if club.step_id is None else await outbox.get(connection, club.step_id)
    if newest is not None and newest.local_on is not None:
        step = Step(newest.key.split(":")[3])
        # A meeting with a paper stays when the club moves to another day or time.
        at = newest.expires_at if step in DECIDED else rule.due_at(newest.local_on)
        if at > now:
            return Meeting(newest.local_on, at, newest.planned_at, step, newest)
    begins_at = max(now, club.starts_at)
    due = schedule.next_due(begins_at, rule)
    if not voting_hours(begins_at, due.at):
        begins_at, due = due.at, schedule.next_due(due.at, rule)
    return Meeting(due.on, due.at, begins_at)


async def find_poll(connection: Connection, meeting: Meeting) -> models.Part | None:
    """Return the message with the poll of a meeting that is voted on, if it was sent."""
    if meeting.step is not Step.POLL or meeting.delivery is None:
        return None
    *_, part = await outbox.list_parts(connection, meeting.delivery.id)
    return part if part.message_id is not None else None


async def list_candidates(
    connection: Connection, guild_id: int, now: datetime
) -> tuple[Sequence[models.PaperDetail], Mapping[str, int]]:
    """Return the papers for a vote that begins now, and the number of nominations by arXiv id."""
    found = await storage.list_candidates(connection, guild_id, now - RECENT, 2 * MAX_CANDIDATES)
    candidates = (await papers.list_details(connection, list(found)))[:MAX_CANDIDATES]
    return candidates, {paper.arxiv_id: found[paper.id] for paper in candidates}


@dataclass(frozen=True, slots=True)
class _Steps:
    """Plans the next step of a club, which is locked, at `now` (UTC)."""

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
        """Plan a step, of a paper that has a thread already in it. It expires when the meeting begins. Returns its id."""
        club, meeting = self.club, self.meeting
        post = ClubPost(
            marker=f"club:{club.guild_id}:{meeting.on}:{step}:{club.step_id or club.starts_at.timestamp()}",
            place=Place(club.guild_id, club.channel_id, club.is_forum, club.locale),
            step=step,
            meeting=meeting,
            papers=[contents.build_post_paper(paper, club.locale) for paper in papers],
            thread_id=thread_id,
            **fields,
        )
        is_inside = thread_id and (club.is_forum or step is Step.REMINDER)
        delivery = self.deliveries.build_post(
            CLUB,
            post,
            self.now,
            guild_id=club.guild_id,
            channel_id=thread_id if is_inside else club.channel_id,
            local_on=meeting.on,
            papers=tuple(paper.arxiv_id for paper in papers),
        )
        if step in DECIDED or delivery.expires_at > meeting.at:
            delivery = replace(delivery, expires_at=meeting.at)
        if (delivery_id := await outbox.add(self.connection, delivery)) is not None:
            await storage.put(self.connection, replace(club, step_id=delivery_id))
        return delivery_id

    async def undo(self, step: Step) -> None:
        """Plan the end of what the meeting has posted: close its poll, delete its event, stop what is not sent yet."""
        connection, meeting, guild_id = self.connection, self.meeting, self.club.guild_id
        if meeting.delivery is not None:
            by_hand = models.Reason.BY_HAND
            await outbox.cancel(connection, [meeting.delivery.id], reason=by_hand, now=self.now)
        ids = await storage.list_event_ids(connection, guild_id, meeting.on)
        undoing = [("DELETE", f"/guilds/{guild_id}/scheduled-events/{event_id}") for event_id in ids]
        if poll := await find_poll(connection, meeting):
            undoing.append(("POST", f"/channels/{poll.channel_id}/polls/{poll.message_id}/expire"))
        await storage.clear_meeting(connection, guild_id, meeting.on)
        if undoing or step is Step.SKIP:
            await self.add(step, votes=int(meeting.step is Step.POLL), undoing=undoing)

    async def begin_vote(self) -> str:
        """Plan a poll. Returns the Fluent id of what happened."""
        if not (hours := voting_hours(self.now, self.meeting.at)):
            return "club-vote-too-late"
        candidates, nominations = await list_candidates(self.connection, self.club.guild_id, self.now)
        if not candidates:
            return "club-no-candidates"
        await self.add(Step.POLL, candidates, hours=hours, nominations=nominations)
        return "club-vote-begins"

    async def end_vote(self, counts: Mapping[int, int]) -> None:
        """Plan the paper with most votes, by the number of the answer, once its thread is open. Without counts: no poll."""
        connection, club, delivery = self.connection, self.club, self.meeting.delivery
        order = delivery.papers if delivery is not None and counts else ()
        ids = await papers.get_ids(connection, order)
        listed = {one.arxiv_id: one for one in await papers.list_details(connection, list(ids.values()))}
        ranked = [
            (-counts.get(place, 0), models.votes_descending(listed[arxiv_id].votes), place)
            for place, arxiv_id in enumerate(order, start=1)
            if arxiv_id in listed
        ]
        if not ranked:
            await self.add(Step.NONE, reason="papers-gone" if counts else "poll-gone")
            return
        votes, _, place = min(ranked)
        paper = listed[order[place - 1]]
        key = {"channel_id": club.channel_id, "paper_id": paper.id}
        thread = await storage.find_thread(connection, **key)
        if thread is not None and thread.is_waiting:
            return
        thread_id = None if thread is None else thread.thread_id
        added = await self.add(Step.PAPER, [paper], thread_id, votes=-votes)
        delivery_id = added if thread is None or thread_id is None else thread.delivery_id
        values = {"guild_id": club.guild_id, "opened_at": self.now, "meets_on": self.meeting.on}
        await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)
        await storage.use_up_nominations(connection, club.guild_id, ids.values(), self.meeting.begins_at)

    async def remind(self) -> None:
        """Plan the reminder once the paper's thread is open."""
        meeting = {"guild_id": self.club.guild_id, "meets_on": self.meeting.on}
        thread = await storage.find_thread(self.connection, **meeting)
        if thread is not None and thread.thread_id is not None:
            await self.add(Step.REMINDER, thread_id=thread.thread_id)


class Overview(NamedTuple):
    """A club, its next meeting, the message with the open vote or the candidates for the next, past papers and their number."""

    club: Club
    meeting: Meeting
    poll: models.Part | None
    candidates: Sequence[models.PaperDetail]
    nominations: Mapping[str, int]
    past: Sequence[storage.PastMeeting]
    total: int


class NoClubError(errors.PaperroundError):
    """The server has no club."""


@dataclass(frozen=True, slots=True)
class Clubs:
    """The use cases of clubs, and what is due each minute. What returns a text returns the Fluent id of what happened."""

    _database: database.Database
    _clock: clock.Clock
    _deliveries: contents.DeliveryFactory
    _request: Callable[[str, str], Awaitable[Any]]

    async def tick(self, now: datetime) -> int:
        """Plan all steps that are due at `now` (UTC). Returns how many were due. Errors of one club are logged."""
        async with self._database.transaction() as connection:
            await storage.settle(connection)
            clubs = await storage.list_present(connection)
            meetings = [await load_meeting(connection, club, now) for club in clubs]
        planned = 0
        for club, meeting in zip(clubs, meetings, strict=True):
            with isolation.isolated(log, "club failed", reraise=(errors.StorageError,), guild=club.guild_id):
                planned += await self._plan_due(club, meeting, now)
        return planned

    async def _plan_due(self, club: Club, meeting: Meeting, now: datetime) -> bool:
        step, begins_at = meeting.step, meeting.begins_at
        due_at = {None: begins_at, Step.POLL: meeting.ends_at, Step.PAPER: meeting.at - REMINDER}
        if step not in due_at or now < due_at[step]:
            return False
        counts = await self._read_counts(meeting) if step is Step.POLL else {}
        if counts is None:
            return False
        async with self._steps(club.guild_id) as steps:
            if (steps.meeting.on, steps.meeting.delivery) != (meeting.on, meeting.delivery):
                return False  # somebody else was first
            if step is Step.POLL:
                await steps.end_vote(counts)
            elif step is Step.PAPER:
                await steps.remind()
            elif await steps.begin_vote() == "club-no-candidates":
                await steps.add(Step.NONE, reason="no-candidates")
        return True

    async def _read_counts(self, meeting: Meeting) -> Mapping[int, int] | None:
        """Return the votes of a poll by the number of the answer, {} if it is gone; None if it is not counted yet."""
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
        """Lock a server's club in a transaction, for its next step. Raises NoClubError."""
        now = self._clock()
        async with self._database.transaction() as connection:
            if (club := await storage.get(connection, guild_id, for_update=True)) is None:
                raise NoClubError
            meeting = await load_meeting(connection, club, now)
            yield _Steps(connection, self._deliveries, club, meeting, now)

    async def set_up(self, wanted: Club) -> str:
        """Store a club, whose first vote begins at its first time after `starts_at`.

        A change keeps a meeting that has its paper. Another is planned anew on the new day: its open vote ends without a result.
        """
        wanted = replace(wanted, starts_at=schedule.next_due(wanted.starts_at, rule_of(wanted)).at)
        async with self._database.transaction() as connection:
            await storage.put(connection, wanted, is_new=True)
        async with self._steps(wanted.guild_id) as steps:
            former, step = steps.club, steps.meeting.step
            if former == wanted:
                return "club-set-up"
            if (former.channel_id, rule_of(former)) == (wanted.channel_id, rule_of(wanted)):
                wanted = replace(wanted, starts_at=former.starts_at, step_id=former.step_id)
                await storage.put(steps.connection, wanted)
                return "club-unchanged"
            if step not in DECIDED:
                await steps.undo(Step.END)
            wanted = replace(wanted, step_id=former.step_id if step in DECIDED else None)
            await storage.put(steps.connection, replace(wanted, starts_at=steps.now) if step else wanted)
        return f"club-changed-{step}" if step in (*DECIDED, Step.POLL) else "club-changed"

    async def load(self, guild_id: int, *, limit: int, offset: int) -> Overview | None:
        """Return a server's club, or None."""
        now = self._clock()
        async with self._database.read() as connection:
            if (club := await storage.get(connection, guild_id)) is None:
                return None
            meeting = await load_meeting(connection, club, now)
            poll = await find_poll(connection, meeting)
            is_open = meeting.step is Step.POLL
            candidates = ((), {}) if is_open else await list_candidates(connection, guild_id, now)
            past = await storage.list_meetings(connection, guild_id, limit=limit, offset=offset)
        return Overview(club, meeting, poll, *candidates, *past)

    async def begin_vote(self, guild_id: int) -> str:
        """Begin the vote for the next meeting now, also after the usual time or a skip. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step is Step.POLL:
                return "club-vote-is-open"
            if steps.meeting.step in DECIDED:
                return "club-has-paper"
            if (
                steps.meeting.step is None
            ):  # the first meeting that leaves time, though votes should start later
                club = replace(steps.club, starts_at=steps.now)
                meeting = await load_meeting(steps.connection, club, steps.now)
                if meeting.at - VOTE_ENDS - HOUR >= steps.now:
                    steps = replace(steps, club=club, meeting=meeting)
            return await steps.begin_vote()

    async def skip(self, guild_id: int) -> str:
        """Skip the next meeting at any step; votes for it do not count. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step is not Step.SKIP:
                await steps.undo(Step.SKIP)
            return "club-skipped"

    async def stop(self, guild_id: int) -> None:
        """Delete a club; what it read stays listed. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            await steps.undo(Step.END)
            await storage.remove(steps.connection, guild_id)

    async def discuss(
        self, paper: models.PaperDetail, place: Place, user_id: int, gone_id: int | None = None
    ) -> int | None:
        """Return the id of the thread about a paper, but for one that is gone; None if it is planned now, or being opened."""
        now, key = self._clock(), {"channel_id": place.channel_id, "paper_id": paper.id}
        async with self._database.transaction() as connection:
            known = await storage.find_thread(connection, **key)
            if known is not None and (known.is_waiting or known.thread_id not in (None, gone_id)):
                return known.thread_id
            marker = f"club:{place.channel_id}:{paper.id}:{0 if known is None else known.delivery_id}"
            shown = [contents.build_post_paper(paper, place.locale)]
            post = ClubPost(marker=marker, place=place, papers=shown, opened_by=user_id)
            delivery = self._deliveries.build_post(
                CLUB, post, now, guild_id=place.guild_id, channel_id=place.channel_id
            )
            if (delivery_id := await outbox.add(connection, delivery)) is not None:
                values = {"guild_id": place.guild_id, "opened_at": now, "thread_id": None}
                await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)
        return None
