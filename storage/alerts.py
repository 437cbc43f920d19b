"""Alerts, the digests that wait to be matched, the matches, and what recipients were notified of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, errors, locks, models
from storage.tables import (
    alert_matches,
    alerts,
    deliveries,
    entries,
    notified_papers,
    papers,
    pending_alerts,
    votes,
)

# Papers that match alerts and are not sent yet: the queue between the matching of alerts and their messages.

_KEY = ("recipient", "paper_id", "alert_id")
_COLUMNS = models.QueuedMatch._fields
_BY_HAND = "by-hand"
_PAPER_KEY = f"{models.AlertKind.PAPER.value[0]}:"
"""Beginning of the key of an alert for one paper; the rest is its arXiv id."""


def recipient_name(alert: models.Alert) -> str:
    """Return the name of an alert's recipient in storage: the channel, or without one the reader."""
    return _name_recipient(alert.user_id, alert.channel_id)


def _name_recipient(user_id: int, channel_id: int | None) -> str:
    return f"user:{user_id}" if channel_id is None else f"channel:{channel_id}"


async def add_matches(connection: AsyncConnection, matches: Sequence[models.QueuedMatch]) -> None:
    """Queue matches. Those that are in the queue already stay as they are."""
    await database.insert_rows(connection, alert_matches, _COLUMNS, matches, ignore_conflicts=True)


async def keep_unsent_matches(
    connection: AsyncConnection, unsent: Iterable[tuple[str, int]], now: datetime
) -> None:
    """Queue papers, pairs of recipient and paper id, again for the recipient's alerts, except those that were paused by hand.

    Planning decides once more which of them each alert matches.
    """
    papers = defaultdict(list)
    for recipient, paper_id in unsent:
        papers[recipient].append(paper_id)
    for recipient, paper_ids in papers.items():
        kind, _, number = recipient.partition(":")
        reader, channel = alerts.c.user_id, alerts.c.channel_id
        is_own = (
            sa.and_(channel.is_(None), reader == int(number)) if kind == "user" else channel == int(number)
        )
        is_by_hand = sa.and_(alerts.c.state == models.ActivityState.PAUSED, ~_is_suspended())
        query = sa.select(alerts.c.id, alerts.c.min_votes).where(is_own, ~is_by_hand)
        # A message was planned, so the papers had the votes then.
        matches = [
            models.QueuedMatch(recipient, paper_id, alert_id, min_votes, now, now)
            for alert_id, min_votes in await connection.execute(query)
            for paper_id in paper_ids
        ]
        await add_matches(connection, matches)


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
    return sa.and_(alerts.c.state == models.ActivityState.PAUSED, is_blocked)


async def list_due_matches(
    connection: AsyncConnection, recipients: Iterable[str], until_at: datetime
) -> list[models.QueuedMatch]:
    """Return the matches of recipients that are due by `until_at` (UTC), except those of suspended alerts."""
    query = (
        sa.select(*(alert_matches.c[name] for name in _COLUMNS))
        .join(alerts, alerts.c.id == alert_matches.c.alert_id)
        .where(alert_matches.c.due_at <= until_at, sa.not_(_is_suspended()))
    )
    rows = await database.execute_in(connection, query, alert_matches.c.recipient, recipients)
    return sorted(map(models.QueuedMatch._make, rows), key=lambda match: match[:3])


async def list_crossed_matches(
    connection: AsyncConnection, since_at: datetime, *, limit: int
) -> list[models.QueuedMatch]:
    """Return waiting matches, queued after `since_at` (UTC), whose paper once had the votes that the alert asks for.

    Each stored reading counts, in any order, also if they fell afterwards; those of a service replace those of digests, as in
    `papers.list_highest_votes`.
    """
    is_waiting = alert_matches.c.due_at.is_(None)
    waiting_papers = sa.select(alert_matches.c.paper_id).where(is_waiting)
    by_services, by_digests = (
        sa.select(table.c.paper_id, sa.func.max(table.c.votes).label("votes"))
        .where(table.c.paper_id.in_(waiting_papers))
        .group_by(table.c.paper_id)
        .subquery()
        for table in (votes, entries)
    )
    query = (
        sa.select(*(alert_matches.c[name] for name in _COLUMNS))
        .join(alerts, alerts.c.id == alert_matches.c.alert_id)
        .outerjoin(by_services, by_services.c.paper_id == alert_matches.c.paper_id)
        .outerjoin(by_digests, by_digests.c.paper_id == alert_matches.c.paper_id)
        .where(
            is_waiting,
            alert_matches.c.matched_at > since_at,
            sa.func.coalesce(by_services.c.votes, by_digests.c.votes, 0) >= alerts.c.min_votes,
        )
        .limit(limit)
    )
    return list(map(models.QueuedMatch._make, await connection.execute(query)))


