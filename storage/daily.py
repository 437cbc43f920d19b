"""The daily post: subscriptions, the planner's decisions for `/why`, and what each channel was sent.

Due times are computed by `bot.daily.schedule`. Posted papers and covered digests prevent that posts repeat themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, deliveries, errors, models
from storage.tables import covered_digests, decisions, posted_papers, subscriptions
from storage.tables import deliveries as planned


async def add(connection: AsyncConnection, subscription: models.Subscription) -> int:
    """Store a subscription and return its new id; `subscription.id` is ignored.

    Raises DuplicateError if the channel has one with the same time, zone, language, style and topic.
    """
    on_topic = f", {subscription.topic}" if subscription.topic else ""
    duplicate = (
        f"Channel {subscription.channel_id} has a daily post at {subscription.at_time} ({subscription.timezone},"
        f" {subscription.locale.value}, {subscription.style.value}{on_topic}) already. Edit that one instead."
    )
    insert = subscriptions.insert().values(_values(subscription)).returning(subscriptions.c.id)
    return int((await _execute_unique(connection, insert, duplicate)).scalar_one())


async def update(connection: AsyncConnection, subscription: models.Subscription) -> None:
    """Store a changed subscription. Raises DuplicateError like `add`."""
    text = (
        f"Channel {subscription.channel_id} has another daily post with this time, language, style and topic."
    )
    change = subscriptions.update().where(subscriptions.c.id == subscription.id)
    await _execute_unique(connection, change.values(_values(subscription)), text)


async def _execute_unique(
    connection: AsyncConnection, statement: sa.Executable, duplicate: str
) -> sa.CursorResult[Any]:
    try:
        async with connection.begin_nested():
            return await connection.execute(statement)
    except IntegrityError as error:
        raise errors.DuplicateError(duplicate) from error


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


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One choice of papers by a subscription for the local date `local_on`.

    `digest_ids` were drawn from; `skipped_digest_ids` are older digests, which a first post leaves out. `cutoff_rank`
    papers were chosen, the last of them with `cutoff_votes`. `left_out` holds the ids and votes of the papers after
    the cut-off, best first. Other papers of the digests had been posted before or had fewer votes than `min_votes`.
    """

    subscription_id: int
    local_on: date
    decided_at: datetime
    digest_on: date
    digest_ids: tuple[int, ...]
    skipped_digest_ids: tuple[int, ...]
    min_votes: int
    cutoff_rank: int
    cutoff_votes: int | None
    left_out: tuple[tuple[int, int | None], ...]
    delivery_id: int | None = None


async def add_decisions(connection: AsyncConnection, new_decisions: Sequence[StoredDecision]) -> None:
    """Store decisions; a decision of the same subscription and moment is replaced."""
    names = tuple(field.name for field in fields(StoredDecision))
    values = [tuple(getattr(row, name) for name in names) for row in new_decisions]
    await bulk.insert_rows(connection, decisions, names, values, upsert_key=("subscription_id", "decided_at"))


async def list_decisions(connection: AsyncConnection, subscription_id: int) -> list[StoredDecision]:
    """Return the decisions of a subscription that are kept, newest first."""
    query = (
        sa.select(decisions)
        .where(decisions.c.subscription_id == subscription_id)
        .order_by(decisions.c.decided_at.desc())
    )
    return [
        StoredDecision(
            **{
                **row._mapping,
                "digest_ids": tuple(row.digest_ids),
                "skipped_digest_ids": tuple(row.skipped_digest_ids),
                "left_out": tuple((paper_id, votes) for paper_id, votes in row.left_out),
            }
        )
        for row in await connection.execute(query)
    ]


