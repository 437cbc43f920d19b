"""When a club does what, its candidates and votes, and the use cases of its commands and buttons.

A meeting has at most one vote at a time. It ends two days before the meeting; Discord's counts decide. Each step is a delivery,
and its key names the server, the meeting's date, the step and the step before: two processes or managers plan it once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import structlog

from bot.core import clock, isolation
from bot.core.clock import Clock
from bot.daily import schedule
from bot.lists.card import Nominations
from bot.outbox import contents, outcomes
from bot.outbox.contents import DeliveryFactory, KindRecord, Owned
from storage import club as storage
from storage import models, outbox, papers
from storage.club import Club
from storage.database import Connection, Database
from storage.errors import PaperroundError, StorageError

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
VOTE_ENDS = timedelta(days=2)
"""How long before the meeting a vote ends."""
LATEST_VOTE = timedelta(hours=2)
"""The same for a vote that a manager begins later."""
MAX_VOTE_HOURS = 768
"""The longest poll of Discord (resources/poll)."""
REMINDER = timedelta(hours=1)
RECENT = timedelta(days=7)
MAX_CANDIDATES = 5
MAX_READ = 20
"""Papers that are read for the candidates: some were the paper of an earlier meeting, or left the archive."""


class Step(StrEnum):
    """The steps of a meeting. NONE: there is no paper."""

    POLL = "poll"
    PAPER = "paper"
    REMINDER = "reminder"
    NONE = "none"
    SKIP = "skip"


class NoPaper(StrEnum):
    """Why a meeting has no paper."""

    NO_CANDIDATES = "no-candidates"
    POLL_GONE = "poll-gone"
    PAPERS_GONE = "papers-gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClubPost:
    """A message of a club; without a `step` the beginning of a discussion, which a reader (`opened_by`) asked for.

    `papers` are the candidates of a poll, or the one paper. `hours` is how long the poll is open; `nominations` are by arXiv id.
    `votes` are those of the chosen paper. `thread_id` is the thread that there is already. All times are UTC.
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
    reason: NoPaper | None = None


async def _find_owned(
    connection: Connection, delivery: models.Delivery, pause_for: str | None
) -> list[Owned]:
    club = None if delivery.guild_id is None else await storage.get(connection, delivery.guild_id)
    if club is None or delivery.local_on is None or pause_for is not None:
        return []
    return [
        Owned(
            name=f"c{club.guild_id}",
            guild_id=club.guild_id,
            channel_id=delivery.channel_id,
            user_id=club.created_by,
            locale=club.locale,
        )
    ]


CLUB: KindRecord[ClubPost] = KindRecord(
    kind=models.DeliveryKind.CLUB,
    priority=models.Priority.SCHEDULED,
    render=lambda renderer, post: renderer.render_club(post),
    find_owned=_find_owned,
)


# When.


def rule_of(club: Club) -> schedule.Rule:
    """Return when a club meets."""
    zone = clock.parse_zone(club.timezone)
    return schedule.Rule(schedule.parse_time(club.at_time), zone, (club.weekday,))


def voting_hours(now: datetime, meets_at: datetime, *, is_late: bool = False) -> int:
    """Return how many whole hours a vote that begins now is open; 0 if it is too late for one.

    With `is_late` it may begin when others have ended.
    """
    hours = (meets_at - VOTE_ENDS - now) // HOUR
    if hours < 1 and is_late:
        hours = (meets_at - LATEST_VOTE - now) // HOUR
    return max(0, min(hours, MAX_VOTE_HOURS))


class Meeting(NamedTuple):
    """The next meeting of a club, with its newest step and the delivery of that; None before the first one."""

    on: date
    at: datetime
    step: Step | None = None
    delivery: models.Delivery | None = None

    @property
    def votes_until(self) -> datetime:
        """When its vote ends, which has begun (UTC)."""
        assert self.delivery is not None
        began_at = self.delivery.planned_at
        return began_at + voting_hours(began_at, self.at, is_late=True) * HOUR


_KEY = re.compile(r"club:\d+:\d{4}-\d\d-\d\d:([a-z]+):\d+")


async def load_meeting(connection: Connection, club: Club, now: datetime) -> Meeting:
    """Return the next meeting of a club. One that has begun a step stays on its date after a change of the weekday."""
    rule = rule_of(club)
    delivery = None if club.step_id is None else await outbox.get(connection, club.step_id)
    if delivery is not None and delivery.local_on is not None and (key := _KEY.fullmatch(delivery.key)):
        at = rule.due_at(delivery.local_on)
        if at > now:
            return Meeting(delivery.local_on, at, Step(key[1]), delivery)
    due = schedule.next_due(now, rule)
    return Meeting(due.local_on, due.at)