async def set_matches_due(connection: AsyncConnection, matches: Iterable[models.QueuedMatch]) -> None:
    """Store when these matches are due, as they say; None: once the votes are there."""
    names = (*_KEY, "due_at")
    rows = [{name: getattr(match, name) for name in names} for match in matches]
    await database.update_rows(connection, alert_matches, rows, key=_KEY)


async def reschedule_matches(connection: AsyncConnection, alert_id: int, *, due_at: datetime) -> None:
    """Give the matches of a changed alert that do not wait for votes a new time (UTC)."""
    is_own = alert_matches.c.alert_id == alert_id, alert_matches.c.due_at.is_not(None)
    await connection.execute(alert_matches.update().where(*is_own).values(due_at=due_at))


async def remove_matches(connection: AsyncConnection, matches: Iterable[models.QueuedMatch]) -> None:
    """Delete matches of which the recipient is not notified."""
    await database.delete_rows(connection, alert_matches, _KEY, [match[:3] for match in matches])


async def remove_notified_matches(connection: AsyncConnection, notified: Iterable[tuple[str, int]]) -> None:
    """Delete all matches of pairs of recipient and paper id, of which the recipient is notified now."""
    await database.delete_rows(connection, alert_matches, _KEY[:2], notified)


async def list_answered_matches(
    connection: AsyncConnection, limit: int, *, user_id: int | None = None
) -> list[int]:
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
        .where(alerts.c.key.startswith(_PAPER_KEY), deliveries.c.state == models.DeliveryState.SENT)
    )
    if user_id is not None:
        query = query.where(alerts.c.user_id == user_id)
    return list((await connection.execute(query.limit(limit))).scalars())


_LONGEST_WAIT = timedelta(days=37)
"""From a match until it is due: thirty days for the votes, and a week for its alert's hour."""


