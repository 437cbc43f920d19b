"""The two full-text engines: rows of tokens in and out, and a condition that finds them. Knows nothing of what they mean.

On SQLite contentless FTS5 tables without positions, on PostgreSQL tables of lexemes under GIN. Both have a row id, the
*position*, by which results come in order. Neither gets a text to cut up itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.search import tiers as search_tiers
from storage.search.query import AllOf, BooleanQuery, Prefix, all_of, any_of, to_fts5, to_tsquery

TokenRows = Sequence[tuple[int, str]]
"""Positions, each with its tokens separated by spaces."""


async def insert(connection: AsyncConnection, table: str, entries: TokenRows) -> None:
    """Put rows into a table of the engine; the positions must be free."""
    if not entries:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - a table of ours
        await connection.exec_driver_sql(statement, sorted(entries))
        await _count_in_tiers(connection, table, entries, 1)
        return
    statement = (
        f"INSERT INTO {table} (position, tokens)"  # noqa: S608 - a table of ours
        " VALUES ($1, array_to_tsvector(array_remove(string_to_array($2, ' '), '')))"
    )
    marked = [(position, f"{tokens} {search_tiers.token(table, position)}") for position, tokens in entries]
    await connection.exec_driver_sql(statement, sorted(marked))
    await _count_in_tiers(connection, table, entries, 1)


async def _count_in_tiers(connection: AsyncConnection, table: str, entries: TokenRows, by: int) -> None:
    await search_tiers.change_counts(connection, table, [position for position, _ in entries], by)


async def delete(connection: AsyncConnection, table: str, entries: TokenRows) -> None:
    """Take rows out; on SQLite they must come with exactly the tokens that they were put in with."""
    if not entries:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)"  # noqa: S608
        await connection.exec_driver_sql(statement, list(entries))
    else:
        statement = f"DELETE FROM {table} WHERE position = $1"  # noqa: S608 - a table of ours
        await connection.exec_driver_sql(statement, [(position,) for position, _ in entries])
    await _count_in_tiers(connection, table, entries, -1)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One question to a table of the engine: the first `limit` positions of rows that hold what is wanted.

    `share` keeps it to the most popular share of the rows, so that what is hardly ever found ends in time.
    """

    table: str
    query: BooleanQuery
    limit: int
    share: float = 1.0


async def list_positions(
    connection: AsyncConnection,
    requests: Sequence[SearchRequest],
    *,
    filter_sql: str = "",
    filter_values: Sequence[Any] = (),
) -> list[list[int]]:
    """Return the positions of each tier, the lowest first.

    `only` narrows: the rest of a join that begins with `JOIN … ON ….position = place`, its values as `?`. The SQL is
    spelled out since SQLAlchemy takes longer to think about it than the engine to answer.
    """
    if not requests:
        return []
    ends = await search_tiers.end_positions(connection, requests[0].table, [tier.share for tier in requests])
    if connection.dialect.name != "sqlite":
        return [
            await _list_by_tier(connection, tier, end, filter_sql, filter_values)
            for tier, end in zip(requests, ends, strict=True)
        ]
    given: list[Any] = []
    parts = []
    for number, (tier, end) in enumerate(zip(requests, ends, strict=True)):
        parts.append(_sqlite_statement(number, tier, end, filter_sql))
        given += [to_fts5(tier.query), *filter_values, tier.limit]
    found: list[list[int]] = [[] for _ in requests]
    for number, position in await bulk.fetch_all(connection, " UNION ALL ".join(parts), given):
        found[number].append(position)
    return found


def _sqlite_statement(number: int, tier: SearchRequest, end: int | None, only: str) -> str:
    join, _, conditions = only.replace("place", f"{tier.table}.rowid").partition(" WHERE ")
    where = f"{tier.table} MATCH ?" + (f" AND {tier.table}.rowid <= {end}" if end is not None else "")
    where += f" AND {conditions}" if conditions else ""
    return (
        f"SELECT {number} AS tier, position FROM (SELECT {tier.table}.rowid AS position FROM {tier.table} {join}"  # noqa: S608
        f" WHERE {where} ORDER BY {tier.table}.rowid LIMIT ?) AS tier_{number}"
    )


