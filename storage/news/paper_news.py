"""Watched papers: when each service was asked about them last, and what is known to have become of each.

A row of news is there once for each value, whenever it was found. `changed_at` decides for whom it is news: for those
who saved the paper before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.models import NewsKind, SourceKind
from storage.tables import paper_news, papers, removed_papers, saved_papers, watched_papers

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""`changed_at` of what was so when a paper was first looked at."""

Facts = Mapping[NewsKind, str]
"""What a service says of a paper now."""
Reading = tuple[Facts, datetime]
"""The same with the time (UTC) since which it may be so: `ALWAYS` if that is unknown."""


async def list_unwatched(connection: AsyncConnection, limit: int) -> list[int]:
    """Return the ids of at most `limit` saved papers that are not watched yet."""
    watched = sa.select(watched_papers.c.paper_id)
    query = sa.select(saved_papers.c.paper_id).where(saved_papers.c.paper_id.not_in(watched))
    return list((await connection.execute(query.distinct().limit(limit))).scalars())


async def list_unsaved(connection: AsyncConnection) -> list[int]:
    """Return the ids of the watched papers that no reader keeps; a removal can be undone for a while."""
    kept = sa.select(saved_papers.c.paper_id).union(sa.select(removed_papers.c.paper_id))
    query = sa.select(watched_papers.c.paper_id).where(watched_papers.c.paper_id.not_in(kept))
    return list((await connection.execute(query)).scalars())


async def watch(connection: AsyncConnection, paper_ids: Sequence[int], now: datetime) -> None:
    """Begin to watch papers. Code that the archive names of them by then is no news."""
    insert = bulk.dialect_insert(connection, watched_papers).on_conflict_do_nothing()
    for chunk in bulk.chunked(paper_ids):
        await connection.execute(insert, [{"paper_id": paper_id} for paper_id in chunk])
    code = await list_archived_code(connection, paper_ids)
    await _add(connection, {id_: ({NewsKind.CODE: url}, ALWAYS) for id_, url in code.items()}, now)


async def unwatch(connection: AsyncConnection, paper_ids: Sequence[int]) -> None:
    """Forget what became of papers."""
    for chunk in bulk.chunked(paper_ids):
        await connection.execute(watched_papers.delete().where(watched_papers.c.paper_id.in_(chunk)))


async def add_code(connection: AsyncConnection, code: Mapping[int, str], now: datetime) -> None:
    """Store the addresses of code by paper as new."""
    await _add(connection, {id_: ({NewsKind.CODE: url}, now) for id_, url in code.items()}, now)


async def list_archived_code(connection: AsyncConnection, ids: Sequence[int] | None = None) -> dict[int, str]:
    """Return the addresses that the archive names, by paper, of watched papers (of `ids`, None: all) without news of code."""
    known = sa.select(paper_news.c.paper_id).where(paper_news.c.kind == NewsKind.CODE.value)
    query = (
        sa.select(papers.c.id, papers.c.code_url)
        .join(watched_papers, watched_papers.c.paper_id == papers.c.id)
        .where(papers.c.code_url.is_not(None), papers.c.id.not_in(known))
    )
    found: dict[int, str] = {}
    for chunk in [None] if ids is None else bulk.chunked(ids):
        limited = query if chunk is None else query.where(papers.c.id.in_(chunk))
        found |= {row.id: row.code_url for row in await connection.execute(limited)}
    return found


async def list_due(
    connection: AsyncConnection, service: SourceKind, before: datetime, limit: int
) -> dict[str, int]:
    """Return the papers that a service was not asked about since `before` (UTC), those never asked about first.

    arXiv ids with the ids of the papers.
    """
    asked_at = _asked_at(service)
    query = (
        sa.select(papers.c.arxiv_id, papers.c.id)
        .join(watched_papers, watched_papers.c.paper_id == papers.c.id)
        .where(sa.or_(asked_at.is_(None), asked_at < before))
        .order_by(asked_at.asc().nulls_first(), papers.c.id)
        .limit(limit)
    )
    return {row.arxiv_id: row.id for row in await connection.execute(query)}


async def record(
    connection: AsyncConnection,
    service: SourceKind,
    asked_ids: Sequence[int],
    readings: Mapping[int, Reading],
    now: datetime,
) -> int:
    """Store that a service was asked about papers at `now` (UTC) and what is new. Returns the number of news.

    The time of a reading counts at the first one of a paper; later, what is new is so since `now`.
    """
    asked_at = _asked_at(service)
    known = watched_papers.c.paper_id.in_(asked_ids)
    rows = await connection.execute(sa.select(watched_papers.c.paper_id, asked_at).where(known))
    asked_before = {id_: at is not None for id_, at in rows}
    since = {
        id_: (facts, now if asked_before[id_] else min(at, now))
        for id_, (facts, at) in readings.items()
        if id_ in asked_before
    }
    await connection.execute(watched_papers.update().where(known).values({asked_at.name: now}))
    return await _add(connection, since, now)


def _asked_at(service: SourceKind) -> sa.Column[Any]:
    return watched_papers.c.arxiv_at if service is SourceKind.ARXIV else watched_papers.c.huggingface_at


async def _add(connection: AsyncConnection, readings: Mapping[int, Reading], now: datetime) -> int:
    known = await _list_known(connection, readings)
    values = [
        {"paper_id": id_, "kind": kind.value, "value": value, "changed_at": changed_at, "found_at": now}
        for id_, (facts, changed_at) in readings.items()
        for kind, value in facts.items()
        if _is_news(kind, value, known[id_, kind])
    ]
    if values:
        await connection.execute(bulk.dialect_insert(connection, paper_news).on_conflict_do_nothing(), values)
    return len(values)


async def _list_known(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[tuple[int, NewsKind], set[str]]:
    known: dict[tuple[int, NewsKind], set[str]] = defaultdict(set)
    for chunk in bulk.chunked(paper_ids):
        query = sa.select(paper_news).where(paper_news.c.paper_id.in_(chunk))
        for row in await connection.execute(query):
            known[row.paper_id, NewsKind(row.kind)].add(row.value)
    return known


def _is_news(kind: NewsKind, value: str, known: set[str]) -> bool:
    """Return whether a value says more than those known: a mirror that lags says less."""
    match kind:
        case NewsKind.VERSION:
            return all(int(value) > int(earlier) for earlier in known)
        case NewsKind.VENUE:
            return value not in known
        case NewsKind.WITHDRAWN | NewsKind.CODE | NewsKind.MODEL:
            return not known
        case _:
            assert_never(kind)