# What.


class _Steps:
    """Plans the next step of a club, in the transaction that has locked it. Each method returns whether it planned one."""

    def __init__(
        self, connection: Connection, deliveries: DeliveryFactory, club: Club, meeting: Meeting, now: datetime
    ) -> None:
        self._connection = connection
        self._deliveries = deliveries
        self._club = club
        self._meeting = meeting
        self._now = now

    async def add(
        self, step: Step, papers: Sequence[models.PaperDetail] = (), *, at: int | None = None, **fields: Any
    ) -> int | None:
        """Plan a step for the channel `at` (None: the club's own). It expires when the meeting begins. Returns its id."""
        club, meeting = self._club, self._meeting
        post = _post_of(
            club,
            marker=f"club:{club.guild_id}:{meeting.on}:{step}:{club.step_id or 0}",
            step=step,
            papers=papers,
            meets_on=meeting.on,
            meets_at=meeting.at,
            **fields,
        )
        delivery = self._deliveries.build_post(
            CLUB,
            post,
            self._now,
            guild_id=club.guild_id,
            channel_id=at or club.channel_id,
            local_on=meeting.on,
            post=models.StoredPost(papers=tuple(paper.arxiv_id for paper in papers)),
        )
        delivery = replace(delivery, expires_at=min(delivery.expires_at, meeting.at))
        delivery_id = await outbox.add(self._connection, delivery)
        if delivery_id is not None:
            await storage.set_step(self._connection, club.guild_id, delivery_id)
        return delivery_id

    async def begin_vote(self, hours: int) -> bool:
        """Plan a poll that is open for these hours. False without candidates."""
        connection, guild_id, since_at = self._connection, self._club.guild_id, self._now - RECENT
        nominated = await storage.count_nominations(connection, guild_id)
        popular = await storage.list_popular(connection, guild_id, since_at, MAX_READ)
        top = await storage.list_top(connection, since_at.date(), MAX_READ)
        ids = list(dict.fromkeys((*nominated, *popular, *top)))
        former = await storage.list_former(connection, guild_id, ids)
        listed = await papers.list_details(connection, [id_ for id_ in ids if id_ not in former][:MAX_READ])
        candidates = listed[:MAX_CANDIDATES]
        if not candidates:
            return False
        await storage.remove_nominations(connection, guild_id, [paper.id for paper in candidates])
        counts = {paper.arxiv_id: nominated[paper.id] for paper in candidates if paper.id in nominated}
        await self.add(Step.POLL, candidates, hours=hours, nominations=counts)
        return True

    async def end_vote(self, counts: Mapping[int, int] | None) -> bool:
        """Plan the paper with most votes, by the number of the answer (from 1). False while its thread is being opened.

        Without `counts` the poll is gone. A paper that left the archive gives way to the next one.
        """
        club, meeting, connection = self._club, self._meeting, self._connection
        assert meeting.delivery is not None
        if counts is None:
            return bool(await self.add(Step.NONE, reason=NoPaper.POLL_GONE))
        order = meeting.delivery.post.papers
        ids = await papers.get_ids(connection, order)
        found = await papers.list_details(connection, list(ids.values()))
        if not found:
            return bool(await self.add(Step.NONE, reason=NoPaper.PAPERS_GONE))
        votes = {paper.id: counts.get(order.index(paper.arxiv_id) + 1, 0) for paper in found}
        paper = min(
            found,
            key=lambda paper: (
                -votes[paper.id],
                models.votes_descending(paper.votes),
                order.index(paper.arxiv_id),
            ),
        )
        place = {"channel_id": club.channel_id, "paper_id": paper.id}
        thread = await storage.find_thread(connection, **place)
        if thread is not None and thread.is_waiting:
            return False
        known_id = None if thread is None else thread.thread_id
        delivery_id = await self.add(
            Step.PAPER,
            [paper],
            at=known_id if club.is_forum else None,
            votes=votes[paper.id],
            thread_id=known_id,
        )
        if delivery_id is not None and known_id is None:
            await storage.put_thread(
                connection,
                **place,
                guild_id=club.guild_id,
                delivery_id=delivery_id,
                now=self._now,
                meets_on=meeting.on,
            )
        elif delivery_id is not None:
            await storage.set_meeting(connection, **place, meets_on=meeting.on)
        return delivery_id is not None

    async def remind(self) -> bool:
        """Plan the reminder. False without a thread, or while it is being opened."""
        club, meeting = self._club, self._meeting
        thread = await storage.find_thread(self._connection, guild_id=club.guild_id, meets_on=meeting.on)
        if thread is None or thread.thread_id is None:
            return False
        found = await papers.list_details(self._connection, [thread.paper_id])
        return bool(await self.add(Step.REMINDER, found, at=thread.thread_id))


