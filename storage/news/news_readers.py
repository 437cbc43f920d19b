"""Up to where each reader was told of the news of saved papers, and who wants none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import news_readers, paper_news, papers, saved_papers

Unsent = list[tuple[int, models.PaperNews]]
"""News with their ids, ascending."""


async def is_off(connection: AsyncConnection, user_id: int) -> bool:
    """Return whether a reader wants no news."""
    query = sa.select(news_readers.c.is_off).where(news_readers.c.user_id == user_id)
    return bool((await connection.execute(query)).scalar())


async def set_off(connection: AsyncConnection, user_id: int, off: bool) -> None:
    """Switch the news off, or on again: what was found meanwhile is then left out."""
    newest = (await connection.execute(sa.select(sa.func.max(paper_news.c.id)))).scalar() or 0
    values = {"user_id": user_id, "is_off": off}
    if off:
        start = {"last_id": 0, "former_last_id": 0}
        statement = bulk.dialect_insert(connection, news_readers).values(values | start)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["user_id"], set_={"is_off": True})
        )
    else:
        row = values | {"last_id": newest, "former_last_id": newest}
        await bulk.upsert(connection, news_readers, [row], key=("user_id",))


async def list_unsent(
    connection: AsyncConnection, found_until: datetime, notified_before: datetime, user_id: int | None = None
) -> dict[int, Unsent]:
    """Return the news by reader, of all or one, that were found by `found_until` (UTC) and not told yet.

    Readers who were told of others since `notified_before` (UTC) are left out, and those who want none.
    """
    reader = news_readers.c
    query = (
        sa.select(
            saved_papers.c.user_id,
            paper_news.c.id,
            papers.c.arxiv_id,
            papers.c.title,
            paper_news.c.kind,
            paper_news.c.value,
        )
        .join(paper_news, paper_news.c.paper_id == saved_papers.c.paper_id)
        .join(papers, papers.c.id == saved_papers.c.paper_id)
        .join(news_readers, reader.user_id == saved_papers.c.user_id, isouter=True)
        .where(
            paper_news.c.changed_at > saved_papers.c.saved_at,
            paper_news.c.found_at <= found_until,
            paper_news.c.id > sa.func.coalesce(reader.last_id, 0),
            sa.or_(reader.is_off.is_(None), sa.not_(reader.is_off)),
            sa.or_(reader.notified_at.is_(None), reader.notified_at < notified_before),
        )
        .order_by(saved_papers.c.user_id, paper_news.c.id)
    )
    if user_id is not None:
        query = query.where(saved_papers.c.user_id == user_id)
    unsent: dict[int, Unsent] = defaultdict(list)
    result = await connection.stream(query.execution_options(yield_per=250))
    async for rows in result.partitions():
        for row in rows:
            news = row.arxiv_id, row.title, models.NewsKind(row.kind), row.value
            unsent[row.user_id].append((row.id, news))
    return dict(unsent)


async def mark_sent(
    connection: AsyncConnection, user_id: int, last_id: int, delivery_id: int, now: datetime
) -> None:
    """Store up to which id a reader is told by a delivery, planned at `now` (UTC)."""
    former = sa.select(news_readers.c.last_id).where(news_readers.c.user_id == user_id)
    former_id = (await connection.execute(former)).scalar() or 0
    row = {"user_id": user_id, "is_off": False, "last_id": last_id, "former_last_id": former_id}
    row |= {"notified_at": now, "delivery_id": delivery_id}
    await bulk.upsert(connection, news_readers, [row], key=("user_id",))


async def mark_unsent(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Store that of these deliveries nothing was sent, so that their news come with the next ones."""
    for chunk in bulk.chunked(delivery_ids):
        await _set_back(connection, chunk)


async def _set_back(connection: AsyncConnection, delivery_ids: Sequence[int]) -> None:
    statement = news_readers.update().where(news_readers.c.delivery_id.in_(delivery_ids))
    await connection.execute(statement.values(last_id=news_readers.c.former_last_id, delivery_id=None))
