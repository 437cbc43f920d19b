"""Readers' saved papers with their notes and tags, and those removed a short while ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import papers, removed_papers, saved_papers


class Order(StrEnum):
    """The order of a list of saved papers. Papers whose votes are unknown come last."""

    NEWEST = "newest"
    OLDEST = "oldest"
    VOTES = "votes"
    TITLE = "title"


async def save(
    connection: AsyncConnection, user_id: int, paper_ids: Iterable[int], now: datetime, guild_id: int | None
) -> int:
    """Save papers for a reader; one that is saved stays as it is. Returns how many are new.

    `guild_id` is the server where the reader saved them, None outside servers.
    """
    return await add(
        connection,
        user_id,
        [{"paper_id": paper_id, "saved_at": now, "guild_id": guild_id} for paper_id in paper_ids],
    )


async def add(connection: AsyncConnection, user_id: int, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows with the same columns, without `user_id`; one whose paper is saved is left out. Returns how many are new."""
    if not rows:
        return 0
    before = await count(connection, user_id)
    columns = ("user_id", *rows[0])
    values = [(user_id, *row.values()) for row in rows]
    await bulk.insert_rows(connection, saved_papers, columns, values, ignore_conflicts=True)
    return await count(connection, user_id) - before


async def update(connection: AsyncConnection, user_id: int, paper_id: int, **values: str) -> None:
    """Set the `note` or the `tags` of a saved paper."""
    await connection.execute(saved_papers.update().where(_is_saved(user_id, [paper_id])).values(values))


async def remove(connection: AsyncConnection, user_id: int, paper_id: int, now: datetime) -> bool:
    """Remove a saved paper; `restore` brings it back until `purge_removed`. Returns False if it was not saved."""
    row = (await connection.execute(sa.select(*_KEPT).where(_is_saved(user_id, [paper_id])))).one_or_none()
    if row is None:
        return False
    kept = {"user_id": user_id, "paper_id": paper_id, "removed_at": now, **row._mapping}
    await bulk.upsert(connection, removed_papers, [kept], key=("user_id", "paper_id"))
    await connection.execute(saved_papers.delete().where(_is_saved(user_id, [paper_id])))
    return True


async def restore(connection: AsyncConnection, user_id: int, paper_id: int) -> bool:
    """Save a removed paper again as it was. Returns False if its row is gone."""
    columns = [removed_papers.c[column.name] for column in _KEPT]
    is_this = sa.and_(removed_papers.c.user_id == user_id, removed_papers.c.paper_id == paper_id)
    row = (await connection.execute(sa.select(*columns).where(is_this))).one_or_none()
    if row is None:
        return False
    await connection.execute(removed_papers.delete().where(is_this))
    await add(connection, user_id, [{"paper_id": paper_id, **row._mapping}])
    return True


