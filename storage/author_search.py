"""Finds authors by folded spellings of their names. The spellings are made elsewhere; people are kept in `authors`."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import models, rows
from storage.tables import author_keys, authors

_PERSON = (authors.c.id, authors.c.key, authors.c.name, authors.c.papers)


async def set_keys(connection: AsyncConnection, people: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Keep under which keys authors are found, as (author id, keys)."""
    values = [(key, author_id) for author_id, keys in people for key in keys]
    await rows.insert_rows(connection, author_keys, ("key", "author_id"), values, ignore=True)


async def list_by_keys(
    connection: AsyncConnection, keys: Sequence[str], *, limit: int
) -> list[models.Author]:
    """Return the authors that have one of these keys, those with most papers first."""
    query = (
        sa.select(*_PERSON)
        .join(author_keys, author_keys.c.author_id == authors.c.id)
        .where(author_keys.c.key.in_(keys), authors.c.papers > 0)
        .distinct()
        .order_by(authors.c.papers.desc(), authors.c.name)
        .limit(limit)
    )
    return [models.Author(*row) for row in await connection.execute(query)]


async def list_by_prefix(connection: AsyncConnection, prefix: str, *, limit: int) -> list[models.Author]:
    """Return the authors that have a key which begins so, those with most papers first."""
    query = (
        sa.select(*_PERSON)
        .join(author_keys, author_keys.c.author_id == authors.c.id)
        .where(author_keys.c.key >= prefix, author_keys.c.key < prefix + "\U0010ffff", authors.c.papers > 0)
        .distinct()
        .order_by(authors.c.papers.desc(), authors.c.name)
        .limit(limit)
    )
    return [models.Author(*row) for row in await connection.execute(query)]


async def list_by_words(
    connection: AsyncConnection, words: Sequence[str], *, limit: int
) -> list[models.Author]:
    """Return the authors whose name holds all of these, those with most papers first."""
    query = sa.select(*_PERSON).where(authors.c.papers > 0)
    for word in words:
        query = query.where(authors.c.key.contains(word, autoescape=True))
    query = query.order_by(authors.c.papers.desc(), authors.c.name).limit(limit)
    return [models.Author(*row) for row in await connection.execute(query)]
