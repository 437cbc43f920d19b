"""The index of people by the words of their names, those with most papers first. Words are made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.search import engines
from storage.search.query import BooleanQuery
from storage.tables import authors, indexed_authors, name_deletions, name_words

TABLE = "author_words"
_MAX_STEP = 31
_STEP_SIZE = 1 << 32
"""People of one step (a doubling of papers) follow each other by id, so a row moves only when that step changes."""


@dataclass(frozen=True, slots=True)
class IndexedAuthor:
    """Somebody to be found: how many papers name them, and the words of their name, separated by spaces."""

    author_id: int
    papers: int
    words: str


async def index_authors(connection: AsyncConnection, people: Sequence[IndexedAuthor]) -> set[str]:
    """Index people in place of what stood there; those without papers are taken out. Returns the words that are new."""
    columns = (indexed_authors.c.author_id, indexed_authors.c.position, indexed_authors.c.words)
    found = await bulk.select_where_in(
        connection, indexed_authors.c.author_id, [one.author_id for one in people], columns
    )
    former = {author_id: (position, words) for author_id, position, words in found}
    wanted = {one.author_id: (_position(one), one.words) for one in people if one.papers > 0 and one.words}
    changed = [one.author_id for one in people if former.get(one.author_id) != wanted.get(one.author_id)]
    gone = [former[author_id] for author_id in changed if author_id in former]
    if gone:
        statement = indexed_authors.delete().where(indexed_authors.c.position == sa.bindparam("b_position"))
        await connection.execute(statement, [{"b_position": position} for position, _ in gone])
        await engines.delete(connection, TABLE, gone)
    put = [(author_id, *wanted[author_id]) for author_id in changed if author_id in wanted]
    await bulk.insert_rows(connection, indexed_authors, ("author_id", "position", "words"), put)
    await engines.insert(connection, TABLE, [(position, words) for _, position, words in put])
    known = {words for _, words in gone}
    return await _new_words(connection, {words for _, _, words in put if words not in known})


def _position(person: IndexedAuthor) -> int:
    return (_MAX_STEP - person.papers.bit_length()) * _STEP_SIZE + person.author_id


async def _new_words(connection: AsyncConnection, names: Iterable[str]) -> set[str]:
    words = {word for name in names for word in name.split()}
    known = await bulk.select_where_in(connection, name_words.c.word, words, (name_words.c.word,))
    new = words.difference(word for (word,) in known)
    await bulk.insert_rows(connection, name_words, ("word",), [(word,) for word in sorted(new)])
    return new


async def add_deletions(connection: AsyncConnection, deletions: Iterable[tuple[str, str]]) -> None:
    """Keep (word without one letter, word) pairs, by which words with an error are found."""
    await bulk.insert_rows(
        connection, name_deletions, ("deletion", "word"), sorted(set(deletions)), ignore_conflicts=True
    )


async def find_authors(connection: AsyncConnection, *wanted: BooleanQuery, limit: int) -> list[models.Author]:
    """Return the people whose names hold any of what is wanted, those with most papers (roughly) first.

    At most `limit` for each of what is wanted.
    """
    tiers = [engines.SearchRequest(TABLE, one, limit) for one in wanted]
    found = await engines.list_positions(connection, tiers)
    positions = sorted({position for of_one in found for position in of_one})
    condition, given = bulk.in_condition(connection, indexed_authors.c.position, positions)
    statement = f"{_SELECT_AUTHORS} WHERE {condition} ORDER BY position"
    return [models.Author(*row) for row in await bulk.fetch_all(connection, statement, given)]


async def list_most_published(connection: AsyncConnection, *, limit: int) -> list[models.Author]:
    """Return some of the people with most papers, roughly in that order; for when nothing is known of a name yet."""
    statement = f"{_SELECT_AUTHORS} ORDER BY position LIMIT {limit:d}"
    return [models.Author(*row) for row in await bulk.fetch_all(connection, statement)]


_SELECT_AUTHORS = """
SELECT authors.id, authors.key, authors.name, authors.papers
FROM indexed_authors JOIN authors ON authors.id = indexed_authors.author_id
"""


async def list_known_words(connection: AsyncConnection, words: Iterable[str]) -> set[str]:
    """Return which of these are words of somebody's name."""
    found = await bulk.select_where_in(connection, name_words.c.word, list(words), (name_words.c.word,))
    return {word for (word,) in found}


async def list_words_by_deletions(connection: AsyncConnection, deletions: Iterable[str]) -> set[str]:
    """Return the words that one of these is a deletion of."""
    found = await bulk.select_where_in(
        connection, name_deletions.c.deletion, list(deletions), (name_deletions.c.word,)
    )
    return {word for (word,) in found}


async def list_after(connection: AsyncConnection, *, after_id: int, limit: int) -> list[models.Author]:
    """Return the next authors behind an id, by id."""
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
    found = await bulk.select_where_in(connection, authors.c.id, author_ids, columns)
    return [models.Author(*row) for row in found]
