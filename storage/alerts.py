"""Alerts, the queue of papers to match against them, and their sent and unsent matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors, locks, models, outbox, statements
from storage.models import AlertSchedule
from storage.tables import (
    READER_ROWS,
    SERVER_ROWS,
    RowId,
    UtcTime,
    deliveries,
    metadata,
    papers,
    reference,
    required,
    table_of,
)


class OwnerRight(StrEnum):
    """Whether the owner of a channel's alert may manage messages there. LEFT: is not in the server any more."""

    GRANTED = "granted"
    MISSING = "missing"
    LEFT = "left"
    UNKNOWN = "unknown"
    """Discord does not say."""


class Match(NamedTuple):
    """An unsent match between a paper and an alert.

    `recipient` is `user:<id>` or `channel:<id>`. `ready_at` (UTC) is when the paper reached the alert's
    minimum votes, or None if it has not reached them.
    """

    recipient: str
    paper_id: int
    alert_id: int
    found_at: datetime
    ready_at: datetime | None = None


alerts = table_of(
    models.Alert,
    "alerts",
    # Both columns: with only the first, SQLite may scan all alerts without a channel for a reader's alert.
    sa.Index("ix_alerts_user_id", "user_id", "channel_id"),
    sa.Index("ix_alerts_channel_id", "channel_id"),
    infos={"user_id": READER_ROWS, "guild_id": SERVER_ROWS},
    sqlite_autoincrement=True,
)

matches = sa.Table(
    "matches",
    metadata,
    sa.Column(
        "recipient", sa.Text, primary_key=True, comment="'user:<id>' or 'channel:<id>'", info=READER_ROWS
    ),
    reference("paper_id", "papers.id", primary_key=True, index=True),
    # No foreign keys: sent matches outlive their alert and message.
    sa.Column("alert_id", RowId, primary_key=True, autoincrement=False, index=True),
    required("found_at", UtcTime),
    sa.Column("ready_at", UtcTime, comment="when the paper had the votes; NULL: not yet"),
    sa.Column("delivery_id", RowId, index=True, comment="the message with the paper; NULL: unsent"),
    sqlite_with_rowid=False,
)
_unsent = sa.text("delivery_id IS NULL")
_of_unsent = sa.Index("ix_matches_unsent", matches.c.ready_at, matches.c.paper_id, sqlite_where=_unsent)


def _limit_index(_: sa.Table, connection: sa.Connection, **_options: object) -> None:
    """Set PostgreSQL's condition. As an argument it would load that dialect, which takes each command 50 ms."""
    if connection.dialect.name == "postgresql":
        _of_unsent.dialect_options["postgresql"]["where"] = _unsent


sa.event.listen(matches, "before_create", _limit_index)

unmatched_papers = sa.Table(
    "unmatched_papers",
    metadata,
    reference("paper_id", "papers.id", primary_key=True),
    required("added_at", UtcTime),
)


_MATCHES_AT_ONCE = 500
PLANNING_LOCK = 0x414C45525453
"""PostgreSQL advisory lock for planning alerts: "ALERTS" in ASCII."""
_UNSENT_FOR = timedelta(days=30)
"""The time after they were ready in which papers of an unsent message come with the next: then `purge_matches` removes them."""


async def lock_planning(connection: AsyncConnection) -> None:
    """Serialise transactions that plan alert messages, so that no message is planned twice."""
    await locks.lock_transaction(connection, PLANNING_LOCK)


# The queue: papers that are new or have new author names.


async def add_unmatched(connection: AsyncConnection, paper_ids: Iterable[int], now: datetime) -> None:
    rows = [{"paper_id": paper_id, "added_at": now} for paper_id in paper_ids]
    await statements.insert_rows(connection, unmatched_papers, rows, "skip")


async def list_unmatched(connection: AsyncConnection, limit: int) -> dict[int, datetime]:
    """Return up to `limit` queued paper ids, with the times when they were queued (UTC), oldest first."""
    c = unmatched_papers.c
    query = sa.select(c.paper_id, c.added_at).order_by(c.added_at, c.paper_id).limit(limit)
    return dict(map(tuple, await connection.execute(query)))


async def remove_unmatched(connection: AsyncConnection, paper_ids: Iterable[int]) -> None:
    await statements.execute_in(connection, unmatched_papers.delete(), unmatched_papers.c.paper_id, paper_ids)


# Matches. A match without a delivery is unsent. It is ready once its paper has enough votes.


