"""The full-text engines: adds and removes rows of tokens, and lists the rows that match a boolean query.

SQLite uses contentless FTS5 tables without positions, PostgreSQL tables of lexemes with GIN. Both order results by a row
id, the *position*. Neither tokenises text itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.search import tiers
from storage.search.query import AllOf, BooleanQuery, Prefix, all_of, any_of, to_fts5, to_tsquery

TokenRows = Sequence[tuple[int, str]]
"""Positions, each with its tokens separated by spaces."""
_PLACEHOLDER = re.compile(r"\?")
_MIN_EXPANDED_ROWS = 2000
_MAX_EXPANSIONS = 16
_MIN_MERGE_CHANGES = 2
"""Rows that a merge changes if it has merged anything."""


async def insert(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Insert rows; their positions must be free."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - constant table
        values = sorted(rows)
    else:
        statement = (
            f"INSERT INTO {table} (position, tokens)"  # noqa: S608 - constant table
            " VALUES ($1, array_to_tsvector(array_remove(string_to_array($2, ' '), '')))"
        )
        values = sorted((position, f"{tokens} {tiers.token(table, position)}") for position, tokens in rows)
    await connection.exec_driver_sql(statement, values)
    await tiers.change_counts(connection, table, [position for position, _ in rows], 1)


async def delete(connection: AsyncConnection, table: str, rows: TokenRows) -> None:
    """Delete rows. On SQLite they must have exactly the tokens that they were inserted with."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)"  # noqa: S608
        await connection.exec_driver_sql(statement, list(rows))
    else:
        statement = f"DELETE FROM {table} WHERE position = $1"  # noqa: S608 - constant table
        await connection.exec_driver_sql(statement, [(position,) for position, _ in rows])
    await tiers.change_counts(connection, table, [position for position, _ in rows], -1)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request for the first `limit` positions of a table that match a query.

    `share` limits the search to that most popular share of the rows, which bounds the cost of rare matches.
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
    """Return the matching positions of each request, the lowest first. All requests are to one table.

    `filter_sql` is a join `JOIN … ON ….position = place WHERE …`, in which `place` is replaced by the position, with `?`
    placeholders. The SQL is not built by SQLAlchemy, which takes longer for it than the engine for the search.
    """
    if not requests:
        return []
    shares = [request.share for request in requests]
    ends = await tiers.end_positions(connection, requests[0].table, shares)
    if connection.dialect.name != "sqlite":
        return [
            await _list_in_stages(connection, request, end, filter_sql, filter_values)
            for request, end in zip(requests, ends, strict=True)
        ]
    values: list[Any] = []
    statements = []
    for number, (request, end) in enumerate(zip(requests, ends, strict=True)):
        statements.append(_sqlite_statement(number, request, end, filter_sql))
        values += [to_fts5(request.query), *filter_values, request.limit]
    positions: list[list[int]] = [[] for _ in requests]
    for number, position in await bulk.fetch_all(connection, " UNION ALL ".join(statements), values):
        positions[number].append(position)
    return positions


def _sqlite_statement(number: int, request: SearchRequest, end: int | None, filter_sql: str) -> str:
    table = request.table
    join, _, conditions = filter_sql.replace("place", f"{table}.rowid").partition(" WHERE ")
    where = f"{table} MATCH ?" + (f" AND {table}.rowid <= {end}" if end is not None else "")
    where += f" AND {conditions}" if conditions else ""
    return (
        f"SELECT {number} AS request, position FROM (SELECT {table}.rowid AS position FROM {table} {join}"  # noqa: S608
        f" WHERE {where} ORDER BY {table}.rowid LIMIT ?) AS request_{number}"
    )


