"""The full-text index of papers: FTS5 on SQLite, tsvector with GIN on PostgreSQL, behind one interface.

The engines store no texts. The index keeps them compressed in `indexed_papers`, since a row can only be removed with the
tokens that it was added with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.search import engines, text_codec
from storage.search.query import BooleanQuery
from storage.search.text_codec import DocumentTexts as DocumentTexts
from storage.tables import indexed_papers, papers, term_counts

WORDS_TABLE = "paper_words"
TITLES_TABLE = "paper_titles"

_STEPS_PER_UNIT = 512
"""Popularity steps per unit of popularity: a step is a day and a half, or a factor of 1.0045 in votes."""
SLOTS_PER_STEP = 1024
"""Positions of a step; further papers use those of the next one. A million papers of ten years fill a third of them."""
HASH_MULTIPLIER = 2654435761
"""Multiplier of the hash from a paper's id to its slot. The papers of one slot are a sample of all papers."""
_PROBE_LENGTH = 16
"""Slots checked at once when a slot is taken."""
_TOP_STEP = 1 << 15
_MERGED_PAGES = 200
ROWS_AT_ONCE = 200
"""Rows read and decompressed in one step: 2 ms on the event loop."""


class IndexRow(NamedTuple):
    """A paper in the index. `position` orders by popularity, the lowest first.

    `tokens` (all) and `title_tokens` are separated by spaces. They are made from the texts to add or remove a row, and
    are empty in rows that were read.
    """

    position: int
    paper_id: int
    texts: DocumentTexts
    votes: int | None
    last_on: date
    tokens: str = ""
    title_tokens: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of papers: last digest date, both ends included, and votes. Unknown votes meet no minimum above 0."""

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


def popularity_step(popularity: float) -> int:
    """Return the step of a popularity, higher for more popular papers."""
    return int(_STEPS_PER_UNIT * popularity)


async def assign_positions(connection: AsyncConnection, popularity: Mapping[int, float]) -> dict[int, int]:
    """Return a free position for each paper id, given its popularity (0 to 64): linear probing from its hashed slot."""
    assigned: dict[int, int] = {}
    taken: set[int] = set()
    starts = {
        paper_id: (_TOP_STEP - popularity_step(value)) * SLOTS_PER_STEP
        + paper_id * HASH_MULTIPLIER % SLOTS_PER_STEP
        for paper_id, value in popularity.items()
    }
    length = 1
    column = indexed_papers.c.position
    while starts:
        probed = {start + offset for start in starts.values() for offset in range(length)}
        rows = await bulk.select_where_in(connection, column, probed, (column,))
        taken.update(position for (position,) in rows)
        unassigned: dict[int, int] = {}
        for paper_id, start in starts.items():
            free = next((slot for slot in range(start, start + length) if slot not in taken), None)
            if free is None:
                unassigned[paper_id] = start + length
            else:
                assigned[paper_id] = free
                taken.add(free)
        starts, length = unassigned, _PROBE_LENGTH
    return assigned


async def list_by_paper_ids(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, IndexRow]:
    """Return the rows of these papers by id."""
    rows: dict[int, IndexRow] = {}
    for chunk in bulk.chunked(paper_ids, ROWS_AT_ONCE):
        query = sa.select(indexed_papers).where(indexed_papers.c.paper_id.in_(chunk))
        rows.update((row.paper_id, row) for row in await _fetch_rows(connection, query))
    return rows


async def add(connection: AsyncConnection, rows: Sequence[IndexRow]) -> None:
    """Add rows with their tokens; their positions must be free."""
    if not rows:
        return
    columns = ("position", "paper_id", "texts", "votes", "last_on")
    codec = await text_codec.get_codec(connection)
    values = [(row.position, row.paper_id, codec.compress(row.texts), row.votes, row.last_on) for row in rows]
    await bulk.insert_rows(connection, indexed_papers, columns, values)
    await engines.insert(connection, WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await engines.insert(connection, TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def remove(connection: AsyncConnection, rows: Sequence[IndexRow]) -> None:
    """Remove rows. On SQLite they must have exactly the tokens that they were added with."""
    if not rows:
        return
    statement = indexed_papers.delete().where(indexed_papers.c.position == sa.bindparam("b_position"))
    await connection.execute(statement, [{"b_position": row.position} for row in rows])
    await engines.delete(connection, WORDS_TABLE, [(row.position, row.tokens) for row in rows])
    await engines.delete(connection, TITLES_TABLE, [(row.position, row.title_tokens) for row in rows])


async def list_positions(
    connection: AsyncConnection, requests: Sequence[engines.SearchRequest], filters: Filters = NO_FILTERS
) -> list[list[int]]:
    """Return the positions of the papers that match each request, the most popular first."""
    conditions, values = _conditions(connection, filters)
    if not conditions:
        return await engines.list_positions(connection, requests)
    join = f"JOIN indexed_papers ON indexed_papers.position = place WHERE {' AND '.join(conditions)}"
    return await engines.list_positions(connection, requests, filter_sql=join, filter_values=values)


async def merge_step(connection: AsyncConnection, *, is_first: bool) -> bool:
    """Merge the segments that additions leave in the index. Returns whether there may be more to merge.

    A step writes about a megabyte; a merged index of 700,000 papers answers in half of the time.
    """
    merged = [
        await engines.merge_segments(connection, table, pages=_MERGED_PAGES, is_first=is_first)
        for table in (WORDS_TABLE, TITLES_TABLE)
    ]
    return any(merged)


async def count_matches(connection: AsyncConnection, query: BooleanQuery, *, limit: int) -> int:
    """Count the papers that match a query, up to `limit`. Shingles may match a few too many."""
    return await engines.count_rows(connection, WORDS_TABLE, query, limit=limit)


async def list_by_positions(connection: AsyncConnection, positions: Iterable[int]) -> list[IndexRow]:
    """Return the rows at these positions, in no order."""
    c = indexed_papers.c
    columns = (c.position, c.paper_id, c.texts, c.votes, c.last_on)
    found: list[IndexRow] = []
    for chunk in bulk.chunked(positions, ROWS_AT_ONCE):
        rows = list(await bulk.select_where_in(connection, c.position, chunk, columns))
        texts = await text_codec.decompress_all(connection, [compressed for _, _, compressed, _, _ in rows])
        found += [
            IndexRow(position, paper_id, document_texts, votes, bulk.parse_date(last_on))
            for (position, paper_id, _, votes, last_on), document_texts in zip(rows, texts, strict=True)
        ]
    return found


async def list_votes(connection: AsyncConnection, positions: Iterable[int]) -> dict[int, int | None]:
    """Return the votes of the papers at these positions, None for unknown votes."""
    columns = (indexed_papers.c.position, indexed_papers.c.votes)
    rows = await bulk.select_where_in(connection, indexed_papers.c.position, positions, columns)
    return {position: votes for position, votes in rows}  # noqa: C416 - gives the tuples their types


async def change_document_frequencies(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the document frequencies of tokens; a change may be negative."""
    await bulk.increment_counts(connection, term_counts, changes)


