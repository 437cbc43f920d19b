"""Full texts of papers: kept for a month, or while a thread or shelf has the paper."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import models, statements
from storage.club import club_threads
from storage.shelf import saved_papers
from storage.tables import papers, required, table_of

paper_texts = table_of(
    models.PaperText,
    "paper_texts",
    required("text", sa.LargeBinary, comment="Markdown, UTF-8, zlib"),
    sa.PrimaryKeyConstraint("paper_key"),
    sa.Index("ix_paper_texts_fetched_at", "fetched_at"),
)


MAX_TEXTS, MAX_BYTES = 2_000, 200_000_000
"""The most texts kept, and their most bytes. The oldest are removed first, after those of other papers."""


async def save(connection: AsyncConnection, text: models.PaperText) -> None:
    """Compress and store a paper's text, replacing an earlier text. Texts beyond the limits are removed."""
    raw = await asyncio.to_thread(zlib.compress, text.text.encode("utf-8", "replace"))
    values = statements.record_values(text, paper_texts, text=raw)
    await statements.insert_rows(connection, paper_texts, [values], "update")
    await trim(connection)


async def get(connection: AsyncConnection, paper_key: str) -> models.PaperText | None:
    row = (
        await connection.execute(sa.select(paper_texts).where(paper_texts.c.paper_key == paper_key))
    ).first()
    if row is None:
        return None
    text = (await asyncio.to_thread(zlib.decompress, row.text)).decode()
    return statements.build_record(models.PaperText, row._mapping, text=text)


async def list_full(connection: AsyncConnection, paper_keys: Sequence[str]) -> dict[str, models.PaperText]:
    """Return the stored full texts of those of some papers that have one, by key."""
    query = sa.select(paper_texts).where(paper_texts.c.basis == "paper")
    rows = await statements.execute_in(connection, query, paper_texts.c.paper_key, paper_keys)
    texts = await asyncio.to_thread(lambda: [zlib.decompress(row.text).decode() for row in rows])
    return {
        row.paper_key: statements.build_record(models.PaperText, row._mapping, text=text)
        for row, text in zip(rows, texts, strict=True)
    }


def _needed_clause() -> sa.ColumnElement[bool]:
    """Return the condition that a thread or shelf has a text's paper."""
    same = papers.c.key == paper_texts.c.paper_key
    having = (sa.exists().where(same, papers.c.id == one.c.paper_id) for one in (saved_papers, club_threads))
    return sa.or_(*having)


async def trim(connection: AsyncConnection) -> None:
    """Remove the texts beyond the limits."""
    c = paper_texts.c
    is_other = sa.case((_needed_clause(), 0), else_=1)
    query = sa.select(c.paper_key, sa.func.length(c.text)).order_by(
        is_other, c.fetched_at.desc(), c.paper_key
    )
    size, removed = 0, []
    for number, (paper_key, bytes_) in enumerate(await connection.execute(query)):
        size += bytes_
        if number >= MAX_TEXTS or size > MAX_BYTES:
            removed.append(paper_key)
    await _remove(connection, removed)


async def _remove(connection: AsyncConnection, paper_keys: Sequence[str]) -> None:
    await statements.execute_in(connection, paper_texts.delete(), paper_texts.c.paper_key, paper_keys)


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove at most `limit` texts fetched before a time (UTC) of papers that no thread and no shelf has."""
    c = paper_texts.c
    old = sa.select(c.paper_key).where(c.fetched_at < before, ~_needed_clause()).limit(limit)
    removed = (await connection.scalars(old)).all()
    await _remove(connection, removed)
    return len(removed)
