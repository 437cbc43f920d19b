"""The index of authors by the words of their names, in order of their number of papers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.search import engines
from storage.search.query import BooleanQuery
from storage.tables import authors, indexed_authors, name_deletions, name_words

TABLE = "author_words"
_MAX_STEP = 31
_STEP_SIZE = 1 << 32
"""Positions per step, a doubling of papers. Within a step authors are ordered by id, so that a row moves only between steps."""


async def index_authors(connection: AsyncConnection, changed: Sequence[tuple[int, int, str]]) -> set[str]:
    """Add or replace authors, and remove those without papers. Returns the words that are new to the index.

    `changed` has the id, the number of papers, and the words of the name, separated by spaces, of each author.
    """
    columns = (indexed_authors.c.author_id, indexed_authors.c.position, indexed_authors.c.words)
    author_ids = [author_id for author_id, *_ in changed]
    stored = await bulk.select_where_in(connection, indexed_authors.c.author_id, author_ids, columns)
    former = {author_id: (position, words) for author_id, position, words in stored}
    new = {
        author_id: ((_MAX_STEP - papers.bit_length()) * _STEP_SIZE + author_id, words)
        for author_id, papers, words in changed
        if papers > 0 and words
    }
    moved = [author_id for author_id in author_ids if former.get(author_id) != new.get(author_id)]
    outdated = [former[author_id] for author_id in moved if author_id in former]
    if outdated:
        statement = indexed_authors.delete().where(indexed_authors.c.position == sa.bindparam("b_position"))
        await connection.execute(statement, [{"b_position": position} for position, _ in outdated])
        await engines.delete(connection, TABLE, outdated)
    rows = [(author_id, *new[author_id]) for author_id in moved if author_id in new]
    await bulk.insert_rows(connection, indexed_authors, ("author_id", "position", "words"), rows)
    await engines.insert(connection, TABLE, [(position, words) for _, position, words in rows])
    known_names = {words for _, words in outdated}
    return await _add_words(connection, {words for _, _, words in rows if words not in known_names})


async def _add_words(connection: AsyncConnection, names: Iterable[str]) -> set[str]:
    """Store the words of names; return those that are new."""
    words = {word for name in names for word in name.split()}
    new = words - await list_known_words(connection, words)
    await bulk.insert_rows(connection, name_words, ("word",), [(word,) for word in sorted(new)])
    return new


async def add_deletions(connection: AsyncConnection, deletions: Iterable[tuple[str, str]]) -> None:
    """Store (word without one letter, word) pairs, by which words with a typing error are found."""
    await bulk.insert_rows(
        connection, name_deletions, ("deletion", "word"), sorted(set(deletions)), ignore_conflicts=True
    )


async def find_authors(
    connection: AsyncConnection, *queries: BooleanQuery, limit: int
) -> list[models.Author]:
    """Return the authors whose names match any query, roughly those with most papers first, at most `limit` per query."""
    requests = [engines.SearchRequest(TABLE, query, limit) for query in queries]
    positions_by_query = await engines.list_positions(connection, requests)
    positions = sorted(set().union(*positions_by_query))
    condition, values = bulk.in_condition(connection, indexed_authors.c.position, positions)
    statement = f"{_SELECT_AUTHORS} WHERE {condition} ORDER BY position"
    return [models.Author(*row) for row in await bulk.fetch_all(connection, statement, values)]


async def list_most_published(connection: AsyncConnection, *, limit: int) -> list[models.Author]:
    """Return authors with most papers, roughly in that order, for autocomplete of an empty text."""
    statement = f"{_SELECT_AUTHORS} ORDER BY position LIMIT {limit:d}"
    return [models.Author(*row) for row in await bulk.fetch_all(connection, statement)]


_SELECT_AUTHORS = """
SELECT authors.id, authors.key, authors.name, authors.papers
FROM indexed_authors JOIN authors ON authors.id = indexed_authors.author_id
"""


async def list_known_words(connection: AsyncConnection, words: Iterable[str]) -> set[str]:
    """Return those of these words that are in any name."""
    rows = await bulk.select_where_in(connection, name_words.c.word, list(words), (name_words.c.word,))
    return {word for (word,) in rows}


async def list_words_by_deletions(connection: AsyncConnection, deletions: Iterable[str]) -> set[str]:
    """Return the words of which any of these is a deletion."""
    rows = await bulk.select_where_in(
        connection, name_deletions.c.deletion, list(deletions), (name_deletions.c.word,)
    )
    return {word for (word,) in rows}


async def list_after(connection: AsyncConnection, *, after_id: int, limit: int) -> list[models.Author]:
    """Return the next authors after an id, in order of id."""
    query = (
        sa.select(authors.c.id, authors.c.key, authors.c.name, authors.c.papers)
        .where(authors.c.id > after_id)
        .order_by(authors.c.id)
        .limit(limit)
    )
    return [models.Author(*row) for row in await connection.execute(query)]


async def list_by_ids(connection: AsyncConnection, author_ids: Iterable[int]) -> list[models.Author]:
    """Return the authors among these ids, in no order."""
    columns = (authors.c.id, authors.c.key, authors.c.name, authors.c.papers)
    rows = await bulk.select_where_in(connection, authors.c.id, author_ids, columns)
    return [models.Author(*row) for row in rows]
