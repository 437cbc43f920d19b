"""Readers' saved papers with their notes and tags, papers shared in servers, and what became of saved papers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models
from storage.models import NewsKind, SourceKind
from storage.tables import (
    news_readers,
    paper_news,
    papers,
    removed_papers,
    saved_papers,
    shared_papers,
    watched_papers,
)


class Order(StrEnum):
    """The order of a list of saved papers. Papers whose votes are unknown come last."""

    NEWEST = "newest"
    OLDEST = "oldest"
    VOTES = "votes"
    TITLE = "title"


async def save(
    connection: AsyncConnection, user_id: int, paper_ids: Iterable[int], now: datetime, guild_id: int | None
) -> None:
    """Save papers for a reader; one that is saved stays as it is.

    `guild_id` is the server where the reader saved them, None outside servers.
    """
    rows = [{"paper_id": paper_id, "saved_at": now, "guild_id": guild_id} for paper_id in paper_ids]
    await add(connection, user_id, rows)


async def add(connection: AsyncConnection, user_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows with the same columns, without `user_id`; one whose paper is saved is left out."""
    if rows:
        values = [(user_id, *row.values()) for row in rows]
        columns = ("user_id", *rows[0])
        await database.insert_rows(connection, saved_papers, columns, values, ignore_conflicts=True)


async def update(connection: AsyncConnection, user_id: int, paper_id: int, **values: str) -> None:
    """Set the `note` or the `tags` of a saved paper."""
    await connection.execute(saved_papers.update().where(_is_saved(user_id, [paper_id])).values(values))


async def remove(connection: AsyncConnection, user_id: int, paper_id: int, now: datetime) -> bool:
    """Remove a saved paper; `restore` brings it back until `purge_removed`. Returns False if it was not saved."""
    row = (await connection.execute(sa.select(*_KEPT).where(_is_saved(user_id, [paper_id])))).one_or_none()
    if row is None:
        return False
    kept = {"user_id": user_id, "paper_id": paper_id, "removed_at": now, **row._mapping}
    await database.upsert(connection, removed_papers, [kept], key=("user_id", "paper_id"))
    await connection.execute(saved_papers.delete().where(_is_saved(user_id, [paper_id])))
    return True


async def restore(connection: AsyncConnection, user_id: int, paper_id: int, **changed: Any) -> bool:
    """Save a removed paper again as it was, but for the `changed` columns. Returns False if its row is gone.

    One that was saved again meanwhile gets back the note and the tags that it lacks.
    """
    columns = [removed_papers.c[column.name] for column in _KEPT]
    is_this = sa.and_(removed_papers.c.user_id == user_id, removed_papers.c.paper_id == paper_id)
    row = (await connection.execute(sa.select(*columns).where(is_this))).one_or_none()
    if row is None:
        return False
    await connection.execute(removed_papers.delete().where(is_this))
    await add(connection, user_id, [{"paper_id": paper_id, **row._mapping, **changed}])
    for column in (saved_papers.c.note, saved_papers.c.tags):
        lacks = sa.and_(_is_saved(user_id, [paper_id]), column == "")
        await connection.execute(
            saved_papers.update().where(lacks).values({column: row._mapping[column.name]})
        )
    return True


async def list_removed(connection: AsyncConnection, user_id: int, paper_ids: Collection[int]) -> list[int]:
    """Return those of these papers that a reader removed lately."""
    own = removed_papers.c.user_id == user_id, removed_papers.c.paper_id.in_(paper_ids)
    return list((await connection.execute(sa.select(removed_papers.c.paper_id).where(*own))).scalars())