def recipient_name(alert: models.Alert) -> str:
    """Return the stored name of an alert's recipient: its channel, or else its owner."""
    return f"user:{alert.user_id}" if alert.channel_id is None else f"channel:{alert.channel_id}"


async def add_matches(connection: AsyncConnection, found: Sequence[Match]) -> None:
    """Store matches. Existing ones are left unchanged."""
    await statements.insert_rows(connection, matches, [match._asdict() for match in found], "skip")


async def mark_ready(connection: AsyncConnection, now: datetime) -> None:
    """Mark unsent matches as ready if their papers are listed and have enough votes.

    A match whose paper left its digest waits until the paper returns.
    """
    left = sa.select(papers.c.id).where(papers.c.id == matches.c.paper_id, papers.c.last_on.is_(None))
    gone = matches.update().where(_is_ready(), left.exists())
    await connection.execute(gone.values(ready_at=None))
    is_waiting = sa.and_(matches.c.delivery_id.is_(None), matches.c.ready_at.is_(None))
    reached = (
        sa.select(*matches.primary_key.columns)
        .join(alerts, alerts.c.id == matches.c.alert_id)
        .join(papers, papers.c.id == matches.c.paper_id)
        .where(is_waiting, papers.c.last_on.is_not(None))
        .where(sa.func.coalesce(papers.c.votes, 0) >= alerts.c.min_votes)
    )
    is_reached = sa.tuple_(*matches.primary_key.columns).in_(reached)
    await connection.execute(matches.update().where(is_reached).values(ready_at=now))


_SCHEDULE = [alerts.c[name] for name in AlertSchedule._fields]


async def list_schedules(connection: AsyncConnection) -> dict[AlertSchedule, datetime]:
    """Return the schedules of active alerts with ready matches, and when the first became ready (UTC)."""
    first = sa.func.min(matches.c.ready_at, type_=matches.c.ready_at.type)
    query = sa.select(*_SCHEDULE, first).join(alerts, alerts.c.id == matches.c.alert_id)
    query = query.where(_is_ready(), ~alerts.c.paused).group_by(*_SCHEDULE)
    return {AlertSchedule._make(row[:-1]): row[-1] for row in await connection.execute(query)}


async def list_ready(
    connection: AsyncConnection,
    until: Mapping[AlertSchedule, datetime],
    recipients: Iterable[str] | None = None,
) -> list[Match]:
    """Return unsent matches of active alerts that were ready by their schedule's time (UTC), in a fixed order.

    `recipients` limits the result to these recipients.
    """
    rows: list[Match] = []
    for schedule, until_at in until.items():
        query = (
            sa.select(*(matches.c[name] for name in Match._fields))
            .join(alerts, alerts.c.id == matches.c.alert_id)
            .where(_is_ready(), ~alerts.c.paused, matches.c.ready_at <= until_at)
            .where(*(column == value for column, value in zip(_SCHEDULE, schedule, strict=True)))
        )
        if recipients is not None:
            query = query.where(matches.c.recipient.in_([*recipients]))
        # A venue's day has thousands: other tasks can run between the parts.
        result = await connection.stream(query.execution_options(yield_per=_MATCHES_AT_ONCE))
        async for part in result.partitions():
            rows += map(Match._make, part)
    return sorted(rows, key=lambda match: match[:3])


def _is_ready() -> sa.ColumnElement[bool]:
    return sa.and_(matches.c.delivery_id.is_(None), matches.c.ready_at.is_not(None))


async def list_notified(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Iterable[int]
) -> set[tuple[str, int]]:
    """Return the (recipient, paper id) pairs for which a message has been planned."""
    c = matches.c
    is_notified = c.delivery_id.is_not(None), c.paper_id.in_(set(paper_ids))
    query = sa.select(c.recipient, c.paper_id).where(*is_notified)
    found = await statements.execute_in(connection, query, c.recipient, set(recipients))
    return {(name, paper_id) for name, paper_id in found}


async def count_messages(
    connection: AsyncConnection, alert_ids: Iterable[int], since: datetime
) -> dict[int, int]:
    """Return the number of messages planned since a time (UTC), keyed by alert id. Alerts without messages are omitted."""
    query = (
        sa.select(matches.c.alert_id, sa.func.count(matches.c.delivery_id.distinct()))
        .join(deliveries, deliveries.c.id == matches.c.delivery_id)
        .where(deliveries.c.planned_at > since)
        .group_by(matches.c.alert_id)
    )
    return dict(map(tuple, await statements.execute_in(connection, query, matches.c.alert_id, alert_ids)))


