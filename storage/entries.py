"""What each digest says of each paper, with the sections of its summary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import digests, entries, papers, sections


async def add(
    connection: AsyncConnection,
    entries_by_digest: Mapping[int, Sequence[models.Entry]],
    paper_ids: Mapping[str, int],
) -> None:
    """Store what digests say, by digest id. `paper_ids` holds the row of each arXiv id."""
    every = [(digest_id, entry) for digest_id, digest in entries_by_digest.items() for entry in digest]
    ids = await bulk.reserve_ids(connection, entries, len(every))
    await bulk.insert_rows(
        connection,
        entries,
        ("id", "digest_id", "paper_id", *_FIELDS),
        [
            (id_, digest_id, paper_ids[entry.arxiv_id], *_fields(entry))
            for id_, (digest_id, entry) in zip(ids, every, strict=True)
        ],
    )
    parts = [
        (id_, position, section.heading, section.body)
        for id_, (_, entry) in zip(ids, every, strict=True)
        for position, section in enumerate(entry.sections)
    ]
    await bulk.insert_rows(connection, sections, ("entry_id", "position", "heading", "body"), parts)


async def remove(connection: AsyncConnection, digest_id: int) -> set[int]:
    """Forget what a digest said. Returns the ids of the papers that it named."""
    result = await connection.execute(
        entries.delete().where(entries.c.digest_id == digest_id).returning(entries.c.paper_id)
    )
    return set(result.scalars())


async def list_by_digest(connection: AsyncConnection, digest_id: int) -> tuple[models.Entry, ...]:
    """Return what a digest says, whole, in its order."""
    query = _query().where(entries.c.digest_id == digest_id).order_by(entries.c.rank)
    found = (await connection.execute(query)).all()
    bodies = await _load_sections(connection, [row.id for row in found])
    return tuple(_entry_from_row(row, bodies.get(row.id, ())) for row in found)


async def list_appearances(
    connection: AsyncConnection, paper_ids: Iterable[int], *, with_sections: bool = True
) -> dict[int, list[models.Appearance]]:
    """Return the digests in which each paper stands and what they say of it, the newest first."""
    found: dict[int, list[models.Appearance]] = defaultdict(list)
    for chunk in bulk.chunked(paper_ids):
        query = (
            _query()
            .where(entries.c.paper_id.in_(chunk))
            .order_by(digests.c.date_on.desc(), entries.c.digest_id.desc(), entries.c.rank)
        )
        result = (await connection.execute(query)).all()
        bodies = await _load_sections(connection, [row.id for row in result]) if with_sections else {}
        for row in result:
            found[row.paper_id].append(_appearance_from_row(row, bodies.get(row.id, ())))
    return found


_FIELDS = (
    "rank",
    "title",
    "url",
    "votes",
    "authors",
    "authors_truncated",
    "thumbnail",
    "video",
    "summary_missing",
)
_fields = attrgetter(*_FIELDS)


async def _load_sections(
    connection: AsyncConnection, entry_ids: Sequence[int]
) -> dict[int, tuple[models.Section, ...]]:
    found: dict[int, list[models.Section]] = defaultdict(list)
    for chunk in bulk.chunked(entry_ids):
        query = (
            sa.select(sections.c.entry_id, sections.c.heading, sections.c.body)
            .where(sections.c.entry_id.in_(chunk))
            .order_by(sections.c.entry_id, sections.c.position)
        )
        for entry_id, heading, body in await connection.execute(query):
            found[entry_id].append(models.Section(heading, body))
    return {entry_id: tuple(parts) for entry_id, parts in found.items()}


def _query() -> sa.Select[Any]:
    return (
        sa.select(entries, papers.c.arxiv_id, digests.c.format, digests.c.date_on, digests.c.language)
        .join(digests, digests.c.id == entries.c.digest_id)
        .join(papers, papers.c.id == entries.c.paper_id)
    )


def _appearance_from_row(row: sa.Row[Any], bodies: tuple[models.Section, ...]) -> models.Appearance:
    return models.Appearance(
        digest_id=row.digest_id,
        format=models.DigestFormat(row.format),
        date=row.date_on,
        language=row.language,
        entry=_entry_from_row(row, bodies),
    )


def _entry_from_row(row: sa.Row[Any], bodies: tuple[models.Section, ...]) -> models.Entry:
    return models.Entry(
        rank=row.rank,
        arxiv_id=row.arxiv_id,
        title=row.title,
        url=row.url,
        votes=row.votes,
        authors=tuple(row.authors),
        authors_truncated=row.authors_truncated,
        thumbnail=row.thumbnail,
        video=row.video,
        sections=bodies,
        summary_missing=row.summary_missing,
    )
