"""Digests, one row per source, location and date, with their texts and entries (the listed papers)."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import key_values, locks, statements
from storage import sources as stored_sources
from storage.models import Appearance, Digest, DigestFormat, Entry, Section, SourceRank, StoredDigest
from storage.snapshot import chunked
from storage.tables import digests, entries, metadata, paper_names, papers, reference, required, sources
from storage.writer import published_texts


@dataclass(frozen=True, slots=True)
class SourcedDigest:
    """A parsed digest with its source and location (a path, a URL or a feed entry). `hash` is the SHA-256 of its text."""

    digest: Digest
    language: str
    hash: str
    source: str
    location: str


sections = sa.Table(
    "sections",
    metadata,
    reference("entry_id", "entries.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("heading", sa.Text),
    required("body", sa.Text),
)


ENTRIES_AT_ONCE = 1_000
"""Entries per INSERT statement."""
THREADED_COMPRESSION_CHARACTERS = 2**19
INGEST_LOCK = 0x494E47455354
"""The PostgreSQL advisory lock around ingests: "INGEST" in ASCII."""
COMPRESSION_LEVEL = 1
"""zlib's fastest level. It halves Markdown; higher levels take as long as parsing."""


async def lock_ingest(connection: AsyncConnection) -> None:
    """Serialise the transactions that store digests or plan posts. SQLite has a single writer anyway.

    A planner must see all stored digests, and the papers that other planners chose for the channel.
    """
    await locks.lock_transaction(connection, INGEST_LOCK)


async def add(connection: AsyncConnection, new: Sequence[SourcedDigest], now: datetime) -> Sequence[int]:
    """Store new digests without their entries (see `add_entries`), and return their ids in order."""
    ids = await statements.reserve_ids(connection, digests, len(new))
    rows = [
        {**await _values(digest, now), "id": id_, "ingested_at": now}
        for id_, digest in zip(ids, new, strict=True)
    ]
    await statements.insert_rows(connection, digests, rows)
    return ids


async def correct(connection: AsyncConnection, corrected: Mapping[int, SourcedDigest], now: datetime) -> None:
    for digest_id, new in corrected.items():
        values = await _values(new, now)
        await connection.execute(digests.update().where(digests.c.id == digest_id).values(values))


def location_key(source: str, location: str) -> str:
    """Return the key by which the digests of a source's location are found: a SHA-256 in hex."""
    return hashlib.sha256(f"{source}\n{location}".encode()).hexdigest()


async def list_at(connection: AsyncConnection, places: Iterable[tuple[str, str]]) -> list[StoredDigest]:
    """Return the digests of some (source, location) pairs, earliest date first."""
    keys = [location_key(*place) for place in places]
    query = sa.select(*_STORED).order_by(digests.c.date_on, digests.c.id)
    return await statements.fetch_records(connection, StoredDigest, query, digests.c.location_key, keys)


async def get(connection: AsyncConnection, digest_id: int) -> StoredDigest | None:
    query = sa.select(*_STORED).where(digests.c.id == digest_id)
    return await statements.fetch_record(connection, StoredDigest, query)


class Origin(NamedTuple):
    """A filter for digests: by the source's URL ("" for all), and with or without LOOKUP digests."""

    source: str = ""
    with_lookup: bool = False


ALL = Origin(with_lookup=True)
POSTED = Origin()
"""The digests used for posts and for a date's page."""
IS_POSTED = digests.c.format != DigestFormat.LOOKUP


def is_from(origin: Origin) -> sa.ColumnElement[bool]:
    return sa.and_(
        digests.c.source == origin.source if origin.source else sa.true(),
        sa.true() if origin.with_lookup else IS_POSTED,
    )


async def list_rows(
    connection: AsyncConnection,
    *,
    since_on: date | None = None,
    until_on: date | None = None,
    origin: Origin = ALL,
) -> list[StoredDigest]:
    """Return the digests within a date range (inclusive), newest first."""
    query = sa.select(*_STORED).order_by(digests.c.date_on.desc(), digests.c.id.desc())
    query = filter_dates(query.where(is_from(origin)), digests.c.date_on, since_on, until_on)
    return await statements.fetch_records(connection, StoredDigest, query)