def _post_of(club: Club, *, papers: Sequence[models.PaperDetail], **fields: Any) -> ClubPost:
    return ClubPost(
        locale=club.locale,
        guild_id=club.guild_id,
        channel_id=club.channel_id,
        is_forum=club.is_forum,
        papers=tuple(contents.build_post_paper(paper, club.locale) for paper in papers),
        **fields,
    )


Request: TypeAlias = Callable[[str, str], Awaitable[Any]]
"""Makes a request to Discord by its method and path, and returns the JSON. Raises DeliveryError."""


class ClubPlanner:
    """Plans each minute what is due. Planning is idempotent: what is due follows from the newest step and from Discord."""

    def __init__(self, database: Database, deliveries: DeliveryFactory, request: Request) -> None:
        self._database = database
        self._deliveries = deliveries
        self._request = request

    async def tick(self, now: datetime) -> int:
        """Plan all steps that are due at `now` (UTC). Returns their number. Errors of one club are logged."""
        async with self._database.read() as connection:
            clubs = await storage.list_present(connection)
            meetings = {club.guild_id: await load_meeting(connection, club, now) for club in clubs}
            is_unsettled = await storage.has_unsettled(connection)
        if is_unsettled:
            async with self._database.transaction() as connection:
                await storage.settle(connection, now)
        planned = 0
        for club in clubs:
            with isolation.isolated(
                log, "a club's step was not planned", reraise=(StorageError,), guild=club.guild_id
            ):
                planned += await self._plan_due(club, meetings[club.guild_id], now)
        return planned

    async def _plan_due(self, club: Club, meeting: Meeting, now: datetime) -> bool:
        match meeting.step:
            case None if hours := voting_hours(now, meeting.at):
                counts: Mapping[int, int] | None = None
            case Step.POLL if now >= meeting.votes_until:
                counts = await self._read_counts(meeting)
                if counts == _UNKNOWN:
                    return False
            case Step.PAPER if now >= meeting.at - REMINDER:
                pass
            case _:
                return False
        async with self._database.transaction() as connection:
            locked = await storage.get(connection, club.guild_id, for_update=True)
            if locked != club:
                return False
            steps = _Steps(connection, self._deliveries, club, meeting, now)
            if meeting.step is None:
                return await steps.begin_vote(hours) or bool(
                    await steps.add(Step.NONE, reason=NoPaper.NO_CANDIDATES)
                )
            return await (steps.remind() if meeting.step is Step.PAPER else steps.end_vote(counts))

    async def _read_counts(self, meeting: Meeting) -> Mapping[int, int] | None:
        """Return the votes of a poll by the number of the answer; None if it is gone, _UNKNOWN if it is not counted yet."""
        assert meeting.delivery is not None
        async with self._database.read() as connection:
            part = (await outbox.list_parts(connection, meeting.delivery.id))[-1]
        if part.state is not models.PartState.SENT or part.message_id is None:
            return None if meeting.delivery.state is not models.DeliveryState.WAITING else _UNKNOWN
        try:
            message = await self._request("GET", f"/channels/{part.channel_id}/messages/{part.message_id}")
        except outcomes.DeliveryError as error:
            if error.status == 404:
                return None
            log.warning("a poll could not be read", delivery=meeting.delivery.id, reason=str(error))
            return _UNKNOWN
        if (poll := message.get("poll")) is None:
            return None
        results = poll.get("results") or {}
        if not results.get("is_finalized"):
            return _UNKNOWN
        return {int(entry["id"]): int(entry["count"]) for entry in results.get("answer_counts") or ()}


_UNKNOWN: Mapping[int, int] = {-1: 0}
"""Counts that Discord has not made yet."""


class RefusedError(PaperroundError):
    """A request that cannot be met now; its text is a Fluent id."""


