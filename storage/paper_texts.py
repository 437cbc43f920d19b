"""Full texts of papers with the vectors of their passages: kept for a month, or while a thread or shelf has the paper."""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database, models
from storage.club import club_threads
from storage.shelf import saved_papers
from storage.tables import papers, required, table_of

paper_texts = table_of(
    models.PaperText,
    "paper_texts",
    required("text", sa.LargeBinary, comment="Markdown, UTF-8, zlib"),
    sa.Column("vectors", sa.LargeBinary),  # of its passages, half floats; NULL: none yet
    sa.Column("vectors_by", sa.Text),  # the model that made them
    sa.PrimaryKeyConstraint("arxiv_id"),
    sa.Index("ix_paper_texts_fetched_at", "fetched_at"),
)


MAX_TEXTS, MAX_BYTES = 2_000, 200_000_000
"""The most texts kept, and their most bytes with their vectors. The oldest are removed first, after those of other papers."""


async def save(connection: AsyncConnection, text: models.PaperText) -> None:
    """Compress and store a paper's text, replacing an earlier text. Texts beyond the limits are removed."""
    raw = await asyncio.to_thread(zlib.compress, text.text.encode("utf-8", "replace"))
    values = database.record_values(text, paper_texts, text=raw, vectors=None, vectors_by=None)
    await database.upsert(connection, paper_texts, [values], key=("arxiv_id",))
    await _trim(connection)


async def get(connection: AsyncConnection, arxiv_id: str) -> models.PaperText | None:
    """Return a paper's stored text, or None if it is not stored."""
    row = (await connection.execute(sa.select(paper_texts).where(paper_texts.c.arxiv_id == arxiv_id))).first()
    if row is None:
        return None
    text = (await asyncio.to_thread(zlib.decompress, row.text)).decode()
    return database.build_record(models.PaperText, row._mapping, text=text)


async def get_vectors(connection: AsyncConnection, text: models.PaperText, model: str) -> bytes:
    """Return the joined vectors of a text's passages by a model; b"" before they are made."""
    own = paper_texts.c
    same = own.arxiv_id == text.arxiv_id, own.fetched_at == text.fetched_at, own.vectors_by == model
    return bytes((await connection.execute(sa.select(own.vectors).where(*same))).scalar() or b"")


async def put_vectors(
    connection: AsyncConnection, text: models.PaperText, model: str, vectors: bytes
) -> None:
    """Store the vectors of a text's passages in place of another model's, unless the text has been replaced."""
    same = paper_texts.c.arxiv_id == text.arxiv_id, paper_texts.c.fetched_at == text.fetched_at
    await connection.execute(paper_texts.update().where(*same).values(vectors=vectors, vectors_by=model))
    await _trim(connection)


def _needed_clause() -> sa.ColumnElement[bool]:
    """Return the condition that a thread or shelf has a text's paper."""
    same = papers.c.arxiv_id == paper_texts.c.arxiv_id
    having = (sa.exists().where(same, papers.c.id == one.c.paper_id) for one in (saved_papers, club_threads))
    return sa.or_(*having)


async def _trim(connection: AsyncConnection) -> None:
    """Remove the texts beyond the limits."""
    own = paper_texts.c
    length = sa.func.length(own.text) + sa.func.coalesce(sa.func.length(own.vectors), 0)
    is_other = sa.case((_needed_clause(), 0), else_=1)
    query = sa.select(own.arxiv_id, length).order_by(is_other, own.fetched_at.desc(), own.arxiv_id)
    size, removed = 0, []
    for number, (arxiv_id, bytes_) in enumerate(await connection.execute(query)):
        size += bytes_
        if number >= MAX_TEXTS or size > MAX_BYTES:
            removed.append(arxiv_id)
    await database.execute_in(connection, paper_texts.delete(), own.arxiv_id, removed)


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove at most `limit` texts fetched before a time (UTC) of papers that no thread and no shelf has."""
    condition = sa.and_(paper_texts.c.fetched_at < before, ~_needed_clause())
    return await database.delete_some(connection, paper_texts, condition, limit)
