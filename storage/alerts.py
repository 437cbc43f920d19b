"""Alerts, the digests that wait to be matched, the matches, and what recipients were notified of."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, errors, locks, models, outbox
from storage import papers as stored_papers
from storage.tables import (
    alert_matches,
    alerts,
    deliveries,
    digests,
    entries,
    notified_papers,
    papers,
    pending_alerts,
    votes,
)

# Papers that match alerts and are not sent yet: the queue between the matching of alerts and their messages.

_KEY = ("recipient", "paper_id", "alert_id")
_COLUMNS = models.QueuedMatch._fields
_SELECTED = ", ".join(f"alert_matches.{name}" for name in _COLUMNS)
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
    lowest = await stored_papers.list_lowest_votes(
        connection, {paper_id for own in papers.values() for paper_id in own}
    )
    for recipient, paper_ids in papers.items():
        kind, _, number = recipient.partition(":")
        reader, channel = alerts.c.user_id, alerts.c.channel_id
        is_own = (
            sa.and_(channel.is_(None), reader == int(number)) if kind == "user" else channel == int(number)
        )
        is_by_hand = sa.and_(alerts.c.state == models.ActivityState.PAUSED, ~_is_suspended())
        query = sa.select(alerts.c.id, alerts.c.min_votes).where(is_own, ~is_by_hand)
        own_alerts = list(await connection.execute(query))
        # A message was planned, so the papers had the votes then. Those that once had fewer got them later.
        await add_matches(
            connection,
            [
                models.QueuedMatch(recipient, paper_id, alert_id, votes_then, now, now)
                for paper_id in paper_ids
                for alert_id, min_votes in own_alerts
                for votes_then in [min_votes if 0 < min_votes <= lowest.get(paper_id, 0) else None]
            ],
        )


async def keep_held_matches(connection: AsyncConnection, alert: models.Alert, now: datetime) -> None:
    """Queue the papers of unsent messages to the destination of an alert, which gets another one.

    A closed alert's are those too that ended since the destination is gone.
    """
    recipient = recipient_name(alert)
    gone = alert.reason if alert.state is models.ActivityState.CLOSED else None
    held = _select_held(notified_papers.c.paper_id, recipient, gone)
    paper_ids = (await connection.execute(held)).scalars()
    await keep_unsent_matches(connection, [(recipient, paper_id) for paper_id in paper_ids], now)


async def lock_held(connection: AsyncConnection, of: Iterable[models.Alert]) -> None:
    """Lock the unsent messages to the destinations of alerts, in the order of their ids, before these: so does an expiry."""
    ids: list[int] = []
    for recipient in set(map(recipient_name, of)):
        held = _select_held(notified_papers.c.delivery_id, recipient).distinct()
        ids += (await connection.execute(held)).scalars()
    query = sa.select(deliveries.c.id).order_by(deliveries.c.id).with_for_update()
    await database.execute_in(connection, query, deliveries.c.id, sorted(ids))


async def list_abandoned(connection: AsyncConnection, former: Iterable[models.Alert]) -> list[int]:
    """Return the unsent messages to the destinations of alerts, if no alert is sent there any more."""
    abandoned: list[int] = []
    for recipient, alert in {recipient_name(alert): alert for alert in former}.items():
        reader, channel = alerts.c.user_id == alert.user_id, alerts.c.channel_id
        is_sent_there = sa.and_(channel.is_(None), reader)
        if alert.channel_id is not None:
            is_sent_there = channel == alert.channel_id
        held = _select_held(notified_papers.c.delivery_id, recipient).distinct()
        abandoned += (await connection.execute(held.where(~sa.exists().where(is_sent_there)))).scalars()
    return abandoned


def _select_held(column: sa.Column[int], recipient: str, gone: str | None = None) -> sa.Select[int]:
    """Select from the messages that Discord keeps from a recipient: it refused them, or none was tried since it is away.

    Those too that ended for the reason `gone`, if it is given: that of a destination that was deleted.
    """
    held = sa.select(column).join(deliveries, deliveries.c.id == notified_papers.c.delivery_id)
    is_untried = sa.and_(deliveries.c.state == models.DeliveryState.PLANNED, outbox.unsent_clause())
    conditions = [deliveries.c.state == models.DeliveryState.PAUSED, is_untried]
    if gone is not None:
        ended = deliveries.c.state.in_([models.DeliveryState.FAILED, models.DeliveryState.EXPIRED])
        conditions.append(sa.and_(ended, deliveries.c.reason == gone))
    return held.where(notified_papers.c.recipient == recipient, sa.or_(*conditions))


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
    until = database.driver_value(connection, alert_matches.c.due_at, until_at)
    rows = await database.fetch_in(
        connection,
        f"SELECT {_SELECTED} FROM alert_matches JOIN alerts ON alerts.id = alert_id"  # noqa: S608 - constant texts
        " WHERE %s AND due_at <= ?"
        " AND NOT (alerts.state = 'paused' AND coalesce(alerts.reason, 'by-hand') <> 'by-hand')"
        " ORDER BY recipient, paper_id, alert_id",
        alert_matches.c.recipient,
        recipients,
        until,
    )
    return [
        models.QueuedMatch._make((*row[:4], database.parse_time(row[4]), database.parse_time(row[5])))
        for row in rows
    ]


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


async def reschedule_matches(
    connection: AsyncConnection, alert_id: int, *, recipient: str, due_at: datetime
) -> None:
    """Give the matches of a changed alert its recipient, and those that do not wait for votes a new time (UTC)."""
    column = alert_matches.c.due_at
    new = sa.case((column.is_(None), sa.null()), else_=sa.literal(due_at, column.type))
    statement = alert_matches.update().where(alert_matches.c.alert_id == alert_id)
    await connection.execute(statement.values(recipient=recipient, due_at=new))


async def list_put_off(connection: AsyncConnection, now: datetime) -> set[int]:
    """Return the alerts with matches that wait for a time, and were queued by a clock ahead of `now` (UTC)."""
    is_put_off = alert_matches.c.matched_at > now, alert_matches.c.due_at > now
    return set(await connection.scalars(sa.select(alert_matches.c.alert_id).where(*is_put_off).distinct()))


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


# Digests whose papers are still to be matched with alerts, and papers that got names from facts: the planner's input.


async def add_pending(
    connection: AsyncConnection, digest_id: int, revision: int, paper_ids: Sequence[int], now: datetime
) -> None:
    """Store that the alerts for these papers of a digest's revision are to be planned."""
    values = {"digest_id": digest_id, "revision": revision, "paper_ids": list(paper_ids), "added_at": now}
    await connection.execute(pending_alerts.insert(), values)
    await locks.notify_sender(connection)