async def _list_by_tier(
    connection: AsyncConnection, tier: SearchRequest, end: int | None, only: str, values: Sequence[Any]
) -> list[int]:
    """Return a tier's positions from PostgreSQL: first of the most popular eras, then of more, then of all.

    GIN knows no order: it finds all matches, which of a frequent word are too many. That the query also asks for an
    era keeps them few. Sorting by an expression keeps the planner from walking all rows in their order instead.
    """
    wanted = to_tsquery(tier.query)
    statement = _postgresql_statement(tier, only)
    found: list[int] = []
    for eras in await search_tiers.tsquery_stages(connection, tier.table, end):
        asked = f"({wanted}) & ({eras})" if eras else wanted
        result = await bulk.fetch_all(connection, statement, (asked, *values, tier.limit))
        found = [position for (position,) in result]
        if len(found) >= tier.limit:
            break
    return found


def _postgresql_statement(tier: SearchRequest, only: str) -> str:
    place = f"{tier.table}.position"
    join, _, conditions = only.replace("place", place).partition(" WHERE ")
    where = f"{tier.table}.tokens @@ CAST(? AS tsquery)" + (f" AND {conditions}" if conditions else "")
    numbers = count(1)
    statement = f"SELECT {place} FROM {tier.table} {join} WHERE {where} ORDER BY {place} + 0 LIMIT ?"  # noqa: S608
    return _PLACEHOLDER.sub(lambda _: f"${next(numbers)}", statement)


async def count_rows(connection: AsyncConnection, table: str, query: BooleanQuery, *, limit: int) -> int:
    """Count the rows that hold what is wanted, up to `limit`."""
    if connection.dialect.name == "sqlite":
        inner = f"SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT ?"  # noqa: S608 - a table of ours
        values = (to_fts5(query), limit)
    else:
        inner = f"SELECT 1 FROM {table} WHERE tokens @@ CAST($1 AS tsquery) LIMIT $2"  # noqa: S608
        values = (to_tsquery(query), limit)
    found = await bulk.fetch_all(connection, f"SELECT count(*) FROM ({inner}) AS found", values)  # noqa: S608
    return int(next(iter(found))[0])


async def expand_prefixes(
    connection: AsyncConnection, wanted: BooleanQuery, mark: str, excluding: str
) -> BooleanQuery:
    """Return a question with the most frequent words that a `Prefix` begins in its place, where those are in many rows.

    SQLite reads all that a beginning matches before it gives the first row, PostgreSQL does not. `mark` ends the tokens by
    whose counts words are frequent; those that hold `without` are no words.
    """
    if connection.dialect.name != "sqlite":
        return wanted
    if isinstance(wanted, Prefix):
        counts = await _list_completions(connection, wanted.token, mark, excluding)
        many = sum(counts.values()) >= _MIN_EXPANDED_ROWS
        return any_of([token.removesuffix(mark) for token in counts]) or wanted if many else wanted
    if isinstance(wanted, str):
        return wanted
    parts = [await expand_prefixes(connection, part, mark, excluding) for part in wanted.parts]
    found = all_of(parts) if isinstance(wanted, AllOf) else any_of(parts)
    return found or wanted


async def _list_completions(
    connection: AsyncConnection, beginning: str, mark: str, without: str
) -> dict[str, int]:
    statement = (
        "SELECT token, papers FROM term_counts WHERE token >= ? AND token < ? AND token LIKE ?"
        " AND instr(token, ?) = 0 ORDER BY papers DESC LIMIT ?"
    )
    values = (beginning, f"{beginning}\U0010ffff", f"%{mark}", without, _MAX_EXPANSIONS)
    return dict(await bulk.fetch_all(connection, statement, values))


_PLACEHOLDER = re.compile(r"\?")
_MIN_EXPANDED_ROWS = 2000
_MAX_EXPANSIONS = 16
