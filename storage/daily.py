"""Subscriptions to daily posts, and papers posted in each channel. `bot.core.schedule` sets due times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors, key_values, models, outbox, statements
from storage.models import DeliveryKind, Reason
from storage.tables import SUBSCRIPTION_KEY, deliveries, delivery_papers, parts, subscriptions


def identify(subscription: models.Subscription) -> tuple[Any, ...]:
    """Return the settings by which subscriptions differ: only one with each can be stored."""
    return tuple(getattr(subscription, name) for name in SUBSCRIPTION_KEY)


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
    values = statements.record_values(subscription, subscriptions)
    try:
        async with connection.begin_nested():
            return await connection.execute(statement.values(values))
    except IntegrityError as error:
        place = f"{'Webhook' if subscription.is_by_webhook else 'Channel'} {subscription.channel_id}"
        raise errors.DuplicateError(
            f"{place} already has a daily post with this time, zone, language, style, topic and source. Edit that one instead.",
            "subscription-already",
        ) from error


async def remove(connection: AsyncConnection, subscription_id: int) -> None:
    """Delete a subscription, but not the record of posted papers."""
    await connection.execute(subscriptions.delete().where(subscriptions.c.id == subscription_id))


async def get(
    connection: AsyncConnection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription | None:
    query = sa.select(subscriptions).where(subscriptions.c.id == subscription_id)
    if for_update:
        query = query.with_for_update()
    return await statements.fetch_record(connection, models.Subscription, query)


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
    query = sa.select(subscriptions).where(*statements.equalities(subscriptions, conditions))
    query = query.order_by(subscriptions.c.id)
    return await statements.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def lock_active(connection: AsyncConnection, ids: Iterable[int]) -> list[models.Subscription]:
    """Lock and return active subscriptions, skipping those that another transaction has locked."""
    query = sa.select(subscriptions).where(subscriptions.c.state == models.ActivityState.ACTIVE)
    query = query.order_by(subscriptions.c.id).with_for_update(skip_locked=True)
    return await statements.fetch_records(connection, models.Subscription, query, subscriptions.c.id, ids)


async def set_last_on(connection: AsyncConnection, last_on: Mapping[int, date]) -> None:
    rows = [{"id": id_, "last_on": on} for id_, on in last_on.items()]
    await statements.update_rows(connection, subscriptions, rows)


async def list_unaddressed(connection: AsyncConnection) -> list[int]:
    """Return the ids of the webhooks whose addresses, which are secret, are missing, as after an import."""
    key = sa.literal(key_values.WEBHOOK) + sa.cast(subscriptions.c.channel_id, sa.Text)
    is_missing = ~sa.exists().where(key_values.meta.c.key == key)
    query = sa.select(subscriptions.c.channel_id).where(
        subscriptions.c.guild_id == models.NO_GUILD, is_missing
    )
    return sorted(await connection.scalars(query.distinct()))


async def set_state(
    connection: AsyncConnection,
    subscription_ids: Iterable[int],
    state: models.ActivityState,
    *,
    reason: str | None,
) -> None:
    """Set the state of subscriptions, except manually paused ones."""
    is_by_hand = sa.and_(
        subscriptions.c.state == models.ActivityState.PAUSED,
        sa.func.coalesce(subscriptions.c.reason, models.Reason.BY_HAND) == models.Reason.BY_HAND,
    )
    statement = subscriptions.update().where(subscriptions.c.state != state, ~is_by_hand)
    statement = statement.values(state=state, reason=reason)
    await statements.execute_in(connection, statement, subscriptions.c.id, sorted(subscription_ids))


async def resume_returned(connection: AsyncConnection, guild_ids: Collection[int]) -> None:
    """Resume subscriptions that were paused because the bot left their servers."""
    left = sa.and_(
        subscriptions.c.guild_id.in_(guild_ids), subscriptions.c.reason == models.Reason.GUILD_LEFT
    )
    await connection.execute(
        subscriptions.update().where(left).values(state=models.ActivityState.ACTIVE, reason=None)
    )


# A paper is posted when the part that has it was sent, may have been, or will be (`outbox.taken_clause`).


ChannelLocale = tuple[int, str]
"""A channel id and a language code. Subscriptions that share both do not repeat each other's papers."""


def channel_locale(subscription: models.Subscription) -> ChannelLocale:
    return subscription.channel_id, subscription.locale.value


class HighWaterMark(NamedTuple):
    """What is new to a subscription after its last post: days after `on`, entries after the first `until` ingests, and
    the papers that were `returned` unsent in its channel and language.
    """

    on: date
    until: int
    returned: frozenset[int]


