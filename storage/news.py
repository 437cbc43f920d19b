"""Readers and threads that are notified of what is new about papers, and of which events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import club, models, outbox, statements, tables, today
from storage.papers import EventKind, PaperEvent, paper_events
from storage.shelf import Owner, saved_papers
from storage.tables import READER_ROWS, deliveries, readers, table_of

MAX_AGE = timedelta(days=28)
"""The time after it was found in which an event is reported. Deliveries that may have reported it are stored for longer."""


@dataclass(frozen=True, slots=True)
class NewsReader:
    """A reader who asked at `since_at` (UTC) for a message a week about events of saved papers.

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
    """Return a reader's switch, or None if it is off. A message that Discord refuses gives it a reason."""
    query = sa.select(news_readers).where(news_readers.c.user_id == user_id)
    reader = await statements.fetch_record(connection, NewsReader, query)
    if reader is None or reader.reason is not None:
        return reader
    return replace(reader, reason=await outbox.find_refusal(connection, models.DeliveryKind.NEWS, user_id))


async def switch_on(connection: AsyncConnection, reader: NewsReader) -> None:
    """Notify a reader of events from now on, or since the switch was turned on if Discord refused the messages."""
    values = statements.record_values(reader, news_readers)
    if (former := await get(connection, reader.user_id)) is not None:
        values |= {"since_at": former.since_at, "last_on": former.last_on}
    await statements.insert_rows(connection, news_readers, [values], "update")


async def switch_off(connection: AsyncConnection, user_id: int) -> None:
    """Stop a reader's notifications, also the message that waits."""
    await connection.execute(news_readers.delete().where(news_readers.c.user_id == user_id))
    await outbox.withdraw(connection, kind=models.DeliveryKind.NEWS, user_id=user_id)


async def change(connection: AsyncConnection, user_id: int, **values: Any) -> bool:
    """Set `last_on` or `reason` of a reader who is notified of events. Returns False if the reader no longer is."""
    own = news_readers.c.user_id == user_id, news_readers.c.reason.is_(None)
    return (await connection.execute(news_readers.update().where(*own).values(values))).rowcount > 0


async def list_notified(connection: AsyncConnection) -> list[tuple[NewsReader, str | None]]:
    """Return the readers who are notified of events, by id: each in the zone that holds, with the local time (HH:MM) of the
    `/today` message. Those for whom a message waits are left out.
    """
    c, profiles = news_readers.c, today.profiles
    is_news = deliveries.c.kind == models.DeliveryKind.NEWS
    waiting = sa.select(deliveries.c.user_id).where(is_news, outbox.unfinished_clause())
    of_today = sa.and_(profiles.c.user_id == c.user_id, profiles.c.reason.is_(None))
    query = (
        sa.select(
            *(column for column in c if column is not c.timezone),
            sa.func.coalesce(readers.c.timezone, c.timezone).label("timezone"),
            profiles.c.at_time,
        )
        .select_from(
            news_readers.outerjoin(readers, readers.c.user_id == c.user_id).outerjoin(profiles, of_today)
        )
        .where(c.reason.is_(None), c.user_id.not_in(waiting))
        .order_by(c.user_id)
    )
    rows = await connection.execute(query)
    return [(statements.build_record(NewsReader, row._mapping), row.at_time) for row in rows]


async def list_unreported(
    connection: AsyncConnection, user_id: int, since_at: datetime, until_at: datetime, *, limit: int
) -> tuple[Sequence[PaperEvent], int]:
    """Return what was new, in a period (UTC) after `since_at`, about the first `limit` papers that the reader had saved by
    then, and of how many papers. Events in a message that arrived, at least for this paper, are left out.
    """
    events, unreported = paper_events.c, _select_unreported(user_id, since_at, until_at)
    of_paper = unreported.with_only_columns(events.paper_id).group_by(events.paper_id)
    ids = list(await connection.scalars(of_paper.order_by(sa.func.min(events.id))))
    query = unreported.where(events.paper_id.in_(ids[:limit])).order_by(events.id)
    return await statements.fetch_records(connection, PaperEvent, query), len(ids)


