"""Papers that match alerts and are not sent yet: the queue between the matching of alerts and their messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage import votes as stored_votes
from storage.tables import alert_matches, alerts, deliveries, entries, notified_papers, papers, votes

_KEY = ("recipient", "paper_id", "alert_id")
_COLUMNS = models.QueuedMatch._fields
_SELECTED = ", ".join(f"alert_matches.{name}" for name in _COLUMNS)
_BY_HAND = "by-hand"
_PAPER_KEY = f"{models.AlertKind.PAPER.value[0]}:"
"""Beginning of the key of an alert for one paper; the rest is its arXiv id."""


def recipient_name(user_id: int | None, channel_id: int | None) -> str:
    """Return the name of a recipient in storage: the channel, or without one the reader."""
    return f"user:{user_id}" if channel_id is None else f"channel:{channel_id}"


async def add_all(connection: AsyncConnection, matches: Sequence[models.QueuedMatch]) -> None:
    """Queue matches. Those that are in the queue already stay as they are."""
    await bulk.insert_rows(connection, alert_matches, _COLUMNS, matches, ignore_conflicts=True)


async def keep_unsent(connection: AsyncConnection, unsent: Iterable[tuple[str, int]], now: datetime) -> None:
    """Queue papers, pairs of recipient and paper id, again for those alerts of the recipient that Discord suspended.

    Planning decides once more which of them each alert matches.
    """
    papers = defaultdict(list)
    for recipient, paper_id in unsent:
        papers[recipient].append(paper_id)
    lowest = await stored_votes.list_lowest(
        connection, {paper_id for own in papers.values() for paper_id in own}
    )
    for recipient, paper_ids in papers.items():
        kind, _, number = recipient.partition(":")
        reader, channel = alerts.c.user_id, alerts.c.channel_id
        is_own = (
            sa.and_(channel.is_(None), reader == int(number)) if kind == "user" else channel == int(number)
        )
        query = sa.select(alerts.c.id, alerts.c.min_votes).where(is_own, _is_suspended())
        suspended = list(await connection.execute(query))
        # A message was planned, so the papers had the votes then. Those that once had fewer got them later.
        await add_all(
            connection,
            [
                models.QueuedMatch(recipient, paper_id, alert_id, votes_then, now, now)
                for paper_id in paper_ids
                for alert_id, min_votes in suspended
                for votes_then in [min_votes if 0 < min_votes <= lowest.get(paper_id, 0) else None]
            ],
        )


async def list_due_recipients(connection: AsyncConnection, now: datetime, *, limit: int) -> list[str]:
    """Return the recipients of the first `limit` matches that are due at `now` (UTC), the longest due first.

    Matches of alerts that Discord suspended are left in the queue until the alerts are resumed.
    """
    query = (
        sa.select(alert_matches.c.recipient)
        .join(alerts, alerts.c.id == alert_matches.c.alert_id)
        .where(alert_matches.c.due_at <= now, sa.not_(_is_suspended()))
        .order_by(alert_matches.c.due_at)
        .limit(limit)
    )
    return list(dict.fromkeys((await connection.execute(query)).scalars()))


def _is_suspended() -> sa.ColumnElement[bool]:
    is_blocked = sa.func.coalesce(alerts.c.reason, _BY_HAND) != _BY_HAND
    return sa.and_(alerts.c.state == models.ActivityState.PAUSED.value, is_blocked)


async def list_due(
    connection: AsyncConnection, recipients: Iterable[str], until_at: datetime
) -> list[models.QueuedMatch]:
    """Return the matches of recipients that are due by `until_at` (UTC), except those of suspended alerts."""
    until, mark = (
        bulk.driver_value(connection, alert_matches.c.due_at, until_at),
        "?" if connection.dialect.name == "sqlite" else "$2",
    )
    due: list[models.QueuedMatch] = []
    for chunk in bulk.chunked(recipients):
        condition, values = bulk.in_condition(connection, alert_matches.c.recipient, chunk)
        rows = await bulk.fetch_all(
            connection,
            f"SELECT {_SELECTED} FROM alert_matches JOIN alerts ON alerts.id = alert_id"  # noqa: S608 - constant texts
            f" WHERE {condition} AND due_at <= {mark}"
            " AND NOT (alerts.state = 'paused' AND coalesce(alerts.reason, 'by-hand') <> 'by-hand')"
            " ORDER BY recipient, paper_id, alert_id",
            (*values, until),
        )
        due += (
            models.QueuedMatch._make((*row[:4], bulk.parse_time(row[4]), bulk.parse_time(row[5])))
            for row in rows
        )
    return due


async def list_crossed(
    connection: AsyncConnection, since_at: datetime, *, limit: int
) -> list[models.QueuedMatch]:
    """Return waiting matches, queued after `since_at` (UTC), whose paper once had the votes that the alert asks for.

    Each stored reading counts, in any order, also if they fell afterwards.
    """
    is_waiting = alert_matches.c.due_at.is_(None)
    waiting_papers = sa.select(alert_matches.c.paper_id).where(is_waiting)
    readings = sa.union_all(
        *(
            sa.select(table.c.paper_id, table.c.votes).where(table.c.paper_id.in_(waiting_papers))
            for table in (votes, entries)
        )
    ).subquery()
    highest = (
        sa.select(readings.c.paper_id, sa.func.max(readings.c.votes).label("votes"))
        .group_by(readings.c.paper_id)
        .subquery()
    )
    query = (
        sa.select(*(alert_matches.c[name] for name in _COLUMNS))
        .join(alerts, alerts.c.id == alert_matches.c.alert_id)
        .outerjoin(highest, highest.c.paper_id == alert_matches.c.paper_id)
        .where(
            is_waiting,
            alert_matches.c.matched_at > since_at,
            sa.func.coalesce(highest.c.votes, 0) >= alerts.c.min_votes,
        )
        .limit(limit)
    )
    return list(map(models.QueuedMatch._make, await connection.execute(query)))


async def set_due(connection: AsyncConnection, matches: Iterable[models.QueuedMatch]) -> None:
    """Store when these matches are due, as they say; None: once the votes are there."""
    condition = (alert_matches.c[name] == sa.bindparam(f"b_{name}") for name in _KEY)
    statement = alert_matches.update().where(*condition).values(due_at=sa.bindparam("b_due_at"))
    names = (*_KEY, "due_at")
    if values := [{f"b_{name}": getattr(match, name) for name in names} for match in matches]:
        await connection.execute(statement, values)


async def reschedule(connection: AsyncConnection, alert_id: int, *, recipient: str, due_at: datetime) -> None:
    """Give the matches of a changed alert its recipient, and those that do not wait for votes a new time (UTC)."""
    column = alert_matches.c.due_at
    new = sa.case((column.is_(None), sa.null()), else_=sa.literal(due_at, column.type))
    statement = alert_matches.update().where(alert_matches.c.alert_id == alert_id)
    await connection.execute(statement.values(recipient=recipient, due_at=new))


async def remove(connection: AsyncConnection, matches: Iterable[models.QueuedMatch]) -> None:
    """Delete matches of which the recipient is not notified."""
    await bulk.delete_rows(connection, alert_matches, _KEY, [match[:3] for match in matches])


async def remove_notified(connection: AsyncConnection, notified: Iterable[tuple[str, int]]) -> None:
    """Delete all matches of pairs of recipient and paper id, of which the recipient is notified now."""
    await bulk.delete_rows(connection, alert_matches, _KEY[:2], notified)


async def list_answered(connection: AsyncConnection, limit: int, *, user_id: int | None = None) -> list[int]:
    """Return at most `limit` alerts that ask for one paper by its id, and whose message was sent: it comes once.

    With `user_id` only those of a reader.
    """
    channel, reader = (sa.cast(column, sa.Text) for column in (alerts.c.channel_id, alerts.c.user_id))
    recipient = sa.func.coalesce(sa.literal("channel:") + channel, sa.literal("user:") + reader)
    query = (
        sa.select(alerts.c.id)
        .join(papers, papers.c.arxiv_id == sa.func.substr(alerts.c.key, len(_PAPER_KEY) + 1))
        .join(
            notified_papers,
            sa.and_(notified_papers.c.paper_id == papers.c.id, notified_papers.c.recipient == recipient),
        )
        .join(deliveries, deliveries.c.id == notified_papers.c.delivery_id)
        .where(alerts.c.key.startswith(_PAPER_KEY), deliveries.c.state == models.DeliveryState.SENT.value)
    )
    if user_id is not None:
        query = query.where(alerts.c.user_id == user_id)
    return list((await connection.execute(query.limit(limit))).scalars())


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` matches that were queued before `before` (UTC) and are given up. Returns their number."""
    return await bulk.delete_some(connection, alert_matches, alert_matches.c.matched_at < before, limit)
