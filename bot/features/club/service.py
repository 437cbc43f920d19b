"""Plan the steps of clubs' meetings, choose candidates, count votes, and serve the commands and buttons.

Each step is a delivery. Its key contains the server, the meeting's time, the step and the previous delivery,
so that each step is planned only once; the club stores the latest step.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, assert_never

import structlog

from bot.core import clock, schedule
from bot.core.retries import Retries
from bot.outbox import contents, outcomes
from bot.papers import post_papers
from storage import club as storage
from storage import database, day_counts, errors, models, outbox, papers
from storage.club import Club
from storage.database import Connection
from storage.models import DeliveryState, Reason

log = structlog.get_logger(__name__)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VOTE_ENDS = timedelta(days=2)
"""The time before the meeting at which a vote ends."""
FIRST_VOTE = DAY
"""The time from a club's setup to its first vote, if a day of voting is left; else it begins when it would meet."""
LATE_VOTE_ENDS = timedelta(hours=2)
"""The time before the meeting at which a vote ends if it began late."""
REMINDER = timedelta(hours=1)
COUNT_ENDS = timedelta(minutes=10)
"""The time before the meeting at which the votes are given up if Discord does not return them."""
RECENT = timedelta(days=7)
MAX_CANDIDATES = 5
MAX_PAST = 10


class MeetingStep(StrEnum):
    """The steps of a meeting. COUNT reads the votes, and appears nowhere.

    NONE: there were no candidates. GONE: the vote or its papers were deleted. UNHELD: Discord accepted no vote, or
    did not give its votes.
    """

    POLL = "poll"
    COUNT = "count"
    PAPER = "paper"
    REMINDER = "reminder"
    NONE = "none"
    GONE = "gone"
    UNHELD = "unheld"
    SKIP = "skip"


UNDER_WAY = (MeetingStep.POLL, MeetingStep.COUNT, MeetingStep.PAPER, MeetingStep.REMINDER)
"""The steps of a meeting, in order."""


def voting_hours(now: datetime, meets_at: datetime) -> int:
    """Return the duration of a vote that begins now in hours, Discord's unit; 0 if it is too late for one."""
    left = (meets_at - before - now for before in (VOTE_ENDS, LATE_VOTE_ENDS))
    return next((round(time / HOUR) for time in left if time >= HOUR), 0)


class Meeting(NamedTuple):
    """A club's next meeting, with its latest step, and when the next step is due (UTC).

    `delivery` is that of the step, and `part` its first message or request. All three are None before the first
    step. `lost_at` is when the meeting before this one was, if its paper was not discussed.
    """

    on: date
    at: datetime
    due_at: datetime
    step: MeetingStep | None = None
    delivery: models.Delivery | None = None
    part: models.Part | None = None
    lost_at: datetime | None = None

    @property
    def is_unsent(self) -> bool:
        """Whether the latest step was certainly not posted."""
        part = self.part
        return part is not None and part.message_id is None and part.first_attempt_at is None