async def has_lookup(connection: AsyncConnection, source: str) -> bool:
    found = sa.exists().where(is_from(Origin(source, with_lookup=True)), ~IS_POSTED)
    return bool(await connection.scalar(sa.select(found)))


def filter_dates(
    query: sa.Select[Any], day: sa.Column[Any], since_on: date | None, until_on: date | None
) -> sa.Select[Any]:
    """Limit a query to a date range (inclusive; None for an open end)."""
    if since_on is not None:
        query = query.where(day >= since_on)
    return query if until_on is None else query.where(day <= until_on)


async def get_text(connection: AsyncConnection, digest_id: int) -> str | None:
    raw = await connection.scalar(sa.select(digests.c.raw).where(digests.c.id == digest_id))
    return None if raw is None else zlib.decompress(raw).decode()


async def list_ids(connection: AsyncConnection, *, paper_id: int | None = None) -> list[int]:
    """Return the ids of all digests, or of those that list a paper, earliest date first."""
    query = sa.select(digests.c.id).order_by(digests.c.date_on, digests.c.id)
    if paper_id is not None:
        query = query.where(
            digests.c.id.in_(sa.select(entries.c.digest_id).where(entries.c.paper_id == paper_id))
        )
    return list(await connection.scalars(query))


MAX_DATES = 400
"""More than a year, so that a date typed without a year can be found."""


async def list_dates(
    connection: AsyncConnection,
    *,
    limit: int = MAX_DATES,
    since_on: date | None = None,
    until_on: date | None = None,
    oldest_first: bool = False,
    origin: Origin = POSTED,
) -> list[date]:
    """Return the dates within a range (inclusive) that have a digest, newest first by default."""
    day = digests.c.date_on
    query = sa.select(day).distinct().order_by(day if oldest_first else day.desc()).limit(limit)
    query = filter_dates(query.where(is_from(origin)), day, since_on, until_on)
    return list(await connection.scalars(query))


async def count_entries(connection: AsyncConnection, digest_ids: Iterable[int]) -> dict[int, int]:
    """Return the number of papers of some digests, by id."""
    query = sa.select(entries.c.digest_id, sa.func.count()).group_by(entries.c.digest_id)
    found = await statements.execute_in(connection, query, entries.c.digest_id, digest_ids)
    return dict(map(tuple, found))


async def get_last_updated_at(connection: AsyncConnection) -> datetime | None:
    """Return when a digest was last stored or corrected (UTC), or None if the archive is empty."""
    query = sa.select(sa.func.max(digests.c.updated_at, type_=digests.c.updated_at.type))
    latest: datetime | None = await connection.scalar(query)
    return latest


async def list_paper_keys(connection: AsyncConnection, digest_ids: Sequence[int]) -> dict[int, set[str]]:
    query = sa.select(entries.c.digest_id, papers.c.key).join(papers, papers.c.id == entries.c.paper_id)
    found: dict[int, set[str]] = {id_: set() for id_ in digest_ids}
    for id_, paper_key in await statements.execute_in(connection, query, entries.c.digest_id, digest_ids):
        found[id_].add(paper_key)
    return found


async def find_first_days(
    connection: AsyncConnection, source: str, paper_keys: Iterable[str]
) -> dict[str, date]:
    """Return the first day on which a source lists each of the papers, by key or name, but for those that it does not."""
    keys, days = [*paper_keys], dict[str, date]()
    for name, paper_id in ((paper_names.c.name, paper_names.c.paper_id), (papers.c.key, papers.c.id)):
        query = (
            sa.select(name, sa.func.min(digests.c.date_on))
            .join(entries, entries.c.paper_id == paper_id)
            .join(digests, digests.c.id == entries.c.digest_id)
            .where(digests.c.source == source)
            .group_by(name)
        )
        days |= map(tuple, await statements.execute_in(connection, query, name, keys))
    return days


async def list_source_names(connection: AsyncConnection) -> list[str]:
    """Return the sources of all digests, but for ingested files."""
    query = sa.select(digests.c.source).distinct().where(digests.c.source != stored_sources.FILES)
    return list(await connection.scalars(query))


