"""Digest entries: the papers listed in each digest, with the sections of their summaries."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, key_values, models
from storage.tables import digests, entries, meta, papers, sections


@dataclass(frozen=True, slots=True)
class DigestPaper:
    """A paper of a digest, with its latest votes (None: unknown). `rank` is its position in the digest.

    `since_revision` is the revision of the digest that added it.
    """

    digest_id: int
    date_on: date
    paper_id: int
    arxiv_id: str
    rank: int
    votes: int | None
    since_revision: int = 1


Fingerprints: TypeAlias = dict[int, tuple[date, int | None, int]]
"""By paper id: the date of the last digest, the votes, and the fingerprint of the texts."""

_TEXT_COLUMNS = ("title", "abstract", "authors", "organization", "affiliations", "keywords")


async def add(
    connection: AsyncConnection,
    entries_by_digest: Mapping[int, Sequence[models.Entry]],
    paper_ids: Mapping[str, int],
) -> None:
    """Store entries by digest id. `paper_ids` maps arXiv ids to paper ids."""
    new_entries = [(digest_id, entry) for digest_id, digest in entries_by_digest.items() for entry in digest]
    ids = await bulk.reserve_ids(connection, entries, len(new_entries))
    await bulk.insert_rows(
        connection,
        entries,
        ("id", "digest_id", "paper_id", *_FIELDS),
        [
            (id_, digest_id, paper_ids[entry.arxiv_id], *_fields(entry))
            for id_, (digest_id, entry) in zip(ids, new_entries, strict=True)
        ],
    )
    section_rows = [
        (id_, position, section.heading, section.body)
        for id_, (_, entry) in zip(ids, new_entries, strict=True)
        for position, section in enumerate(entry.sections)
    ]
    await bulk.insert_rows(connection, sections, ("entry_id", "position", "heading", "body"), section_rows)


async def set_since_revisions(
    connection: AsyncConnection, digest_id: int, revisions: Mapping[int, int]
) -> None:
    """Store the revision of a digest that added a paper, by paper id; it is 1 for new entries."""
    if not revisions:
        return
    await connection.execute(
        entries.update()
        .where(entries.c.digest_id == digest_id, entries.c.paper_id == sa.bindparam("b_paper_id"))
        .values(since_revision=sa.bindparam("b_revision")),
        [{"b_paper_id": paper_id, "b_revision": revision} for paper_id, revision in revisions.items()],
    )


async def remove(connection: AsyncConnection, digest_id: int) -> dict[int, int]:
    """Delete the entries of a digest. Returns the ids of their papers, with the revision that added each."""
    result = await connection.execute(
        entries.delete()
        .where(entries.c.digest_id == digest_id)
        .returning(entries.c.paper_id, entries.c.since_revision)
    )
    return {paper_id: revision for paper_id, revision in result}  # noqa: C416


async def list_by_digest(connection: AsyncConnection, digest_id: int) -> tuple[models.Entry, ...]:
    """Return the entries of a digest by rank, with sections."""
    query = _query().where(entries.c.digest_id == digest_id).order_by(entries.c.rank)
    rows = (await connection.execute(query)).all()
    sections_by_entry = await _load_sections(connection, [row.id for row in rows])
    return tuple(_entry_from_row(row, sections_by_entry.get(row.id, ())) for row in rows)


async def find_newest_digests(
    connection: AsyncConnection, paper_ids: Iterable[int], *, since_on: date, until_on: date
) -> dict[int, int]:
    """Return the id of the newest digest of these days, both included, that lists each paper, by paper id."""
    newest: dict[int, int] = {}
    for chunk in bulk.chunked(paper_ids):
        query = (
            sa.select(entries.c.paper_id, digests.c.id)
            .join(digests, digests.c.id == entries.c.digest_id)
            .where(entries.c.paper_id.in_(chunk), digests.c.date_on.between(since_on, until_on))
            .order_by(digests.c.date_on, digests.c.id)
        )
        newest.update((paper_id, digest_id) for paper_id, digest_id in await connection.execute(query))
    return newest


async def list_papers(connection: AsyncConnection, digest_ids: Iterable[int]) -> list[DigestPaper]:
    """Return the papers of the digests, by digest and rank."""
    listed: list[DigestPaper] = []
    for chunk in bulk.chunked(digest_ids):
        query = (
            sa.select(
                entries.c.digest_id,
                digests.c.date_on,
                papers.c.id,
                papers.c.arxiv_id,
                entries.c.rank,
                papers.c.votes,
                entries.c.since_revision,
            )
            .join(papers, papers.c.id == entries.c.paper_id)
            .join(digests, digests.c.id == entries.c.digest_id)
            .where(entries.c.digest_id.in_(chunk))
            .order_by(entries.c.digest_id, entries.c.rank)
        )
        listed.extend(DigestPaper(*row) for row in await connection.execute(query))
    return listed


async def list_fingerprints(connection: AsyncConnection, since_on: date) -> Fingerprints:
    """Return the papers last listed since a date by id: that date, the votes, and a fingerprint of their texts.

    A fingerprint changes with the texts of the paper and its entries; it is comparable within one process.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    # Bytes are counted without decoding the text.
    size = "length(CAST(body AS BLOB))" if is_sqlite else "octet_length(body)"
    texts = ", ".join(f"papers.{name}" for name in _TEXT_COLUMNS)
    statement = (
        f"SELECT papers.id, last_on, papers.votes, {texts}, entries.id, digests.revision, language, format,"  # noqa: S608
        f" (SELECT sum({size}) FROM sections WHERE entry_id = entries.id)"
        " FROM papers JOIN entries ON entries.paper_id = papers.id JOIN digests ON digests.id = digest_id"
        f" WHERE last_on >= {'?' if is_sqlite else '$1'} ORDER BY papers.id, entries.id"
    )
    rows = await bulk.fetch_all(connection, statement, (since_on.isoformat() if is_sqlite else since_on,))
    return await asyncio.to_thread(_fingerprints, rows)