async def mark_notified(connection: AsyncConnection, delivery_ids: Mapping[tuple[str, int], int]) -> None:
    """Store the delivery ids of matches, keyed by (recipient, paper id)."""
    rows = [
        {"recipient": name, "paper_id": paper_id, "delivery_id": id_}
        for (name, paper_id), id_ in delivery_ids.items()
    ]
    await statements.update_rows(connection, matches, rows, key=("recipient", "paper_id"))


async def release_unsent(connection: AsyncConnection, now: datetime) -> None:
    """Mark matches as unsent if their delivery was stopped and their paper was not sent, unless they are too old.

    One whose content Discord refuses counts as sent.
    """
    c, since_at = deliveries.c, now - _UNSENT_FOR
    ended = sa.select(c.id).where(c.state == models.DeliveryState.STOPPED, c.due_at > since_at)
    ended = ended.where(c.kind == models.DeliveryKind.ALERT)
    is_unsent = sa.exists().where(c.id == matches.c.delivery_id, ~outbox.arrived_clause(matches.c.paper_id))
    released = matches.update().where(matches.c.delivery_id.in_(ended), is_unsent)
    await connection.execute(released.where(matches.c.ready_at > since_at).values(delivery_id=None))


async def release(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Mark the matches in deliveries that were removed as unsent."""
    released = matches.update().values(delivery_id=None)
    await statements.execute_in(connection, released, matches.c.delivery_id, delivery_ids)


async def remove_papers(connection: AsyncConnection, paper_ids: Iterable[int]) -> None:
    """Delete the unsent matches of papers that no digest lists any more."""
    unsent = matches.delete().where(matches.c.delivery_id.is_(None))
    await statements.execute_in(connection, unsent, matches.c.paper_id, paper_ids)


async def remove_matches(connection: AsyncConnection, unsent: Iterable[Match]) -> None:
    """Delete matches by their keys. The caller has read that they are unsent."""
    key = sa.tuple_(*matches.primary_key.columns)
    await statements.execute_in(connection, matches.delete(), key, [match[:3] for match in unsent])


async def purge_matches(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` unsent matches older than a time (UTC). Returns the number deleted."""
    since_at = sa.func.coalesce(matches.c.ready_at, matches.c.found_at)
    is_old = sa.and_(matches.c.delivery_id.is_(None), since_at < before)
    return await statements.delete_some(connection, matches, is_old, limit)


async def remove_recipient(connection: AsyncConnection, recipient: str) -> None:
    """Delete the matches of a recipient, sent ones too."""
    await connection.execute(matches.delete().where(matches.c.recipient == recipient))


# Alerts.


async def add(connection: AsyncConnection, new: models.Alert) -> models.Alert:
    """Store a draft and return the alert. Raises DuplicateError if the recipient has an identical alert."""
    await require_no_equal(connection, new)
    inserted = await connection.execute(
        alerts.insert().values(statements.record_values(new, alerts)).returning(alerts.c.id)
    )
    return replace(new, id=inserted.scalar_one())


async def change(connection: AsyncConnection, changed: models.Alert) -> models.Alert:
    """Store a changed alert and return it. Checks its unsent matches against the minimum votes again.

    Raises DuplicateError if the recipient already has an identical alert.
    """
    await require_no_equal(connection, changed)
    await connection.execute(
        alerts.update().where(alerts.c.id == changed.id).values(statements.record_values(changed, alerts))
    )
    unsent = matches.c.alert_id == changed.id, matches.c.delivery_id.is_(None)
    await connection.execute(matches.update().where(*unsent).values(ready_at=None))
    return changed


async def require_no_equal(connection: AsyncConnection, alert: models.Alert) -> None:
    """Raise DuplicateError if the owner already has an identical alert for the same destination."""
    c = alerts.c
    query = sa.select(c.id).where(
        c.id != alert.id,
        c.user_id == alert.user_id,
        c.channel_id.is_not_distinct_from(alert.channel_id),
        c.key == alert.key,
        c.min_votes == alert.min_votes,
    )
    if (equal_id := await connection.scalar(query.order_by(c.id).limit(1))) is not None:
        raise errors.DuplicateError(f"The same alert already exists: alert {equal_id}.", "alert-exists")


async def get(connection: AsyncConnection, alert_id: int, *, for_update: bool = False) -> models.Alert | None:
    """Return an alert, or None. `for_update` locks its row on PostgreSQL."""
    query = sa.select(alerts).where(alerts.c.id == alert_id)
    if for_update:
        query = query.with_for_update()
    return await statements.fetch_record(connection, models.Alert, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    user_id: int | None = None,
    channel_id: int | None = None,
    guild_id: int | None = None,
    paused: bool | None = None,
    ids: Iterable[int] | None = None,
) -> list[models.Alert]:
    """Return the alerts that meet all given conditions, oldest first."""
    conditions = {"user_id": user_id, "channel_id": channel_id, "guild_id": guild_id, "paused": paused}
    query = sa.select(alerts).where(*statements.equalities(alerts, conditions)).order_by(alerts.c.id)
    return await statements.fetch_records(connection, models.Alert, query, alerts.c.id, ids)


async def list_keys(connection: AsyncConnection) -> list[tuple[int, str]]:
    """Return the id and key of every alert, oldest first."""
    query = sa.select(alerts.c.id, alerts.c.key).order_by(alerts.c.id)
    return list(map(tuple, await connection.execute(query)))


async def exist(connection: AsyncConnection) -> bool:
    return await connection.scalar(sa.select(alerts.c.id).limit(1)) is not None


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.user_id == user_id)
    return await connection.scalar(query) or 0


