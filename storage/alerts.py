"""Alerts, selected by their trigger terms, and the papers that each recipient was notified of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, errors, models
from storage.tables import alerts, told_papers

ACTIVE = models.ActivityState.ACTIVE
_BATCH_SIZE = 250
"""Alerts read before the event loop gets control; a thousand take ten milliseconds."""


async def add(connection: AsyncConnection, new: models.Alert, trigger_term: str) -> models.Alert:
    """Store an alert, without its id, and return it. `trigger_term` is a token of every paper that matches.

    Raises DuplicateError if an equal one exists for the same recipient.
    """
    same = sa.select(alerts.c.id).where(
        alerts.c.user_id == new.user_id,
        alerts.c.channel_id.is_not_distinct_from(new.channel_id),
        alerts.c.kind == new.kind.value,
        alerts.c.key == new.key,
        alerts.c.min_votes == new.min_votes,
    )
    if (await connection.execute(same)).first() is not None:
        raise errors.DuplicateError("This alert exists already.")
    values = bulk.record_values(new, anchor=trigger_term)
    del values["id"]
    statement = alerts.insert().values(values).returning(*alerts.c)
    return _alert_from_row((await connection.execute(statement)).one())


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


async def list_suspended(connection: AsyncConnection) -> list[models.Alert]:
    """Return the alerts that are paused because Discord blocks their channel."""
    query = sa.select(alerts).where(
        alerts.c.channel_id.is_not(None),
        alerts.c.state == models.ActivityState.PAUSED.value,
        alerts.c.reason.is_not(None),
        alerts.c.reason != "by-hand",
    )
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def list_by_trigger_terms(
    connection: AsyncConnection, terms: Iterable[str], now: datetime
) -> dict[str, list[models.Alert]]:
    """Return the alerts active at `now` (UTC) whose trigger term is among `terms`: by term, oldest first.

    `terms` may be tens of thousands.
    """
    ids = [
        id_ for (id_,) in await bulk.select_where_in(connection, alerts.c.anchor, set(terms), [alerts.c.id])
    ]
    by_term: dict[str, list[models.Alert]] = {}
    for chunk in bulk.chunked(sorted(ids), _BATCH_SIZE):
        query = sa.select(alerts).where(
            alerts.c.id.in_(chunk),
            alerts.c.state == ACTIVE.value,
            sa.or_(alerts.c.paused_until_at.is_(None), alerts.c.paused_until_at <= now),
        )
        for row in await connection.execute(query.order_by(alerts.c.id)):
            by_term.setdefault(row.anchor, []).append(_alert_from_row(row))
    return by_term


async def set_trigger_terms(connection: AsyncConnection, terms: Mapping[int, str]) -> None:
    """Store new trigger terms, by alert id."""
    statement = alerts.update().where(alerts.c.id == sa.bindparam("of"))
    values = [{"of": id_, "new": term} for id_, term in terms.items()]
    if values:
        await connection.execute(statement.values(anchor=sa.bindparam("new")), values)


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a reader's alerts."""
    query = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.user_id == user_id)
    return int((await connection.execute(query)).scalar_one())


async def count_all(connection: AsyncConnection) -> int:
    """Return the number of alerts."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(alerts))).scalar_one())


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


async def remove(connection: AsyncConnection, alert_ids: Sequence[int]) -> int:
    """Delete alerts. Returns their number."""
    return (await connection.execute(alerts.delete().where(alerts.c.id.in_(alert_ids)))).rowcount


async def add_notified_papers(
    connection: AsyncConnection,
    notified: Iterable[tuple[str, int]],
    *,
    notified_at: datetime,
    delivery_id: int | None = None,
) -> None:
    """Store that recipients (`user:<id>` or `channel:<id>`) are notified of papers: pairs of recipient and paper id."""
    values = [
        {"recipient": recipient, "paper_id": paper_id, "told_at": notified_at, "delivery_id": delivery_id}
        for recipient, paper_id in notified
    ]
    if values:
        await connection.execute(
            bulk.dialect_insert(connection, told_papers).on_conflict_do_nothing(), values
        )


async def remove_notified_papers(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete the notifications of deliveries that were never sent."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(told_papers.delete().where(told_papers.c.delivery_id.in_(chunk)))


async def list_notified_papers(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    """Return the pairs of recipient and paper id that were notified before."""
    notified: set[tuple[str, int]] = set()
    for chunk in bulk.chunked(set(recipients)):
        query = sa.select(told_papers.c.recipient, told_papers.c.paper_id).where(
            told_papers.c.recipient.in_(chunk), told_papers.c.paper_id.in_(paper_ids)
        )
        notified.update((recipient, paper_id) for recipient, paper_id in await connection.execute(query))
    return notified


def _alert_from_row(row: sa.Row[Any]) -> models.Alert:
    kind, state = models.AlertKind(row.kind), models.ActivityState(row.state)
    return bulk.build_record(models.Alert, row._mapping, kind=kind, state=state)
