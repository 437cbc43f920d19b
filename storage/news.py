"""Readers who are told what is new about their saved papers, and what is due for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import club, models, outbox, papers, statements, tables, today
from storage.shelf import saved_papers
from storage.tables import READER_ROWS, deliveries, readers, table_of


@dataclass(frozen=True, slots=True)
class NewsReader:
    """A reader who gets a message a week about events of saved papers since `since_at` (UTC).

    `timezone` (IANA) holds if the reader has chosen none. `last_on` is the last Monday that is finished, `reason` why
    Discord refused the messages; None while they are sent.
    """

    user_id: int
    since_at: datetime
    timezone: str
    last_on: date | None = None
    reason: str | None = None


news_readers = table_of(
    NewsReader, "news_readers", sa.PrimaryKeyConstraint("user_id"), infos={"user_id": READER_ROWS}
)


async def get(connection: AsyncConnection, user_id: int) -> NewsReader | None:
    """Return a reader's switch, or None if it is off."""
    query = sa.select(news_readers).where(news_readers.c.user_id == user_id)
    return await statements.fetch_record(connection, NewsReader, query)


async def switch_on(connection: AsyncConnection, reader: NewsReader) -> None:
    """Tell a reader of events from now on."""
    await statements.insert_rows(
        connection, news_readers, [statements.record_values(reader, news_readers)], "update"
    )


async def switch_off(connection: AsyncConnection, user_id: int) -> None:
    """Tell a reader nothing more."""
    await connection.execute(news_readers.delete().where(news_readers.c.user_id == user_id))


async def pause(connection: AsyncConnection, user_id: int, reason: str) -> None:
    """Record why a reader gets no more messages."""
    await connection.execute(
        news_readers.update().where(news_readers.c.user_id == user_id).values(reason=reason)
    )


async def set_told(
    connection: AsyncConnection, user_ids: Iterable[int], on: date, since_at: datetime | None = None
) -> None:
    """Record a Monday as finished for readers, and until when (UTC) they were told of events."""
    values = {"last_on": on} | ({} if since_at is None else {"since_at": since_at})
    own = news_readers.c.user_id.in_([*user_ids])
    await connection.execute(news_readers.update().where(own).values(values))


class Turn(NamedTuple):
    """When a reader is told of events: the local time (HH:MM) of the `/today` message, None without one, and the zone."""

    user_id: int
    at_time: str | None
    timezone: str
    since_at: datetime
    last_on: date | None


async def list_turns(connection: AsyncConnection, user_ids: Collection[int] | None = None) -> list[Turn]:
    """Return the readers who are told of events, ordered by id."""
    own, profiles = news_readers.c, today.profiles
    of_today = sa.and_(profiles.c.user_id == own.user_id, profiles.c.reason.is_(None))
    zone = sa.func.coalesce(readers.c.timezone, own.timezone)
    query = (
        sa.select(own.user_id, profiles.c.at_time, zone, own.since_at, own.last_on)
        .select_from(
            news_readers.outerjoin(readers, readers.c.user_id == own.user_id).outerjoin(profiles, of_today)
        )
        .where(own.reason.is_(None), sa.true() if user_ids is None else own.user_id.in_(user_ids))
        .order_by(own.user_id)
    )
    return [Turn(*row) for row in await connection.execute(query)]


async def list_told(
    connection: AsyncConnection, user_ids: Iterable[int]
) -> dict[int, tuple[datetime | None, bool]]:
    """Return until when (UTC) messages that arrived told readers of events, and whether another may still arrive."""
    sent = deliveries.c
    arrived = sa.func.max(sa.case((outbox.arrived_clause(), sent.planned_at)))
    waiting = sa.func.max(sa.case((outbox.unfinished_clause(), 1), else_=0))
    query = sa.select(sent.user_id, arrived, waiting).group_by(sent.user_id)
    query = query.where(sent.kind == models.DeliveryKind.NEWS)
    rows = await statements.execute_in(connection, query, sent.user_id, user_ids)
    return {user_id: (told_at, bool(is_waiting)) for user_id, told_at, is_waiting in rows}


async def list_events(
    connection: AsyncConnection, user_id: int, since_at: datetime, until_at: datetime
) -> Sequence[papers.PaperEvent]:
    """Return what was new, in a period (UTC) after `since_at`, about papers that the reader had saved by then."""
    events = papers.paper_events
    is_own = sa.and_(saved_papers.c.paper_id == events.c.paper_id, saved_papers.c.user_id == user_id)
    query: sa.Select[Any] = (
        sa.select(events)
        .join(saved_papers, is_own)
        .where(events.c.found_at > since_at, events.c.found_at <= until_at)
        .where(saved_papers.c.saved_at < events.c.found_at)
        .order_by(events.c.found_at, events.c.id)
    )
    return await statements.fetch_records(connection, papers.PaperEvent, query)


MAX_IN_THREAD = 3
"""The most events of a paper of which a thread is told."""
_OF_THREADS = (papers.EventKind.CODE, papers.EventKind.COMMENT, papers.EventKind.JOURNAL)


class ThreadEvent(NamedTuple):
    """An event of which a thread about its paper is to be told."""

    guild_id: int
    thread_id: int
    arxiv_id: str
    event: papers.PaperEvent


async def list_of_threads(
    connection: AsyncConnection, after_id: int, *, limit: int
) -> tuple[list[ThreadEvent], int]:
    """Return the first events after an id, of any paper, with the threads to be told; and the id of the last one.

    A thread is told of its paper's first events after it was opened, unless it was silenced.
    """
    events, own = papers.paper_events, club.club_threads.c
    first = sa.select(events.c.id).where(events.c.id > after_id).order_by(events.c.id).limit(limit).subquery()
    last_id = await connection.scalar(sa.select(sa.func.max(first.c.id))) or after_id
    since_opened = sa.and_(events.c.kind.in_(_OF_THREADS), events.c.found_at > own.opened_at)
    numbered = (
        sa.select(
            events,
            own.guild_id,
            own.thread_id,
            sa.func.row_number().over(partition_by=own.thread_id, order_by=events.c.id).label("number"),
        )
        .join(club.club_threads, own.paper_id == events.c.paper_id)
        .where(since_opened, own.thread_id != 0, own.is_quiet.is_(False))
        .where(events.c.paper_id.in_(sa.select(events.c.paper_id).where(events.c.id > after_id)))
        .subquery()
    )
    query = (
        sa.select(numbered, tables.papers.c.arxiv_id)
        .join(tables.papers, tables.papers.c.id == numbered.c.paper_id)
        .where(numbered.c.id > after_id, numbered.c.id <= last_id, numbered.c.number <= MAX_IN_THREAD)
        .order_by(numbered.c.id, numbered.c.thread_id)
    )
    rows = await connection.execute(query)
    return [
        ThreadEvent(
            row.guild_id,
            row.thread_id,
            row.arxiv_id,
            statements.build_record(papers.PaperEvent, row._mapping),
        )
        for row in rows
    ], last_id