NO_MEETING = Meeting(date.min, models.NEVER, models.NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClubPost:
    """The content of a meeting's step or, without a `step`, of a discussion that a reader opens.

    `papers` are the candidates of a poll open for `hours`, or a single paper with its `votes`. `counted` is the
    message of the poll whose votes are read, `thread_id` an existing thread. `undoing` are requests that close the
    poll and delete the event of earlier steps.
    """

    guild_id: int
    channel_id: int
    locale: models.Locale
    is_forum: bool = False
    marker: str = ""
    step: MeetingStep | None = None
    meeting: Meeting = NO_MEETING
    papers: Sequence[post_papers.PostPaper] = ()
    hours: int = 0
    counted: models.Receipt | None = None
    votes: int = 0
    thread_id: int | None = None
    undoing: Sequence[Mapping[str, str]] = ()


async def _find_recipients(
    connection: Connection, delivery: models.Delivery, pause: str | None
) -> list[contents.NoticeRecipient]:
    """Return the club of a step, or the reader to whom a discussion was promised."""
    if pause is not None:
        return []
    recipient = contents.NoticeRecipient(
        name=f"d{delivery.id}",
        guild_id=delivery.guild_id,
        channel_id=delivery.channel_id,
        user_id=delivery.asked_by,
        locale=delivery.locale,
        is_discussion=delivery.asked_by is not None,
    )
    if recipient.is_discussion:
        return [recipient]
    club = await storage.get(connection, delivery.guild_id or 0)
    if club is None or delivery.local_on is None:
        return []
    name = f"c{club.guild_id}"
    return [replace(recipient, name=name, user_id=club.created_by, locale=club.locale, is_club=True)]


MAX_DISCUSSIONS = 10
"""The most discussions that a reader can open on a day (UTC)."""


CLUB = contents.DeliveryHandler(
    kind=models.DeliveryKind.CLUB, priority=models.Priority.INTERACTIVE, find_recipients=_find_recipients
)


def rule_of(club: Club) -> schedule.Rule:
    return schedule.rule_of(club.at_time, club.timezone, (club.weekday,))


async def load_meeting(connection: Connection, club: Club, now: datetime) -> Meeting:
    """Return a club's next meeting: the one in progress, or else the first that leaves enough time for a vote.

    A meeting in progress keeps its time even if the club's schedule changes.
    """
    newest, lost_at = None if club.step_id is None else await outbox.get(connection, club.step_id), None
    if newest is not None and newest.local_on is not None and club.meets_at is not None:
        at, step = club.meets_at, MeetingStep(club.step or "")
        part = next(iter(await outbox.list_parts(connection, newest.id)), None)
        if at > now:
            return Meeting(newest.local_on, at, _find_due(step, part, at, now), step, newest, part)
        if step in (MeetingStep.POLL, MeetingStep.COUNT) or (
            part is not None and part.state is not models.PartState.SENT
        ):
            lost_at = at
    begins_at, rule = max(now, club.starts_at), rule_of(club)
    due = schedule.next_due(begins_at, rule)
    if not voting_hours(begins_at, due.at):
        begins_at, due = due.at, schedule.next_due(due.at, rule)
    return Meeting(due.on, due.at, begins_at, lost_at=lost_at)


def _find_due(step: MeetingStep, part: models.Part | None, meets_at: datetime, now: datetime) -> datetime:
    """Return when the step after `step` is due (UTC): for a vote that is not held or counted yet, now."""
    match step:
        case MeetingStep.POLL if part is not None and part.made_at is not None:
            if part.answer is not None:
                return datetime.fromisoformat(part.answer["ends_at"])
            return part.made_at + voting_hours(part.made_at, meets_at) * HOUR  # sent by an older version
        case MeetingStep.POLL | MeetingStep.COUNT:
            return now
        case MeetingStep.PAPER:
            return meets_at - REMINDER
        case (
            MeetingStep.REMINDER | MeetingStep.NONE | MeetingStep.GONE | MeetingStep.UNHELD | MeetingStep.SKIP
        ):
            return meets_at
        case _:
            assert_never(step)


async def list_candidates(connection: Connection, guild_id: int, now: datetime) -> list[models.PaperDetail]:
    paper_ids = await storage.list_candidates(connection, guild_id, now - RECENT, 2 * MAX_CANDIDATES)
    details = await papers.list_details(connection, paper_ids, also_unlisted=True)
    return [paper for paper in details if not paper.withdrawn_by][:MAX_CANDIDATES]


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
        step: MeetingStep,
        papers: Sequence[models.PaperDetail] = (),
        thread_id: int | None = None,
        **fields: Any,
    ) -> int | None:
        """Plan a step in the channel of the meeting's vote. Returns its delivery id; None if already planned.

        It expires when the meeting starts; a vote when it is too late for one, and its count shortly before.
        """
        club, meeting = replace(self.club, channel_id=self.channel_id), self.meeting
        former = club.step_id or int(club.starts_at.timestamp())
        post = ClubPost(
            guild_id=club.guild_id,
            channel_id=club.channel_id,
            locale=club.locale,
            marker=f"club:{club.guild_id}:{meeting.at.timestamp():.0f}:{step}:{former}",
            step=step,
            meeting=meeting,
            papers=[post_papers.build_post_paper(paper, club.locale) for paper in papers],
            thread_id=thread_id,
            **fields,
        )
        delivery = self.deliveries.build_post(
            CLUB,
            post,
            self.now,
            guild_id=club.guild_id,
            channel_id=thread_id if step is MeetingStep.REMINDER else club.channel_id,
            local_on=meeting.on,
            papers=self._candidates if step is MeetingStep.COUNT else tuple(paper.key for paper in papers),
        )
        spare = {MeetingStep.POLL: LATE_VOTE_ENDS + HOUR, MeetingStep.COUNT: COUNT_ENDS}.get(
            step, timedelta(0)
        )
        delivery = replace(delivery, expires_at=meeting.at - spare)
        if (delivery_id := await outbox.add(self.connection, delivery)) is not None:
            moved = replace(self.club, step_id=delivery_id, step=step.value, meets_at=meeting.at)
            await storage.put(self.connection, moved)
        return delivery_id

    @property
    def channel_id(self) -> int:
        """The channel of the meeting's vote, which it keeps although the club moved, or else the club's channel."""
        has_begun = self.meeting.step in UNDER_WAY and self.meeting.step is not MeetingStep.REMINDER
        former = self.meeting.delivery if has_begun else None
        return (former and former.channel_id) or self.club.channel_id

    @property
    def _candidates(self) -> tuple[str, ...]:
        """The keys of the papers in the vote, in the order of its answers."""
        return () if self.meeting.delivery is None else self.meeting.delivery.papers

    async def cancel(self) -> None:
        waiting = await storage.list_waiting_steps(self.connection, self.club.guild_id)
        await outbox.cancel(self.connection, waiting, reason=Reason.BY_HAND, now=self.now)

    async def skip(self) -> None:
        """Cancel unsent steps, and plan a notice plus requests to close the poll and delete the event."""
        connection, meeting, guild_id = self.connection, self.meeting, self.club.guild_id
        await self.cancel()
        ids = await storage.list_event_ids(connection, guild_id, meeting.on)
        events = f"/guilds/{guild_id}/scheduled-events"
        undoing = [{"method": "DELETE", "path": f"{events}/{event_id}"} for event_id in ids]
        if meeting.step is MeetingStep.POLL and (poll := meeting.part) and poll.message_id is not None:
            path = f"/channels/{poll.channel_id}/polls/{poll.message_id}/expire"
            undoing.append({"method": "POST", "path": path})
        await storage.clear_meeting(connection, guild_id, meeting.on)
        await self.add(MeetingStep.SKIP, undoing=undoing)

    async def begin_vote(self) -> str:
        """Plan a poll. Returns "", or the Fluent id of the reason not to."""
        if not (hours := voting_hours(self.now, self.meeting.at)):
            return "club-vote-too-late"
        candidates = await list_candidates(self.connection, self.club.guild_id, self.now)
        if not candidates:
            return "club-no-candidates"
        await self.add(MeetingStep.POLL, candidates, hours=hours)
        return ""

    async def advance(self) -> None:
        """Plan the step that is due, or hold a refused vote to its end."""
        meeting, delivery, part = self.meeting, self.meeting.delivery, self.meeting.part
        is_stopped = delivery is not None and delivery.state is DeliveryState.STOPPED
        if meeting.step is MeetingStep.POLL and part is not None and part.message_id is not None:
            await self.add(MeetingStep.COUNT, counted=models.Receipt(part.message_id, part.channel_id or 0))
        elif meeting.step in (MeetingStep.POLL, MeetingStep.COUNT) and (is_stopped or part is None):
            is_gone = delivery is not None and delivery.reason == Reason.TARGET_GONE
            await self.add(
                MeetingStep.GONE if is_gone and meeting.step is MeetingStep.COUNT else MeetingStep.UNHELD
            )
        elif meeting.step is MeetingStep.POLL and part is not None:
            await self._shorten_vote(part)
        elif meeting.step is MeetingStep.COUNT:
            if part is not None and part.answer is not None:
                await self._end_vote(dict(zip(self._candidates, part.answer["votes"], strict=True)))
        elif meeting.step is MeetingStep.PAPER:
            key = {"guild_id": self.club.guild_id, "meets_on": meeting.on}
            if thread_id := await storage.find_thread(self.connection, **key):
                await self.add(MeetingStep.REMINDER, thread_id=thread_id)
        elif await self.begin_vote() == "club-no-candidates":
            await self.add(MeetingStep.NONE)

    async def _shorten_vote(self, part: models.Part) -> None:
        """Make a vote that waits end when it would have ended; a poll has a duration, not an end."""
        hours = voting_hours(self.now, self.meeting.at)
        payload, fallback = _set_duration(part.payload, hours), _set_duration(part.fallback, hours)
        if payload is not None and hours and payload != part.payload:
            await outbox.set_payload(self.connection, part.id, payload, fallback)

    async def _end_vote(self, votes: Mapping[str, int]) -> None:
        """Plan the post of the winning paper, unless its thread is being opened.

        `votes` are by the keys that the papers had; two papers may have become one since.
        """
        connection, club = self.connection, self.club
        ids, counts = await papers.get_ids(connection, votes), Counter[int]()
        for paper_key in votes.keys() & ids.keys():
            counts[ids[paper_key]] += votes[paper_key]
        listed = await papers.list_details(connection, [*counts], also_unlisted=True)
        if not listed:
            await self.add(MeetingStep.GONE)
            return
        paper = min(listed, key=lambda paper: (-counts[paper.id], models.votes_descending(paper.votes)))
        key = {"channel_id": self.channel_id, "paper_id": paper.id}
        if (thread_id := await storage.find_thread(connection, **key)) == 0:
            return
        delivery_id = await self.add(MeetingStep.PAPER, [paper], thread_id, votes=counts[paper.id])
        values = {"guild_id": club.guild_id, "opened_at": self.now, "meets_on": self.meeting.on}
        await storage.put_thread(connection, **key, delivery_id=delivery_id, **values)