async def list_marks(
    connection: AsyncConnection, rows: Sequence[models.Subscription], *, returned_since: datetime
) -> dict[int, HighWaterMark]:
    """Return the marks of subscriptions that have had a post, by id. Papers were returned since a time (UTC)."""
    drawn = sa.and_(
        deliveries.c.subscription_id == subscriptions.c.id,
        deliveries.c.kind == DeliveryKind.DAILY,
        deliveries.c.drawn_until.is_not(None),
    )
    last_id = sa.select(sa.func.max(deliveries.c.id)).where(drawn).correlate(subscriptions).scalar_subquery()
    query = sa.select(subscriptions.c.id, deliveries.c.digest_on, deliveries.c.drawn_until)
    query = query.join_from(subscriptions, deliveries, deliveries.c.id == last_id)
    places = {row.id: channel_locale(row) for row in rows}
    marks = await statements.execute_in(connection, query, subscriptions.c.id, places)
    returned = await _list_returned(connection, {row.channel_id for row in rows}, returned_since)
    return {id_: HighWaterMark(on, until, returned.get(places[id_], frozenset())) for id_, on, until in marks}


_PAPERS = delivery_papers.join(deliveries, deliveries.c.id == delivery_papers.c.delivery_id).join(
    parts,
    sa.and_(
        parts.c.delivery_id == delivery_papers.c.delivery_id, parts.c.position == delivery_papers.c.position
    ),
)
_IS_POST = deliveries.c.kind.in_((DeliveryKind.DAILY, DeliveryKind.ON_DEMAND))
"""Alerts have papers of parts, too, if they were split."""
_PLACE_AND_PAPER = (deliveries.c.channel_id, deliveries.c.locale, delivery_papers.c.paper_id)


async def _list_returned(
    connection: AsyncConnection, channel_ids: Iterable[int], since_at: datetime
) -> dict[ChannelLocale, frozenset[int]]:
    """Return the papers of parts that ended unsent since a time (UTC). Some may have been posted afterwards.

    Papers that Discord refuses do not return.
    """
    query = sa.select(*_PLACE_AND_PAPER, parts.c.error).select_from(_PAPERS)
    query = query.where(_IS_POST, deliveries.c.finished_at >= since_at, ~outbox.taken_clause())
    returned = defaultdict[ChannelLocale, set[int]](set)
    refused = defaultdict[ChannelLocale, set[int]](set)
    for channel_id, locale, paper_id, error in await statements.execute_in(
        connection, query, deliveries.c.channel_id, channel_ids
    ):
        ended = refused if error == Reason.REFUSED_CONTENT else returned
        ended[channel_id, locale].add(paper_id)
    return {place: frozenset(paper_ids - refused[place]) for place, paper_ids in returned.items()}


async def add_delivery_papers(
    connection: AsyncConnection, papers: Mapping[int, Iterable[tuple[int, int]]]
) -> None:
    """Store the papers of new deliveries as (paper id, position of the part that has it), keyed by delivery id."""
    rows = [
        {"delivery_id": delivery_id, "paper_id": paper_id, "position": position}
        for delivery_id, of_delivery in papers.items()
        for paper_id, position in of_delivery
    ]
    await statements.insert_rows(connection, delivery_papers, rows)


_MAX_PAPERS = 5_000
"""The most papers in a query, since parameters are limited. Above that, all posted papers are read."""


async def list_posted(
    connection: AsyncConnection, channel_ids: Iterable[int], paper_ids: Collection[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return which papers were posted in the channels since a time (UTC), keyed by channel and language."""
    query = sa.select(*_PLACE_AND_PAPER).select_from(_PAPERS)
    last_at = sa.func.coalesce(deliveries.c.finished_at, deliveries.c.planned_at)
    query = query.where(_IS_POST, last_at >= since_at, outbox.taken_clause())
    if len(paper_ids) <= _MAX_PAPERS:
        query = query.where(delivery_papers.c.paper_id.in_(paper_ids))
    posted: dict[ChannelLocale, set[int]] = defaultdict(set)
    for channel_id, locale, paper_id in await statements.execute_in(
        connection, query, deliveries.c.channel_id, channel_ids
    ):
        posted[channel_id, locale].add(paper_id)
    return posted


class PostOfPaper(NamedTuple):
    """A delivery with a paper, the part that has it, and whether that was sent, may have been, or will be."""

    delivery: models.Delivery
    part: models.Part
    is_posted: bool


async def list_posts_of_paper(
    connection: AsyncConnection, paper_id: int, channel_id: int
) -> list[PostOfPaper]:
    """Return a paper's posts in a channel, newest first, including those that were not sent."""
    query = sa.select(deliveries.c.id, delivery_papers.c.position, outbox.taken_clause()).select_from(_PAPERS)
    query = query.where(
        _IS_POST, deliveries.c.channel_id == channel_id, delivery_papers.c.paper_id == paper_id
    )
    placed = (await connection.execute(query)).all()
    rows = {id_: (position, is_posted) for id_, position, is_posted in placed}
    posts = []
    for delivery in await outbox.list_rows(connection, ids=list(rows)):
        position, is_posted = rows[delivery.id]
        part = (await outbox.list_parts(connection, delivery.id))[position]
        posts.append(PostOfPaper(delivery, part, is_posted))
    return posts
