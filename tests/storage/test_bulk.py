"""Bulk SQL helpers on both engines."""

from __future__ import annotations

from storage import bulk, database, papers, tables
from tests.support.paper_records import add_papers, merged_paper


async def test_queries_with_more_values_than_a_statement_allows_are_chunked(db: database.Database) -> None:
    ids = await add_papers(db, *(merged_paper(number) for number in range(1, 6)))
    async with db.read() as connection:
        arxiv_ids = [f"x{number}" for number in range(50_000)] + list(ids)
        assert await papers.get_ids(connection, arxiv_ids) == ids
        rows = await bulk.select_where_in(
            connection, tables.papers.c.id, range(50_000), (tables.papers.c.id,)
        )
        assert sorted(rows) == sorted((paper_id,) for paper_id in ids.values())


async def test_rows_are_inserted_in_any_column_order(db: database.Database) -> None:
    rows = [(f"value {number}", f"key {number}") for number in range(3)]
    async with db.transaction() as connection:
        await bulk.insert_rows(connection, tables.meta, ("value", "key"), rows)
        await bulk.insert_rows(connection, tables.meta, ("value", "key"), rows, ignore_conflicts=True)
        values = await bulk.select_where_in(connection, tables.meta.c.key, ["key 1"], (tables.meta.c.value,))
    assert values == [("value 1",)]


async def test_an_upsert_inserts_new_rows_and_updates_existing_ones(db: database.Database) -> None:
    async with db.transaction() as connection:
        await bulk.upsert(connection, tables.meta, [], key=("key",))
        await bulk.upsert(connection, tables.meta, [{"key": "a", "value": "1"}], key=("key",))
        rows = [{"key": "a", "value": "2"}, {"key": "b", "value": "3"}]
        await bulk.upsert(connection, tables.meta, rows, key=("key",))
        columns = (tables.meta.c.key, tables.meta.c.value)
        stored = await bulk.select_where_in(connection, tables.meta.c.key, ["a", "b"], columns)
    assert sorted(stored) == [("a", "2"), ("b", "3")]


async def test_reserved_ids_are_unused_and_distinct(db: database.Database) -> None:
    first = await add_papers(db, merged_paper(1), merged_paper(2))
    second = await add_papers(db, merged_paper(3))
    assert len({*first.values(), *second.values()}) == 3
    async with db.transaction() as connection:
        assert list(await bulk.reserve_ids(connection, tables.papers, 0)) == []
