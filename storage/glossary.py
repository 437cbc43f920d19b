"""The glossary's table and its writing. Look-ups read it in plain SQL (`storage.search`)."""

from __future__ import annotations

import zlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import statements
from storage.tables import UtcTime, metadata, required, row_id

glossary = sa.Table(
    "glossary",
    metadata,
    row_id(),
    required("made_at", UtcTime),
    required("papers", sa.Integer, comment="number of papers at build time"),
    required("data", sa.LargeBinary, comment="JSON, zlib"),
)


async def save(connection: AsyncConnection, made_at: datetime, papers: int, data: str) -> None:
    """Replace the stored glossary, which `search.get_glossary` returns."""
    row = {"id": 1, "made_at": made_at, "papers": papers, "data": zlib.compress(data.encode())}
    await statements.insert_rows(connection, glossary, [row], "update")