def _set_duration(message: str | None, hours: int) -> str | None:
    body = json.loads(message or "{}")
    if "poll" not in body or body["poll"]["duration"] == hours:
        return message
    body["poll"]["duration"] = hours
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


class Overview(NamedTuple):
    """A club with its next and past meetings, and the next candidates, unless a vote is open."""

    club: Club
    meeting: Meeting
    candidates: Sequence[models.PaperDetail]
    past: Sequence[storage.PastMeeting]


async def _decide(connection: Connection, wanted: Club, former: Club | None) -> tuple[Club, str, int | None]:
    """Return the club to store, the text about it (a Fluent id), and the delivery of a refused vote to cancel."""
    now = wanted.starts_at
    first_at = schedule.next_due(now, rule_of(wanted)).at
    has_time = first_at - now >= FIRST_VOTE + DAY + VOTE_ENDS
    club = replace(wanted, starts_at=now + FIRST_VOTE if has_time else first_at)
    if former is None:
        return club, "club-set-up", None
    meeting = await load_meeting(connection, former, now)
    if meeting.step is MeetingStep.POLL and meeting.is_unsent and meeting.delivery is not None:
        return replace(club, starts_at=now), "club-changed", meeting.delivery.id
    not_settings = ("created_by", "starts_at", "step_id", "step", "meets_at")
    if former == replace(wanted, **{name: getattr(former, name) for name in not_settings}):
        return former, "club-unchanged", None
    if meeting.step not in UNDER_WAY:
        return club, "club-changed", None
    begun = replace(club, step_id=former.step_id, step=former.step, meets_at=former.meets_at)
    return begun, "club-changed-later", None