async def purge_removed(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` papers removed before a time. Returns their number."""
    return await database.delete_some(connection, removed_papers, removed_papers.c.removed_at < before, limit)


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
    chosen = _select_ids(user_id, tags, paper_ids)
    total = (await connection.execute(chosen.with_only_columns(sa.func.count()))).scalar_one()
    page = chosen.order_by(*_ORDERS[order]).limit(limit).offset(offset)
    return await _read_rows(connection, user_id, (await connection.execute(page)).scalars()), int(total)


async def stream_rows(
    connection: AsyncConnection,
    user_id: int,
    *,
    order: Order,
    tags: Iterable[str],
    paper_ids: Collection[int] | None,
) -> AsyncGenerator[list[models.SavedPaper], None]:
    """Yield all the rows of which `list_rows` returns a page, a few at a time."""
    chosen = _select_ids(user_id, tags, paper_ids).order_by(*_ORDERS[order])
    for ids in database.chunked((await connection.execute(chosen)).scalars(), _ROWS_AT_ONCE):
        yield await _read_rows(connection, user_id, ids)


async def _read_rows(
    connection: AsyncConnection, user_id: int, paper_ids: Iterable[int]
) -> list[models.SavedPaper]:
    """Return a reader's saved papers in the order of these ids.

    Only ids are sorted by the database: SQLite sorts in memory, and the rows of a full shelf can take hundreds of megabytes.
    """
    ids = list(paper_ids)
    query = sa.select(papers, *_SAVED_COLUMNS).select_from(_JOINED).where(saved_papers.c.user_id == user_id)
    rows = {row.id: row for row in await database.execute_in(connection, query, papers.c.id, ids)}
    return [_from_row(rows[paper_id]) for paper_id in ids if paper_id in rows]


async def count_savers(
    connection: AsyncConnection, guild_ids: Collection[int], since: datetime, fewest: int = 1
) -> dict[int, dict[int, int]]:
    """Return how many members saved each paper in some servers since a time, by server and paper id.

    A paper that fewer than `fewest` members of a server saved is left out.
    """
    key = saved_papers.c.guild_id, saved_papers.c.paper_id
    condition = saved_papers.c.saved_at >= since
    query = sa.select(*key, sa.func.count()).where(condition).group_by(*key).having(sa.func.count() >= fewest)
    return await database.count_by_pair(connection, query, saved_papers.c.guild_id, guild_ids)


async def stream_texts(connection: AsyncConnection, user_id: int) -> AsyncGenerator[Sequence[Any], None]:
    """Yield, a few at a time, what a search needs: paper_id, last_on, votes, arxiv_id, title, note and tags."""
    query = sa.select(
        saved_papers.c.paper_id,
        papers.c.last_on,
        papers.c.votes,
        papers.c.arxiv_id,
        _TITLE.label("title"),
        saved_papers.c.note,
        saved_papers.c.tags,
    ).join(papers, papers.c.id == saved_papers.c.paper_id)
    query = query.where(saved_papers.c.user_id == user_id).execution_options(yield_per=_ROWS_AT_ONCE)
    async for rows in (await connection.stream(query)).partitions():
        yield rows


async def get(connection: AsyncConnection, user_id: int, arxiv_id: str) -> models.SavedPaper | None:
    """Return a saved paper, or None."""
    chosen = _select_ids(user_id, (), None).where(papers.c.arxiv_id == arxiv_id)
    rows = await _read_rows(connection, user_id, (await connection.execute(chosen)).scalars())
    return rows[0] if rows else None


async def get_tags(connection: AsyncConnection, user_id: int) -> str:
    """Return the tags of all papers of a reader, with spaces between them; a tag is there once for each of its papers."""
    # One value: thousands of rows would each take time of the event loop.
    joined = sa.func.aggregate_strings(saved_papers.c.tags, "")
    query = sa.select(joined).where(saved_papers.c.user_id == user_id, saved_papers.c.tags != "")
    return (await connection.execute(query)).scalar() or ""


_ROWS_AT_ONCE = 100
"""Rows that are converted before the event loop gets control."""
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


_JOINED = saved_papers.join(papers, papers.c.id == saved_papers.c.paper_id)


def _select_ids(user_id: int, tags: Iterable[str], paper_ids: Collection[int] | None) -> sa.Select[Any]:
    chosen = [saved_papers.c.user_id == user_id]
    chosen += [saved_papers.c.tags.contains(f" {tag} ", autoescape=True) for tag in tags]
    if paper_ids is not None:
        chosen.append(saved_papers.c.paper_id.in_(paper_ids))
    return sa.select(saved_papers.c.paper_id).select_from(_JOINED).where(*chosen)


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
        is_title_given=not row.title,
        saved_at=row.saved_at,
        note=row.note,
        tags=tuple(row.tags.split()),
    )


# Papers that members shared in a server.


async def add_shared(
    connection: AsyncConnection, guild_id: int, user_id: int, paper_id: int, now: datetime
) -> None:
    """Record that a member shared a paper in a server."""
    row = {"guild_id": guild_id, "paper_id": paper_id, "user_id": user_id, "shared_at": now}
    await database.upsert(connection, shared_papers, [row], key=("guild_id", "paper_id", "user_id"))


async def count_sharers(
    connection: AsyncConnection, guild_ids: Collection[int], since: datetime
) -> dict[int, dict[int, int]]:
    """Return how many members shared each paper in some servers since a time, by server and paper id."""
    key = shared_papers.c.guild_id, shared_papers.c.paper_id
    query = sa.select(*key, sa.func.count()).where(shared_papers.c.shared_at >= since).group_by(*key)
    return await database.count_by_pair(connection, query, shared_papers.c.guild_id, guild_ids)


async def purge_shared(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` records of papers shared before a time. Returns their number."""
    return await database.delete_some(connection, shared_papers, shared_papers.c.shared_at < before, limit)


async def remove_shared_of_guild(connection: AsyncConnection, guild_id: int) -> None:
    """Delete the records of papers shared in a server."""
    await connection.execute(shared_papers.delete().where(shared_papers.c.guild_id == guild_id))


# Up to where each reader was told of the news of saved papers, and who wants none.

Unsent = list[tuple[int, models.PaperNews]]
"""News with their ids, ascending."""


async def is_news_off(connection: AsyncConnection, user_id: int) -> bool:
    """Return whether a reader wants no news."""
    query = sa.select(news_readers.c.is_off).where(news_readers.c.user_id == user_id)
    return bool((await connection.execute(query)).scalar())


async def set_news_off(connection: AsyncConnection, user_id: int, off: bool) -> None:
    """Switch the news off, or on again: what was found meanwhile is then left out."""
    newest = (await connection.execute(sa.select(sa.func.max(paper_news.c.id)))).scalar() or 0
    values = {"user_id": user_id, "is_off": off}
    if off:
        start = {"last_id": 0, "former_last_id": 0}
        statement = database.dialect_insert(connection, news_readers).values(values | start)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["user_id"], set_={"is_off": True})
        )
    else:
        row = values | {"last_id": newest, "former_last_id": newest}
        await database.upsert(connection, news_readers, [row], key=("user_id",))


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
            news = row.arxiv_id, row.title, row.kind, row.value
            unsent[row.user_id].append((row.id, news))
    return dict(unsent)


async def mark_sent(
    connection: AsyncConnection, user_id: int, last_id: int, delivery_id: int, now: datetime
) -> None:
    """Store up to which id a reader is told by a delivery, planned at `now` (UTC)."""
    former = sa.select(news_readers.c.last_id).where(news_readers.c.user_id == user_id)
    former_id = (await connection.execute(former)).scalar() or 0
    changes = {
        "last_id": last_id,
        "former_last_id": former_id,
        "notified_at": now,
        "delivery_id": delivery_id,
    }
    statement = database.dialect_insert(connection, news_readers).values(
        user_id=user_id, is_off=False, **changes
    )
    # A reader who wants no more of them may have said so since they were listed.
    await connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=changes))


async def mark_unsent(connection: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Store that of these deliveries nothing was sent, so that their news come with the next ones."""
    back = news_readers.update().values(last_id=news_readers.c.former_last_id, delivery_id=None)
    await database.execute_in(connection, back, news_readers.c.delivery_id, delivery_ids)


async def clamp_news(connection: AsyncConnection, now: datetime) -> None:
    """Let no paper saved, nor news found, told or asked about, by a clock ahead of `now` (UTC) count as later than now.

    News found later would be told first, and those of a lower id never.
    """
    for column in (
        saved_papers.c.saved_at,
        paper_news.c.found_at,
        news_readers.c.notified_at,
        watched_papers.c.arxiv_at,
        watched_papers.c.huggingface_at,
    ):
        await connection.execute(column.table.update().where(column > now).values({column.name: now}))


# Watched papers: when each service was asked about them last, and what is known to have become of each.
#
# A row of news is there once for each value, whenever it was found. `changed_at` decides for whom it is news: for those
# who saved the paper before.

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


async def watch_papers(connection: AsyncConnection, paper_ids: Sequence[int], now: datetime) -> None:
    """Begin to watch papers. Code that the archive names of them by then is not news."""
    ids = [(paper_id,) for paper_id in paper_ids]
    await database.insert_rows(connection, watched_papers, ("paper_id",), ids, ignore_conflicts=True)
    code = await list_archived_code(connection, paper_ids)
    await _add(connection, {id_: ({NewsKind.CODE: url}, ALWAYS) for id_, url in code.items()}, now)


async def unwatch_papers(connection: AsyncConnection, paper_ids: Sequence[int]) -> None:
    """Forget what became of papers."""
    await database.execute_in(connection, watched_papers.delete(), watched_papers.c.paper_id, paper_ids)


async def add_code(connection: AsyncConnection, code: Mapping[int, str], now: datetime) -> None:
    """Store the addresses of code by paper as new."""
    await _add(connection, {id_: ({NewsKind.CODE: url}, now) for id_, url in code.items()}, now)


async def list_archived_code(connection: AsyncConnection, ids: Sequence[int] | None = None) -> dict[int, str]:
    """Return the addresses that the archive names, by paper, of watched papers (of `ids`, None: all) without news of code."""
    known = sa.select(paper_news.c.paper_id).where(paper_news.c.kind == NewsKind.CODE)
    query = (
        sa.select(papers.c.id, papers.c.code_url)
        .join(watched_papers, watched_papers.c.paper_id == papers.c.id)
        .where(papers.c.code_url.is_not(None), papers.c.id.not_in(known))
    )
    rows = await (
        connection.execute(query) if ids is None else database.execute_in(connection, query, papers.c.id, ids)
    )
    return {row.id: row.code_url for row in rows}


async def list_due_watched(
    connection: AsyncConnection,
    service: SourceKind,
    before: datetime,
    limit: int,
    except_ids: Collection[int] = (),
) -> dict[str, int]:
    """Return at most `limit` papers that a service was not asked about since `before` (UTC): arXiv ids with paper ids.

    Half are those asked about longest ago. The others, also in place of missing ones, go round the readers: the first paper
    of each, then the second of each, so that a full shelf holds up no other. A reader's papers never asked about come first,
    and readers for whom the fewest wait.
    """
    asked_at = _asked_at(service)
    is_due = sa.or_(asked_at.is_(None), asked_at < before), watched_papers.c.paper_id.not_in(except_ids)
    overdue = sa.select(watched_papers.c.paper_id).where(asked_at < before, *is_due)
    overdue = overdue.order_by(asked_at, watched_papers.c.paper_id).limit(limit // 2)
    order = asked_at.asc().nulls_first(), watched_papers.c.paper_id
    reader = saved_papers.c.user_id
    turn = sa.func.row_number().over(partition_by=reader, order_by=order).label("turn")
    waiting = sa.func.count().over(partition_by=reader).label("waiting")
    by_reader = (
        sa.select(watched_papers.c.paper_id, turn, waiting)
        .join(saved_papers, saved_papers.c.paper_id == watched_papers.c.paper_id)
        .where(*is_due)
        .subquery()
    )
    shared = sa.select(by_reader.c.paper_id).group_by(by_reader.c.paper_id).limit(limit)
    least = sa.func.min(by_reader.c.turn), sa.func.min(by_reader.c.waiting)
    shared = shared.order_by(*least, by_reader.c.paper_id)
    ids = [*(await connection.execute(overdue)).scalars(), *(await connection.execute(shared)).scalars()]
    chosen = list(dict.fromkeys(ids))[:limit]
    rows = await database.select_where_in(connection, papers.c.id, chosen, (papers.c.id, papers.c.arxiv_id))
    names = dict(rows)
    return {names[paper_id]: paper_id for paper_id in chosen}


async def record_news(
    connection: AsyncConnection,
    service: SourceKind,
    asked_ids: Sequence[int],
    readings: Mapping[int, Reading],
    now: datetime,
) -> int:
    """Store that a service was asked about papers at `now` (UTC) and what is new. Returns the number of news.

    The time of a reading counts at the first one of a paper; later, what is new is so since `now`. arXiv names a version each
    time, so a paper without one was asked about without an answer.
    """
    asked_at = _asked_at(service)
    known = watched_papers.c.paper_id.in_(asked_ids)
    was_read: sa.ColumnElement[bool] = asked_at.is_not(None)
    if service is SourceKind.ARXIV:
        is_version = (paper_news.c.paper_id == watched_papers.c.paper_id) & (
            paper_news.c.kind == NewsKind.VERSION
        )
        was_read = was_read & sa.exists().where(is_version)
    rows = await connection.execute(
        sa.select(watched_papers.c.paper_id, was_read.label("was_read")).where(known)
    )
    read_before = {row.paper_id: row.was_read for row in rows}
    since = {
        id_: (facts, now if read_before[id_] else min(at, now))
        for id_, (facts, at) in readings.items()
        if id_ in read_before
    }
    await connection.execute(watched_papers.update().where(known).values({asked_at.name: now}))
    return await _add(connection, since, now)


def _asked_at(service: SourceKind) -> sa.Column[Any]:
    return watched_papers.c.arxiv_at if service is SourceKind.ARXIV else watched_papers.c.huggingface_at


async def _add(connection: AsyncConnection, readings: Mapping[int, Reading], now: datetime) -> int:
    known = await _list_known(connection, readings)
    values = [
        {"paper_id": id_, "kind": kind, "value": value, "changed_at": changed_at, "found_at": now}
        for id_, (facts, changed_at) in readings.items()
        for kind, value in facts.items()
        if _is_news(kind, value, known[id_, kind])
    ]
    if values:
        await connection.execute(
            database.dialect_insert(connection, paper_news).on_conflict_do_nothing(), values
        )
    return len(values)


async def _list_known(
    connection: AsyncConnection, paper_ids: Iterable[int]
) -> dict[tuple[int, NewsKind], set[str]]:
    rows = await database.execute_in(connection, sa.select(paper_news), paper_news.c.paper_id, paper_ids)
    known: dict[tuple[int, NewsKind], set[str]] = defaultdict(set)
    for row in rows:
        known[row.paper_id, row.kind].add(row.value)
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
