"""Clubs, one a server, the threads about papers, and what members nominate. The steps of meetings are deliveries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, outbox
from storage.models import Club, DeliveryKind, DeliveryState, PartKind, PartState
from storage.tables import (
    club_nominations,
    club_threads,
    clubs,
    deliveries,
    guilds,
    papers,
    parts,
    saved_papers,
)


async def put(connection: AsyncConnection, club: Club) -> None:
    """Store a club in the place of its server's former one."""
    await database.upsert(connection, clubs, [database.record_values(club, clubs)], key=("guild_id",))


async def get(connection: AsyncConnection, guild_id: int, *, for_update: bool = False) -> Club | None:
    """Return a server's club, or None. `for_update` locks it against a step that another process plans."""
    query = sa.select(clubs).where(clubs.c.guild_id == guild_id)
    return await database.fetch_record(connection, Club, query.with_for_update() if for_update else query)


async def list_present(connection: AsyncConnection) -> list[Club]:
    """Return the clubs of the servers that the bot has not left."""
    left = sa.select(guilds.c.guild_id).where(guilds.c.left_at.is_not(None))
    query = sa.select(clubs).where(clubs.c.guild_id.not_in(left)).order_by(clubs.c.guild_id)
    return await database.fetch_records(connection, Club, query)


async def remove(connection: AsyncConnection, guild_id: int, *, with_threads: bool = False) -> None:
    """Delete a club with its nominations; what it read stays listed without `with_threads`."""
    for table in (clubs, club_nominations, *([club_threads] if with_threads else [])):
        await connection.execute(table.delete().where(table.c.guild_id == guild_id))


class Thread(NamedTuple):
    """The thread about a paper in a channel. `thread_id` is None while it is being opened, and if that was stopped."""

    paper_id: int
    delivery_id: int
    thread_id: int | None
    is_waiting: bool


_THREAD_PART = sa.select(sa.func.max(parts.c.channel_id)).where(
    parts.c.delivery_id == club_threads.c.delivery_id,
    parts.c.kind.in_((PartKind.THREAD, PartKind.FORUM_POST)),
    parts.c.state == PartState.SENT,
)
_THREAD_ID = sa.func.coalesce(club_threads.c.thread_id, _THREAD_PART.scalar_subquery())


async def find_thread(connection: AsyncConnection, **columns: object) -> Thread | None:
    """Return the thread with these values of columns: `channel_id` and `paper_id`, or `guild_id` and `meets_on`."""
    own, same = club_threads.c, deliveries.c.id == club_threads.c.delivery_id
    is_waiting = sa.exists().where(same, deliveries.c.state == DeliveryState.WAITING)
    query = sa.select(own.paper_id, own.delivery_id, _THREAD_ID, is_waiting)
    query = query.where(*database.equalities(club_threads, columns)).order_by(own.opened_at.desc())
    row = (await connection.execute(query.limit(1))).one_or_none()
    return None if row is None else Thread(*row)


async def put_thread(connection: AsyncConnection, **values: Any) -> None:
    """Store values of the thread with a `channel_id` and a `paper_id`; one that is stored keeps its others."""
    await database.upsert(connection, club_threads, [values], key=("channel_id", "paper_id"))


async def clear_meeting(connection: AsyncConnection, guild_id: int, meets_on: date) -> None:
    """Store that the paper of a meeting is that of none."""
    same = database.equalities(club_threads, {"guild_id": guild_id, "meets_on": meets_on})
    await connection.execute(club_threads.update().where(*same).values(meets_on=None))


async def has_unsettled(connection: AsyncConnection) -> bool:
    """Return whether `settle` has something to do: a delivery of a thread has ended, and has its message still."""
    query = sa.select(parts.c.id).join(deliveries, deliveries.c.id == parts.c.delivery_id)
    query = query.join(club_threads, club_threads.c.delivery_id == deliveries.c.id)
    query = query.where(deliveries.c.finished_at.is_not(None), parts.c.payload.is_not(None))
    return (await connection.execute(query.limit(1))).first() is not None


async def settle(connection: AsyncConnection, before: datetime) -> None:
    """Keep the ids of opened threads, longer than their deliveries, and clear messages that ended, which may name a reader."""
    unknown = club_threads.c.thread_id.is_(None)
    await connection.execute(club_threads.update().where(unknown).values(thread_id=_THREAD_ID))
    await outbox.clear_payloads(connection, before, 1_000, kind=DeliveryKind.CLUB)


class PastMeeting(NamedTuple):
    """The paper of a meeting. `readers` is the number of members who marked it as read."""

    meets_on: date
    arxiv_id: str
    title: str | None
    url: str
    thread_id: int | None
    readers: int


