"""Papers posted in channels and digests covered by subscriptions, which prevent repeated posts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.outbox import queries
from storage.tables import covered_digests, posted_papers
from storage.tables import deliveries as planned

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


async def add_papers(connection: AsyncConnection, rows: Sequence[PostedPaper]) -> None:
    """Store posted papers. The row of a paper that was posted before is replaced."""
    key = ("channel_id", "locale", "paper_id")
    values = [(row.channel_id, row.locale, row.paper_id, row.posted_at, row.delivery_id) for row in rows]
    await bulk.insert_rows(
        connection, posted_papers, (*key, "posted_at", "delivery_id"), values, upsert_key=key
    )


async def list_papers(
    connection: AsyncConnection, channel_ids: Iterable[int], *, since_at: datetime
) -> dict[ChannelLocale, set[int]]:
    """Return the ids of the papers posted in the channels since `since_at` (UTC), by channel and language.

    Papers of deliveries that expired before any part was sent are not included.
    """
    expired = models.DeliveryState.EXPIRED.value
    never_sent = sa.select(planned.c.id).where(
        planned.c.state == expired, planned.c.due_at >= since_at - MAX_PLANNING_DELAY, queries.unsent_clause()
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


async def list_for_paper(connection: AsyncConnection, paper_id: int, *, channel_id: int) -> list[PostedPaper]:
    """Return when a paper was posted in a channel, one row per language."""
    query = sa.select(posted_papers).where(
        posted_papers.c.channel_id == channel_id, posted_papers.c.paper_id == paper_id
    )
    return [PostedPaper(**row._mapping) for row in await connection.execute(query)]


async def remove_of_deliveries(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete the papers of deliveries of which nothing was sent, before these are deleted themselves."""
    for chunk in bulk.chunked(delivery_ids):
        await connection.execute(posted_papers.delete().where(posted_papers.c.delivery_id.in_(chunk)))


async def remove_of_channel(connection: AsyncConnection, channel_id: int, limit: int) -> int:
    """Delete at most `limit` papers posted in a channel. Returns their number."""
    return await bulk.delete_some(connection, posted_papers, posted_papers.c.channel_id == channel_id, limit)


async def remove_of_subscription(connection: AsyncConnection, subscription_id: int, limit: int) -> int:
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
    if values:
        await connection.execute(
            covered_digests.delete().where(
                covered_digests.c.subscription_id == sa.bindparam("b_id"),
                covered_digests.c.covered_at == sa.bindparam("b_at"),
            ),
            values,
        )
        await connection.execute(
            covered_digests.update()
            .where(
                covered_digests.c.subscription_id == sa.bindparam("b_id"),
                covered_digests.c.late_at == sa.bindparam("b_at"),
            )
            .values(late_revision=None, late_at=None),
            values,
        )


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
