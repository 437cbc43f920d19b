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

from storage import database, errors, models, outbox
from storage.tables import covered_digests, decisions, digests, entries, posted_papers, subscriptions
from storage.tables import deliveries as planned


async def add(connection: AsyncConnection, subscription: models.Subscription) -> int:
    """Store a subscription and return its new id; `subscription.id` is ignored.

    Raises DuplicateError if the channel has one with the same time, zone, language, style, topic and source.
    """
    on_topic = f", {subscription.topic}" if subscription.topic else ""
    duplicate = (
        f"{_place(subscription)} already has a daily post at {subscription.at_time} ({subscription.timezone},"
        f" {subscription.locale.value}, {subscription.style.value}{on_topic}). Edit that one instead."
    )
    insert = subscriptions.insert().values(_values(subscription)).returning(subscriptions.c.id)
    return int((await _execute_unique(connection, insert, duplicate)).scalar_one())


async def update(connection: AsyncConnection, subscription: models.Subscription) -> None:
    """Store a changed subscription. Raises DuplicateError like `add`."""
    text = (
        f"{_place(subscription)} has another daily post with this time, language, style, topic and"
        " source. Change one of these, or remove the other post."
    )
    change = subscriptions.update().where(subscriptions.c.id == subscription.id)
    await _execute_unique(connection, change.values(_values(subscription)), text)


def _place(subscription: models.Subscription) -> str:
    return f"{'Webhook' if subscription.is_by_webhook else 'Channel'} {subscription.channel_id}"


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
    return await database.fetch_record(connection, models.Subscription, query)


async def list_rows(
    connection: AsyncConnection,
    *,
    ids: Iterable[int] | None = None,
    guild_id: int | None = None,
    channel_id: int | None = None,
    state: models.ActivityState | None = None,
    after_id: int = 0,
    limit: int | None = None,
) -> list[models.Subscription]:
    """Return the subscriptions that match all given conditions, oldest first."""
    conditions = {"guild_id": guild_id, "channel_id": channel_id, "state": state}
    query = sa.select(subscriptions).where(*database.equalities(subscriptions, conditions))
    query = query.where(subscriptions.c.id > after_id).order_by(subscriptions.c.id).limit(limit)
    rows = await database.list_where(
        connection, query, None if ids is None else subscriptions.c.id, ids or ()
    )
    return [database.build_record(models.Subscription, row._mapping) for row in rows]