async def list_waiting(
    connection: AsyncConnection, owner: Owner, now: datetime
) -> dict[int, list[PaperEvent]]:
    """Return what is new at `now` (UTC) about an owner's papers and in no message that arrived, by paper id.

    Empty for a reader without news; of a server's list, since each paper was added.
    """
    waiting: dict[int, list[PaperEvent]] = {}
    since_at = now - MAX_AGE
    if not owner.server_id:
        reader = await get(connection, owner.reader_id)
        if reader is None:
            return waiting
        since_at = reader.since_at
    query = _select_unreported(owner.id, since_at, now).order_by(paper_events.c.id)
    for event in await statements.fetch_records(connection, PaperEvent, query):
        waiting.setdefault(event.paper_id, []).append(event)
    return waiting


def _select_unreported(user_id: int, since_at: datetime, until_at: datetime) -> sa.Select[Any]:
    """Return the query of `list_unreported`.

    A version older than the day (UTC) of the reader's saving is left out, with the withdrawal that was found with it. Only
    the latest version's day is known: if that is too old, then the earlier versions are too.
    """
    events, sent, saved, with_it = paper_events.c, deliveries.c, saved_papers.c, paper_events.alias().c
    is_reported = sa.exists().where(
        sent.kind == models.DeliveryKind.NEWS,
        sent.user_id == user_id,
        sent.due_at >= events.found_at,
        outbox.arrived_clause(events.paper_id),
    )
    is_own = sa.and_(saved.paper_id == events.paper_id, saved.user_id == user_id)
    unreported = paper_events.select().join(saved_papers, is_own)
    unreported = unreported.join(tables.papers, tables.papers.c.id == events.paper_id)
    # Seconds, since PostgreSQL compares a day with a time in the session's zone.
    next_day = sa.extract("epoch", tables.papers.c.version_on) + timedelta(days=1).total_seconds()
    is_old = sa.and_(
        sa.func.coalesce(next_day <= sa.extract("epoch", saved.saved_at), sa.false()),
        events.kind.in_((EventKind.VERSION, EventKind.WITHDRAWN)),
        sa.exists().where(
            with_it.paper_id == events.paper_id,
            with_it.kind == EventKind.VERSION,
            with_it.found_at == events.found_at,
        ),
    )
    unreported = unreported.where(
        events.found_at > max(since_at, until_at - MAX_AGE), events.found_at <= until_at
    )
    return unreported.where(events.found_at > saved.saved_at, ~is_reported, ~is_old)


MAX_IN_THREAD, MAX_THREAD_AGE = 3, timedelta(days=365)
"""The most events of a paper that a thread is notified of, and for how long after it was opened: a message reopens it."""
_OF_THREADS = (EventKind.CODE, EventKind.COMMENT, EventKind.JOURNAL)


class ThreadEvent(NamedTuple):
    """An event of which a thread about its paper is to be notified."""

    guild_id: int
    thread_id: int
    paper_key: str
    event: PaperEvent


async def list_of_threads(connection: AsyncConnection, after_id: int, now: datetime) -> list[ThreadEvent]:
    """Return the events after an id that are new enough at `now` (UTC) and of which threads are to be notified, oldest first.

    A thread is notified of its paper's first events after it was opened, for a year, unless it was silenced.
    """
    c, events, earlier = club.club_threads.c, paper_events.c, paper_events.alias().c
    of_thread = [
        sa.and_(event.paper_id == c.paper_id, event.kind.in_(_OF_THREADS), event.found_at > c.opened_at)
        for event in (events, earlier)
    ]
    count = sa.select(sa.func.count()).where(of_thread[1], earlier.id <= events.id).scalar_subquery()
    query = (
        sa.select(paper_events, c.guild_id, c.thread_id, tables.papers.c.key)
        .join(club.club_threads, of_thread[0])
        .join(tables.papers, tables.papers.c.id == events.paper_id)
        .where(events.id > after_id, events.found_at > now - MAX_AGE, count <= MAX_IN_THREAD)
        .where(c.thread_id != 0, c.is_quiet.is_(False), c.opened_at > now - MAX_THREAD_AGE)
        .where(~tables.papers.c.hidden)
        .order_by(events.id, c.thread_id)
    )
    return [
        ThreadEvent(row.guild_id, row.thread_id, row.key, statements.build_record(PaperEvent, row._mapping))
        for row in await connection.execute(query)
    ]
