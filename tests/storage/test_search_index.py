"""The shadow index: the same tables as the live index, swapped in or dropped without a trace, on both engines."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from storage import errors, search, search_index, snapshot, tables
from storage.database import Database
from tests.support import index_rows, patience


async def describe_schema(database: Database) -> list[tuple[Any, ...]]:
    """Return the catalog's entries of all tables, indexes, constraints, triggers and functions."""
    if database.is_sqlite:
        queries = ["SELECT type, name, tbl_name, sql FROM sqlite_master"]
    else:
        queries = [
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c')",
            "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull, attstorage::text"
            " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0",
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        ]
    entries = []
    async with database.read() as connection:
        for query in queries:
            entries += [
                tuple(
                    re.sub(r"(TABLE) [\"'](\w+)[\"']", r"\1 \2", value) if isinstance(value, str) else value
                    for value in row
                )
                for row in await connection.exec_driver_sql(query)
            ]
    return sorted(entries, key=repr)


async def test_swapped_tables_have_the_same_schema(db: Database) -> None:
    before = await describe_schema(db)
    for _ in range(2):
        async with db.transaction() as connection:
            await search_index.create(connection)
            await search_index.swap(connection)
            await search_index.delete_old(connection, batch_size=5)
        assert await describe_schema(db) == before


async def test_a_dropped_shadow_index_leaves_nothing_behind(db: Database) -> None:
    before = await describe_schema(db)
    async with db.transaction() as connection:
        await search_index.drop(connection)
        await search_index.create(connection)
        await search_index.swap(connection)
        await search_index.create(connection)
    assert await describe_schema(db) != before
    async with db.transaction() as connection:
        await search_index.drop(connection)
    assert await describe_schema(db) == before


async def test_only_redirected_statements_use_the_shadow_index(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute(tables.papers.insert(), [index_rows.paper_row(1)])
        await search_index.create(connection)
        row = search.IndexRow(7, 1, search.DocumentTexts("a", "b"), 3, date(2025, 1, 1))
        async with search_index.redirect_to_shadow(connection):
            await search_index.add(connection, [row._replace(tokens="alpha beta", title_tokens="beta")])
            assert await search_index.count_all(connection) == 1
            assert list(await snapshot.read(connection, search.list_by_positions, [7])) == [row]
        assert await search_index.count_all(connection) == 0
        assert await snapshot.read(connection, search.list_by_positions, [7]) == []
        await search_index.swap(connection)
        assert await search_index.count_all(connection) == 1


@pytest.mark.parametrize("table", [tables.indexed_papers, tables.papers, tables.authors])
async def test_a_reader_delays_the_swap_on_postgresql(db: Database, table: sa.Table) -> None:
    if db.is_sqlite:
        pytest.skip("readers on SQLite keep their snapshot")
    async with db.transaction() as connection:
        await search_index.create(connection)
    async with db.read() as reader:
        await reader.execute(sa.select(table))
        # At once: what waited for one table while it holds others could deadlock with a reader.
        with pytest.raises(errors.InUseError):
            async with db.transaction() as connection, patience.limit(10):
                await search_index.swap(connection)
    async with db.transaction() as connection:
        await search_index.swap(connection)


async def test_the_old_index_is_deleted_in_batches(db: Database) -> None:
    async with db.transaction() as connection:
        await connection.execute(tables.papers.insert(), list(map(index_rows.paper_row, range(1, 31))))
        texts = search.DocumentTexts("a", "b")
        rows = [
            search.IndexRow(number, number, texts, 3, date(2025, 1, 1), "a", "b") for number in range(1, 31)
        ]
        await search_index.add(connection, rows)
        await search_index.create(connection)
        await search_index.swap(connection)
        assert await search_index.count_all(connection) == 0
        batches = 0
        while await search_index.delete_old(connection, batch_size=3):
            batches += 1
    assert (batches > 3) == db.is_sqlite