async def purge_decisions(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` decisions made before `before` (UTC). Returns the number deleted."""
    return await bulk.delete_some(connection, decisions, decisions.c.decided_at < before, limit)


async def remove_decisions(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
    """Delete at most `limit` decisions of a subscription. Returns the number deleted."""
    return await bulk.delete_some(
        connection, decisions, decisions.c.subscription_id == subscription_id, limit
    )


MAX_PLANNING_DELAY = timedelta(days=8)
"""A post is planned at most this long after it was due, after downtime of the bot."""

_CURRENT_REVISION = sa.func.coalesce(covered_digests.c.late_revision, covered_digests.c.revision)

ChannelLocale = tuple[int, str]
"""A channel id and a language code. Subscriptions that share both share their posted papers."""


@dataclass(frozen=True, slots=True)
class PostedPaper:
    """A paper posted in a channel (`posted_at`, UTC), and its delivery."""

    channel_id: int
    locale: str
    paper_id: int
    posted_at: datetime
    delivery_id: int | None = None


def channel_locale(subscription: models.Subscription) -> ChannelLocale:
    """Return the channel and language of a subscription."""
    return subscription.channel_id, subscription.locale.value


async def add_posted_papers(connection: AsyncConnection, rows: Sequence[PostedPaper]) -> None:
    """Store posted papers. The row of a paper that was posted before is replaced."""
    key = ("channel_id", "locale", "paper_id")
    values = [(row.channel_id, row.locale, row.paper_id, row.posted_at, row.delivery_id) for row in rows]
    await bulk.insert_rows(
        connection, posted_papers, (*key, "posted_at", "delivery_id"), values, upsert_key=key
    )


async def list_posted_papers(
    connection: AsyncConnection, channel_ids: Iterable[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return the ids of the papers posted in the channels since `since_at` (UTC), by channel and language.

    Papers of deliveries that expired before any part was sent are not included.
    """
    expired = models.DeliveryState.EXPIRED.value
    never_sent = sa.select(planned.c.id).where(
        planned.c.state == expired,
        planned.c.due_at >= since_at - MAX_PLANNING_DELAY,
        deliveries.unsent_clause(),
    )
    paper_ids: dict[ChannelLocale, set[int]] = defaultdict(set)
    for chunk in bulk.chunked(set(channel_ids)):
        query = sa.select(posted_papers.c.channel_id, posted_papers.c.locale, posted_papers.c.paper_id).where(
            posted_papers.c.channel_id.in_(chunk),
            posted_papers.c.posted_at >= since_at,
            sa.or_(posted_papers.c.delivery_id.is_(None), posted_papers.c.delivery_id.not_in(never_sent)),
        )
        for channel_id, locale, paper_id in await connection.execute(query):
            paper_ids[channel_id, locale].add(paper_id)
    return paper_ids


async def list_posts_of_paper(
    connection: AsyncConnection, paper_id: int, *, channel_id: int
) -> list[PostedPaper]:
    """Return when a paper was posted in a channel, one row per language."""
    query = sa.select(posted_papers).where(
        posted_papers.c.channel_id == channel_id, posted_papers.c.paper_id == paper_id
    )
    return [PostedPaper(**row._mapping) for row in await connection.execute(query)]


async def remove_posted_of_deliveries(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete the papers of deliveries of which nothing was sent, before these are deleted themselves."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(posted_papers.delete().where(posted_papers.c.delivery_id.in_(chunk)))


async def remove_posted_of_channel(connection: AsyncConnection, channel_id: int, limit: int) -> int:
    """Delete at most `limit` papers posted in a channel. Returns their number."""
    return await bulk.delete_some(connection, posted_papers, posted_papers.c.channel_id == channel_id, limit)


async def remove_posted_of_subscription(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
    """Delete at most `limit` digests covered by a subscription. Returns their number."""
    of_subscription = covered_digests.c.subscription_id == subscription_id
    return await bulk.delete_some(connection, covered_digests, of_subscription, limit)


async def add_covered(
    connection: AsyncConnection, covered: Iterable[tuple[int, int, int]], now: datetime
) -> None:
    """Store the digests (second) that subscriptions (first) have covered at `now` (UTC), each in a revision (third)."""
    values = [(*row, now) for row in covered]
    names = ("subscription_id", "digest_id", "revision", "covered_at")
    await bulk.insert_rows(connection, covered_digests, names, values, ignore_conflicts=True)


async def set_late_revisions(
    connection: AsyncConnection, covered: Sequence[tuple[int, int, int]], now: datetime
) -> None:
    """Store up to which revision (third) of a covered digest (second) a subscription (first) posted late papers."""
    if not covered:
        return
    table = covered_digests
    await connection.execute(
        table.update()
        .where(
            table.c.subscription_id == sa.bindparam("b_id"), table.c.digest_id == sa.bindparam("b_digest_id")
        )
        .values(revision=_CURRENT_REVISION, late_revision=sa.bindparam("b_revision"), late_at=now),
        [
            {"b_id": subscription_id, "b_digest_id": digest_id, "b_revision": revision}
            for subscription_id, digest_id, revision in covered
        ],
    )


async def remove_covered(connection: AsyncConnection, posts: Iterable[tuple[int, datetime]]) -> None:
    """Delete the covered digests of unsent posts, given as subscription ids and planning times (UTC).

    The late papers of such a post count as not posted.
    """
    values = [{"b_id": subscription_id, "b_at": planned_at} for subscription_id, planned_at in posts]
    if not values:
        return
    of_subscription = covered_digests.c.subscription_id == sa.bindparam("b_id")
    covered_then = covered_digests.c.covered_at == sa.bindparam("b_at")
    late_then = covered_digests.c.late_at == sa.bindparam("b_at")
    undo_late = covered_digests.update().values(late_revision=None, late_at=None)
    await connection.execute(covered_digests.delete().where(of_subscription, covered_then), values)
    await connection.execute(undo_late.where(of_subscription, late_then), values)


async def list_covered(
    connection: AsyncConnection, subscription_ids: Iterable[int], digest_ids: Sequence[int]
) -> dict[int, dict[int, int]]:
    """Return the digests covered by each subscription, out of `digest_ids`, each with the revision posted last."""
    covered: dict[int, dict[int, int]] = defaultdict(dict)
    for chunk in bulk.chunked(subscription_ids):
        query = sa.select(
            covered_digests.c.subscription_id, covered_digests.c.digest_id, _CURRENT_REVISION
        ).where(covered_digests.c.subscription_id.in_(chunk), covered_digests.c.digest_id.in_(digest_ids))
        for subscription_id, digest_id, revision in await connection.execute(query):
            covered[subscription_id][digest_id] = revision
    return covered
