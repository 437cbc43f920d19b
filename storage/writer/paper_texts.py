"""Full texts of papers as they were read, compressed, with their provenance. A text is read again once it is removed."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import paper_texts

_LEVEL = 3
"""Of Zstandard: a text of 100 kB takes a millisecond and a third of its size."""


async def save(connection: AsyncConnection, text: models.PaperText) -> None:
    """Store the text of a paper in place of an earlier one."""
    raw = text.text.encode("utf-8", "replace")
    values = {
        "arxiv_id": text.arxiv_id,
        "url": text.url,
        "basis": text.basis,
        "fetched_at": text.fetched_at,
        "hash": hashlib.sha256(raw).hexdigest(),
        "text": await asyncio.to_thread(_compress, raw),
    }
    await bulk.upsert(connection, paper_texts, [values], key=("arxiv_id",))


async def get(connection: AsyncConnection, arxiv_id: str) -> models.PaperText | None:
    """Return the stored text of a paper, or None."""
    row = (await connection.execute(sa.select(paper_texts).where(paper_texts.c.arxiv_id == arxiv_id))).first()
    if row is None:
        return None
    text = await asyncio.to_thread(_decompress, row.text)
    return models.PaperText(row.arxiv_id, text, row.url, row.fetched_at, row.basis)


async def purge(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Remove at most `limit` texts fetched before a time. Returns their number."""
    old = sa.select(paper_texts.c.arxiv_id).where(paper_texts.c.fetched_at < before).limit(limit)
    result = await connection.execute(paper_texts.delete().where(paper_texts.c.arxiv_id.in_(old)))
    return result.rowcount


def _compress(raw: bytes) -> bytes:
    import zstandard  # loaded with the first text, not by an idle bot

    return zstandard.ZstdCompressor(level=_LEVEL).compress(raw)


def _decompress(compressed: bytes) -> str:
    import zstandard

    return zstandard.ZstdDecompressor().decompress(compressed).decode()
