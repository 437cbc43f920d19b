"""Reading clubs (one per server) and threads about papers. Meetings' steps are deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import alerts, locks, outbox, shelf, statements, tables
from storage.models import DeliveryKind, Locale, PartKind, PartState
from storage.shelf import saved_papers
from storage.tables import (
    READER_MENTION,
    SERVER_ROWS,
    RowId,
    UtcTime,
    deliveries,
    metadata,
    papers,
    parts,
    reference,
    required,
    table_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Club:
    """A server's reading club. It meets on the ISO `weekday` at `at_time` (HH:MM in `timezone`).

    The first vote begins at `starts_at` (UTC). `step` is the latest step of the meeting at `meets_at` (UTC), the next or
    a past one, and `step_id` is its delivery. All three are None before the first vote.
    """

    guild_id: int
    channel_id: int
    weekday: int
    at_time: str
    timezone: str
    locale: Locale
    created_by: int | None
    starts_at: datetime
    step_id: int | None = None
    step: str | None = None
    meets_at: datetime | None = None


clubs = table_of(
    Club,
    "clubs",
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False, info=SERVER_ROWS),
    # No foreign key: deliveries are deleted before clubs.
    sa.Column("step_id", RowId, comment="delivery of the latest step: a poll, its result or a reminder"),
    infos={"created_by": READER_MENTION},
)

club_threads = sa.Table(
    "club_threads",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    reference("paper_id", "papers.id", primary_key=True, index=True),
    required("guild_id", sa.BigInteger, index=True, info=SERVER_ROWS),
    required("delivery_id", RowId, comment="the delivery that opens it"),
    sa.Column("thread_id", sa.BigInteger, server_default="0", index=True, comment="0: not sent yet"),
    required("opened_at", UtcTime),
    sa.Column("meets_on", sa.Date, comment="local date of the meeting about the paper; NULL: none"),
    required("is_quiet", sa.Boolean, server_default=sa.false()),  # without notifications
)


READ = "read"
"""The tag of saved papers that the reader has read."""
_IS_READ = saved_papers.c.tags.contains(f" {READ} ")


async def put(connection: AsyncConnection, club: Club) -> None:
    """Store a club, replacing the server's previous one."""
    await statements.insert_rows(connection, clubs, [statements.record_values(club, clubs)], "update")


async def get(connection: AsyncConnection, guild_id: int, *, for_update: bool = False) -> Club | None:
    """Return a server's club, or None. `for_update` locks it against other planners."""
    query = sa.select(clubs).where(clubs.c.guild_id == guild_id)
    return await statements.fetch_record(connection, Club, query.with_for_update() if for_update else query)


async def list_present(connection: AsyncConnection) -> list[Club]:
    """Return the clubs of all servers that the bot has not left."""
    left = sa.select(tables.guilds.c.guild_id).where(tables.guilds.c.left_at.is_not(None))
    query = sa.select(clubs).where(clubs.c.guild_id.not_in(left)).order_by(clubs.c.guild_id)
    return await statements.fetch_records(connection, Club, query)


async def remove(connection: AsyncConnection, guild_id: int) -> None:
    """Delete a club. Its threads stay listed."""
    await connection.execute(clubs.delete().where(clubs.c.guild_id == guild_id))


async def find_thread(connection: AsyncConnection, /, **columns: object) -> int | None:
    """Return a thread's id, 0 if it is still being opened, or None if there is no thread.

    `columns` are `channel_id` and `paper_id`, or `guild_id` and `meets_on`.
    """
    query = sa.select(club_threads.c.thread_id).where(*statements.equalities(club_threads, columns))
    return await connection.scalar(query)


async def put_thread(connection: AsyncConnection, **values: Any) -> None:
    """Store or update the thread for a `channel_id` and a `paper_id`. It is not silenced any more."""
    await statements.insert_rows(connection, club_threads, [{"is_quiet": False, **values}], "update")


