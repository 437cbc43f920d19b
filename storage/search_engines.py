"""The two full-text engines: rows of tokens in and out, and a condition that finds them. Knows nothing of what they mean.

On SQLite contentless FTS5 tables without positions, on PostgreSQL tables of lexemes under GIN. Both have a row id, the
*position*, by which results come in order. Neither gets a text to cut up itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.search_terms import Wanted, to_fts5, to_tsquery

Rows = Sequence[tuple[int, str]]
"""Positions, each with its tokens separated by spaces."""


async def insert(connection: AsyncConnection, table: str, rows: Rows) -> None:
    """Put rows into a table of the engine; the positions must be free."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - a table of ours
    else:
        statement = (
            f"INSERT INTO {table} (position, tokens)"  # noqa: S608 - a table of ours
            " VALUES ($1, array_to_tsvector(array_remove(string_to_array($2, ' '), '')))"
        )
    await connection.exec_driver_sql(statement, list(rows))


async def delete(connection: AsyncConnection, table: str, rows: Rows) -> None:
    """Take rows out; on SQLite they must come with exactly the tokens that they were put in with."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)"  # noqa: S608
        await connection.exec_driver_sql(statement, list(rows))
    else:
        statement = f"DELETE FROM {table} WHERE position = $1"  # noqa: S608 - a table of ours
        await connection.exec_driver_sql(statement, [(position,) for position, _ in rows])


async def clear(connection: AsyncConnection, table: str) -> None:
    """Take every row out."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")  # noqa: S608
    else:
        await connection.exec_driver_sql(f"TRUNCATE {table}")


def matching(
    connection: AsyncConnection, table: str, wanted: Wanted
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[bool]]:
    """Return a table's column of positions, and the condition for rows that hold what is wanted."""
    if connection.dialect.name == "sqlite":
        engine = sa.table(table, sa.column("rowid", sa.Integer))
        return engine.c.rowid, sa.literal_column(table).op("MATCH", is_comparison=True)(to_fts5(wanted))
    engine = sa.table(table, sa.column("position", sa.BigInteger), sa.column("tokens"))
    return engine.c.position, engine.c.tokens.op("@@", is_comparison=True)(
        sa.cast(to_tsquery(wanted), TSQUERY)
    )