async def set_paused(connection: AsyncConnection, alert_id: int, *, paused: bool) -> None:
    """Pause or resume an alert, as a person wishes: its owner's right counts as not checked yet.

    A paused one takes back its messages that wait; their papers come once it is resumed.
    """
    if paused:
        await _take_back(connection, [alert_id])
    changed = alerts.update().where(alerts.c.id == alert_id)
    await connection.execute(changed.values(paused=paused, right_lost_at=None))


async def list_lost(connection: AsyncConnection, since_at: datetime) -> list[models.Alert]:
    """Return the alerts whose owners lack the right to their channels since a time after `since_at` (UTC), oldest first."""
    query = sa.select(alerts).where(alerts.c.right_lost_at > since_at).order_by(alerts.c.id)
    return await statements.fetch_records(connection, models.Alert, query)


async def set_right(
    connection: AsyncConnection, stored: models.Alert, *, lost_at: datetime | None, paused: bool
) -> bool:
    """Store since when an alert's owner lacks the right to its channel, and whether the alert is paused for that.

    This applies to all of the owner's alerts there in the same state. A lost right takes back their messages that wait, whose
    papers come once it is back. Returns False if a person has changed it since.
    """
    c = alerts.c
    state = c.paused == stored.paused, c.right_lost_at.is_not_distinct_from(stored.right_lost_at)
    same = c.user_id == stored.user_id, c.channel_id == stored.channel_id, *state
    if lost_at is not None:
        ids = await connection.scalars(sa.select(c.id).where(*same))
        await _take_back(connection, list(ids))
    changed = alerts.update().where(*same)
    done = await connection.execute(changed.values(right_lost_at=lost_at, paused=paused))
    return done.rowcount > 0


async def list_matched(
    connection: AsyncConnection, recipient: str, since_at: datetime, until_at: datetime
) -> list[int]:
    """Return the ids of a recipient's listed papers that became ready between two times (UTC), most votes first."""
    c = matches.c
    query = sa.select(c.paper_id).join(papers, papers.c.id == c.paper_id).distinct()
    query = query.where(
        c.recipient == recipient, c.ready_at.between(since_at, until_at), papers.c.last_on.is_not(None)
    )
    query = query.add_columns(sa.func.coalesce(papers.c.votes, -1).label("votes"), papers.c.key)
    found = await connection.execute(query.order_by(sa.desc("votes"), papers.c.key))
    return list(found.scalars())


async def _take_back(connection: AsyncConnection, alert_ids: Sequence[int]) -> None:
    """Take back messages about these alerts that wait. Their papers become unsent again, also those of other alerts."""
    await lock_planning(connection)
    about = sa.select(matches.c.delivery_id).where(matches.c.delivery_id.is_not(None))
    found = await statements.execute_in(connection, about, matches.c.alert_id, alert_ids)
    removed = await outbox.withdraw(connection, ids={delivery_id for (delivery_id,) in found})
    await release(connection, [delivery.id for delivery in removed])


async def remove(connection: AsyncConnection, alert_ids: Sequence[int]) -> None:
    """Delete alerts with their unsent matches and planned messages."""
    await _take_back(connection, alert_ids)
    unsent = matches.delete().where(matches.c.delivery_id.is_(None))
    await statements.execute_in(connection, unsent, matches.c.alert_id, alert_ids)
    await statements.execute_in(connection, alerts.delete(), alerts.c.id, alert_ids)