def _fingerprints(rows: Iterable[tuple[Any, ...]]) -> Fingerprints:
    found: Fingerprints = {}
    for paper_id, last_on, votes, *texts in rows:
        _, _, former = found.get(paper_id, (None, None, 0))
        found[paper_id] = bulk.parse_date(last_on), votes, hash((former, *map(str, texts)))
    return found


async def list_appearances(
    connection: AsyncConnection, paper_ids: Iterable[int], *, with_sections: bool = True
) -> dict[int, list[models.Appearance]]:
    """Return the appearances of each paper by paper id, newest first."""
    appearances: dict[int, list[models.Appearance]] = defaultdict(list)
    for chunk in bulk.chunked(paper_ids):
        query = (
            _query()
            .where(entries.c.paper_id.in_(chunk))
            .order_by(digests.c.date_on.desc(), entries.c.digest_id.desc(), entries.c.rank)
        )
        rows = (await connection.execute(query)).all()
        sections_by_entry = (
            await _load_sections(connection, [row.id for row in rows]) if with_sections else {}
        )
        for row in rows:
            appearances[row.paper_id].append(_appearance_from_row(row, sections_by_entry.get(row.id, ())))
    return appearances


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
    sections_by_entry: dict[int, list[models.Section]] = defaultdict(list)
    for chunk in bulk.chunked(entry_ids):
        query = (
            sa.select(sections.c.entry_id, sections.c.heading, sections.c.body)
            .where(sections.c.entry_id.in_(chunk))
            .order_by(sections.c.entry_id, sections.c.position)
        )
        for entry_id, heading, body in await connection.execute(query):
            sections_by_entry[entry_id].append(models.Section(heading, body))
    return {entry_id: tuple(parts) for entry_id, parts in sections_by_entry.items()}


def _query() -> sa.Select[Any]:
    return (
        sa.select(
            entries,
            papers.c.arxiv_id,
            digests.c.format,
            digests.c.date_on,
            digests.c.language,
            meta.c.value.label("writer"),
        )
        .join(digests, digests.c.id == entries.c.digest_id)
        .join(papers, papers.c.id == entries.c.paper_id)
        .outerjoin(meta, meta.c.key == key_values.WRITTEN_BY + digests.c.hash)
    )


def _appearance_from_row(row: sa.Row[Any], entry_sections: tuple[models.Section, ...]) -> models.Appearance:
    return models.Appearance(
        digest_id=row.digest_id,
        format=models.DigestFormat(row.format),
        date=row.date_on,
        language=row.language,
        entry=_entry_from_row(row, entry_sections),
        writer=row.writer,
    )


def _entry_from_row(row: sa.Row[Any], entry_sections: tuple[models.Section, ...]) -> models.Entry:
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
        sections=entry_sections,
        summary_missing=row.summary_missing,
    )
