"""The full-text index of papers: FTS5 on SQLite, tsvector and GIN on PostgreSQL, behind one interface.

It is given tokens and gives candidates in order of popularity; making tokens and scoring papers is not its
business. The index holds no texts, so what was indexed is kept beside it: only that takes a row out again.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import rows
from storage.search_terms import Wanted, to_fts5, to_tsquery
from storage.tables import indexed_papers, term_counts

WORDS = "paper_words"
TITLES = "paper_titles"

_EPOCH = date(2010, 1, 1)
_DAYS_A_VOTE_DECADE = 730
_STEPS = 512
"""Steps of popularity: a step is a day and a half, or a vote in 220."""
_SLOTS = 4096
"""Rows that one step holds before it runs into the next one."""
_TOP = 1 << 15
LEVEL = 6


@dataclass(frozen=True, slots=True)
class Texts:
    """What of a paper is indexed: the analyser's canonical texts of title and body, and its mentions for the glossary."""

    title: str
    body: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """A paper as it stands in the index. `position` orders by popularity, the lowest first."""

    position: int
    paper_id: int
    texts: Texts
    votes: int | None
    last_on: date


@dataclass(frozen=True, slots=True)
class Tokens:
    """A row's tokens, separated by spaces: all of them, and those of the title."""

    position: int
    words: str
    title: str


def step_of(votes: int | None, last_on: date) -> int:
    """Return the step of popularity (higher is more popular), which does not age: a tenfold of votes is 730 days."""
    days = (last_on - _EPOCH).days
    return int(_STEPS * (math.log10(1 + max(0, votes or 0)) + days / _DAYS_A_VOTE_DECADE))


def is_at_step(position: int, votes: int | None, last_on: date) -> bool:
    """Tell whether a row stands where its popularity wants it, or right behind."""
    return 0 <= position // _SLOTS - (_TOP - step_of(votes, last_on)) <= 1


async def free_positions(
    connection: AsyncConnection, wanted: Mapping[int, tuple[int | None, date]]
) -> dict[int, int]:
    """Return a free position for each paper id, given its votes and date."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    open_: dict[int, int] = {
        paper_id: (_TOP - step_of(votes, last_on)) * _SLOTS + paper_id * 2654435761 % _SLOTS
        for paper_id, (votes, last_on) in wanted.items()
    }
    while open_:
        for chunk in rows.in_chunks(open_.values()):
            query = sa.select(indexed_papers.c.position).where(indexed_papers.c.position.in_(chunk))
            taken.update((await connection.execute(query)).scalars())
        left: dict[int, int] = {}
        for paper_id, position in open_.items():
            if position in taken:
                left[paper_id] = position + 1
            else:
                found[paper_id] = position
                taken.add(position)
        open_ = left
    return found


async def list_indexed(connection: AsyncConnection, paper_ids: Iterable[int]) -> dict[int, Indexed]:
    """Return what is in the index of these papers, by id."""
    found: dict[int, Indexed] = {}
    for chunk in rows.in_chunks(paper_ids):
        query = sa.select(indexed_papers).where(indexed_papers.c.paper_id.in_(chunk))
        for row in await connection.execute(query):
            found[row.paper_id] = _indexed_of(row)
    return found


async def add(connection: AsyncConnection, papers: Sequence[Indexed], tokens: Sequence[Tokens]) -> None:
    """Put papers into the index. `tokens` are made from the papers' texts, one row each."""
    if not papers:
        return
    await connection.execute(
        indexed_papers.insert(),
        [
            {
                "position": one.position,
                "paper_id": one.paper_id,
                "texts": pack(one.texts),
                "votes": one.votes,
                "last_on": one.last_on,
            }
            for one in papers
        ],
    )
    for table in (WORDS, TITLES):
        if connection.dialect.name == "sqlite":
            statement = sa.text(f"INSERT INTO {table} (rowid, tokens) VALUES (:position, :tokens)")  # noqa: S608
            values = [{"position": one.position, "tokens": _of(table, one)} for one in tokens]
        else:
            statement = sa.text(
                f"INSERT INTO {table} (position, tokens) VALUES (:position, array_to_tsvector(string_to_array(:tokens, ' ')))"  # noqa: S608
            )
            values = [{"position": one.position, "tokens": _of(table, one)} for one in tokens]
        await connection.execute(statement, values)


async def remove(connection: AsyncConnection, tokens: Sequence[Tokens]) -> None:
    """Take rows out of the index; on SQLite they must come with exactly the tokens that they were added with."""
    if not tokens:
        return
    statement = indexed_papers.delete().where(indexed_papers.c.position == sa.bindparam("b_position"))
    await connection.execute(statement, [{"b_position": one.position} for one in tokens])
    for table in (WORDS, TITLES):
        if connection.dialect.name == "sqlite":
            delete = sa.text(
                f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', :position, :tokens)"  # noqa: S608
            )
            values = [{"position": one.position, "tokens": _of(table, one)} for one in tokens]
        else:
            delete = sa.text(f"DELETE FROM {table} WHERE position = :position")  # noqa: S608
            values = [{"position": one.position} for one in tokens]
        await connection.execute(delete, values)