async def find_opener(connection: AsyncConnection, thread_id: int) -> int | None:
    """Return the id of the reader who opened a discussion, or None if that is not known any more."""
    query = sa.select(deliveries.c.asked_by).join(club_threads, club_threads.c.delivery_id == deliveries.c.id)
    return await connection.scalar(query.where(club_threads.c.thread_id == thread_id))


async def silence_thread(connection: AsyncConnection, thread_id: int) -> None:
    """Stop a thread's notifications, including a message that waits."""
    own = club_threads.c.thread_id == thread_id
    await alerts.lock_planning(connection)
    await connection.execute(club_threads.update().where(own).values(is_quiet=True))
    await outbox.withdraw(connection, kind=DeliveryKind.THREAD_NEWS, channel_id=thread_id)


async def clear_meeting(connection: AsyncConnection, guild_id: int, meets_on: date) -> None:
    """Remove a meeting from the thread about its paper."""
    same = statements.equalities(club_threads, {"guild_id": guild_id, "meets_on": meets_on})
    await connection.execute(club_threads.update().where(*same).values(meets_on=None))


THREAD_LOCK = 0x434C5542
"""First key of the PostgreSQL advisory lock on the thread about a paper: "CLUB" in ASCII."""


async def lock_thread(connection: AsyncConnection, *, channel_id: int, paper_id: int) -> None:
    """Serialise the transactions that open a thread about a paper in a channel."""
    await locks.lock_transaction(connection, THREAD_LOCK, (channel_id ^ paper_id) % 2**31)


async def settle(connection: AsyncConnection) -> None:
    """Store the ids of threads that were opened, and forget those whose delivery ended without or was removed."""
    c, opening = club_threads.c, sa.select(parts.c.channel_id)
    opening = opening.where(parts.c.delivery_id == c.delivery_id, parts.c.state == PartState.SENT)
    opening = opening.where(parts.c.kind.in_((PartKind.THREAD, PartKind.FORUM_POST))).limit(1)
    opened = club_threads.update().where(c.thread_id == 0, opening.exists())
    await connection.execute(opened.values(thread_id=opening.scalar_subquery()))
    unfinished = sa.select(deliveries.c.id).where(deliveries.c.finished_at.is_(None))
    lost = club_threads.delete().where(c.thread_id == 0, c.delivery_id.not_in(unfinished))
    await connection.execute(lost)


async def list_waiting_steps(connection: AsyncConnection, guild_id: int) -> list[int]:
    """Return the ids of the deliveries of a club's steps that wait. Discussions have no date."""
    waiting = deliveries.c.local_on.is_not(None), outbox.unfinished_clause()
    same = statements.equalities(deliveries, {"guild_id": guild_id, "kind": DeliveryKind.CLUB})
    return list(await connection.scalars(sa.select(deliveries.c.id).where(*same, *waiting)))


async def list_event_ids(connection: AsyncConnection, guild_id: int, meets_on: date) -> list[int]:
    same = statements.equalities(deliveries, {"guild_id": guild_id, "local_on": meets_on})
    query = sa.select(parts.c.message_id).join(deliveries, deliveries.c.id == parts.c.delivery_id)
    query = query.where(*same, deliveries.c.kind == DeliveryKind.CLUB, parts.c.kind == PartKind.REQUEST)
    return list(await connection.scalars(query.where(parts.c.message_id.is_not(None))))


class PastMeeting(NamedTuple):
    """A past meeting with its paper. `readers` is the number of members who marked the paper as read."""

    meets_on: date
    key: str
    title: str | None
    url: str
    thread_id: int
    readers: int


async def list_meetings(connection: AsyncConnection, guild_id: int, limit: int) -> list[PastMeeting]:
    """Return the latest meetings that have a paper, newest first."""
    saved = saved_papers.c
    readers = sa.select(sa.func.count())
    readers = readers.where(saved.paper_id == papers.c.id, saved.server_id == guild_id, _IS_READ)
    columns = (
        papers.c.key,
        papers.c.title,
        papers.c.url,
        club_threads.c.thread_id,
        readers.scalar_subquery(),
    )
    met = club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None)
    query = sa.select(club_threads.c.meets_on, *columns).join(papers, papers.c.id == club_threads.c.paper_id)
    query = query.where(*met).order_by(club_threads.c.meets_on.desc()).limit(limit)
    return [PastMeeting(*row) for row in await connection.execute(query)]