async def purge_matches(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` matches that were due, or queued without a time, before `before` (UTC). Returns their number.

    One that got its votes at the last moment is due up to a week later, at its alert's hour.
    """
    due_at, matched_at = alert_matches.c.due_at, alert_matches.c.matched_at
    # What fails each time is put off each time, and would never have been due long ago.
    is_old = sa.or_(sa.func.coalesce(due_at, matched_at) < before, matched_at < before - _LONGEST_WAIT)
    return await database.delete_some(connection, alert_matches, is_old, limit)


# Papers that are still to be matched with alerts: those of a digest, and those that got names from facts.


async def add_pending(
    connection: AsyncConnection, digest_id: int, paper_ids: Sequence[int], now: datetime
) -> None:
    """Store that the alerts for these papers of a digest are to be planned."""
    values = {"digest_id": digest_id, "paper_ids": list(paper_ids), "added_at": now}
    await connection.execute(pending_alerts.insert(), values)


async def list_pending(connection: AsyncConnection) -> list[models.PendingAlerts]:
    """Return the papers whose alerts are still to be planned, in the order in which they were stored."""
    query = sa.select(pending_alerts).order_by(pending_alerts.c.id)
    return await database.fetch_records(connection, models.PendingAlerts, query)


async def remove_pending(connection: AsyncConnection, pending: models.PendingAlerts) -> None:
    """Delete papers whose alerts are all planned, or too old to be."""
    await connection.execute(pending_alerts.delete().where(pending_alerts.c.id == pending.id))


PLANNING_LOCK = 0x414C45525453
"""PostgreSQL advisory lock around the planning of alerts: "ALERTS"."""


async def add(connection: AsyncConnection, new: models.Alert) -> models.Alert:
    """Store a draft and return the alert. Raises DuplicateError if an equal one exists for the same recipient."""
    if (equal := await find_equal(connection, new)) is not None:
        raise errors.DuplicateError(f"The same alert already exists: alert {equal.id}.")
    inserted = await connection.execute(alerts.insert().values(column_values(new)).returning(alerts.c.id))
    return replace(new, id=inserted.scalar_one())


async def change(connection: AsyncConnection, changed: models.Alert) -> models.Alert:
    """Replace a stored alert by `changed`, which has its id, and return it.

    Raises DuplicateError if another, equal one exists for the same recipient.
    """
    if (equal := await find_equal(connection, changed)) is not None and equal.id != changed.id:
        raise errors.DuplicateError(
            f"The same alert already exists: alert {equal.id}. Remove one of the two."
        )
    statement = alerts.update().where(alerts.c.id == changed.id)
    await connection.execute(statement.values(column_values(changed)))
    return changed


async def find_equal(connection: AsyncConnection, alert: models.Alert) -> models.Alert | None:
    """Return the stored alert of the same reader and destination that matches the same papers, or None."""
    columns = alerts.c
    query = sa.select(alerts).where(
        columns.user_id == alert.user_id,
        columns.channel_id.is_not_distinct_from(alert.channel_id),
        columns.key == alert.key,
        columns.min_votes == alert.min_votes,
    )
    return await database.fetch_record(connection, models.Alert, query.order_by(columns.id).limit(1))


def column_values(alert: models.Alert) -> dict[str, Any]:
    """Return the values of a row of `alerts`, without its id."""
    values = database.record_values(alert)
    del values["id"]
    return values


async def get(connection: AsyncConnection, alert_id: int, *, for_update: bool = False) -> models.Alert | None:
    """Return an alert, or None. `for_update` locks its row against concurrent changes."""
    query = sa.select(alerts).where(alerts.c.id == alert_id)
    if for_update:
        query = query.with_for_update()
    return await database.fetch_record(connection, models.Alert, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    user_id: int | None = None,
    channel_id: int | None = None,
    guild_id: int | None = None,
) -> list[models.Alert]:
    """Return the alerts that meet all given conditions, oldest first."""
    conditions = {"user_id": user_id, "channel_id": channel_id, "guild_id": guild_id}
    query = sa.select(alerts).where(*database.equalities(alerts, conditions)).order_by(alerts.c.id)
    return await database.fetch_records(connection, models.Alert, query)


async def list_suspended(connection: AsyncConnection) -> list[models.Alert]:
    """Return the alerts that are paused because Discord blocks their channel."""
    query = sa.select(alerts).where(alerts.c.channel_id.is_not(None), _is_suspended())
    return await database.fetch_records(connection, models.Alert, query)


async def list_translated(
    connection: AsyncConnection, alert_id: int, *, limit: int, for_update: bool = False
) -> list[models.Alert]:
    """Return the next `limit` alerts after an id, by id, that match forms of the other language too.

    `for_update` locks them against concurrent changes.
    """
    query = sa.select(alerts).where(alerts.c.id > alert_id, alerts.c.translations)
    query = query.order_by(alerts.c.id).limit(limit)
    if for_update:
        query = query.with_for_update()
    return await database.fetch_records(connection, models.Alert, query)


Rule: TypeAlias = tuple[int, str, str, int]
"""The id of an alert, and what it is found by as it is stored: `terms`, `forms` and `match_all`."""


async def list_rules(connection: AsyncConnection) -> list[Rule]:
    """Return the rules of all alerts, by id."""
    query = "SELECT id, CAST(terms AS TEXT), CAST(forms AS TEXT), CAST(match_all AS INTEGER) FROM alerts ORDER BY id"
    return list(await database.fetch_all(connection, query, ()))


def parse_rule(
    terms: str, forms: str, match_all: int
) -> tuple[tuple[models.AlertTerm, ...], models.AlertForms, bool]:
    """Return the terms, the forms and whether all terms are asked for of a row of `list_rules`, without its id."""
    parsed = tuple(models.AlertTerm(models.AlertKind(kind), text) for kind, text in json.loads(terms))
    return parsed, tuple(map(tuple, json.loads(forms))), bool(match_all)


async def set_forms(connection: AsyncConnection, forms: Mapping[int, models.AlertForms]) -> None:
    """Store the forms that the terms of alerts have by the glossary, by alert id."""
    rows = [{"id": alert_id, "forms": own} for alert_id, own in forms.items()]
    await database.update_rows(connection, alerts, rows)


async def exist(connection: AsyncConnection) -> bool:
    """Return whether there is any alert."""
    return (await connection.execute(sa.select(alerts.c.id).limit(1))).first() is not None


async def list_active(
    connection: AsyncConnection, alert_ids: Iterable[int], now: datetime
) -> dict[int, models.Alert]:
    """Return those of these alerts that are active at `now` (UTC), by id in ascending order."""
    query = sa.select(alerts).where(_is_active(now))
    rows = await database.execute_in(connection, query, alerts.c.id, alert_ids)
    found = (database.build_record(models.Alert, row._mapping) for row in rows)
    return {alert.id: alert for alert in sorted(found, key=lambda alert: alert.id)}


async def list_active_ids(connection: AsyncConnection, alert_ids: Iterable[int], now: datetime) -> set[int]:
    """Return those of these alerts that are active at `now` (UTC)."""
    query = sa.select(alerts.c.id).where(_is_active(now))
    return {id_ for (id_,) in await database.execute_in(connection, query, alerts.c.id, alert_ids)}


def _is_active(now: datetime) -> sa.ColumnElement[bool]:
    until_at = alerts.c.paused_until_at
    is_awake = sa.or_(until_at.is_(None), until_at <= now)
    return sa.and_(alerts.c.state == models.ActivityState.ACTIVE, is_awake)


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a reader's alerts."""
    query = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.user_id == user_id)
    return int((await connection.execute(query)).scalar_one())


async def pause(connection: AsyncConnection, alert_ids: Sequence[int], *, until_at: datetime) -> None:
    """Snooze alerts until `until_at` (UTC)."""
    await connection.execute(
        alerts.update().where(alerts.c.id.in_(alert_ids)).values(paused_until_at=until_at)
    )


async def set_state(
    connection: AsyncConnection,
    alert_ids: Sequence[int],
    state: models.ActivityState,
    *,
    reason: str | None = None,
    by_hand: bool = True,
) -> list[int]:
    """Pause, resume or close alerts. Returns the ids of those that were.

    By hand it ends a snooze; by Discord it leaves those as they are that a person has paused.
    """
    statement = alerts.update().values(state=state, reason=reason).returning(alerts.c.id)
    if by_hand:
        statement = statement.values(paused_until_at=None)
    else:
        is_paused = alerts.c.state == models.ActivityState.PAUSED
        statement = statement.where(sa.or_(~is_paused, _is_suspended()))
    return [id_ for (id_,) in await database.execute_in(connection, statement, alerts.c.id, alert_ids)]


async def remove(connection: AsyncConnection, alert_ids: Sequence[int]) -> int:
    """Delete alerts. Returns their number."""
    statement = alerts.delete().returning(alerts.c.id)
    return len(await database.execute_in(connection, statement, alerts.c.id, alert_ids))


async def lock_planning(connection: AsyncConnection) -> None:
    """Serialise the transactions that plan alerts, which check what was planned before."""
    await locks.lock_transaction(connection, PLANNING_LOCK)


# The papers that recipients (`user:<id>` or `channel:<id>`) were notified of, kept for ever.
#
# A paper can come back in a digest after years, and a recipient is not notified of it twice.


async def add_notified(
    connection: AsyncConnection,
    notified: Iterable[tuple[str, int]],
    *,
    notified_at: datetime,
    delivery_ids: Mapping[str, int] | None = None,
) -> None:
    """Store that recipients (`user:<id>` or `channel:<id>`) are notified of papers: pairs of recipient and paper id.

    `delivery_ids` are the deliveries that notify them, by recipient.
    """
    ids = delivery_ids or {}
    rows = [(name, paper_id, notified_at, ids.get(name)) for name, paper_id in notified]
    columns = "recipient", "paper_id", "notified_at", "delivery_id"
    await database.insert_rows(connection, notified_papers, columns, rows, ignore_conflicts=True)


async def remove_notified_of_deliveries(
    connection: AsyncConnection, delivery_ids: Iterable[int]
) -> list[tuple[str, int]]:
    """Delete the notifications of deliveries that were never sent. Returns them as pairs of recipient and paper id."""
    statement = notified_papers.delete().returning(notified_papers.c.recipient, notified_papers.c.paper_id)
    rows = await database.execute_in(connection, statement, notified_papers.c.delivery_id, delivery_ids)
    return [tuple(row) for row in rows]


async def list_notified(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    """Return the pairs of recipient and paper id that were notified before."""
    if not paper_ids:
        return set()
    rows = notified_papers.c
    query = sa.select(rows.recipient, rows.paper_id).where(rows.paper_id.in_(paper_ids))
    found = await database.execute_in(connection, query, rows.recipient, set(recipients))
    return {(name, paper_id) for name, paper_id in found}


async def list_messages(
    connection: AsyncConnection, recipients: Iterable[str], since_at: datetime
) -> dict[str, list[datetime]]:
    """Return when each message to these recipients since a time (UTC) was planned, by recipient."""
    rows = notified_papers.c
    query = sa.select(rows.recipient, sa.func.min(rows.notified_at, type_=rows.notified_at.type)).where(
        rows.notified_at >= since_at, rows.delivery_id.is_not(None)
    )
    planned: dict[str, list[datetime]] = defaultdict(list)
    grouped = query.group_by(rows.recipient, rows.delivery_id)
    for recipient, planned_at in await database.execute_in(connection, grouped, rows.recipient, recipients):
        planned[recipient].append(planned_at)
    return planned


async def remove_notified_recipient(connection: AsyncConnection, recipient: str, limit: int) -> int:
    """Delete at most `limit` notifications of a recipient. Returns their number."""
    return await database.delete_some(
        connection, notified_papers, notified_papers.c.recipient == recipient, limit
    )