async def add_pending_named(
    connection: AsyncConnection, digest_id: int, former: Mapping[int, models.FormerNames], now: datetime
) -> None:
    """Store that papers of a digest got names, with those that they had before, by paper id.

    The caller's transaction holds the lock of the ingest. The row takes the next number below 0 for its revision, which
    no digest has.
    """
    lowest = sa.select(sa.func.min(pending_alerts.c.revision)).where(pending_alerts.c.digest_id == digest_id)
    revision = min((await connection.execute(lowest)).scalar() or 0, 0) - 1
    names = [(list(authors), list(institutions)) for authors, institutions in former.values()]
    values = {"digest_id": digest_id, "revision": revision, "added_at": now}
    await connection.execute(
        pending_alerts.insert(), {**values, "paper_ids": list(former), "former_names": names}
    )
    await locks.notify_sender(connection)


async def add_pending_again(connection: AsyncConnection, since_on: date, now: datetime) -> None:
    """Store that the alerts of digests from a date on are to be planned that were stored by a clock ahead of `now` (UTC), which
    took them for old ones, or by one so far behind that they were dated later than tomorrow.

    Those that were planned then are compared once more, and tell of nothing twice.
    """
    day = timedelta(days=1)
    columns = digests.c.id, digests.c.revision, digests.c.date_on, digests.c.ingested_at
    query = sa.select(*columns).where(digests.c.date_on.between(since_on, now.date() + day))
    revisions = {
        row.id: row.revision
        for row in await connection.execute(query)
        if row.ingested_at > now or row.date_on > row.ingested_at.date() + day
    }
    pairs = sa.select(entries.c.digest_id, entries.c.paper_id)
    paper_ids: dict[int, list[int]] = defaultdict(list)
    for digest_id, paper_id in await database.execute_in(connection, pairs, entries.c.digest_id, revisions):
        paper_ids[digest_id].append(paper_id)
    rows = [
        {"digest_id": digest_id, "revision": revisions[digest_id], "paper_ids": sorted(ids), "added_at": now}
        for digest_id, ids in paper_ids.items()
    ]
    if rows:
        insert = database.dialect_insert(connection, pending_alerts).on_conflict_do_nothing()
        await connection.execute(insert, rows)


