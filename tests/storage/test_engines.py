"""The full-text engines: tiers, prefixes, quoting, and the query plans that the speed depends on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import database, search
from storage.search import AllOf, AnyOf, BooleanQuery, Prefix
from tests.support import index_rows


async def test_no_token_is_read_as_an_operator(db: database.Database) -> None:
    hostile = ['"', "'", "a b", "NEAR(", "*", ":*", "\\", "a'b\\c", "&", "", "\0", "^x", "-", "가 나"]
    async with db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "a", "x"))
        for token in hostile:
            assert await index_rows.find(connection, AllOf(("x", token))) in ([], [1])
            assert isinstance(await index_rows.find(connection, AnyOf((Prefix(token or "x"), "x"))), list)


async def test_the_most_popular_tiers_are_searched_first(db: database.Database) -> None:
    def steps(ids: Iterable[int]) -> list[int]:
        """Return popularity steps, since the papers of one step come in any order."""
        return [
            search.popularity_step(index_rows.popularity(n * n, index_rows.DAY + timedelta(days=n)))
            for n in ids
        ]

    async with db.transaction() as connection:
        await index_rows.add_papers(
            connection, *((n, n * n, "t", "x even" if n % 2 == 0 else "x") for n in range(1, 4101))
        )
        assert steps(await index_rows.find(connection, "x")) == steps(range(4100, 4090, -1))
        even = await index_rows.find(connection, AllOf(("x", "even")))
        assert not any(n % 2 for n in even)
        assert steps(even) == steps(range(4100, 4080, -2))


async def test_a_share_limits_a_search_to_the_most_popular_papers(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = [(n, n * n, "t", "x rare" if n % 1000 == 0 else "x") for n in range(1, 4101)]
        added = await index_rows.add_papers(connection, *rows)

        async def find_rare(share: float) -> list[int]:
            request = search.SearchRequest(search.WORDS_TABLE, AllOf(("x", "rare")), 10, share)
            [positions] = await search.list_positions(connection, [request])
            return sorted(row.paper_id for row in await search.list_by_positions(connection, positions))

        assert await find_rare(1) == [1000, 2000, 3000, 4000]
        assert await find_rare(1.5) == [1000, 2000, 3000, 4000]
        assert await find_rare(0.05) == [4000]
        assert 3000 in await find_rare(0.3)
        await search.remove(connection, [added[n] for n in range(2, 4101)])
        assert await find_rare(0.05) == []


async def test_a_prefix_of_many_rows_is_expanded(sqlite_db: database.Database) -> None:
    async with sqlite_db.transaction() as connection:
        frequencies = {
            "reason!t": 1500,
            "reasonable!t": 600,
            "reason_mode!t": 900,
            "reason": 5000,
            "rest!t": 9,
        }
        await search.change_document_frequencies(connection, frequencies)

        async def expand(query: BooleanQuery) -> BooleanQuery:
            return await search.expand_prefixes(connection, query, "!t", "_")

        assert await expand(Prefix("reas")) == AnyOf(("reason", "reasonable"))
        assert await expand(AllOf(("large", Prefix("rea")))) == AllOf(
            ("large", AnyOf(("reason", "reasonable")))
        )
        # A rare prefix is searched fast, and sampled frequencies do not have all of its words.
        assert await expand(Prefix("res")) == Prefix("res")
        assert await expand(Prefix("x")) == Prefix("x")
        assert await expand("reas") == "reas"


async def test_sqlite_reads_the_index_in_order_of_positions(sqlite_db: database.Database) -> None:
    async with sqlite_db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "a", "x"))
        statement = "EXPLAIN QUERY PLAN SELECT rowid FROM paper_words WHERE paper_words MATCH '\"x\"' ORDER BY rowid LIMIT 5"
        plan = " ".join(str(row) for row in await connection.exec_driver_sql(statement))
        by_position = "EXPLAIN QUERY PLAN SELECT texts FROM indexed_papers WHERE position IN (1, 2)"
        texts = " ".join(str(row) for row in await connection.exec_driver_sql(by_position))
    assert "VIRTUAL TABLE INDEX" in plan
    assert "TEMP B-TREE" not in plan
    assert "SEARCH indexed_papers USING INDEX" in texts


async def test_postgresql_searches_with_gin_instead_of_a_scan(db: database.Database) -> None:
    if db.is_sqlite:
        pytest.skip("PostgreSQL's plan")
    long_text = " ".join(f"word{n}" for n in range(150))
    async with db.transaction() as connection:
        await index_rows.add_papers(
            connection,
            *((n, n, "t", f"{long_text} rare" if n % 500 == 0 else long_text) for n in range(1, 1501)),
        )
        await connection.execute(sa.text("ANALYZE paper_words"))
        statement = (
            "EXPLAIN SELECT position FROM paper_words WHERE tokens @@ CAST('''rare''' AS tsquery)"
            " ORDER BY position + 0 LIMIT 10"
        )
        plan = "\n".join(row[0] for row in await connection.execute(sa.text(statement)))
    assert "ix_paper_words_tokens" in plan
