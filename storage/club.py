"""Clubs, one a server: their meetings, the threads about papers, and what members nominate and have read.

A meeting goes through steps, each a delivery whose `local_on` is the meeting's date; `clubs.step_id` is the newest one. Who
plans a step has locked the club, and compared its step with the one that it knew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, outbox
from storage.models import DeliveryState, Locale, PartKind, PartState
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Club:
    """A server's reading group. It meets on the ISO `weekday` at `at_time` (HH:MM in `timezone`)."""

    guild_id: int
    channel_id: int
    is_forum: bool
    weekday: int
    at_time: str
    timezone: str
    locale: Locale
    created_by: int | None
    created_at: datetime
    step_id: int | None = None


async def put(connection: AsyncConnection, club: Club) -> None:
    """Store a club in the place of its server's former one."""
    await database.upsert(connection, clubs, [database.record_values(club)], key=("guild_id",))


async def get(connection: AsyncConnection, guild_id: int, *, for_update: bool = False) -> Club | None:
    """Return a server's club, or None. `for_update` locks it against a step that another process plans."""
    query = sa.select(clubs).where(clubs.c.guild_id == guild_id)
    return await database.fetch_record(connection, Club, query.with_for_update() if for_update else query)


async def list_present(connection: AsyncConnection) -> list[Club]:
    """Return the clubs of the servers that the bot has not left."""
    left = sa.select(guilds.c.guild_id).where(guilds.c.left_at.is_not(None))
    query = sa.select(clubs).where(clubs.c.guild_id.not_in(left)).order_by(clubs.c.guild_id)
    return await database.fetch_records(connection, Club, query)


async def set_step(connection: AsyncConnection, guild_id: int, delivery_id: int | None) -> None:
    """Store the newest step of a club."""
    await connection.execute(clubs.update().where(clubs.c.guild_id == guild_id).values(step_id=delivery_id))


async def remove(connection: AsyncConnection, guild_id: int) -> None:
    """Delete a club with its nominations; its threads and their list stay."""
    for table in (clubs, club_nominations):
        await connection.execute(table.delete().where(table.c.guild_id == guild_id))


# Threads.


class Thread(NamedTuple):
    """The thread about a paper in a channel. `thread_id` is None while its delivery is under way, or if that was stopped."""

    paper_id: int
    delivery_id: int
    thread_id: int | None
    is_waiting: bool
    meets_on: date | None


_SENT_THREAD = (
    sa.select(sa.func.max(parts.c.channel_id))
    .where(
        parts.c.delivery_id == club_threads.c.delivery_id,
        parts.c.kind.in_((PartKind.THREAD, PartKind.FORUM_POST)),
        parts.c.state == PartState.SENT,
    )
    .scalar_subquery()
)
_THREAD_ID = sa.func.coalesce(club_threads.c.thread_id, _SENT_THREAD).label("thread_id")


async def find_thread(connection: AsyncConnection, **columns: object) -> Thread | None:
    """Return the thread with these values of columns, or None: `channel_id` and `paper_id`, or `guild_id` and `meets_on`."""
    is_waiting = sa.exists().where(
        deliveries.c.id == club_threads.c.delivery_id, deliveries.c.state == DeliveryState.WAITING
    )
    own = club_threads.c
    query = sa.select(own.paper_id, own.delivery_id, _THREAD_ID, is_waiting, own.meets_on)
    query = query.where(*database.equalities(club_threads, columns)).order_by(own.opened_at.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Thread(*row)


async def put_thread(
    connection: AsyncConnection,
    *,
    guild_id: int,
    channel_id: int,
    paper_id: int,
    delivery_id: int,
    now: datetime,
    meets_on: date | None = None,
) -> None:
    """Store that a delivery opens the thread about a paper, perhaps since the former one is gone."""
    row: dict[str, object] = {"guild_id": guild_id, "channel_id": channel_id, "paper_id": paper_id}
    row["delivery_id"] = delivery_id
    row |= {"thread_id": None, "opened_at": now} | ({"meets_on": meets_on} if meets_on else {})
    await database.upsert(connection, club_threads, [row], key=("channel_id", "paper_id"))


async def set_meeting(connection: AsyncConnection, channel_id: int, paper_id: int, meets_on: date) -> None:
    """Store that the paper of a thread is that of a meeting."""
    own = (club_threads.c.channel_id == channel_id, club_threads.c.paper_id == paper_id)
    await connection.execute(club_threads.update().where(*own).values(meets_on=meets_on))


async def has_unsettled(connection: AsyncConnection) -> bool:
    """Return whether `settle` has something to do."""
    return (await connection.execute(sa.select(_UNSETTLED.exists()))).scalar_one()


_UNSETTLED = (
    sa.select(parts.c.id)
    .join(deliveries, deliveries.c.id == parts.c.delivery_id)
    .join(club_threads, club_threads.c.delivery_id == deliveries.c.id)
    .where(deliveries.c.finished_at.is_not(None), parts.c.payload.is_not(None))
)


async def settle(connection: AsyncConnection, now: datetime) -> None:
    """Keep the ids of threads that were opened, longer than their deliveries, and clear the messages, which name readers."""
    await connection.execute(
        club_threads.update()
        .where(club_threads.c.thread_id.is_(None), _SENT_THREAD.is_not(None))
        .values(thread_id=_SENT_THREAD)
    )
    part_ids = (await connection.execute(_UNSETTLED)).scalars().all()
    await outbox.clear_payloads(connection, part_ids, now)


class PastMeeting(NamedTuple):
    """A meeting's paper. `readers` are the members who marked it as read."""

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
    readers = sa.select(sa.func.count()).where(
        saved_papers.c.paper_id == papers.c.id,
        saved_papers.c.server_id == guild_id,
        saved_papers.c.read_at.is_not(None),
    )
    own = sa.and_(club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None))
    columns = papers.c.arxiv_id, papers.c.title, papers.c.url, _THREAD_ID, readers.scalar_subquery()
    query = sa.select(club_threads.c.meets_on, *columns)
    query = query.join(papers, papers.c.id == club_threads.c.paper_id).where(own)
    query = query.order_by(club_threads.c.meets_on.desc()).limit(limit).offset(offset)
    total = sa.select(sa.func.count()).select_from(club_threads).where(own)
    rows = [PastMeeting(*row) for row in await connection.execute(query)]
    return rows, (await connection.execute(total)).scalar_one()


