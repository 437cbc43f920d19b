"""What subscriptions covered and which papers channels have had, so that nothing is posted there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.outbox import queries
from storage.tables import covered_digests, digests, had_papers
from storage.tables import deliveries as planned

MAX_PLANNING_DELAY = timedelta(days=8)
"""So long after it was due a post may be planned at the latest, when the bot was away."""

ChannelLocale = tuple[int, str]
"""A channel and a language: the subscriptions of one channel in one language share what it has had."""


@dataclass(frozen=True, slots=True)
class PostedPaper:
    """A paper that a channel has had, and the delivery that brought it."""

    channel_id: int
    locale: str
    paper_id: int
    had_at: datetime
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class CoveredDigest:
    """A digest that a subscription drew a post from, and when (UTC)."""

    digest_id: int
    date_on: date
    covered_at: datetime


async def add_papers(connection: AsyncConnection, posted_papers: Sequence[PostedPaper]) -> None:
    """Note papers that channels have had; one that was had before is had again now."""
    key = ("channel_id", "locale", "paper_id")
    values = [
        (one.channel_id, one.locale, one.paper_id, one.had_at, one.delivery_id) for one in posted_papers
    ]
    await bulk.insert_rows(connection, had_papers, (*key, "had_at", "delivery_id"), values, upsert_key=key)


async def list_papers(
    connection: AsyncConnection,
    channel_ids: Iterable[int],
    *,
    since_at: datetime,
    until_at: datetime | None = None,
) -> dict[ChannelLocale, set[int]]:
    """Return the ids of the papers that the channels have had since `since_at` (UTC), by channel and language.

    `until_at`, itself included, leaves out what came later. Papers of deliveries that became too old before anything
    of them was sent were not had.
    """
    expired = models.DeliveryState.EXPIRED.value
    never_came = sa.select(planned.c.id).where(
        planned.c.state == expired, planned.c.due_at >= since_at - MAX_PLANNING_DELAY, queries.unsent_clause()
    )
    found: dict[ChannelLocale, set[int]] = defaultdict(set)
    for chunk in bulk.chunked(set(channel_ids)):
        query = sa.select(had_papers.c.channel_id, had_papers.c.locale, had_papers.c.paper_id).where(
            had_papers.c.channel_id.in_(chunk),
            had_papers.c.had_at >= since_at,
            sa.or_(had_papers.c.delivery_id.is_(None), had_papers.c.delivery_id.not_in(never_came)),
        )
        if until_at is not None:
            query = query.where(had_papers.c.had_at <= until_at)
        for channel_id, locale, paper_id in await connection.execute(query):
            found[channel_id, locale].add(paper_id)
    return found


async def list_for_paper(connection: AsyncConnection, paper_id: int, *, channel_id: int) -> list[PostedPaper]:
    """Return when a channel had one paper, in each language; for the answer to "why didn't it come?"."""
    query = sa.select(had_papers).where(
        had_papers.c.channel_id == channel_id, had_papers.c.paper_id == paper_id
    )
    return [PostedPaper(**row._mapping) for row in await connection.execute(query)]


async def add_covered(connection: AsyncConnection, pairs: Iterable[tuple[int, int]], now: datetime) -> None:
    """Note digests (second) that subscriptions (first) drew a post from, or were told of."""
    values = [(subscription_id, digest_id, now) for subscription_id, digest_id in pairs]
    names = ("subscription_id", "digest_id", "covered_at")
    await bulk.insert_rows(connection, covered_digests, names, values, ignore_conflicts=True)


async def remove_covered(connection: AsyncConnection, posts: Iterable[tuple[int, datetime]]) -> None:
    """Forget the digests that posts drew from which never came: given as subscriptions and when they were planned (UTC)."""
    values = [{"b_id": subscription_id, "b_at": planned_at} for subscription_id, planned_at in posts]
    if values:
        await connection.execute(
            covered_digests.delete().where(
                covered_digests.c.subscription_id == sa.bindparam("b_id"),
                covered_digests.c.covered_at == sa.bindparam("b_at"),
            ),
            values,
        )


async def list_covered(
    connection: AsyncConnection, subscription_ids: Iterable[int], digest_ids: Sequence[int]
) -> dict[int, set[int]]:
    """Return which of the digests each subscription has covered."""
    found: dict[int, set[int]] = defaultdict(set)
    for chunk in bulk.chunked(subscription_ids):
        query = sa.select(covered_digests.c.subscription_id, covered_digests.c.digest_id).where(
            covered_digests.c.subscription_id.in_(chunk), covered_digests.c.digest_id.in_(digest_ids)
        )
        for subscription_id, digest_id in await connection.execute(query):
            found[subscription_id].add(digest_id)
    return found


async def list_covered_by(connection: AsyncConnection, subscription_id: int) -> list[CoveredDigest]:
    """Return every digest that one subscription covered, the oldest date first."""
    query = (
        sa.select(covered_digests.c.digest_id, digests.c.date_on, covered_digests.c.covered_at)
        .join(digests, digests.c.id == covered_digests.c.digest_id)
        .where(covered_digests.c.subscription_id == subscription_id)
        .order_by(digests.c.date_on, digests.c.id)
    )
    return [CoveredDigest(*row) for row in await connection.execute(query)]
