"""Subscriptions to daily posts, and papers posted in each channel. `bot.daily.schedule` sets due times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, errors, models, outbox
from storage.tables import SUBSCRIPTION_KEY, deliveries, delivery_papers, subscriptions


def are_same(one: models.Subscription, other: models.Subscription) -> bool:
    """Return whether two subscriptions count as the same, so that only one of them can be stored."""
    return all(getattr(one, name) == getattr(other, name) for name in SUBSCRIPTION_KEY)


async def add(connection: AsyncConnection, subscription: models.Subscription) -> int:
    """Store a subscription and return its new id, ignoring `subscription.id`.

    Raises DuplicateError if the channel has a subscription with the same time, zone, language, style, topic
    and source.
    """
    insert = subscriptions.insert().returning(subscriptions.c.id)
    return int((await _store(connection, insert, subscription)).scalar_one())


async def update(connection: AsyncConnection, subscription: models.Subscription) -> None:
    """Store a changed subscription. Raises DuplicateError like `add`."""
    await _store(
        connection, subscriptions.update().where(subscriptions.c.id == subscription.id), subscription
    )


async def _store(
    connection: AsyncConnection, statement: sa.Insert | sa.Update, subscription: models.Subscription
) -> sa.CursorResult[Any]:
    values = database.record_values(subscription, subscriptions)
    try:
        async with connection.begin_nested():
            return await connection.execute(statement.values(values))
    except IntegrityError as error:
        place = f"{'Webhook' if subscription.is_by_webhook else 'Channel'} {subscription.channel_id}"
        raise errors.DuplicateError(
            f"{place} already has a daily post with this time, zone, language, style, topic and source. Edit that one instead."
        ) from error


async def remove(connection: AsyncConnection, subscription_id: int) -> bool:
    """Delete a subscription, but not the record of posted papers. Returns False if the id is unknown."""
    result = await connection.execute(subscriptions.delete().where(subscriptions.c.id == subscription_id))
    return result.rowcount > 0


async def get(
    connection: AsyncConnection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription | None:
    """Return a subscription, or None if the id is unknown. `for_update` locks its row."""
    query = sa.select(subscriptions).where(subscriptions.c.id == subscription_id)
    if for_update:
        query = query.with_for_update()
    return await database.fetch_record(connection, models.Subscription, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    ids: Iterable[int] | None = None,
    guild_id: int | None = None,
    channel_id: int | None = None,
    state: models.ActivityState | None = None,
) -> list[models.Subscription]:
    """Return the subscriptions that meet all given conditions, oldest first."""
    conditions = {"guild_id": guild_id, "channel_id": channel_id, "state": state}
    query = sa.select(subscriptions).where(*database.equalities(subscriptions, conditions))
    query = query.order_by(subscriptions.c.id)
    return await database.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def lock_active(connection: AsyncConnection, ids: Iterable[int]) -> list[models.Subscription]:
    """Lock and return active subscriptions, skipping those that another transaction has locked."""
    query = sa.select(subscriptions).where(subscriptions.c.state == models.ActivityState.ACTIVE)
    query = query.order_by(subscriptions.c.id).with_for_update(skip_locked=True)
    return await database.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def set_last_on(connection: AsyncConnection, last_on: Mapping[int, date]) -> None:
    """Store each subscription's last finished local date."""
    rows = [{"id": id_, "last_on": on} for id_, on in last_on.items()]
    await database.update_rows(connection, subscriptions, rows)


async def set_state(
    connection: AsyncConnection,
    subscription_ids: Iterable[int],
    state: models.ActivityState,
    *,
    reason: str | None = None,
) -> list[int]:
    """Set the state of subscriptions, except manually paused ones. Returns the ids that changed."""
    is_by_hand = sa.and_(
        subscriptions.c.state == models.ActivityState.PAUSED,
        sa.func.coalesce(subscriptions.c.reason, models.Reason.BY_HAND) == models.Reason.BY_HAND,
    )
    statement = subscriptions.update().where(subscriptions.c.state != state, ~is_by_hand)
    statement = statement.values(state=state, reason=reason)
    returning = statement.returning(subscriptions.c.id)
    rows = await database.execute_in(connection, returning, subscriptions.c.id, sorted(subscription_ids))
    return [id_ for (id_,) in rows]