async def list_origins(
    connection: AsyncConnection, digest_ids: Iterable[int]
) -> dict[int, tuple[SourceRank, date, str, str]]:
    """Return the rank of each digest's source, the date it was first stored (UTC), its source and label, by digest id."""
    c = digests.c
    row = sources.c.priority, sources.c.id.label("source_id"), sources.c.kind
    query = sa.select(c.id, c.source, *row, c.ingested_at, sources.c.options)
    query = query.outerjoin(sources, sources.c.url == c.source)
    return {
        id_: (
            stored_sources.rank_source(url, *row),
            ingested_at.date(),
            url,
            (options or {}).get("label", ""),
        )
        for id_, url, *row, ingested_at, options in await statements.execute_in(
            connection, query, c.id, digest_ids
        )
    }


_STORED = [column for column in digests.c if column.name not in ("raw", "location_key")]


async def _values(new: SourcedDigest, now: datetime) -> dict[str, Any]:
    digest = new.digest
    # Compressing 1 MB takes 10 ms, so only larger texts are worth a thread.
    is_large = len(digest.text) > THREADED_COMPRESSION_CHARACTERS
    raw = await asyncio.to_thread(_compress, digest.text) if is_large else _compress(digest.text)
    return {
        "source": new.source,
        "location": new.location,
        "location_key": location_key(new.source, new.location),
        "format": digest.format,
        "date_on": digest.date,
        "language": new.language,
        "hash": new.hash,
        "raw": raw,
        "problems": digest.problems,
        "updated_at": now,
    }


def _compress(text: str) -> bytes:
    return zlib.compress(text.encode(), COMPRESSION_LEVEL)


@dataclass(frozen=True, slots=True)
class DigestPaper:
    """A paper in a digest with its latest votes (None if unknown). `rank` is its position.

    `added_seq` is the number of the ingest that added the paper to the digest.
    """

    digest_id: int
    date_on: date
    paper_id: int
    paper_key: str
    rank: int
    votes: int | None
    added_seq: int = 0


async def add_entries(
    connection: AsyncConnection,
    entries_by_digest: Mapping[int, Sequence[Entry]],
    paper_ids: Mapping[str, int],
    former: FormerEntries,
) -> None:
    """Store entries, keyed by digest id. `paper_ids` maps keys to ids of papers.

    `former` is the result of `remove_entries` for corrected digests, whose papers keep their `added_seq`.
    """
    new_entries = [(digest_id, entry) for digest_id, digest in entries_by_digest.items() for entry in digest]
    added_seq = await key_values.increment(connection, key_values.ENTRIES_ADDED)
    # Other tasks can run between chunks.
    for chunk in chunked(new_entries, ENTRIES_AT_ONCE):
        ids = await statements.reserve_ids(connection, entries, len(chunk))
        rows = [
            statements.record_values(entry, entries, id=id_, digest_id=digest_id, paper_id=paper_id)
            | {"added_seq": former.get(digest_id, {}).get(paper_id, added_seq)}
            for id_, (digest_id, entry) in zip(ids, chunk, strict=True)
            for paper_id in (paper_ids[entry.paper_key],)
        ]
        await statements.insert_rows(connection, entries, rows)
        texts = [
            statements.record_values(section, sections, entry_id=id_, position=position)
            for id_, (_, entry) in zip(ids, chunk, strict=True)
            for position, section in enumerate(entry.sections)
        ]
        await statements.insert_rows(connection, sections, texts)


async def get_added_seq(connection: AsyncConnection) -> int:
    """Return the number of ingests so far that have added entries."""
    return int(await key_values.get(connection, key_values.ENTRIES_ADDED) or 0)


FormerEntries = Mapping[int, Mapping[int, int]]
"""The `added_seq` of removed entries by paper id, by digest id."""