async def _load_overview(connection: Connection, club: Club, now: datetime) -> Overview:
    meeting = await load_meeting(connection, club, now)
    is_open = meeting.step in (MeetingStep.POLL, MeetingStep.COUNT)
    candidates = [] if is_open else await list_candidates(connection, club.guild_id, now)
    past = await storage.list_meetings(connection, club.guild_id, MAX_PAST)
    return Overview(club, meeting, candidates, past)


class NoClubError(errors.PaperroundError):
    """Raised if the server has no club."""


@dataclass(frozen=True, slots=True)
class Clubs:
    """Manages clubs and plans their due steps. Methods that return a string return a Fluent id."""

    _database: database.Database
    _clock: clock.Clock
    _deliveries: contents.DeliveryFactory
    _request: Callable[..., Awaitable[Any]]
    _retries: Retries = field(default_factory=partial(Retries, log, lasts=None))

    async def tick(self, now: datetime, on_planned: Callable[[], None] = lambda: None) -> int:
        """Plan all steps due at `now` (UTC). Returns how many were planned. What fails for a club is tried again (see
        `Retries`) until its meeting begins.

        `on_planned` is called after each club.
        """
        async with self._database.transaction() as connection:
            await storage.settle(connection)
            clubs = await storage.list_present(connection)
            due = []
            for club in clubs:
                guild_id = club.guild_id
                if not self._retries.is_due(guild_id, now):
                    continue
                with self._retries.attempt("meeting not loaded", guild_id, now, guild=guild_id):
                    if (await load_meeting(connection, club, now)).due_at <= now:
                        due.append(guild_id)
        for guild_id in due:
            with self._retries.attempt("step of a club not planned", guild_id, now, guild=guild_id):
                async with self._steps(guild_id) as steps:
                    if steps.meeting.due_at <= steps.now:  # no other process was faster
                        await steps.advance()
            on_planned()
        return len(due)

    async def follow(self, delivery: models.Delivery) -> None:
        """Store what a club's delivery opened, and plan what is due after its outcome without waiting for `tick`."""
        if delivery.kind is not models.DeliveryKind.CLUB:
            return
        await self._database.write(storage.settle)
        if delivery.guild_id is None or delivery.local_on is None:
            return
        with suppress(NoClubError):
            async with self._steps(delivery.guild_id) as steps:
                if steps.meeting.due_at <= steps.now:
                    await steps.advance()

    @asynccontextmanager
    async def _steps(self, guild_id: int) -> AsyncIterator[_Steps]:
        """Lock a server's club in a transaction. Raises NoClubError if the server has no club."""
        now = self._clock()
        async with self._database.transaction() as connection:
            if (club := await storage.get(connection, guild_id, for_update=True)) is None:
                raise NoClubError
            meeting = await load_meeting(connection, club, now)
            yield _Steps(connection, self._deliveries, club, meeting, now)

    async def preview(self, wanted: Club) -> tuple[Overview, str]:
        """Return the club that `set_up` would store, and the text that it would return."""
        async with self._database.read() as connection:
            former = await storage.get(connection, wanted.guild_id)
            club, done, _ = await _decide(connection, wanted, former)
            return await _load_overview(connection, club, wanted.starts_at), done

    async def set_up(self, wanted: Club) -> str:
        """Store a club. Its first vote opens at the first scheduled time after `starts_at`.

        A meeting whose vote has already begun is kept. A vote that Discord refused begins at once as now set up.
        """
        async with self._database.transaction() as connection:
            former = await storage.get(connection, wanted.guild_id, for_update=True)
            club, done, refused_id = await _decide(connection, wanted, former)
            if refused_id is not None:
                await outbox.cancel(connection, [refused_id], reason=Reason.BY_HAND, now=wanted.starts_at)
            await storage.put(connection, club)
        return done

    async def load(self, guild_id: int) -> Overview | None:
        async with self._database.read() as connection:
            club = await storage.get(connection, guild_id)
            return None if club is None else await _load_overview(connection, club, self._clock())

    async def begin_vote(self, guild_id: int) -> str:
        """Start the next meeting's vote, even after a skip, or try a refused one again now.

        Returns why a vote is missing, or "". Raises NoClubError.
        """
        async with self._steps(guild_id) as steps:
            meeting, delivery = steps.meeting, steps.meeting.delivery
            if meeting.step in UNDER_WAY:
                if meeting.step is MeetingStep.POLL and meeting.is_unsent and delivery is not None:
                    await outbox.try_now(steps.connection, steps.now, id=[delivery.id])
                return ""
            # The vote is for the first meeting that leaves enough time.
            club = replace(steps.club, starts_at=steps.now)
            meeting = await load_meeting(steps.connection, club, steps.now)
            return await replace(steps, club=club, meeting=meeting).begin_vote()

    async def skip(self, guild_id: int) -> str:
        """Skip the next meeting, whichever step it has reached. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            if steps.meeting.step is not MeetingStep.SKIP:
                await steps.skip()
            return "club-skipped"

    async def stop(self, guild_id: int) -> None:
        """Delete a club but keep its past papers. Steps that wait are cancelled. Raises NoClubError."""
        async with self._steps(guild_id) as steps:
            await steps.cancel()
            if steps.meeting.step in UNDER_WAY:
                await steps.skip()
            await storage.remove(steps.connection, guild_id)

    async def discuss(
        self, paper: models.PaperDetail, post: ClubPost, user_id: int, secret: bytes
    ) -> int | None:
        """Return the id of a paper's thread after unarchiving it, or None if it is still being opened.

        `secret` is that of `day_counts.name_reader`. Raises UsageError if the reader has asked for `MAX_DISCUSSIONS`
        discussions that day (UTC).
        """
        now, key = self._clock(), {"channel_id": post.channel_id, "paper_id": paper.id}
        known = await self._database.fetch(storage.find_thread, **key)
        if known == 0 or (known and await self._open_again(known)):
            return known or None
        async with self._database.transaction() as connection:
            await storage.lock_thread(connection, **key)
            if await storage.find_thread(connection, **key) != known:
                return None
            reader = day_counts.name_reader("discuss", secret, user_id, now.date())
            await day_counts.add(connection, now.date(), {reader: MAX_DISCUSSIONS}, "club-too-many")
            marker = f"club:{post.channel_id}:{paper.id}:{known or int(now.timestamp())}"
            post = replace(post, marker=marker, papers=[post_papers.build_post_paper(paper, post.locale)])
            delivery = self._deliveries.build_post(
                CLUB,
                post,
                now,
                guild_id=post.guild_id,
                channel_id=post.channel_id,
                asked_by=user_id,
                priority=models.Priority.DISCUSSION,
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
            return error.code not in outcomes.GONE
        return True