def select_due(now: datetime, limit: int, *, has_topic: bool) -> sa.Select[Any]:
    """Return the query for active subscriptions due at `now` (UTC), which uses the index on `next_due_at`."""
    topic = subscriptions.c.topic
    return (
        sa.select(subscriptions)
        .where(subscriptions.c.next_due_at <= now, subscriptions.c.state == models.ActivityState.ACTIVE)
        .where(topic != "" if has_topic else topic == "")
        .order_by(subscriptions.c.next_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


async def list_due(
    connection: AsyncConnection, now: datetime, *, limit: int, has_topic: bool = False
) -> list[models.Subscription]:
    """Return the active subscriptions with or without a topic that are due at `now` (UTC), longest overdue first."""
    query = select_due(now, limit, has_topic=has_topic)
    return await database.fetch_records(connection, models.Subscription, query)


async def set_schedules(connection: AsyncConnection, changed: Sequence[models.Subscription]) -> None:
    """Store the next due time of each subscription, its waiting for a digest and the newest digest posted."""
    names = ("id", "next_due_at", "due_on", "waiting_for_on", "waiting_until_at", "last_digest_on")
    rows = [{name: getattr(row, name) for name in names} for row in changed]
    await database.update_rows(connection, subscriptions, rows)


async def wake_waiting(connection: AsyncConnection, now: datetime) -> int:
    """Make the subscriptions that wait for a digest due at `now` (UTC). Returns their number."""
    result = await connection.execute(
        subscriptions.update()
        .where(subscriptions.c.waiting_for_on.is_not(None), subscriptions.c.next_due_at > now)
        .values(next_due_at=now)
    )
    return result.rowcount


async def make_due_again(connection: AsyncConnection, unsent: Iterable[models.Delivery]) -> None:
    """Make the subscriptions due for the dates of unsent posts, as if these had not been planned."""
    own = subscriptions.c.id == sa.bindparam("b_id")
    on: sa.BindParameter[date] = sa.bindparam("b_on")
    at: sa.BindParameter[datetime] = sa.bindparam("b_at")
    due = subscriptions.update().where(own, subscriptions.c.due_on > on).values(next_due_at=at, due_on=on)
    values = [{"b_id": row.subscription_id, "b_on": row.local_on, "b_at": row.due_at} for row in unsent]
    if values:
        await connection.execute(due, values)


async def set_state(
    connection: AsyncConnection,
    subscription_ids: Iterable[int],
    state: models.ActivityState,
    *,
    reason: str | None = None,
) -> list[int]:
    """Set the state of subscriptions, except those that a person has paused. Returns the ids of those whose state changed."""
    is_by_hand = sa.and_(
        subscriptions.c.state == models.ActivityState.PAUSED,
        sa.func.coalesce(subscriptions.c.reason, models.Reason.BY_HAND) == models.Reason.BY_HAND,
    )
    statement = subscriptions.update().where(subscriptions.c.state != state, ~is_by_hand)
    statement = statement.values(state=state, reason=reason)
    returning = statement.returning(subscriptions.c.id)
    rows = await database.execute_in(connection, returning, subscriptions.c.id, sorted(subscription_ids))
    return [id_ for (id_,) in rows]


async def resume_returned(connection: AsyncConnection, guild_ids: Sequence[int]) -> None:
    """Resume the subscriptions that were paused when the bot left their servers."""
    left = sa.and_(
        subscriptions.c.guild_id.in_(guild_ids), subscriptions.c.reason == models.Reason.GUILD_LEFT
    )
    await connection.execute(
        subscriptions.update().where(left).values(state=models.ActivityState.ACTIVE, reason=None)
    )


def _values(subscription: models.Subscription) -> dict[str, Any]:
    values = database.record_values(subscription)
    del values["id"]
    return values


# Decisions of the daily planner: what each post drew from and left out, for `/why`.


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
    await database.insert_rows(
        connection, decisions, names, values, upsert_key=("subscription_id", "decided_at")
    )


async def list_decisions(connection: AsyncConnection, subscription_id: int) -> list[StoredDecision]:
    """Return the decisions of a subscription that are kept, newest first."""
    query = (
        sa.select(decisions)
        .where(decisions.c.subscription_id == subscription_id)
        .order_by(decisions.c.decided_at.desc())
    )
    return await database.fetch_records(connection, StoredDecision, query)


async def purge_decisions(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` decisions made before `before` (UTC). Returns the number deleted."""
    return await database.delete_some(connection, decisions, decisions.c.decided_at < before, limit)


async def remove_decisions(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
    """Delete at most `limit` decisions of a subscription. Returns the number deleted."""
    return await database.delete_some(
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
    await database.insert_rows(
        connection, posted_papers, (*key, "posted_at", "delivery_id"), values, upsert_key=key
    )


async def list_posted_papers(
    connection: AsyncConnection, channel_ids: Iterable[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return the ids of the papers posted in the channels since `since_at` (UTC), by channel and language.

    Papers of deliveries that expired before any part was sent are not included.
    """
    never_sent = sa.select(planned.c.id).where(
        planned.c.state == models.DeliveryState.STOPPED,
        planned.c.due_at >= since_at - MAX_PLANNING_DELAY,
        outbox.unsent_clause(),
    )
    query = sa.select(posted_papers.c.channel_id, posted_papers.c.locale, posted_papers.c.paper_id).where(
        posted_papers.c.posted_at >= since_at,
        sa.or_(posted_papers.c.delivery_id.is_(None), posted_papers.c.delivery_id.not_in(never_sent)),
    )
    rows = await database.execute_in(connection, query, posted_papers.c.channel_id, set(channel_ids))
    paper_ids: dict[ChannelLocale, set[int]] = defaultdict(set)
    for channel_id, locale, paper_id in rows:
        paper_ids[channel_id, locale].add(paper_id)
    return paper_ids


async def list_posts_of_paper(
    connection: AsyncConnection, paper_id: int, *, channel_id: int
) -> list[PostedPaper]:
    """Return when a paper was posted in a channel, one row per language."""
    query = sa.select(posted_papers).where(
        posted_papers.c.channel_id == channel_id, posted_papers.c.paper_id == paper_id
    )
    return await database.fetch_records(connection, PostedPaper, query)


async def remove_posted_of_deliveries(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete the papers of deliveries of which nothing was sent, before these are deleted themselves."""
    await database.execute_in(connection, posted_papers.delete(), posted_papers.c.delivery_id, delivery_ids)


async def remove_posted_of_channel(connection: AsyncConnection, channel_id: int, limit: int) -> int:
    """Delete at most `limit` papers posted in a channel. Returns their number."""
    return await database.delete_some(
        connection, posted_papers, posted_papers.c.channel_id == channel_id, limit
    )


async def remove_posted_of_subscription(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
    """Delete at most `limit` digests covered by a subscription. Returns their number."""
    of_subscription = covered_digests.c.subscription_id == subscription_id
    return await database.delete_some(connection, covered_digests, of_subscription, limit)


async def add_covered(
    connection: AsyncConnection, covered: Iterable[tuple[int, int, int]], now: datetime
) -> None:
    """Store the digests (second) that subscriptions (first) have covered at `now` (UTC), each in a revision (third)."""
    values = [(*row, now) for row in covered]
    names = ("subscription_id", "digest_id", "revision", "covered_at")
    await database.insert_rows(connection, covered_digests, names, values, ignore_conflicts=True)


async def set_late_revisions(
    connection: AsyncConnection, covered: Sequence[tuple[int, int, int]], now: datetime
) -> None:
    """Store up to which revision (third) of a covered digest (second) a subscription (first) posted late papers."""
    names = ("subscription_id", "digest_id", "late_revision")
    rows = [dict(zip(names, row, strict=True)) for row in covered]
    same = {"revision": _CURRENT_REVISION, "late_at": now}
    await database.update_rows(connection, covered_digests, rows, key=names[:2], same=same)


async def remove_covered(connection: AsyncConnection, posts: Iterable[tuple[int, datetime]]) -> None:
    """Delete the covered digests of unsent posts, given as subscription ids and planning times (UTC).

    The late papers of such a post count as not posted, and the newest digest that is still covered as the last one posted.
    """
    own = covered_digests.c.subscription_id == sa.bindparam("b_id")
    at: sa.BindParameter[datetime] = sa.bindparam("b_at")
    posts = list(posts)
    values = [{"b_id": subscription_id, "b_at": planned_at} for subscription_id, planned_at in posts]
    if values:
        await connection.execute(
            covered_digests.delete().where(own, covered_digests.c.covered_at == at), values
        )
        late = covered_digests.update().where(own, covered_digests.c.late_at == at)
        await connection.execute(late.values(late_revision=None, late_at=None), values)
        await _set_last_covered(connection, {subscription_id for subscription_id, _ in posts})


async def uncover_papers(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Let the posts of their channels draw again from the digests of the papers of these unsent deliveries.

    Those planned since had found the papers posted, and covered the digests without them.
    """
    key = covered_digests.c.subscription_id, covered_digests.c.digest_id
    query = (
        sa.select(*key)
        .distinct()
        .join(subscriptions, subscriptions.c.id == key[0])
        .join(entries, entries.c.digest_id == key[1])
        .join(
            posted_papers,
            sa.and_(
                posted_papers.c.channel_id == subscriptions.c.channel_id,
                posted_papers.c.locale == subscriptions.c.locale,
                posted_papers.c.paper_id == entries.c.paper_id,
            ),
        )
        .join(planned, planned.c.id == posted_papers.c.delivery_id)
        .where(covered_digests.c.covered_at >= planned.c.planned_at)
    )
    covered = await database.execute_in(connection, query, posted_papers.c.delivery_id, delivery_ids)
    rows = list(dict.fromkeys(map(tuple, covered)))
    await database.delete_rows(connection, covered_digests, ("subscription_id", "digest_id"), rows)
    await _set_last_covered(connection, {subscription_id for subscription_id, _ in rows})


async def _set_last_covered(connection: AsyncConnection, subscription_ids: Iterable[int]) -> None:
    """Let the newest digest that is still covered count as the last one posted."""
    newest = sa.select(sa.func.max(digests.c.date_on)).where(digests.c.id == covered_digests.c.digest_id)
    newest_on = newest.where(covered_digests.c.subscription_id == subscriptions.c.id).scalar_subquery()
    earlier = subscriptions.update().where(newest_on < subscriptions.c.last_digest_on)
    await database.execute_in(
        connection, earlier.values(last_digest_on=newest_on), subscriptions.c.id, subscription_ids
    )


async def list_covered(
    connection: AsyncConnection, subscription_ids: Iterable[int], digest_ids: Sequence[int]
) -> dict[int, dict[int, int]]:
    """Return the digests covered by each subscription, out of `digest_ids`, each with the revision posted last."""
    key = covered_digests.c.subscription_id, covered_digests.c.digest_id
    query = sa.select(*key, _CURRENT_REVISION).where(key[1].in_(digest_ids))
    covered: dict[int, dict[int, int]] = defaultdict(dict)
    for subscription_id, digest_id, revision in await database.execute_in(
        connection, query, key[0], subscription_ids
    ):
        covered[subscription_id][digest_id] = revision
    return covered
