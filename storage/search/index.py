"""The full-text index of papers: FTS5 on SQLite, tsvector and GIN on PostgreSQL, behind one interface.

It is given tokens and gives candidates in order of popularity; making tokens and scoring papers is not its
business. The index holds no texts, so what was indexed is kept beside it: only that takes a row out again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.search import engines, text_codec
from storage.search.query import BooleanQuery
from storage.search.text_codec import DocumentTexts as DocumentTexts
from storage.tables import indexed_papers, papers, term_counts

WORDS_TABLE = "paper_words"
TITLES_TABLE = "paper_titles"

_EPOCH = date(2010, 1, 1)
_DAYS_PER_VOTE_DECADE = 730
_STEPS_PER_DECADE = 512
"""Steps of popularity: a step is a day and a half, or a vote in 220."""
SLOTS_PER_STEP = 1024
"""Rows that one step holds before it runs into the next one: a million papers of ten years fill a third of them."""
HASH_MULTIPLIER = 2654435761
"""What a paper's id is multiplied with for its slot, so that the papers of one slot are a sample of all."""
_PROBE_LENGTH = 16
"""Slots behind a taken one that are looked at together."""
_TOP_STEP = 1 << 15


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A paper as it stands in the index. `position` orders by popularity, the lowest first."""

    position: int
    paper_id: int
    texts: DocumentTexts
    votes: int | None
    last_on: date


@dataclass(frozen=True, slots=True)
class DocumentTokens:
    """A row's tokens, separated by spaces: all of them; and those of the title."""

    position: int
    tokens: str
    title_tokens: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a search: digest dates, both ends included, and votes. Unknown votes meet no minimum above 0."""

    since_on: date | None = None
    until_on: date | None = None
    min_votes: int | None = None

    def allow(self, on: date, votes: int | None) -> bool:
        """Tell whether a paper of this date with these votes passes."""
        return (
            (self.since_on is None or on >= self.since_on)
            and (self.until_on is None or on <= self.until_on)
            and (not self.min_votes or (votes or 0) >= self.min_votes)
        )


NO_FILTERS = Filters()


def popularity_step(votes: int | None, last_on: date) -> int:
    """Return the step of popularity (higher is more popular), which does not age: a tenfold of votes is 730 days."""
    days = (last_on - _EPOCH).days
    return int(_STEPS_PER_DECADE * (math.log10(1 + max(0, votes or 0)) + days / _DAYS_PER_VOTE_DECADE))


async def assign_positions(
    connection: AsyncConnection, popularity: Mapping[int, tuple[int | None, date]]
) -> dict[int, int]:
    """Return a free position for each paper id, given its votes and date."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    open_ = {
        paper_id: (_TOP_STEP - popularity_step(votes, last_on)) * SLOTS_PER_STEP
        + paper_id * HASH_MULTIPLIER % SLOTS_PER_STEP
        for paper_id, (votes, last_on) in popularity.items()
    }
    probed = 1
    while open_:
        asked = {start + behind for start in open_.values() for behind in range(probed)}
        c = indexed_papers.c
        taken.update(
            position
            for (position,) in await bulk.select_where_in(connection, c.position, asked, (c.position,))
        )
        left: dict[int, int] = {}
        for paper_id, start in open_.items():
            free = next((one for one in range(start, start + probed) if one not in taken), None)
            if free is None:
                left[paper_id] = start + probed
            else:
                found[paper_id] = free
                taken.add(free)
        open_, probed = left, _PROBE_LENGTH
    return found


async def list_by_paper_ids(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, IndexRow]:
    """Return what is in the index of these papers, by id."""
    found: dict[int, IndexRow] = {}
    for chunk in bulk.chunked(paper_ids):
        query = sa.select(indexed_papers).where(indexed_papers.c.paper_id.in_(chunk))
        found.update((one.paper_id, one) for one in await _read(connection, query))
    return found


async def add(connection: AsyncConnection, new: Sequence[IndexRow], tokens: Sequence[DocumentTokens]) -> None:
    """Put papers into the index. `tokens` are made from the papers' texts, one row each."""
    if not new:
        return
    columns = ("position", "paper_id", "texts", "votes", "last_on")
    packing = await text_codec.get_codec(connection)
    values = [
        (one.position, one.paper_id, packing.compress(one.texts), one.votes, one.last_on) for one in new
    ]
    await bulk.insert_rows(connection, indexed_papers, columns, values)
    await engines.insert(connection, WORDS_TABLE, [(one.position, one.tokens) for one in tokens])
    await engines.insert(connection, TITLES_TABLE, [(one.position, one.title_tokens) for one in tokens])


async def remove(connection: AsyncConnection, tokens: Sequence[DocumentTokens]) -> None:
    """Take rows out of the index; on SQLite they must come with exactly the tokens that they were added with."""
    if not tokens:
        return
    statement = indexed_papers.delete().where(indexed_papers.c.position == sa.bindparam("b_position"))
    await connection.execute(statement, [{"b_position": one.position} for one in tokens])
    await engines.delete(connection, WORDS_TABLE, [(one.position, one.tokens) for one in tokens])
    await engines.delete(connection, TITLES_TABLE, [(one.position, one.title_tokens) for one in tokens])