async def _list_in_stages(
    connection: AsyncConnection,
    request: SearchRequest,
    end: int | None,
    filter_sql: str,
    filter_values: Sequence[Any],
) -> list[int]:
    """Return a request's positions from PostgreSQL, searching the most popular tiers, then more, until there are enough.

    GIN is unordered: it finds all matches, which are too many of a frequent word, unless the query also names tiers.
    """
    query = to_tsquery(request.query)
    statement = _postgresql_statement(request.table, filter_sql)
    positions: list[int] = []
    for tier_query in await tiers.tsquery_stages(connection, request.table, end):
        staged = f"({query}) & ({tier_query})" if tier_query else query
        rows = await bulk.fetch_all(connection, statement, (staged, *filter_values, request.limit))
        positions = [position for (position,) in rows]
        if len(positions) >= request.limit:
            break
    return positions


def _postgresql_statement(table: str, filter_sql: str) -> str:
    """Return the statement, which sorts by an expression: else the planner may read all rows in order of position."""
    column = f"{table}.position"
    join, _, conditions = filter_sql.replace("place", column).partition(" WHERE ")
    where = f"{table}.tokens @@ CAST(? AS tsquery)" + (f" AND {conditions}" if conditions else "")
    numbers = count(1)
    statement = f"SELECT {column} FROM {table} {join} WHERE {where} ORDER BY {column} + 0 LIMIT ?"  # noqa: S608
    return _PLACEHOLDER.sub(lambda _: f"${next(numbers)}", statement)


async def merge_segments(connection: AsyncConnection, table: str, *, pages: int, is_first: bool) -> bool:
    """Merge the segments of a table on SQLite, which each query reads one by one: a step of about this number of pages.

    Returns whether there may be more to merge. PostgreSQL's index has no segments.
    """
    if connection.dialect.name != "sqlite":
        return False
    counting = "SELECT total_changes()"
    (before,) = next(iter(await bulk.fetch_all(connection, counting)))
    # A negative number makes all segments one, a positive one goes on with it (SQLite, FTS5, "The merge command").
    statement = f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)"  # noqa: S608 - constant table
    await connection.exec_driver_sql(statement, (-pages if is_first else pages,))
    (after,) = next(iter(await bulk.fetch_all(connection, counting)))
    return bool(after - before >= _MIN_MERGE_CHANGES)


async def count_rows(connection: AsyncConnection, table: str, query: BooleanQuery, *, limit: int) -> int:
    """Count the rows that match a query, up to `limit`."""
    if connection.dialect.name == "sqlite":
        matches = f"SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT ?"  # noqa: S608 - constant table
        values = (to_fts5(query), limit)
    else:
        matches = f"SELECT 1 FROM {table} WHERE tokens @@ CAST($1 AS tsquery) LIMIT $2"  # noqa: S608
        values = (to_tsquery(query), limit)
    rows = await bulk.fetch_all(connection, f"SELECT count(*) FROM ({matches}) AS matches", values)  # noqa: S608
    return int(next(iter(rows))[0])


async def expand_prefixes(
    connection: AsyncConnection, query: BooleanQuery, mark: str, excluding: str
) -> BooleanQuery:
    """Return a query with each `Prefix` of many rows replaced by the most frequent tokens that it begins.

    On SQLite alone, which reads all matches of a prefix before it returns the first row. Frequencies are those of tokens
    that end with `mark`; tokens that contain `excluding` are skipped.
    """
    if connection.dialect.name != "sqlite":
        return query
    if isinstance(query, Prefix):
        frequencies = await _list_completions(connection, query.token, mark, excluding)
        if sum(frequencies.values()) < _MIN_EXPANDED_ROWS:
            return query
        return any_of([token.removesuffix(mark) for token in frequencies]) or query
    if isinstance(query, str):
        return query
    parts = [await expand_prefixes(connection, part, mark, excluding) for part in query.parts]
    return (all_of(parts) if isinstance(query, AllOf) else any_of(parts)) or query


async def _list_completions(
    connection: AsyncConnection, prefix: str, mark: str, excluding: str
) -> dict[str, int]:
    statement = (
        "SELECT token, papers FROM term_counts WHERE token >= ? AND token < ? AND token LIKE ?"
        " AND instr(token, ?) = 0 ORDER BY papers DESC LIMIT ?"
    )
    values = (prefix, f"{prefix}\U0010ffff", f"%{mark}", excluding, _MAX_EXPANSIONS)
    return dict(await bulk.fetch_all(connection, statement, values))