class Clubs(Nominations):
    """The use cases of clubs for commands and buttons."""

    def __init__(self, database: Database, clock: Clock, deliveries: DeliveryFactory) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries

    async def set_up(self, wanted: Club) -> None:
        """Store a club. What goes on in its week does so, but for a message that Discord refuses in the former channel."""
        async with self._database.transaction() as connection:
            former = await storage.get(connection, wanted.guild_id, for_update=True)
            step_id = None if former is None else former.step_id
            newest = None if step_id is None else await outbox.get(connection, step_id)
            if newest is not None and newest.reason and newest.state is models.DeliveryState.WAITING:
                await outbox.cancel(connection, [newest.id], reason=models.Reason.BY_HAND, now=self._clock())
                step_id = None
            await storage.put(connection, replace(wanted, created_at=self._clock(), step_id=step_id))

    async def get(self, guild_id: int) -> tuple[Club, Meeting]:
        """Return a server's club with its next meeting. Raises RefusedError."""
        async with self._database.read() as connection:
            club = await storage.get(connection, guild_id)
            if club is None:
                raise RefusedError("club-none")
            return club, await load_meeting(connection, club, self._clock())

    async def list_meetings(
        self, guild_id: int, *, limit: int, offset: int
    ) -> tuple[list[storage.PastMeeting], int]:
        """Return a page of the papers of meetings, the newest first, and the number of all."""
        async with self._database.read() as connection:
            return await storage.list_meetings(connection, guild_id, limit=limit, offset=offset)

    async def begin_vote(self, guild_id: int) -> None:
        """Begin the vote for the next meeting now, also after the usual time or a skip. Raises RefusedError."""
        async with self._locked(guild_id) as (steps, meeting):
            if meeting.step in (Step.POLL, Step.PAPER, Step.REMINDER):
                raise RefusedError("club-vote-is-open" if meeting.step is Step.POLL else "club-has-paper")
            hours = voting_hours(self._clock(), meeting.at, is_late=True)
            if not hours:
                raise RefusedError("club-vote-too-late")
            if not await steps.begin_vote(hours):
                raise RefusedError("club-no-candidates")

    async def skip(self, guild_id: int) -> Meeting:
        """Skip the next meeting, whatever step it is at, and return it as it was. Raises RefusedError."""
        async with self._locked(guild_id) as (steps, meeting):
            if meeting.step is Step.SKIP:
                raise RefusedError("club-skipped-already")
            await steps.add(Step.SKIP, votes=int(meeting.step is Step.POLL))
            return meeting

    @asynccontextmanager
    async def _locked(self, guild_id: int) -> AsyncIterator[tuple[_Steps, Meeting]]:
        now = self._clock()
        async with self._database.transaction() as connection:
            club = await storage.get(connection, guild_id, for_update=True)
            if club is None:
                raise RefusedError("club-none")
            meeting = await load_meeting(connection, club, now)
            yield _Steps(connection, self._deliveries, club, meeting, now), meeting

    async def stop(self, guild_id: int) -> None:
        """Delete a club; what it discussed stays listed."""
        async with self._database.transaction() as connection:
            await storage.remove(connection, guild_id)

    async def has_nominated(self, guild_id: int, user_id: int, paper_id: int) -> bool | None:
        """Return whether a reader nominates a paper; None in a server without a club."""
        async with self._database.read() as connection:
            if await storage.get(connection, guild_id) is None:
                return None
            return await storage.get_nomination(connection, guild_id, user_id) == paper_id

    async def nominate(self, guild_id: int, user_id: int, paper_id: int) -> str:
        """Nominate a paper for the next vote in the place of the reader's former one, or withdraw it.

        Returns the Fluent id of what happened. Raises RefusedError.
        """
        async with self._database.transaction() as connection:
            if await storage.get(connection, guild_id) is None:
                raise RefusedError("club-none")
            if await storage.list_former(connection, guild_id, [paper_id]):
                raise RefusedError("club-read-already")
            former = await storage.get_nomination(connection, guild_id, user_id)
            chosen = None if former == paper_id else paper_id
            await storage.set_nomination(connection, guild_id, user_id, chosen, self._clock())
        if chosen is None:
            return "club-withdrawn"
        return "club-nominated" if former is None else "club-nominated-instead"

    async def discuss(
        self, paper: models.PaperDetail, gone_id: int | None = None, **fields: Any
    ) -> int | None:
        """Plan the thread about a paper and return None, also while it is being opened; return the id of one that there is.

        `gone_id` is a thread that was deleted; `fields` are those of the post.
        """
        now, channel_id = self._clock(), fields["channel_id"]
        async with self._database.transaction() as connection:
            known = await storage.find_thread(connection, channel_id=channel_id, paper_id=paper.id)
            if known is not None and (known.is_waiting or known.thread_id not in (None, gone_id)):
                return known.thread_id
            previous = 0 if known is None else known.delivery_id
            shown = contents.build_post_paper(paper, fields["locale"])
            post = ClubPost(marker=f"club:{channel_id}:{paper.id}:{previous}", papers=(shown,), **fields)
            delivery = self._deliveries.build_post(
                CLUB, post, now, guild_id=post.guild_id, channel_id=channel_id
            )
            delivery_id = await outbox.add(
                connection, replace(delivery, priority=models.Priority.INTERACTIVE)
            )
            if delivery_id is not None:
                await storage.put_thread(
                    connection,
                    guild_id=post.guild_id,
                    channel_id=channel_id,
                    paper_id=paper.id,
                    delivery_id=delivery_id,
                    now=now,
                )
        return None
