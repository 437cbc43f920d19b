"""Alerts, and what identifies equal ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, errors, models
from storage.search import alert_terms
from storage.tables import alerts

PLANNING_LOCK = 0x414C45525453
"""PostgreSQL advisory lock around the planning of alerts: "ALERTS"."""
READER_LOCK = 0x414C5254
"""First number of the PostgreSQL advisory lock around the alerts of a reader: "ALRT"."""
_NAMES = tuple(models.Alert.__dataclass_fields__)
_LISTS = "terms", "excluded", "forms"
_BATCH_SIZE = 250
"""Alerts read before the event loop gets control; a thousand take ten milliseconds."""


async def lock_reader(connection: AsyncConnection, user_id: int) -> None:
    """Serialise the transactions that add or change a reader's alerts: two presses at once would both find no equal one.

    SQLite has a single writer anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(READER_LOCK, user_id % 2**31)))


async def add(connection: AsyncConnection, new: models.Alert, terms: Collection[str]) -> models.Alert:
    """Store a draft and return the alert. A paper that matches has at least one of the alert terms `terms`.

    Raises DuplicateError if an equal one exists for the same recipient.
    """
    if await _has_equal(connection, new):
        raise errors.DuplicateError("This alert exists already.")
    added = replace(new, id=await bulk.insert_row(connection, alerts, column_values(new)))
    await alert_terms.add(connection, added.id, terms)
    return added


async def change(connection: AsyncConnection, changed: models.Alert, terms: Collection[str]) -> models.Alert:
    """Replace a stored alert by `changed`, which has its id, and return it.

    Raises DuplicateError if another, equal one exists for the same recipient.
    """
    if (equal := await find_equal(connection, changed)) is not None and equal.id != changed.id:
        raise errors.DuplicateError("This alert exists already.")
    statement = alerts.update().where(alerts.c.id == changed.id)
    await connection.execute(statement.values(column_values(changed)))
    await alert_terms.replace_all(connection, {changed.id: terms})
    return changed


async def _has_equal(connection: AsyncConnection, alert: models.Alert) -> bool:
    """Return whether `find_equal` finds one, in one hop to the database's thread instead of four."""
    is_sqlite = connection.dialect.name == "sqlite"
    marks = ("?",) * 4 if is_sqlite else ("$1::bigint", "$2::bigint", "$3::text", "$4::integer")
    statement = (
        f"SELECT 1 FROM alerts WHERE user_id = {marks[0]}"  # noqa: S608 - constant texts
        f" AND channel_id {'IS' if is_sqlite else 'IS NOT DISTINCT FROM'} {marks[1]}"
        f" AND key = {marks[2]} AND min_votes = {marks[3]} LIMIT 1"
    )
    values = (alert.user_id, alert.channel_id, alert.key, alert.min_votes)
    return bool(list(await bulk.fetch_all(connection, statement, values)))


async def find_equal(connection: AsyncConnection, alert: models.Alert) -> models.Alert | None:
    """Return the stored alert of the same reader and destination that matches the same papers, or None."""
    query = sa.select(alerts).where(
        alerts.c.user_id == alert.user_id,
        alerts.c.channel_id.is_not_distinct_from(alert.channel_id),
        alerts.c.key == alert.key,
        alerts.c.min_votes == alert.min_votes,
    )
    row = (await connection.execute(query.order_by(alerts.c.id))).first()
    return None if row is None else _alert_from_row(row)


def column_values(alert: models.Alert) -> dict[str, Any]:
    """Return the values of a row of `alerts`, without its id."""
    values = bulk.record_values(alert, terms=list(alert.terms), excluded=list(alert.excluded))
    del values["id"]
    return values


async def get(connection: AsyncConnection, alert_id: int) -> models.Alert | None:
    """Return an alert, or None."""
    row = (await connection.execute(sa.select(alerts).where(alerts.c.id == alert_id))).one_or_none()
    return None if row is None else _alert_from_row(row)


async def list_rows(
    connection: AsyncConnection,
    *,
    user_id: int | None = None,
    channel_id: int | None = None,
    guild_id: int | None = None,
) -> list[models.Alert]:
    """Return the alerts that meet all given conditions, oldest first."""
    query = sa.select(alerts).order_by(alerts.c.id)
    conditions = {alerts.c.user_id: user_id, alerts.c.channel_id: channel_id, alerts.c.guild_id: guild_id}
    query = query.where(*(column == value for column, value in conditions.items() if value is not None))
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def list_in_channels(
    connection: AsyncConnection, guild_id: int, channel_ids: Iterable[int]
) -> list[models.Alert]:
    """Return the alerts of a server's channels, oldest first: stored with the server's id, or sent to one of the channels."""
    of_guild = sa.and_(alerts.c.guild_id == guild_id, alerts.c.channel_id.is_not(None))
    query = sa.select(alerts).where(sa.or_(of_guild, alerts.c.channel_id.in_(list(channel_ids))))
    return [_alert_from_row(row) for row in await connection.execute(query.order_by(alerts.c.id))]


