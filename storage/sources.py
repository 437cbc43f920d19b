"""Stored sources, their health, and the states of their pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors, key_values, locks, models, statements
from storage.models import FetchStatus
from storage.tables import digests, entries, reference, sources, table_of


@dataclass(frozen=True, slots=True)
class PageState:
    """The HTTP validators and the result of the last read of a page (a URL, a file or a feed entry).

    `etag` and `last_modified` are sent back unchanged; for a file, `last_modified` is its modification time and
    size. `hash` is the SHA-256 of the content in hex. `reading` is the report on that; None for a
    page that was seen, but not read, or last read by 0.1.0. An entry of a feed has the date on which it was first seen as
    its `last_modified`: see `bot.sources.feed`.
    """

    location: str
    read_at: datetime
    status: FetchStatus
    etag: str | None = None
    last_modified: str | None = None
    hash: str | None = None
    reading: models.ReadingReport | None = None


source_pages = table_of(
    PageState,
    "source_pages",
    reference("source_id", "sources.id", primary_key=True),
    sa.Column("location", sa.Text, primary_key=True),
)


FILES = "files"
"""The source name for ingested files and for the writer."""
WITHOUT_ROW = {FILES, *(kind.value for kind in models.SourceKind)}
"""The names of ingested files and of services, which are no addresses."""
_STATES_AT_ONCE = 200
_UNKNOWN = models.SourceRank(2**31)
"""The rank of a deleted source, below all others."""


def rank_source(
    source: str, priority: int | None, source_id: int | None, kind: models.SourceKind | None = None
) -> models.SourceRank:
    """Return a source's rank. `priority` and `source_id` are None for services and deleted sources."""
    if priority is None or source_id is None:
        return models.FILES_RANK if source in WITHOUT_ROW else _UNKNOWN
    if kind is models.SourceKind.FOLDER:
        return models.FILES_RANK._replace(age=source_id)
    return models.SourceRank(-priority, source_id)


async def add(
    connection: AsyncConnection,
    *,
    url: str,
    kind: models.SourceKind,
    now: datetime,
    priority: int = 0,
    options: Mapping[str, str] | None = None,
) -> models.StoredSource:
    """Store a source, to be polled at once. Raises DuplicateError if the address is already stored."""
    new = models.StoredSource(0, url, kind, priority, dict(options or {}), now, next_attempt_at=now)
    statement = statements.dialect_insert(connection.dialect, sources).values(
        statements.record_values(new, sources)
    )
    added = await connection.scalar(statement.on_conflict_do_nothing().returning(sources.c.id))
    if added is None:
        raise errors.DuplicateError(
            f"{url} is already a source. `paperround sources edit` changes its priority."
        )
    return replace(new, id=added)


async def list_rows(
    connection: AsyncConnection, *, due_at: datetime | None = None
) -> list[models.StoredSource]:
    """Return all sources, or those due at a time (UTC): highest priority first, then oldest first."""
    query = sa.select(sources).order_by(sources.c.priority.desc(), sources.c.id)
    if due_at is not None:
        query = query.where(sources.c.next_attempt_at <= due_at)
    return await statements.fetch_records(connection, models.StoredSource, query)


async def count_papers(
    connection: AsyncConnection, since_on: date
) -> dict[str, dict[models.DigestFormat, dict[date, int]]]:
    """Count the papers in digests since a date, keyed by source, format and date.

    A format that has only older digests has no dates.
    """
    c = digests.c
    formats = sa.select(c.source, c.format).distinct()
    counted: dict[str, dict[models.DigestFormat, dict[date, int]]] = {}
    for source, form in await connection.execute(formats):
        counted.setdefault(source, {})[form] = {}
    query = (
        sa.select(c.source, c.format, c.date_on, sa.func.count(sa.distinct(entries.c.paper_id)))
        .join(entries, entries.c.digest_id == c.id)
        .where(c.date_on >= since_on)
        .group_by(c.source, c.format, c.date_on)
    )
    for source, form, on, number in await connection.execute(query):
        counted[source][form][on] = number
    return counted


async def count_undated(
    connection: AsyncConnection, since: datetime, age: timedelta
) -> dict[str, tuple[int, int]]:
    """Count the locations read since a time (UTC), keyed by source: those without a date, and all.

    The papers of a list without a date are dated `age` before the day of its first read.
    """
    c = digests.c
    query = sa.select(c.source, c.location, c.date_on, c.ingested_at)
    has_date = defaultdict[str, dict[str, bool]](dict)
    for source, location, on, at in await connection.execute(query.where(c.ingested_at >= since)):
        of_source = has_date[source]
        of_source[location] = of_source.get(location, False) or on != at.date() - age
    return {
        source: (list(of_source.values()).count(False), len(of_source))
        for source, of_source in has_date.items()
    }