async def list_pending(connection: AsyncConnection) -> list[models.PendingAlerts]:
    """Return the digests whose alerts are still to be planned, in the order in which they were stored."""
    key = pending_alerts.c.digest_id, pending_alerts.c.revision
    query = sa.select(pending_alerts).order_by(pending_alerts.c.added_at, *key)
    return [_from_row(row) for row in await connection.execute(query)]


async def get_pending(
    connection: AsyncConnection, pending: models.PendingAlerts
) -> models.PendingAlerts | None:
    """Return the present state of a digest whose alerts are to be planned; None once they are."""
    query = sa.select(pending_alerts).where(*_key(pending))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _from_row(row)


async def set_progress(connection: AsyncConnection, reached: models.PendingAlerts) -> None:
    """Store how many papers are matched with all alerts, and the last alert with which the next ones are."""
    statement = pending_alerts.update().where(*_key(reached))
    await connection.execute(statement.values(papers_done=reached.papers_done, alert_id=reached.alert_id))


async def keep_pending(
    connection: AsyncConnection, pending: models.PendingAlerts, paper_ids: Collection[int]
) -> None:
    """Keep only those of a digest's papers that are still to be matched, from the first alert on."""
    kept = [place for place, paper_id in enumerate(pending.paper_ids) if paper_id in paper_ids]
    values: dict[str, Any] = {"paper_ids": [pending.paper_ids[place] for place in kept]}
    if pending.former_names:
        values["former_names"] = [[*map(list, pending.former_names[place])] for place in kept]
    statement = pending_alerts.update().where(*_key(pending))
    await connection.execute(statement.values(papers_done=0, alert_id=0, **values))


async def remove_pending(connection: AsyncConnection, pending: models.PendingAlerts) -> None:
    """Delete a digest whose alerts are all planned, or too old to be."""
    await connection.execute(pending_alerts.delete().where(*_key(pending)))


def _key(pending: models.PendingAlerts) -> tuple[sa.ColumnElement[bool], ...]:
    # The time too, as a number below 0 is free again once its row is deleted.
    columns = pending_alerts.c
    return (
        columns.digest_id == pending.digest_id,
        columns.revision == pending.revision,
        columns.added_at == pending.added_at,
    )


def _from_row(row: sa.Row[Any]) -> models.PendingAlerts:
    names = tuple((tuple(authors), tuple(institutions)) for authors, institutions in row.former_names or ())
    return database.build_record(models.PendingAlerts, row._mapping, former_names=names)


PLANNING_LOCK = 0x414C45525453
"""PostgreSQL advisory lock around the planning of alerts: "ALERTS"."""
_NAMES = tuple(models.Alert.__dataclass_fields__)
_LISTS = "terms", "excluded", "forms"
_MAX_ID = 2**63 - 1
_BATCH_SIZE = 250
"""Alerts read before the event loop gets control; a thousand take ten milliseconds."""


async def add(connection: AsyncConnection, new: models.Alert) -> models.Alert:
    """Store a draft and return the alert. Raises DuplicateError if an equal one exists for the same recipient."""
    if (equal := await find_equal(connection, new)) is not None:
        raise errors.DuplicateError(
            f"The same alert already exists: alert {equal.id}. Edit it with `paperround alerts edit {equal.id}`."
        )
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
    is_same = "IS ?" if connection.dialect.name == "sqlite" else "IS NOT DISTINCT FROM ?::bigint"
    statement = (
        f"SELECT id FROM alerts WHERE user_id = ? AND channel_id {is_same}"  # noqa: S608 - constant texts
        " AND key = ? AND min_votes = ? ORDER BY id LIMIT 1"
    )
    values = (alert.user_id, alert.channel_id, alert.key, alert.min_votes)
    # One hop to the database's thread without an equal alert, which is the usual case: half the time of adding one.
    rows = list(await database.fetch_all(connection, statement, values))
    return await get(connection, rows[0][0]) if rows else None


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


async def list_in_channels(
    connection: AsyncConnection, guild_id: int, channel_ids: Iterable[int]
) -> list[models.Alert]:
    """Return the alerts of a server's channels, oldest first: stored with the server's id, or sent to one of the channels."""
    of_guild = sa.and_(alerts.c.guild_id == guild_id, alerts.c.channel_id.is_not(None))
    query = sa.select(alerts).where(sa.or_(of_guild, alerts.c.channel_id.in_(list(channel_ids))))
    return await database.fetch_records(connection, models.Alert, query.order_by(alerts.c.id))


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


