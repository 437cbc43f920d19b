"""Small tools that every storage module needs: upserts on either engine, and lists cut to a size that both take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Value = TypeVar("Value")

CHUNK = 2000
"""Values in one IN list: SQLite takes 32,766 variables a statement, asyncpg 32,767."""


def insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the engine's own INSERT, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def in_chunks(values: Iterable[Value], size: int = CHUNK) -> Iterator[Sequence[Value]]:
    """Yield the values in lists of at most `size`."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