async def purge_removed(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` papers removed before a time. Returns their number."""
    return await bulk.delete_some(connection, removed_papers, removed_papers.c.removed_at < before, limit)


async def clear_guild(connection: AsyncConnection, guild_id: int) -> None:
    """Remove a server from the papers that were saved there; the papers stay with their readers."""
    for table in (saved_papers, removed_papers):
        await connection.execute(table.update().where(table.c.guild_id == guild_id).values(guild_id=None))


async def count(connection: AsyncConnection, user_id: int) -> int:
    """Return the number of a reader's saved papers."""
    query = sa.select(sa.func.count()).select_from(saved_papers).where(saved_papers.c.user_id == user_id)
    return int((await connection.execute(query)).scalar_one())


async def list_paper_ids(connection: AsyncConnection, user_id: int) -> list[int]:
    """Return the ids of a reader's saved papers, the last saved first."""
    query = sa.select(saved_papers.c.paper_id).where(saved_papers.c.user_id == user_id)
    return list((await connection.execute(query.order_by(*_ORDERS[Order.NEWEST]))).scalars())


async def list_rows(
    connection: AsyncConnection,
    user_id: int,
    *,
    order: Order = Order.NEWEST,
    tags: Iterable[str] = (),
    paper_ids: Collection[int] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[list[models.SavedPaper], int]:
    """Return a page of a reader's saved papers and the number of all: those with all the tags, among `paper_ids`."""
    chosen = [saved_papers.c.user_id == user_id]
    chosen += [saved_papers.c.tags.contains(f" {tag} ", autoescape=True) for tag in tags]
    if paper_ids is not None:
        chosen.append(saved_papers.c.paper_id.in_(paper_ids))
    joined = saved_papers.join(papers, papers.c.id == saved_papers.c.paper_id)
    total = (
        await connection.execute(sa.select(sa.func.count()).select_from(joined).where(*chosen))
    ).scalar_one()
    query = sa.select(papers, *_SAVED_COLUMNS).select_from(joined).where(*chosen)
    query = query.order_by(*_ORDERS[order]).limit(limit).offset(offset)
    return [_from_row(row) for row in await connection.execute(query)], int(total)


async def count_savers(
    connection: AsyncConnection, guild_ids: Collection[int], since: datetime, fewest: int = 1
) -> dict[int, dict[int, int]]:
    """Return how many members saved each paper in some servers since a time, by server and paper id.

    A paper that fewer than `fewest` members of a server saved is left out.
    """
    key = saved_papers.c.guild_id, saved_papers.c.paper_id
    condition = saved_papers.c.saved_at >= since
    query = sa.select(*key, sa.func.count()).where(condition).group_by(*key).having(sa.func.count() >= fewest)
    return await bulk.count_by_pair(connection, query, saved_papers.c.guild_id, guild_ids)


async def list_texts(connection: AsyncConnection, user_id: int) -> list[sa.Row[Any]]:
    """Return what a search of the saved papers needs: paper_id, last_on, votes, arxiv_id, title, note and tags."""
    query = sa.select(
        saved_papers.c.paper_id,
        papers.c.last_on,
        papers.c.votes,
        papers.c.arxiv_id,
        _TITLE.label("title"),
        saved_papers.c.note,
        saved_papers.c.tags,
    ).join(papers, papers.c.id == saved_papers.c.paper_id)
    return list(await connection.execute(query.where(saved_papers.c.user_id == user_id)))


async def get(connection: AsyncConnection, user_id: int, arxiv_id: str) -> models.SavedPaper | None:
    """Return a saved paper, or None."""
    paper_id = (
        await connection.execute(sa.select(papers.c.id).where(papers.c.arxiv_id == arxiv_id))
    ).scalar_one_or_none()
    if paper_id is None:
        return None
    rows, _ = await list_rows(connection, user_id, paper_ids=[paper_id])
    return rows[0] if rows else None


async def count_tags(connection: AsyncConnection, user_id: int) -> list[tuple[str, int]]:
    """Return a reader's tags with the number of their papers, the most used first."""
    query = sa.select(saved_papers.c.tags).where(saved_papers.c.user_id == user_id, saved_papers.c.tags != "")
    counts = Counter(tag for tags in (await connection.execute(query)).scalars() for tag in tags.split())
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


_TITLE = sa.func.coalesce(papers.c.title, saved_papers.c.title)
_KEPT = tuple(column for column in saved_papers.c if column.name not in ("user_id", "paper_id"))
_SAVED_COLUMNS = (
    saved_papers.c.saved_at,
    saved_papers.c.note,
    saved_papers.c.tags,
    saved_papers.c.title.label("given_title"),
    saved_papers.c.authors.label("given_authors"),
)
_ORDERS: dict[Order, tuple[sa.ColumnElement[Any], ...]] = {
    Order.NEWEST: (saved_papers.c.saved_at.desc(), saved_papers.c.paper_id.desc()),
    Order.OLDEST: (saved_papers.c.saved_at, saved_papers.c.paper_id),
    Order.VOTES: (papers.c.votes.is_(None), papers.c.votes.desc(), saved_papers.c.paper_id.desc()),
    Order.TITLE: (sa.func.lower(sa.func.coalesce(_TITLE, papers.c.arxiv_id)), saved_papers.c.paper_id),
}


def _is_saved(user_id: int, paper_ids: Collection[int]) -> sa.ColumnElement[bool]:
    return sa.and_(saved_papers.c.user_id == user_id, saved_papers.c.paper_id.in_(paper_ids))


def _from_row(row: sa.Row[Any]) -> models.SavedPaper:
    return models.SavedPaper(
        id=row.id,
        arxiv_id=row.arxiv_id,
        title=row.title or row.given_title,
        url=row.url,
        date=row.last_on or row.saved_at.date(),
        votes=row.votes,
        authors=tuple(row.authors) or tuple(row.given_authors or ()),
        authors_truncated=row.authors_truncated,
        thumbnail=row.thumbnail,
        is_listed=row.last_on is not None,
        saved_at=row.saved_at,
        note=row.note,
        tags=tuple(row.tags.split()),
    )