async def list_positions(
    connection: AsyncConnection, requests: Sequence[engines.SearchRequest], filters: Filters = NO_FILTERS
) -> list[list[int]]:
    """Return for each tier the positions of papers that hold what is wanted, the most popular first."""
    conditions, values = _conditions(connection, filters)
    if not conditions:
        return await engines.list_positions(connection, requests)
    only = f"JOIN indexed_papers ON indexed_papers.position = place WHERE {' AND '.join(conditions)}"
    return await engines.list_positions(connection, requests, filter_sql=only, filter_values=values)


async def count_matches(connection: AsyncConnection, query: BooleanQuery, *, limit: int) -> int:
    """Count the papers that hold what is wanted, up to `limit`; links may let a few too many through."""
    return await engines.count_rows(connection, WORDS_TABLE, query, limit=limit)


async def list_by_positions(connection: AsyncConnection, positions: Iterable[int]) -> list[IndexRow]:
    """Return the papers at these positions, in no order."""
    c = indexed_papers.c
    columns = (c.position, c.paper_id, c.texts, c.votes, c.last_on)
    found = await bulk.select_where_in(connection, indexed_papers.c.position, positions, columns)
    texts = await text_codec.decompress_all(connection, [packed for _, _, packed, _, _ in found])
    return [
        IndexRow(position, paper_id, said, votes, bulk.parse_date(last_on))
        for (position, paper_id, _, votes, last_on), said in zip(found, texts, strict=True)
    ]


async def change_document_frequencies(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the counts of papers that hold a token; a change may be negative."""
    await bulk.increment_counts(connection, term_counts, changes)


async def list_unindexed(connection: AsyncConnection, *, before_id: int | None, limit: int) -> list[int]:
    """Return the ids of listed papers that are not in the index, the last stored first; those below an id."""
    query = (
        sa.select(papers.c.id)
        .outerjoin(indexed_papers, indexed_papers.c.paper_id == papers.c.id)
        .where(papers.c.last_on.is_not(None), indexed_papers.c.paper_id.is_(None))
        .order_by(papers.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(papers.c.id < before_id)
    return list((await connection.execute(query)).scalars())


async def list_by_popularity(
    connection: AsyncConnection, *, after_position: int = -1, limit: int = 500
) -> list[IndexRow]:
    """Return papers of the index, the most popular first, those behind a position; to read all of it in pieces."""
    query = (
        sa.select(indexed_papers)
        .where(indexed_papers.c.position > after_position)
        .order_by(indexed_papers.c.position)
        .limit(limit)
    )
    return await _read(connection, query)


async def has_dictionary(connection: AsyncConnection) -> bool:
    """Tell whether there is a dictionary that texts are packed with."""
    return bool((await text_codec.get_codec(connection)).dictionary_ids)


async def train_dictionary(connection: AsyncConnection, sample_size: int) -> None:
    """Learn the dictionary that texts are packed with from now on, from so many papers."""
    await text_codec.train_dictionary(
        connection, [one.texts for one in await list_by_popularity(connection, limit=sample_size)]
    )


async def count_all(connection: AsyncConnection) -> int:
    """Return how many papers are in the index."""
    query = sa.select(sa.func.count()).select_from(indexed_papers)
    return int((await connection.execute(query)).scalar_one())


async def get_document_frequencies(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, int]:
    """Return in about how many papers each token is; tokens that are in none are left out."""
    columns = (term_counts.c.token, term_counts.c.papers)
    found = await bulk.select_where_in(connection, term_counts.c.token, tokens, columns)
    return {token: papers for token, papers in found if papers > 0}


def _conditions(connection: AsyncConnection, filters: Filters) -> tuple[list[str], list[Any]]:
    """Return the conditions in SQL, and the values for their marks, as the driver takes them."""
    asked: tuple[tuple[str, date | int | None], ...] = (
        ("indexed_papers.last_on >= ?", filters.since_on),
        ("indexed_papers.last_on <= ?", filters.until_on),
        ("indexed_papers.votes >= ?", filters.min_votes or None),
    )
    is_text = connection.dialect.name == "sqlite"
    values = [
        value.isoformat() if is_text and isinstance(value, date) else value
        for _, value in asked
        if value is not None
    ]
    return [condition for condition, value in asked if value is not None], values


async def _read(connection: AsyncConnection, query: sa.Select[Any]) -> list[IndexRow]:
    found = (await connection.execute(query)).all()
    texts = await text_codec.decompress_all(connection, [row.texts for row in found])
    return [
        IndexRow(row.position, row.paper_id, said, row.votes, row.last_on)
        for row, said in zip(found, texts, strict=True)
    ]
