"""Subscriptions to the daily post. Due times are computed by `bot.services.daily.schedule`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, errors, models
from storage.tables import subscriptions


async def add(connection: AsyncConnection, subscription: models.Subscription) -> int:
    """Store a subscription and return its new id; `subscription.id` is ignored.

    Raises DuplicateError if the channel has one with the same time, zone, language, style and topic.
    """
    try:
        async with connection.begin_nested():
            result = await connection.execute(
                subscriptions.insert().values(_values(subscription)).returning(subscriptions.c.id)
            )
    except IntegrityError as error:
        raise errors.DuplicateError(
            f"Channel {subscription.channel_id} has a daily post at {subscription.at_time} ({subscription.timezone},"
            f" {subscription.locale.value}, {subscription.style.value}{_topic_suffix(subscription)}) already."
            " Edit that one instead."
        ) from error
    return int(result.scalar_one())


async def update(connection: AsyncConnection, subscription: models.Subscription) -> None:
    """Store a changed subscription. Raises DuplicateError like `add`."""
    try:
        async with connection.begin_nested():
            await connection.execute(
                subscriptions.update()
                .where(subscriptions.c.id == subscription.id)
                .values(_values(subscription))
            )
    except IntegrityError as error:
        raise errors.DuplicateError(
            f"Channel {subscription.channel_id} has another daily post with this time, language, style and topic."
        ) from error


async def remove(connection: AsyncConnection, subscription_id: int) -> bool:
    """Delete a subscription; the papers posted in its channel are kept. Returns False if the id is unknown."""
    result = await connection.execute(subscriptions.delete().where(subscriptions.c.id == subscription_id))
    return result.rowcount > 0


async def get(
    connection: AsyncConnection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription | None:
    """Return one subscription, or None. `for_update` locks its row against concurrent changes and planning."""
    query = sa.select(subscriptions).where(subscriptions.c.id == subscription_id)
    if for_update:
        query = query.with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _subscription_from_row(row)


async def list_rows(
    connection: AsyncConnection,
    *,
    guild_id: int | None = None,
    channel_id: int | None = None,
    state: models.ActivityState | None = None,
) -> list[models.Subscription]:
    """Return the subscriptions that match all given conditions, oldest first."""
    query = sa.select(subscriptions).order_by(subscriptions.c.id)
    if guild_id is not None:
        query = query.where(subscriptions.c.guild_id == guild_id)
    if channel_id is not None:
        query = query.where(subscriptions.c.channel_id == channel_id)
    if state is not None:
        query = query.where(subscriptions.c.state == state.value)
    return [_subscription_from_row(row) for row in await connection.execute(query)]


def select_due(now: datetime, limit: int) -> sa.Select[Any]:
    """Return the query for active subscriptions due at `now` (UTC), which uses the index on `next_due_at`."""
    return (
        sa.select(subscriptions)
        .where(subscriptions.c.next_due_at <= now, subscriptions.c.state == models.ActivityState.ACTIVE.value)
        .order_by(subscriptions.c.next_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


async def list_due(connection: AsyncConnection, now: datetime, *, limit: int) -> list[models.Subscription]:
    """Return the active subscriptions that are due at `now` (UTC), longest overdue first."""
    return [_subscription_from_row(row) for row in await connection.execute(select_due(now, limit))]


async def list_due_with_topic(connection: AsyncConnection, now: datetime) -> list[models.Subscription]:
    """Return the active subscriptions with a topic that are due at `now` (UTC)."""
    query = sa.select(subscriptions).where(
        subscriptions.c.next_due_at <= now,
        subscriptions.c.state == models.ActivityState.ACTIVE.value,
        subscriptions.c.topic != "",
    )
    return [_subscription_from_row(row) for row in await connection.execute(query)]


async def set_schedules(connection: AsyncConnection, changed: Sequence[models.Subscription]) -> None:
    """Store the next due time of each subscription, its waiting for a digest and the newest digest posted."""
    if not changed:
        return
    names = ("next_due_at", "due_on", "waiting_for_on", "waiting_until_at", "last_digest_on")
    await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.id == sa.bindparam("b_id"))
        .values({name: sa.bindparam(f"b_{name}") for name in names}),
        [{"b_id": row.id, **{f"b_{name}": getattr(row, name) for name in names}} for row in changed],
    )


async def wake_waiting(connection: AsyncConnection, now: datetime) -> int:
    """Make the subscriptions that wait for a digest due at `now` (UTC). Returns their number."""
    result = await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.waiting_for_on.is_not(None), subscriptions.c.next_due_at > now)
        .values(next_due_at=now)
    )
    return result.rowcount


async def set_state(
    connection: AsyncConnection,
    subscription_ids: Iterable[int],
    state: models.ActivityState,
    *,
    reason: str | None = None,
) -> list[int]:
    """Set the state of subscriptions. Returns the ids of those whose state changed."""
    changed: list[int] = []
    for chunk in bulk.chunked(subscription_ids):
        result = await connection.execute(
            subscriptions.update()
            .where(subscriptions.c.id.in_(chunk), subscriptions.c.state != state.value)
            .values(state=state.value, reason=reason)
            .returning(subscriptions.c.id)
        )
        changed.extend(result.scalars())
    return changed


def _topic_suffix(subscription: models.Subscription) -> str:
    return f", {subscription.topic}" if subscription.topic else ""


def _values(subscription: models.Subscription) -> dict[str, Any]:
    values = bulk.record_values(subscription, days="".join(map(str, subscription.days)))
    del values["id"]
    return values


def _subscription_from_row(row: sa.Row[Any]) -> models.Subscription:
    return bulk.build_record(
        models.Subscription,
        row._mapping,
        days=tuple(map(int, row.days)),
        locale=models.Locale(row.locale),
        style=models.Style(row.style),
        state=models.ActivityState(row.state),
        when=models.When(row.when),
    )