async def list_candidates(
    connection: AsyncConnection,
    wanted: Wanted,
    *,
    table: str = WORDS,
    since_on: date | None = None,
    until_on: date | None = None,
    min_votes: int | None = None,
    limit: int,
) -> list[Indexed]:
    """Return the papers that hold what is wanted, the most popular first. Unknown votes meet no minimum above 0."""
    query = _matching(connection, wanted, table, since_on, until_on, min_votes)
    result = await connection.execute(query.with_only_columns(*indexed_papers.c).limit(limit))
    return [_indexed_of(row) for row in result]


async def count(
    connection: AsyncConnection,
    wanted: Wanted,
    *,
    since_on: date | None = None,
    until_on: date | None = None,
    min_votes: int | None = None,
    limit: int,
) -> int:
    """Count the papers that hold what is wanted, up to `limit`."""
    query = _matching(connection, wanted, WORDS, since_on, until_on, min_votes).limit(limit)
    counted = sa.select(sa.func.count()).select_from(query.subquery())
    return int((await connection.execute(counted)).scalar_one())


async def change_counts(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add to the counts of papers that hold a token; a change may be negative."""
    values = [{"token": token, "papers": change} for token, change in sorted(changes.items()) if change]
    if not values:
        return
    statement = rows.insert(connection, term_counts)
    statement = statement.on_conflict_do_update(
        index_elements=["token"], set_={"papers": term_counts.c.papers + statement.excluded.papers}
    )
    await connection.execute(statement, values)


async def list_sample(connection: AsyncConnection, *, behind: int = -1, limit: int = 500) -> list[Indexed]:
    """Return papers of the index, the most popular first, those behind a position; to read all of it in pieces."""
    query = (
        sa.select(indexed_papers)
        .where(indexed_papers.c.position > behind)
        .order_by(indexed_papers.c.position)
        .limit(limit)
    )
    return [_indexed_of(row) for row in await connection.execute(query)]


async def count_all(connection: AsyncConnection) -> int:
    """Return how many papers are in the index."""
    query = sa.select(sa.func.count()).select_from(indexed_papers)
    return int((await connection.execute(query)).scalar_one())


async def list_counts(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, int]:
    """Return in about how many papers each token is; tokens that are in none are left out."""
    found: dict[str, int] = {}
    for chunk in rows.in_chunks(tokens):
        query = sa.select(term_counts.c.token, term_counts.c.papers).where(term_counts.c.token.in_(chunk))
        found.update({token: papers for token, papers in await connection.execute(query) if papers > 0})
    return found


def pack(texts: Texts) -> bytes:
    """Return the texts as they are stored."""
    return zlib.compress("\0".join((texts.title, texts.body, *texts.mentions)).encode(), LEVEL)


def unpack(packed: bytes) -> Texts:
    """Return stored texts."""
    title, body, *mentions = zlib.decompress(packed).decode().split("\0")
    return Texts(title, body, tuple(mentions))


def _of(table: str, tokens: Tokens) -> str:
    return tokens.words if table == WORDS else tokens.title


def _matching(
    connection: AsyncConnection,
    wanted: Wanted,
    table: str,
    since_on: date | None,
    until_on: date | None,
    min_votes: int | None,
) -> sa.Select[Any]:
    if connection.dialect.name == "sqlite":
        engine = sa.table(table, sa.column("rowid", sa.Integer))
        place = engine.c.rowid
        matches = sa.text(f"{table} MATCH :wanted").bindparams(wanted=to_fts5(wanted))
    else:
        engine = sa.table(table, sa.column("position", sa.BigInteger))
        place = engine.c.position
        matches = sa.text(f"{table}.tokens @@ CAST(:wanted AS tsquery)").bindparams(wanted=to_tsquery(wanted))
    query = (
        sa.select(indexed_papers.c.position)
        .select_from(engine.join(indexed_papers, indexed_papers.c.position == place))
        .where(matches)
        .order_by(place)
    )
    if since_on is not None:
        query = query.where(indexed_papers.c.last_on >= since_on)
    if until_on is not None:
        query = query.where(indexed_papers.c.last_on <= until_on)
    if min_votes:
        query = query.where(indexed_papers.c.votes >= min_votes)
    return query


def _indexed_of(row: sa.Row[Any]) -> Indexed:
    return Indexed(row.position, row.paper_id, unpack(row.texts), row.votes, row.last_on)
