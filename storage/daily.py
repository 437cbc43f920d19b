"""The daily post: subscriptions, and which papers each channel was sent. Due times are computed by `bot.daily.schedule`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, errors, models, outbox
from storage.tables import deliveries, delivery_papers, subscriptions


async def add(connection: AsyncConnection, subscription: models.Subscription) -> int:
    """Store a subscription and return its new id; `subscription.id` is ignored.

    Raises DuplicateError if the channel has one with the same time, zone, language, style, topic and source.
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
    return await database.fetch_record(connection, models.Subscription, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    ids: Iterable[int] | None = None,
    guild_id: int | None = None,
    channel_id: int | None = None,
    state: models.ActivityState | None = None,
) -> list[models.Subscription]:
    """Return the subscriptions that match all given conditions, oldest first."""
    conditions = {"guild_id": guild_id, "channel_id": channel_id, "state": state}
    query = sa.select(subscriptions).where(*database.equalities(subscriptions, conditions))
    query = query.order_by(subscriptions.c.id)
    return await database.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def lock_active(connection: AsyncConnection, ids: Iterable[int]) -> list[models.Subscription]:
    """Lock and return the active ones of these subscriptions, without those locked by another transaction."""
    query = sa.select(subscriptions).where(subscriptions.c.state == models.ActivityState.ACTIVE)
    query = query.order_by(subscriptions.c.id).with_for_update(skip_locked=True)
    return await database.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def set_last_on(connection: AsyncConnection, last_on: Mapping[int, date]) -> None:
    """Store the local date up to which all posts are planned or given up, by subscription."""
    rows = [{"id": id_, "last_on": on} for id_, on in last_on.items()]
    await database.update_rows(connection, subscriptions, rows)


async def set_state(
    connection: AsyncConnection,
    subscription_ids: Iterable[int],
    state: models.ActivityState,
    *,
    reason: str | None = None,
) -> list[int]:
    """Set the state of subscriptions that no person has paused. Returns the ids of those changed."""
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
    """Resume the subscriptions that were paused when the bot left their servers."""
    left = sa.and_(
        subscriptions.c.guild_id.in_(guild_ids), subscriptions.c.reason == models.Reason.GUILD_LEFT
    )
    await connection.execute(
        subscriptions.update().where(left).values(state=models.ActivityState.ACTIVE, reason=None)
    )


# What was posted: the papers of live deliveries (`outbox.live_clause`).


class Mark(NamedTuple):
    """The range of a subscription's last post: days up to `on`, and entries added by the first `until` ingests."""

    on: date
    until: int


async def list_marks(connection: AsyncConnection, subscription_ids: Iterable[int]) -> dict[int, Mark]:
    """Return the mark of the last live daily post of each subscription that has one."""
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
"""A channel id and a language code. Subscriptions with the same pair share their posted papers."""


def channel_locale(subscription: models.Subscription) -> ChannelLocale:
    """Return the channel and language of a subscription."""
    return subscription.channel_id, subscription.locale.value


async def add_delivery_papers(connection: AsyncConnection, papers: Mapping[int, Iterable[int]]) -> None:
    """Store the ids of the papers of new deliveries, by delivery."""
    rows = [
        {"delivery_id": delivery_id, "paper_id": paper_id}
        for delivery_id, ids in papers.items()
        for paper_id in ids
    ]
    await database.insert_rows(connection, delivery_papers, rows)


_MAX_PAPERS = 5_000
"""The most papers in a query, within the limit of parameters; above it all posted papers are read."""


async def list_posted(
    connection: AsyncConnection, channel_ids: Iterable[int], paper_ids: Collection[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return which of the papers were posted in the channels since `since_at` (UTC), by channel and language."""
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
    """Return the live deliveries of a paper to a channel, the last planned first."""
    query = sa.select(deliveries).join(delivery_papers, delivery_papers.c.delivery_id == deliveries.c.id)
    query = query.where(
        deliveries.c.channel_id == channel_id, delivery_papers.c.paper_id == paper_id, outbox.live_clause()
    )
    return await database.fetch_records(connection, models.Delivery, query.order_by(deliveries.c.id.desc()))