async def list_unindexed(connection: AsyncConnection, *, before_id: int | None, limit: int) -> list[int]:
    """Return the ids of listed papers that are not in the index, below `before_id`, in descending order."""
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
    """Return the rows after a position, the most popular first: a page of the whole index."""
    query = (
        sa.select(indexed_papers)
        .where(indexed_papers.c.position > after_position)
        .order_by(indexed_papers.c.position)
        .limit(limit)
    )
    return await _fetch_rows(connection, query)


async def has_dictionary(connection: AsyncConnection) -> bool:
    """Tell whether a compression dictionary has been trained."""
    return bool((await text_codec.get_codec(connection)).dictionary_ids)


async def train_dictionary(connection: AsyncConnection, sample_size: int) -> None:
    """Train the compression dictionary for further texts, from the most popular papers."""
    sample = await list_by_popularity(connection, limit=sample_size)
    await text_codec.train_dictionary(connection, [row.texts for row in sample])


async def count_all(connection: AsyncConnection) -> int:
    """Return the number of papers in the index."""
    query = sa.select(sa.func.count()).select_from(indexed_papers)
    return int((await connection.execute(query)).scalar_one())


async def get_document_frequencies(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, int]:
    """Return the approximate number of papers with each token; tokens of no paper are left out."""
    known = await bulk.read_once(connection, term_counts.name, _no_frequencies)
    unread = [token for token in tokens if token not in known]
    if unread:
        columns = (term_counts.c.token, term_counts.c.papers)
        rows = await bulk.select_where_in(connection, term_counts.c.token, unread, columns)
        known.update(dict.fromkeys(unread, 0) | dict(rows))
    return {token: known[token] for token in tokens if known[token] > 0}


async def _no_frequencies() -> dict[str, int]:
    return {}


def _conditions(connection: AsyncConnection, filters: Filters) -> tuple[list[str], list[Any]]:
    """Return the SQL conditions with `?` placeholders, and their values as the driver takes them."""
    candidates: tuple[tuple[str, date | int | None], ...] = (
        ("indexed_papers.last_on >= ?", filters.since_on),
        ("indexed_papers.last_on <= ?", filters.until_on),
        ("indexed_papers.votes >= ?", filters.min_votes or None),
    )
    stores_dates_as_text = connection.dialect.name == "sqlite"
    values = [
        value.isoformat() if stores_dates_as_text and isinstance(value, date) else value
        for _, value in candidates
        if value is not None
    ]
    return [condition for condition, value in candidates if value is not None], values


async def _fetch_rows(connection: AsyncConnection, query: sa.Select[Any]) -> list[IndexRow]:
    rows = (await connection.execute(query)).all()
    texts = await text_codec.decompress_all(connection, [row.texts for row in rows])
    return [
        IndexRow(row.position, row.paper_id, document_texts, row.votes, row.last_on)
        for row, document_texts in zip(rows, texts, strict=True)
    ]