# Candidates.


async def get_nomination(connection: AsyncConnection, guild_id: int, user_id: int) -> int | None:
    """Return the id of the paper that a reader nominates, or None."""
    own = club_nominations.c.guild_id == guild_id, club_nominations.c.user_id == user_id
    found: int | None = (
        await connection.execute(sa.select(club_nominations.c.paper_id).where(*own))
    ).scalar()
    return found


async def set_nomination(
    connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int | None, now: datetime
) -> None:
    """Store the one paper that a reader nominates, None to withdraw it."""
    own = club_nominations.c.guild_id == guild_id, club_nominations.c.user_id == user_id
    await connection.execute(club_nominations.delete().where(*own))
    if paper_id is not None:
        row = {"guild_id": guild_id, "user_id": user_id, "paper_id": paper_id, "nominated_at": now}
        await database.upsert(connection, club_nominations, [row], key=("guild_id", "user_id"))


async def remove_nominations(connection: AsyncConnection, guild_id: int, paper_ids: Collection[int]) -> None:
    """Delete the nominations of papers that are in a poll now."""
    own = club_nominations.c.guild_id == guild_id, club_nominations.c.paper_id.in_(paper_ids)
    await connection.execute(club_nominations.delete().where(*own))


async def count_nominations(connection: AsyncConnection, guild_id: int) -> dict[int, int]:
    """Return the nominated papers with their number of nominations: the most nominated first, then the earliest."""
    own, number = club_nominations.c, sa.func.count()
    query = sa.select(own.paper_id, number).where(own.guild_id == guild_id).group_by(own.paper_id)
    query = query.order_by(number.desc(), sa.func.min(own.nominated_at), own.paper_id)
    return {paper_id: count for paper_id, count in await connection.execute(query)}  # noqa: C416 - gives the tuples their types


async def list_popular(
    connection: AsyncConnection, guild_id: int, since_at: datetime, limit: int
) -> list[int]:
    """Return the papers that most members saved in the server since a time, or that were discussed there, best first."""
    saves = sa.select(saved_papers.c.paper_id).where(
        saved_papers.c.server_id == guild_id, saved_papers.c.saved_at >= since_at
    )
    threads = sa.select(club_threads.c.paper_id).where(
        club_threads.c.guild_id == guild_id, club_threads.c.opened_at >= since_at
    )
    signs = sa.union_all(saves, threads).subquery()
    query = sa.select(signs.c.paper_id).join(papers, papers.c.id == signs.c.paper_id)
    best = sa.func.count().desc(), papers.c.votes.desc().nulls_last(), papers.c.id
    query = query.group_by(signs.c.paper_id, papers.c.id, papers.c.votes).order_by(*best).limit(limit)
    return list((await connection.execute(query)).scalars())


async def list_top(connection: AsyncConnection, since_on: date, limit: int) -> list[int]:
    """Return the papers that digests have listed since a date, by votes; those without known votes are left out."""
    query = sa.select(papers.c.id).where(papers.c.last_on >= since_on, papers.c.votes.is_not(None))
    query = query.order_by(papers.c.votes.desc(), papers.c.id).limit(limit)
    return list((await connection.execute(query)).scalars())


async def list_former(connection: AsyncConnection, guild_id: int, paper_ids: Iterable[int]) -> set[int]:
    """Return those of some papers that were the paper of a meeting."""
    query = sa.select(club_threads.c.paper_id).where(
        club_threads.c.guild_id == guild_id, club_threads.c.meets_on.is_not(None)
    )
    return {
        id_ for (id_,) in await database.execute_in(connection, query, club_threads.c.paper_id, paper_ids)
    }