async def resume_returned(connection: AsyncConnection, guild_ids: Collection[int]) -> None:
    """Resume subscriptions that were paused because the bot left their servers."""
    left = sa.and_(
        subscriptions.c.guild_id.in_(guild_ids), subscriptions.c.reason == models.Reason.GUILD_LEFT
    )
    await connection.execute(
        subscriptions.update().where(left).values(state=models.ActivityState.ACTIVE, reason=None)
    )


# Posted papers: the papers of live deliveries (`outbox.live_clause`).


class Mark(NamedTuple):
    """How far a subscription's last post reached: days up to `on`, and entries of the first `until` ingests."""

    on: date
    until: int


async def list_marks(connection: AsyncConnection, subscription_ids: Iterable[int]) -> dict[int, Mark]:
    """Return, by subscription id, the digest date and cut-off of the last daily post that was not cancelled or refused."""
    own = deliveries.c.subscription_id == subscriptions.c.id
    last = sa.select(deliveries.c.id).where(
        own,
        deliveries.c.kind == models.DeliveryKind.DAILY,
        deliveries.c.drawn_until.is_not(None),
        outbox.live_clause(),
    )
    last_id = last.order_by(deliveries.c.id.desc()).limit(1).correlate(subscriptions).scalar_subquery()
    query = sa.select(subscriptions.c.id, deliveries.c.digest_on, deliveries.c.drawn_until)
    query = query.join_from(subscriptions, deliveries, deliveries.c.id == last_id)
    rows = await database.execute_in(connection, query, subscriptions.c.id, subscription_ids)
    return {id_: Mark(*mark) for id_, *mark in rows}


ChannelLocale = tuple[int, str]
"""A channel id and a language code. Subscriptions that share both do not repeat each other's papers."""


def channel_locale(subscription: models.Subscription) -> ChannelLocale:
    """Return a subscription's channel and language."""
    return subscription.channel_id, subscription.locale.value


async def add_delivery_papers(connection: AsyncConnection, papers: Mapping[int, Iterable[int]]) -> None:
    """Store the paper ids of new deliveries, keyed by delivery id."""
    rows = [
        {"delivery_id": delivery_id, "paper_id": paper_id}
        for delivery_id, ids in papers.items()
        for paper_id in ids
    ]
    await database.insert_rows(connection, delivery_papers, rows)


_MAX_PAPERS = 5_000
"""The most papers in a query, since parameters are limited. Above that, all posted papers are read."""


async def list_posted(
    connection: AsyncConnection, channel_ids: Iterable[int], paper_ids: Collection[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return which papers were posted in the channels since a time (UTC), keyed by channel and language."""
    query = sa.select(deliveries.c.channel_id, deliveries.c.locale, delivery_papers.c.paper_id)
    query = query.join(delivery_papers, delivery_papers.c.delivery_id == deliveries.c.id)
    query = query.where(deliveries.c.planned_at >= since_at, outbox.live_clause())
    if len(paper_ids) <= _MAX_PAPERS:
        query = query.where(delivery_papers.c.paper_id.in_(paper_ids))
    posted: dict[ChannelLocale, set[int]] = defaultdict(set)
    for channel_id, locale, paper_id in await database.execute_in(
        connection, query, deliveries.c.channel_id, channel_ids
    ):
        posted[channel_id, locale].add(paper_id)
    return posted


async def list_posts_of_paper(
    connection: AsyncConnection, paper_id: int, channel_id: int
) -> list[models.Delivery]:
    """Return the deliveries to a channel in which a paper counts as posted (see `live_clause`), newest first."""
    query = sa.select(deliveries).join(delivery_papers, delivery_papers.c.delivery_id == deliveries.c.id)
    query = query.where(
        deliveries.c.channel_id == channel_id, delivery_papers.c.paper_id == paper_id, outbox.live_clause()
    )
    return await database.fetch_records(connection, models.Delivery, query.order_by(deliveries.c.id.desc()))
