"""The readers' standing rules and what each recipient was told. Finds candidates by their anchor; matches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, errors, models
from storage.tables import alerts, told_papers

ACTIVE = models.ActivityState.ACTIVE
# Rules that are read between two turns of others; a thousand would be ten milliseconds.
_BATCH_SIZE = 250


async def add(connection: AsyncConnection, new: models.NewAlert) -> models.Alert:
    """Store a new rule. Raises DuplicateError when the same stands already for the same recipient."""
    same = sa.select(alerts.c.id).where(
        alerts.c.user_id == new.user_id,
        alerts.c.channel_id.is_not_distinct_from(new.channel_id),
        alerts.c.kind == new.kind.value,
        alerts.c.key == new.key,
        alerts.c.min_votes == new.min_votes,
    )
    if (await connection.execute(same)).first() is not None:
        raise errors.DuplicateError("This alert stands already.")
    values = {**asdict(new), "kind": new.kind.value, "state": ACTIVE.value}
    statement = alerts.insert().values(values).returning(*alerts.c)
    return _alert_from_row((await connection.execute(statement)).one())


async def get(connection: AsyncConnection, alert_id: int) -> models.Alert | None:
    """Return one rule, or None."""
    row = (await connection.execute(sa.select(alerts).where(alerts.c.id == alert_id))).one_or_none()
    return None if row is None else _alert_from_row(row)


async def list_rows(
    connection: AsyncConnection,
    *,
    user_id: int | None = None,
    channel_id: int | None = None,
    guild_id: int | None = None,
) -> list[models.Alert]:
    """Return the rules that meet all given conditions, oldest first."""
    query = sa.select(alerts).order_by(alerts.c.id)
    equal = {alerts.c.user_id: user_id, alerts.c.channel_id: channel_id, alerts.c.guild_id: guild_id}
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def list_suspended(connection: AsyncConnection) -> list[models.Alert]:
    """Return the rules that are paused because Discord barred their channel."""
    query = sa.select(alerts).where(
        alerts.c.channel_id.is_not(None),
        alerts.c.state == models.ActivityState.PAUSED.value,
        alerts.c.reason.is_not(None),
        alerts.c.reason != "by-hand",
    )
    return [_alert_from_row(row) for row in await connection.execute(query)]


async def list_by_anchors(
    connection: AsyncConnection, anchors: Iterable[str], now: datetime
) -> dict[str, list[models.Alert]]:
    """Return the rules in force at `now` (UTC) whose anchor is among the tokens of papers: by anchor, oldest first.

    Made for tens of thousands of tokens.
    """
    ids = [
        id_ for (id_,) in await bulk.select_where_in(connection, alerts.c.anchor, set(anchors), [alerts.c.id])
    ]
    found: dict[str, list[models.Alert]] = {}
    for chunk in bulk.chunked(sorted(ids), _BATCH_SIZE):
        query = sa.select(alerts).where(
            alerts.c.id.in_(chunk),
            alerts.c.state == ACTIVE.value,
            sa.or_(alerts.c.paused_until_at.is_(None), alerts.c.paused_until_at <= now),
        )
        for row in await connection.execute(query.order_by(alerts.c.id)):
            found.setdefault(row.anchor, []).append(_alert_from_row(row))
    return found


async def set_anchors(connection: AsyncConnection, anchors: Mapping[int, str]) -> None:
    """Store rules' anchors, by the rules' ids, in place of the former ones."""
    statement = alerts.update().where(alerts.c.id == sa.bindparam("of"))
    values = [{"of": id_, "new": anchor} for id_, anchor in anchors.items()]
    if values:
        await connection.execute(statement.values(anchor=sa.bindparam("new")), values)


async def count_by_user(connection: AsyncConnection, user_id: int) -> int:
    """Return how many rules a reader has."""
    query = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.user_id == user_id)
    return int((await connection.execute(query)).scalar_one())


async def count_all(connection: AsyncConnection) -> int:
    """Return how many rules there are."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(alerts))).scalar_one())


async def pause(connection: AsyncConnection, alert_ids: Sequence[int], *, until_at: datetime) -> None:
    """Let rules rest until a moment (UTC)."""
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
    """Pause, resume or close rules; resuming ends a rest as well."""
    await connection.execute(
        alerts.update()
        .where(alerts.c.id.in_(alert_ids))
        .values(state=state.value, reason=reason, paused_until_at=None)
    )


async def remove(connection: AsyncConnection, alert_ids: Sequence[int]) -> int:
    """Forget rules. Returns how many there were."""
    return (await connection.execute(alerts.delete().where(alerts.c.id.in_(alert_ids)))).rowcount


async def add_notified_papers(
    connection: AsyncConnection,
    notified: Iterable[tuple[str, int]],
    *,
    notified_at: datetime,
    delivery_id: int | None = None,
) -> None:
    """Note papers (second) that recipients (first: 'user:<id>' or 'channel:<id>') are told of."""
    values = [
        {"recipient": recipient, "paper_id": paper_id, "told_at": notified_at, "delivery_id": delivery_id}
        for recipient, paper_id in notified
    ]
    if values:
        await connection.execute(
            bulk.dialect_insert(connection, told_papers).on_conflict_do_nothing(), values
        )


async def remove_notified_papers(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Forget what recipients were to be told by deliveries that never came."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(told_papers.delete().where(told_papers.c.delivery_id.in_(chunk)))


async def list_notified_papers(
    connection: AsyncConnection, recipients: Iterable[str], paper_ids: Sequence[int]
) -> set[tuple[str, int]]:
    """Return which of the papers each recipient was told of before."""
    found: set[tuple[str, int]] = set()
    for chunk in bulk.chunked(set(recipients)):
        query = sa.select(told_papers.c.recipient, told_papers.c.paper_id).where(
            told_papers.c.recipient.in_(chunk), told_papers.c.paper_id.in_(paper_ids)
        )
        found.update((recipient, paper_id) for recipient, paper_id in await connection.execute(query))
    return found


def _alert_from_row(row: sa.Row[Any]) -> models.Alert:
    values = dict(row._mapping)
    del values["anchor"]
    values["kind"] = models.AlertKind(values["kind"])
    values["state"] = models.ActivityState(values["state"])
    return models.Alert(**values)