async def list_meetings(
    connection: AsyncConnection, guild_id: int, *, limit: int, offset: int
) -> tuple[list[PastMeeting], int]:
    """Return a page of the meetings with a paper, the newest first, and the number of all."""
    saved = saved_papers.c
    readers = sa.select(sa.func.count()).where(
        saved.paper_id == papers.c.id, saved.server_id == guild_id, saved.read_at.is_not(None)
    )
    columns = papers.c.arxiv_id, papers.c.title, papers.c.url, _THREAD_ID, readers.scalar_subquery()
    own = club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None)
    query = sa.select(club_threads.c.meets_on, *columns).join(papers, papers.c.id == club_threads.c.paper_id)
    query = query.where(*own).order_by(club_threads.c.meets_on.desc()).limit(limit).offset(offset)
    total = await connection.execute(sa.select(sa.func.count()).select_from(club_threads).where(*own))
    return [PastMeeting(*row) for row in await connection.execute(query)], total.scalar_one()


async def get_nomination(connection: AsyncConnection, guild_id: int, user_id: int) -> int | None:
    """Return the id of the paper that a reader nominates, or None."""
    own = club_nominations.c
    query = sa.select(own.paper_id).where(own.guild_id == guild_id, own.user_id == user_id)
    found: int | None = (await connection.execute(query)).scalar()
    return found


class Nominated(NamedTuple):
    """A paper that members nominate. `is_own`: the reader does."""

    title: str | None
    arxiv_id: str
    url: str
    members: int
    is_own: bool


async def is_nominated(
    connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int
) -> bool | None:
    """Return whether a reader nominates a paper; None in a server without a club."""
    nominated_id = await get_nomination(connection, guild_id, user_id)
    return None if await get(connection, guild_id) is None else nominated_id == paper_id


async def list_nominated(connection: AsyncConnection, guild_id: int, user_id: int) -> list[Nominated]:
    """Return the nominated papers, those of most members first."""
    own, count = club_nominations.c, sa.func.count()
    is_own = sa.func.max(sa.case((own.user_id == user_id, 1), else_=0))
    query = sa.select(papers.c.title, papers.c.arxiv_id, papers.c.url, count, is_own)
    query = query.join(papers, papers.c.id == own.paper_id).where(own.guild_id == guild_id)
    query = query.group_by(papers.c.id).order_by(count.desc(), sa.func.min(own.nominated_at))
    return [Nominated(*row) for row in await connection.execute(query)]


async def add_nomination(
    connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int, now: datetime
) -> None:
    """Store the one paper that a reader nominates."""
    row = {"guild_id": guild_id, "user_id": user_id, "paper_id": paper_id, "nominated_at": now}
    await database.upsert(connection, club_nominations, [row], key=("guild_id", "user_id"))


async def remove_nominations(
    connection: AsyncConnection, guild_id: int, paper_ids: Collection[int], user_id: int | None = None
) -> None:
    """Delete the nominations of these papers, of one reader or of all."""
    own = database.equalities(club_nominations, {"guild_id": guild_id, "user_id": user_id})
    chosen = club_nominations.c.paper_id.in_(paper_ids)
    await connection.execute(club_nominations.delete().where(*own, chosen))


async def list_candidates(
    connection: AsyncConnection, guild_id: int, since_at: datetime, limit: int
) -> dict[int, int]:
    """Return the papers for a vote, the best first, with their nominations: without those of earlier meetings.

    The nominated come first, then those saved or discussed most since a time in the server, then the most upvoted since.
    """
    former = sa.select(club_threads.c.paper_id).where(
        club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None)
    )
    number, own, saved, thread = sa.func.count(), club_nominations.c, saved_papers.c, club_threads.c
    nominated = sa.select(own.paper_id, number).where(own.guild_id == guild_id).group_by(own.paper_id)
    nominated = nominated.order_by(number.desc(), sa.func.min(own.nominated_at))
    signs = sa.union_all(
        sa.select(saved.paper_id).where(saved.server_id == guild_id, saved.saved_at >= since_at),
        sa.select(thread.paper_id).where(thread.guild_id == guild_id, thread.opened_at >= since_at),
    ).subquery()
    popular = sa.select(signs.c.paper_id, sa.literal(0)).group_by(signs.c.paper_id)
    popular = popular.order_by(number.desc(), signs.c.paper_id).where(signs.c.paper_id.not_in(former))
    top = sa.select(papers.c.id, sa.literal(0)).where(papers.c.id.not_in(former))
    top = top.where(papers.c.last_on >= since_at.date(), papers.c.votes.is_not(None))
    top = top.order_by(papers.c.votes.desc(), papers.c.id)
    found: dict[int, int] = {}
    for query in (nominated.where(own.paper_id.not_in(former)), popular, top):
        for paper_id, count in await connection.execute(query.limit(limit)):
            found.setdefault(paper_id, count)
    return found