async def remove_entries(connection: AsyncConnection, digest_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """Delete the entries of digests. Returns their `added_seq` by paper id, keyed by digest id."""
    former: dict[int, dict[int, int]] = {id_: {} for id_ in digest_ids}
    removal = entries.delete().returning(entries.c.digest_id, entries.c.paper_id, entries.c.added_seq)
    for id_, paper_id, seq in await statements.execute_in(connection, removal, entries.c.digest_id, former):
        former[id_][paper_id] = seq
    return former


async def remove(connection: AsyncConnection, gone: Sequence[StoredDigest]) -> dict[int, dict[int, int]]:
    """Delete digests. Returns what `remove_entries` returns.

    Where another digest of the same source and date has a paper too, such as that of a renamed file, the paper keeps
    the first `added_seq`: it is not new to any post.
    """
    twin = entries.alias()
    for digest in gone:
        same = sa.select(digests.c.id).where(
            digests.c.source == digest.source, digests.c.date_on == digest.date_on
        )
        first = sa.select(sa.func.min(twin.c.added_seq)).where(twin.c.paper_id == entries.c.paper_id)
        first = first.where(twin.c.digest_id.in_(same))
        values = {"added_seq": first.scalar_subquery()}
        await connection.execute(entries.update().where(entries.c.digest_id.in_(same)).values(values))
    former = await remove_entries(connection, [digest.id for digest in gone])
    await statements.execute_in(connection, digests.delete(), digests.c.id, former)
    return former


async def list_entries_by_digest(connection: AsyncConnection, digest_id: int) -> tuple[Entry, ...]:
    """Return a digest's entries with their sections, ordered by rank."""
    query = _query().where(entries.c.digest_id == digest_id).order_by(entries.c.rank)
    rows = (await connection.execute(query)).all()
    return tuple([entry for _, entry in await _build_entries(connection, rows)])


async def filter_listed(connection: AsyncConnection, paper_ids: Iterable[int], *, since_on: date) -> set[int]:
    query = sa.select(entries.c.paper_id).join(digests, digests.c.id == entries.c.digest_id)
    query = query.where(digests.c.date_on >= since_on)
    return {row[0] for row in await statements.execute_in(connection, query, entries.c.paper_id, paper_ids)}


async def list_papers(connection: AsyncConnection, digest_ids: Iterable[int]) -> list[DigestPaper]:
    """Return the digests' papers, but for hidden ones, ordered by digest and rank."""
    query = (
        sa.select(
            entries.c.digest_id,
            digests.c.date_on,
            papers.c.id,
            papers.c.key,
            entries.c.rank,
            papers.c.votes,
            entries.c.added_seq,
        )
        .join(papers, papers.c.id == entries.c.paper_id)
        .join(digests, digests.c.id == entries.c.digest_id)
        .where(papers.c.last_on.is_not(None))
        .order_by(entries.c.digest_id, entries.c.rank)
    )
    return [
        DigestPaper(*row)
        for row in await statements.execute_in(connection, query, entries.c.digest_id, digest_ids)
    ]


async def list_appearances(
    connection: AsyncConnection, paper_ids: Iterable[int], *, with_texts: bool = True
) -> dict[int, list[Appearance]]:
    """Return each paper's appearances, newest first. If not `with_texts`, entries have no sections."""
    appearances: dict[int, list[Appearance]] = defaultdict(list)
    query = _query().order_by(digests.c.date_on.desc(), entries.c.digest_id.desc(), entries.c.rank)
    rows = await statements.execute_in(connection, query, entries.c.paper_id, paper_ids)
    origins = await list_origins(connection, {row.digest_id for row in rows})
    for row, entry in await _build_entries(connection, rows, with_texts=with_texts):
        head = row.digest_id, row.format, row.date_on, row.language
        appearances[row.paper_id].append(Appearance(*head, entry, row.writer, *origins[row.digest_id]))
    return appearances


async def _build_entries(
    connection: AsyncConnection, rows: Sequence[sa.Row[Any]], *, with_texts: bool = True
) -> list[tuple[sa.Row[Any], Entry]]:
    texts: dict[int, list[Section]] = defaultdict(list)
    query = sa.select(sections).order_by(sections.c.position)
    for entry_id, _, heading, body in await statements.execute_in(
        connection, query, sections.c.entry_id, [row.id for row in rows if with_texts]
    ):
        texts[entry_id].append(Section(heading, body))
    return [
        (row, statements.build_record(Entry, row._mapping, sections=tuple(texts.get(row.id, ())), names=()))
        for row in rows
    ]


def _query() -> sa.Select[Any]:
    writer = sa.select(sa.func.max(published_texts.c.model)).where(published_texts.c.hash == digests.c.hash)
    return (
        sa.select(
            entries,
            papers.c.key.label("paper_key"),
            digests.c.format,
            digests.c.date_on,
            digests.c.language,
            writer.scalar_subquery().label("writer"),
        )
        .join(digests, digests.c.id == entries.c.digest_id)
        .join(papers, papers.c.id == entries.c.paper_id)
    )