async def change(
    connection: AsyncConnection, url: str, *, priority: int | None = None, label: str | None = None
) -> None:
    """Store a source's priority for later merges of papers, and its label ("": none). None leaves either as it is."""
    of_url = sources.c.url == url
    if priority is not None:
        await connection.execute(sources.update().where(of_url).values(priority=priority))
    if label is not None:
        stored = await connection.scalar(sa.select(sources.c.options).where(of_url))
        options = {name: value for name, value in {**(stored or {}), "label": label}.items() if value}
        await connection.execute(sources.update().where(of_url).values(options=options))


async def list_labels(connection: AsyncConnection) -> dict[str, str]:
    """Return the labels of sources by `models.label_key`."""
    labels = [row.options["label"] for row in await list_rows(connection) if row.options.get("label")]
    return {models.label_key(label): label for label in labels}


async def remove(connection: AsyncConnection, url: str) -> None:
    """Delete a source and its page states, but not its digests and facts."""
    await connection.execute(sources.delete().where(sources.c.url == url))


async def is_stored(connection: AsyncConnection, row: models.StoredSource) -> bool:
    return await connection.scalar(sa.select(sources.c.id).where(sources.c.id == row.id)) is not None


async def set_health(connection: AsyncConnection, row: models.StoredSource) -> None:
    """Store a source's health and next poll, unless it was deleted."""
    health = {name: getattr(row, name) for name in _HEALTH_FIELDS}
    await connection.execute(sources.update().where(sources.c.id == row.id).values(health))


_PACE_LOCK = 0x50414345
"""The PostgreSQL advisory lock for reserving requests: "PACE"."""
_MAX_AHEAD = timedelta(minutes=10)
"""Reservations further ahead were made by a wrong clock, and are ignored."""


async def reserve_request(connection: AsyncConnection, now: datetime, interval: timedelta) -> datetime:
    """Reserve and return the next time (UTC) to contact arXiv, across all processes of the database."""
    await locks.lock_transaction(connection, _PACE_LOCK)
    last = await key_values.get(connection, key_values.ARXIV_REQUESTED)
    at = now if last is None else max(now, datetime.fromisoformat(last) + interval)
    if at - now > _MAX_AHEAD:
        at = now
    await key_values.set_value(connection, key_values.ARXIV_REQUESTED, at.isoformat())
    return at


async def list_page_states(connection: AsyncConnection, source_id: int) -> dict[str, PageState]:
    """Return a source's page states, keyed by location, without blocking the event loop."""
    query = sa.select(source_pages).where(source_pages.c.source_id == source_id)
    result = await connection.stream(query.execution_options(yield_per=_STATES_AT_ONCE))
    return {
        row.location: statements.build_record(PageState, row._mapping)
        async for rows in result.partitions()
        for row in rows
    }


async def list_recent_reads(
    connection: AsyncConnection, kind: models.SourceKind, since: datetime
) -> list[tuple[str, datetime]] | None:
    """Return (location, time) for pages read since a time (UTC), or None if there is no source of this kind."""
    ids = (await connection.scalars(sa.select(sources.c.id).where(sources.c.kind == kind))).all()
    if not ids:
        return None
    query = sa.select(source_pages.c.location, source_pages.c.read_at)
    query = query.where(source_pages.c.source_id.in_(ids), source_pages.c.read_at >= since)
    return [(row.location, row.read_at) for row in await connection.execute(query)]


async def upsert_page_states(
    connection: AsyncConnection, source_id: int, page_states: Iterable[PageState]
) -> None:
    """Store a source's page states. If a location occurs twice, the last state wins."""
    rows = {
        page.location: statements.record_values(page, source_pages, source_id=source_id)
        for page in page_states
    }
    await statements.insert_rows(connection, source_pages, list(rows.values()), "update")


async def remove_page_states(connection: AsyncConnection, source_id: int, locations: Iterable[str]) -> None:
    """Remove the states of pages that a source does not have any more."""
    statement = source_pages.delete().where(source_pages.c.source_id == source_id)
    await statements.execute_in(connection, statement, source_pages.c.location, locations)


_HEALTH_FIELDS = (
    "next_attempt_at",
    "last_attempt_at",
    "last_success_at",
    "failures",
    "status",
    "reason",
    "noticed_at",
    "progress",
    "reading",
)