async def list_rules(
    connection: AsyncConnection, after_id: int, until_id: int | None, *, limit: int
) -> list[Rule]:
    """Return the rules of the alerts after an id, by id: all until another id, or without that the first `limit`."""
    query = (
        "SELECT id, CAST(terms AS TEXT), CAST(forms AS TEXT), CAST(match_all AS INTEGER) FROM alerts"
        " WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    )
    end = (_MAX_ID, limit) if until_id is None else (until_id, _MAX_ID)
    return list(await database.fetch_all(connection, query, (after_id, *end)))


def parse_rule(
    terms: str, forms: str, match_all: int
) -> tuple[tuple[models.AlertTerm, ...], models.AlertForms, bool]:
    """Return the terms, the forms and whether all terms are asked for of a row of `list_rules`, without its id.

    Raises as the loading of one that cannot be read does (`database.UNREADABLE`).
    """
    parsed, _, own_forms = _parse_lists(terms, "[]", forms)
    return parsed, own_forms, bool(match_all)


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
    """Return those of these alerts that are active at `now` (UTC) and can be read, by id in ascending order."""
    active: dict[int, models.Alert] = {}
    for chunk in database.chunked(sorted(alert_ids), _BATCH_SIZE):
        rows = await _fetch_active(connection, ", ".join(_NAMES), chunk, now)
        for row in rows:
            with suppress(*database.UNREADABLE):
                active[row[0]] = _build_alert(dict(zip(_NAMES, row, strict=True)))
        await asyncio.sleep(0)
    return active


async def list_active_recipients(
    connection: AsyncConnection, alert_ids: Iterable[int], now: datetime
) -> dict[int, str]:
    """Return the recipients of those of these alerts that are active at `now` (UTC), by alert id."""
    rows = await _fetch_active(connection, "id, user_id, channel_id", alert_ids, now)
    return {alert_id: _name_recipient(*recipient) for alert_id, *recipient in rows}


async def _fetch_active(
    connection: AsyncConnection, columns: str, alert_ids: Iterable[int], now: datetime
) -> list[tuple[Any, ...]]:
    """Return the driver's values of `columns` of those of some alerts that are active, by id."""
    query = (
        f"SELECT {columns} FROM alerts WHERE %s AND state = 'active'"  # noqa: S608 - constant texts
        " AND (paused_until_at IS NULL OR paused_until_at <= ?) ORDER BY id"
    )
    time = database.driver_value(connection, alerts.c.paused_until_at, now)
    return await database.fetch_in(connection, query, alerts.c.id, alert_ids, time)


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a reader's alerts."""
    [(count,)] = await database.fetch_all(
        connection, "SELECT count(*) FROM alerts WHERE user_id = ?", (user_id,)
    )
    return int(count)


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
    statement = "DELETE FROM alerts WHERE %s RETURNING id"
    return len(await database.fetch_in(connection, statement, alerts.c.id, alert_ids))


async def lock_planning(connection: AsyncConnection) -> None:
    """Serialise the transactions that plan alerts, which check what was planned before."""
    await locks.lock_transaction(connection, PLANNING_LOCK)


def _build_alert(row: Mapping[str, Any]) -> models.Alert:
    """Build an alert from the driver's values, faster than SQLAlchemy would."""
    texts = [row[name] if isinstance(row[name], str) else json.dumps(row[name]) for name in _LISTS]
    terms, excluded, forms = _parse_lists(*texts)
    until_at = row["paused_until_at"]
    return database.build_record(
        models.Alert,
        row,
        terms=terms,
        excluded=excluded,
        forms=forms,
        match_all=bool(row["match_all"]),
        translations=bool(row["translations"]),
        language=None if row["language"] is None else models.Locale(row["language"]),
        timing=models.AlertTiming(row["timing"]),
        state=models.ActivityState(row["state"]),
        created_at=database.parse_time(row["created_at"]),
        paused_until_at=until_at and database.parse_time(until_at),
    )


@lru_cache(maxsize=4096)
def _parse_lists(
    terms: str, excluded: str, forms: str
) -> tuple[tuple[models.AlertTerm, ...], tuple[str, ...], models.AlertForms]:
    """Parse the JSON columns, which many alerts have in common."""
    return (
        tuple(models.AlertTerm(models.AlertKind(kind), text) for kind, text in json.loads(terms)),
        tuple(json.loads(excluded)),
        tuple(map(tuple, json.loads(forms))),
    )


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
    among = ",".join(str(int(paper_id)) for paper_id in paper_ids)
    query = f"SELECT recipient, paper_id FROM notified_papers WHERE %s AND paper_id IN ({among})"  # noqa: S608 - numbers
    rows = await database.fetch_in(connection, query, notified_papers.c.recipient, set(recipients))
    return {(name, paper_id) for name, paper_id in rows}


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
