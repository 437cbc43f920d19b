"""Authors, their papers, and the index of authors by the words of their names. Names come with their folded keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, search
from storage.models import Author
from storage.search import BooleanQuery
from storage.tables import authors, indexed_authors, name_deletions, name_words, paper_authors

AuthorNames = Sequence[tuple[str, str]]
"""The authors of a paper in order, as (folded key, name as written)."""


async def set_authors(
    connection: AsyncConnection, names: Mapping[int, AuthorNames], *, new_paper_ids: Iterable[int] = ()
) -> list[Author]:
    """Replace the authors of papers, by paper id. `new_paper_ids` have no stored authors to remove.

    Returns all authors whose paper count may have changed, with the new count.
    """
    former_ids = set(names).difference(new_paper_ids)
    former = paper_authors.delete().returning(paper_authors.c.author_id)
    removed = await bulk.execute_in(connection, former, paper_authors.c.paper_id, former_ids)
    removed_author_ids = {author_id for (author_id,) in removed}
    names_by_key = {key: name for paper in names.values() for key, name in paper}
    known_ids = await _match_existing(connection, names_by_key)
    paper_counts = Counter(key for paper in names.values() for key in {key for key, _ in paper})
    unknown = {key: name for key, name in names_by_key.items() if key not in known_ids}
    new_ids = await bulk.reserve_ids(connection, authors, len(unknown))
    added = [
        Author(id_, key, name, paper_counts[key])
        for id_, (key, name) in zip(new_ids, unknown.items(), strict=True)
    ]
    new_rows = [(author.id, author.key, author.name, author.paper_count) for author in added]
    await bulk.insert_rows(connection, authors, ("id", "key", "name", "papers"), new_rows)
    ids = known_ids | {author.key: author.id for author in added}
    rows = [
        (paper_id, position, ids[key], name)
        for paper_id, paper in names.items()
        for position, (key, name) in enumerate(paper)
    ]
    await bulk.insert_rows(connection, paper_authors, ("paper_id", "position", "author_id", "name"), rows)
    return added + await _update_paper_counts(connection, removed_author_ids.union(known_ids.values()))


async def _match_existing(connection: AsyncConnection, names_by_key: Mapping[str, str]) -> dict[str, int]:
    """Return the ids of known authors by key. A name with diacritics replaces a stored ASCII name."""
    stored = await bulk.select_where_in(
        connection, authors.c.key, names_by_key, (authors.c.key, authors.c.id, authors.c.name)
    )
    renamed = [
        {"id": id_, "name": names_by_key[key]}
        for key, id_, name in stored
        if name.isascii() and not names_by_key[key].isascii()
    ]
    await bulk.update_rows(connection, authors, renamed)
    return {key: id_ for key, id_, _ in stored}


_UPDATE_PAPER_COUNTS_SQL = """
UPDATE authors SET papers =
    (SELECT count(DISTINCT paper_id) FROM paper_authors WHERE paper_authors.author_id = authors.id)
"""


async def _update_paper_counts(connection: AsyncConnection, author_ids: Iterable[int]) -> list[Author]:
    statement = f"{_UPDATE_PAPER_COUNTS_SQL} WHERE %s RETURNING id, key, name, papers"
    return list(starmap(Author, await bulk.fetch_in(connection, statement, authors.c.id, author_ids)))


async def list_name_variants(connection: AsyncConnection, author_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the spellings of authors' names by author id, most frequent first."""
    query = (
        sa.select(paper_authors.c.author_id, paper_authors.c.name)
        .where(paper_authors.c.author_id.in_(author_ids))
        .group_by(paper_authors.c.author_id, paper_authors.c.name)
        .order_by(sa.func.count().desc(), paper_authors.c.name)
    )
    variants: dict[int, list[str]] = {}
    for author_id, name in await connection.execute(query):
        variants.setdefault(author_id, []).append(name)
    return variants


async def list_paper_ids(connection: AsyncConnection, author_ids: Sequence[int]) -> list[int]:
    """Return the ids of the papers written by any of these authors."""
    query = sa.select(paper_authors.c.paper_id).where(paper_authors.c.author_id.in_(author_ids)).distinct()
    return list((await connection.execute(query)).scalars())


async def list_coauthors(
    connection: AsyncConnection, author_id: int, *, limit: int
) -> list[tuple[Author, int]]:
    """Return the co-authors of an author with the number of joint papers, most first."""
    own = paper_authors.alias("own")
    joint_papers = sa.func.count(paper_authors.c.paper_id.distinct())
    query = (
        sa.select(*authors.c, joint_papers)
        .join(paper_authors, paper_authors.c.author_id == authors.c.id)
        .join(own, own.c.paper_id == paper_authors.c.paper_id)
        .where(own.c.author_id == author_id, authors.c.id != author_id)
        .group_by(*authors.c)
        .order_by(joint_papers.desc(), authors.c.name)
        .limit(limit)
    )
    return [(Author(*row[:4]), row[4]) for row in await connection.execute(query)]


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
        await search.delete(connection, TABLE, outdated)
    rows = [(author_id, *new[author_id]) for author_id in moved if author_id in new]
    await bulk.insert_rows(connection, indexed_authors, ("author_id", "position", "words"), rows)
    await search.insert(connection, TABLE, [(position, words) for _, position, words in rows])
    known_names = {words for _, words in outdated}
    names = {words for _, _, words in rows if words not in known_names}
    words = {word for name in names for word in name.split()}
    new_words = words - await list_known_words(connection, words)
    await bulk.insert_rows(connection, name_words, ("word",), [(word,) for word in sorted(new_words)])
    return new_words


async def add_deletions(connection: AsyncConnection, deletions: Iterable[tuple[str, str]]) -> None:
    """Store (word without one letter, word) pairs, by which words with a typing error are found."""
    await bulk.insert_rows(
        connection, name_deletions, ("deletion", "word"), sorted(set(deletions)), ignore_conflicts=True
    )


async def find_authors(connection: AsyncConnection, *queries: BooleanQuery, limit: int) -> list[Author]:
    """Return the authors whose names match any query, roughly those with most papers first, at most `limit` per query."""
    requests = [search.SearchRequest(TABLE, query, limit) for query in queries]
    positions_by_query = await search.list_engine_positions(connection, requests)
    positions = sorted(set().union(*positions_by_query))
    statement = f"{_SELECT_AUTHORS} WHERE %s ORDER BY position"
    rows = await bulk.fetch_in(connection, statement, indexed_authors.c.position, positions)
    return [Author(*row) for row in rows]


async def list_most_published(connection: AsyncConnection, *, limit: int) -> list[Author]:
    """Return authors with most papers, roughly in that order, for autocomplete of an empty text."""
    statement = f"{_SELECT_AUTHORS} ORDER BY position LIMIT {limit:d}"
    return [Author(*row) for row in await bulk.fetch_all(connection, statement)]


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


async def list_after(connection: AsyncConnection, *, after_id: int, limit: int) -> list[Author]:
    """Return the next authors after an id, in order of id."""
    query = sa.select(*authors.c).where(authors.c.id > after_id).order_by(authors.c.id).limit(limit)
    return [Author(*row) for row in await connection.execute(query)]


async def list_by_ids(connection: AsyncConnection, author_ids: Iterable[int]) -> list[Author]:
    """Return the authors among these ids, in no order."""
    rows = await bulk.select_where_in(connection, authors.c.id, author_ids, list(authors.c))
    return [Author(*row) for row in rows]
