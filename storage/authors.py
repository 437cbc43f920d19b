"""Authors as persons across papers. Names come with their folded keys; finding people by name is `author_search`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk, models
from storage.tables import authors, paper_authors

AuthorNames = Sequence[tuple[str, str]]
"""A paper's authors in their order, as (folded key, name as written)."""


async def set_authors(
    connection: AsyncConnection, names: Mapping[int, AuthorNames], *, new_paper_ids: Iterable[int] = ()
) -> list[models.Author]:
    """Store who wrote which papers (by paper id) in place of what stood there; `new` papers had nothing.

    Returns every author whose number of papers may have changed, with the number as it is now.
    """
    touched: set[int] = set()
    for chunk in bulk.chunked(set(names).difference(new_paper_ids)):
        result = await connection.execute(
            paper_authors.delete()
            .where(paper_authors.c.paper_id.in_(chunk))
            .returning(paper_authors.c.author_id)
        )
        touched.update(result.scalars())
    forms = {key: name for paper in names.values() for key, name in paper}
    known = await _match_existing(connection, forms)
    wrote = Counter(key for paper in names.values() for key in {key for key, _ in paper})
    added = await _insert_authors(
        connection, [(key, name, wrote[key]) for key, name in forms.items() if key not in known]
    )
    ids = known | {author.key: author.id for author in added}
    written = [
        (paper_id, position, ids[key], name)
        for paper_id, paper in names.items()
        for position, (key, name) in enumerate(paper)
    ]
    await bulk.insert_rows(connection, paper_authors, ("paper_id", "position", "author_id", "name"), written)
    return added + await _update_paper_counts(connection, touched.union(known.values()))


async def _match_existing(connection: AsyncConnection, forms: Mapping[str, str]) -> dict[str, int]:
    """Return the row of each key that is known. A form with diacritics replaces one without: it tells more."""
    stored = await bulk.select_where_in(
        connection, authors.c.key, forms, (authors.c.key, authors.c.id, authors.c.name)
    )
    better = [
        {"b_id": id_, "name": forms[key]}
        for key, id_, name in stored
        if name.isascii() and not forms[key].isascii()
    ]
    if better:
        await connection.execute(authors.update().where(authors.c.id == sa.bindparam("b_id")), better)
    return {key: id_ for key, id_, _ in stored}


async def _insert_authors(
    connection: AsyncConnection, new: Sequence[tuple[str, str, int]]
) -> list[models.Author]:
    """Store authors whose key is new, as (key, name, number of papers)."""
    ids = await bulk.reserve_ids(connection, authors, len(new))
    values = [(id_, *one) for id_, one in zip(ids, new, strict=True)]
    await bulk.insert_rows(connection, authors, ("id", "key", "name", "papers"), values)
    return [models.Author(*one) for one in values]


async def _update_paper_counts(connection: AsyncConnection, author_ids: Iterable[int]) -> list[models.Author]:
    found: list[models.Author] = []
    for chunk in bulk.chunked(author_ids, bulk.LOOKUP_CHUNK_SIZE):
        condition, given = bulk.in_condition(connection, authors.c.id, chunk)
        counted = await bulk.fetch_all(
            connection, f"{_UPDATE_PAPER_COUNTS_SQL} WHERE {condition} {_RETURNING_SQL}", given
        )
        found.extend(starmap(models.Author, counted))
    return found


_UPDATE_PAPER_COUNTS_SQL = """
UPDATE authors SET papers =
    (SELECT count(DISTINCT paper_id) FROM paper_authors WHERE paper_authors.author_id = authors.id)
"""
_RETURNING_SQL = "RETURNING id, key, name, papers"


async def list_name_variants(connection: AsyncConnection, author_id: int) -> list[str]:
    """Return the ways in which an author's name is written, the most frequent first."""
    query = (
        sa.select(paper_authors.c.name)
        .where(paper_authors.c.author_id == author_id)
        .group_by(paper_authors.c.name)
        .order_by(sa.func.count().desc(), paper_authors.c.name)
    )
    return list((await connection.execute(query)).scalars())


async def list_paper_ids(connection: AsyncConnection, author_ids: Sequence[int]) -> list[int]:
    """Return the ids of the papers that one of these authors wrote."""
    query = sa.select(paper_authors.c.paper_id).where(paper_authors.c.author_id.in_(author_ids)).distinct()
    return list((await connection.execute(query)).scalars())


async def list_coauthors(
    connection: AsyncConnection, author_id: int, *, limit: int
) -> list[tuple[models.Author, int]]:
    """Return with whom an author wrote and how many papers together, the closest first."""
    own = paper_authors.alias("own")
    together = sa.func.count(paper_authors.c.paper_id.distinct())
    query = (
        sa.select(authors.c.id, authors.c.key, authors.c.name, authors.c.papers, together)
        .join(paper_authors, paper_authors.c.author_id == authors.c.id)
        .join(own, own.c.paper_id == paper_authors.c.paper_id)
        .where(own.c.author_id == author_id, authors.c.id != author_id)
        .group_by(authors.c.id, authors.c.key, authors.c.name, authors.c.papers)
        .order_by(together.desc(), authors.c.name)
        .limit(limit)
    )
    return [(models.Author(*row[:4]), row[4]) for row in await connection.execute(query)]