async def list_suspended(connection: AsyncConnection) -> list[models.Alert]:
    """Return the alerts that are paused because Discord blocks their channel."""
    query = sa.select(alerts).where(
        alerts.c.channel_id.is_not(None),
        alerts.c.state == models.ActivityState.PAUSED.value,
        alerts.c.reason.is_not(None),
        alerts.c.reason != "by-hand",
    )
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def list_after(
    connection: AsyncConnection, alert_id: int, *, limit: int, only_translations: bool = False
) -> list[models.Alert]:
    """Return the next `limit` alerts after an id, by id; on request only those with forms of the other language."""
    query = sa.select(alerts).where(alerts.c.id > alert_id).order_by(alerts.c.id).limit(limit)
    query = query.where(alerts.c.translations) if only_translations else query
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def set_forms(connection: AsyncConnection, forms: Mapping[int, models.AlertForms]) -> None:
    """Store the forms that the terms of alerts have by the glossary, by alert id."""
    for alert_id, own in forms.items():
        await connection.execute(alerts.update().where(alerts.c.id == alert_id).values(forms=own))


async def exist(connection: AsyncConnection) -> bool:
    """Return whether there is any alert."""
    return (await connection.execute(sa.select(alerts.c.id).limit(1))).first() is not None


async def list_active(
    connection: AsyncConnection, alert_ids: Iterable[int], now: datetime
) -> dict[int, models.Alert]:
    """Return those of these alerts that are active at `now` (UTC), by id in ascending order."""
    active: dict[int, models.Alert] = {}
    for chunk in bulk.chunked(sorted(alert_ids), _BATCH_SIZE):
        rows = await _fetch_active(connection, ", ".join(_NAMES), chunk, now)
        active.update((row[0], _build_alert(dict(zip(_NAMES, row, strict=True)))) for row in rows)
        await asyncio.sleep(0)
    return active


async def count_active(connection: AsyncConnection, alert_ids: Iterable[int], now: datetime) -> int:
    """Return how many of these alerts are active at `now` (UTC)."""
    chunks = bulk.chunked(alert_ids)
    return sum([len(await _fetch_active(connection, "id", chunk, now)) for chunk in chunks])


async def _fetch_active(
    connection: AsyncConnection, columns: str, alert_ids: Sequence[int], now: datetime
) -> list[tuple[Any, ...]]:
    """Return the driver's values of `columns` of those of some alerts that are active, by id."""
    condition, values = bulk.in_condition(connection, alerts.c.id, alert_ids)
    mark = "?" if connection.dialect.name == "sqlite" else "$2"
    query = (
        f"SELECT {columns} FROM alerts WHERE {condition} AND state = 'active'"  # noqa: S608 - constant texts
        f" AND (paused_until_at IS NULL OR paused_until_at <= {mark}) ORDER BY id"
    )
    time = bulk.driver_value(connection, alerts.c.paused_until_at, now)
    return list(await bulk.fetch_all(connection, query, (*values, time)))


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a reader's alerts."""
    mark = "?" if connection.dialect.name == "sqlite" else "$1"
    statement = f"SELECT count(*) FROM alerts WHERE user_id = {mark}"  # noqa: S608 - constant texts
    [(count,)] = await bulk.fetch_all(connection, statement, (user_id,))
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
) -> None:
    """Pause, resume or close alerts; this also ends a snooze."""
    await connection.execute(
        alerts.update()
        .where(alerts.c.id.in_(alert_ids))
        .values(state=state.value, reason=reason, paused_until_at=None)
    )


async def remove(connection: AsyncConnection, alert_ids: Sequence[int], *, user_id: int | None = None) -> int:
    """Delete alerts, on request only those of one reader. Returns their number."""
    removed = 0
    for chunk in bulk.chunked(alert_ids):
        condition, values = bulk.in_condition(connection, alerts.c.id, chunk)
        if user_id is not None:
            condition += f" AND user_id = {'?' if connection.dialect.name == 'sqlite' else '$2'}"
            values = (*values, user_id)
        statement = f"DELETE FROM alerts WHERE {condition} RETURNING id"  # noqa: S608 - constant texts
        removed += len(list(await bulk.fetch_all(connection, statement, values)))
    return removed


async def lock_planning(connection: AsyncConnection) -> None:
    """Serialise the transactions that plan alerts, which check what was planned before. SQLite has a single writer."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANNING_LOCK)))


def _alert_from_row(row: sa.Row[Any]) -> models.Alert:
    return _build_alert(row._mapping)


def _build_alert(row: sa.RowMapping | Mapping[str, Any]) -> models.Alert:
    """Build an alert from column values, which may be the driver's."""
    texts = [row[name] if isinstance(row[name], str) else json.dumps(row[name]) for name in _LISTS]
    terms, excluded, forms = _parse_lists(*texts)
    until_at = row["paused_until_at"]
    return bulk.build_record(
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
        created_at=bulk.parse_time(row["created_at"]),
        paused_until_at=until_at and bulk.parse_time(until_at),
    )


@lru_cache(maxsize=4096)
def _parse_lists(
    terms: str, excluded: str, forms: str
) -> tuple[tuple[models.AlertTerm, ...], tuple[str, ...], models.AlertForms]:
    """Parse the JSON columns, which many alerts have in common."""
    return (
        tuple(models.AlertTerm(models.AlertKind(kind), text) for kind, text in json.loads(terms)),
        tuple(json.loads(excluded)),
        tuple(tuple(map(tuple, own)) for own in json.loads(forms)),
    )