async def toggle_read(
    connection: AsyncConnection, user_id: int, paper_key: str, server_id: int | None
) -> None:
    """Add or remove a saved paper's READ tag. If a server is given, store it as the one where the reading counts."""
    if (saved := await shelf.get(connection, user_id, paper_key)) is not None:
        others = [tag for tag in saved.tags if tag != READ]
        tags = others if READ in saved.tags else [*others, READ]
        place = {"server_id": server_id} if server_id else {}
        stored = f" {' '.join(tags)} " if tags else ""
        await shelf.update(connection, user_id, saved.id, tags=stored, **place)


async def list_unread(connection: AsyncConnection, user_id: int) -> frozenset[int]:
    query = sa.select(saved_papers.c.paper_id).where(saved_papers.c.user_id == user_id, ~_IS_READ)
    return frozenset(await connection.scalars(query))


class Discussion(NamedTuple):
    """A server's discussion of a paper: the local date of its meeting, a thread (0: being opened), and whether it met."""

    meets_on: date | None
    thread_id: int
    is_read: bool


async def list_discussions(
    connection: AsyncConnection, guild_id: int, now: datetime
) -> dict[int, Discussion]:
    """Return the papers that a server discussed, or that its club read or will read, by id."""
    c, step = club_threads.c, deliveries.c
    coming = sa.select(step.local_on).join(clubs, clubs.c.step_id == step.id)
    coming = coming.where(clubs.c.guild_id == guild_id, clubs.c.meets_at > now)
    coming_on = await connection.scalar(coming)
    query = sa.select(c.paper_id, c.meets_on, c.thread_id).where(c.guild_id == guild_id).order_by(c.opened_at)
    discussions: dict[int, Discussion] = {}
    for paper_id, meets_on, thread_id in await connection.execute(query):
        former = discussions.get(paper_id, Discussion(None, 0, False))
        is_read = meets_on is not None and meets_on != coming_on
        discussions[paper_id] = Discussion(
            meets_on or former.meets_on, thread_id or former.thread_id, is_read or former.is_read
        )
    return discussions


async def list_candidates(
    connection: AsyncConnection, guild_id: int, since_at: datetime, limit: int
) -> list[int]:
    """Return the candidates for a vote, best first, without the papers of past meetings.

    Papers of the server's list come first, the most saved and of those the longest waiting, then those most saved or
    discussed in the server since a time (UTC), then those with the most votes since that time.
    """
    met = club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None)
    former = set(await connection.scalars(sa.select(club_threads.c.paper_id).where(*met)))
    number, saved, thread, other = sa.func.count(), saved_papers.c, club_threads.c, saved_papers.alias().c
    savers = sa.select(number).where(other.server_id == guild_id, other.paper_id == saved.paper_id)
    waiting = sa.select(saved.paper_id).where(saved.user_id == guild_id)
    waiting = waiting.order_by(savers.scalar_subquery().desc(), saved.saved_at, saved.paper_id)
    signs = sa.union_all(
        sa.select(saved.paper_id).where(saved.server_id == guild_id, saved.saved_at >= since_at),
        sa.select(thread.paper_id).where(thread.guild_id == guild_id, thread.opened_at >= since_at),
    ).subquery()
    popular = sa.select(signs.c.paper_id).group_by(signs.c.paper_id)
    popular = popular.order_by(number.desc(), signs.c.paper_id)
    top = sa.select(papers.c.id).order_by(papers.c.votes.desc(), papers.c.id)
    top = top.where(papers.c.last_on >= since_at.date(), papers.c.votes.is_not(None))
    candidates: list[int] = []
    for query in (waiting, popular, top):
        candidates += await connection.scalars(query.limit(limit + len(former)))
    return [paper_id for paper_id in dict.fromkeys(candidates) if paper_id not in former]
