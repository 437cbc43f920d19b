"""The search index: boolean queries, its rows and filters, the full-text engines and their plans, and compressed texts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import database, search, search_index, snapshot
from storage.search import (
    AllOf,
    AnyOf,
    BooleanQuery,
    Prefix,
    all_of,
    any_of,
    estimate_matches,
    prune_phrases,
    query_tokens,
    to_fts5,
    to_tsquery,
)
from tests.support import index_rows


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("often", 9000),
        ("never", 0),
        (Prefix("of"), 0),
        (AnyOf(("often", "rare")), 9004),
        (AllOf(("often", AnyOf(("rare", "never")))), 4),
    ],
)
def test_the_matches_of_a_query_are_bounded_by_its_rarest_part(query: BooleanQuery, matches: int) -> None:
    assert estimate_matches(query, {"often": 9000, "rare": 4}) == matches


def test_a_query_is_written_in_the_syntax_of_each_engine() -> None:
    query = all_of(["a", any_of(["b", Prefix("c'")]), None])
    assert query is not None
    assert to_fts5(query) == '("a" AND ("b" OR "c_"*))'
    assert to_tsquery(query) == "('a' & ('b' | 'c''':*))"
    assert query_tokens(query) == {"a", "b"}


def test_a_phrase_is_pruned_to_its_rarest_parts() -> None:
    phrase = AllOf(("model", "languag", "lang_mode"), phrase=True)
    assert prune_phrases(phrase, {"model": 500, "languag": 40, "lang_mode": 30}) == AllOf(
        ("languag", "lang_mode")
    )
    assert prune_phrases(AllOf(("a", "b", "c")), {"a": 1, "b": 900, "c": 900}) == AllOf(("a", "b", "c"))


async def test_papers_are_listed_by_popularity_until_they_are_removed(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = await index_rows.add_papers(
            connection,
            (1, 5, "강화 학습", "모델"),
            (2, 900, "모델", "gpt-4o c++"),
            (3, None, "뇌", "모델 .3"),
        )
        assert await index_rows.find(connection, "모델") == [2, 1, 3]
        assert await index_rows.find(connection, "모델", search.TITLES_TABLE) == [2]
        assert await index_rows.find(connection, AllOf(("강화", "모델"))) == [1]
        assert await index_rows.find(connection, AnyOf(("뇌", "강화"))) == [1, 3]
        await search_index.remove(connection, [rows[2]])
        assert await index_rows.find(connection, "모델") == [1, 3]
        assert await snapshot.read(connection, search.count_matches, "모델", limit=10) == 2
        await search_index.remove(connection, [rows[1], rows[3]])
        assert await index_rows.find(connection, "모델") == []


async def test_filters_apply_within_the_index(db: database.Database) -> None:
    async with db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "a", "x"), (2, 900, "a", "x"), (3, None, "a", "x"))
        assert await index_rows.find(connection, "x", min_votes=6) == [2]
        assert await index_rows.find(connection, "x", since_on=index_rows.DAY + timedelta(days=2)) == [2, 3]
        assert await index_rows.find(connection, "x", until_on=index_rows.DAY + timedelta(days=1)) == [1]


async def test_papers_of_equal_popularity_get_distinct_positions(db: database.Database) -> None:
    async with db.transaction() as connection:
        popularities = {4096 * n + 7: index_rows.popularity(3, index_rows.DAY) for n in range(50)}
        positions = await search_index.assign_positions(connection, popularities)
    assert len(set(positions.values())) == 50


async def test_texts_are_read_as_they_were_added(db: database.Database) -> None:
    async with db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "강화 학습", "모델\n 둘 "))
        row = (await snapshot.read(connection, search.list_by_paper_ids, [1]))[1]
    assert row.texts == search.DocumentTexts("강화 학습", "모델\n 둘 ", ("모델\n 둘 ",))
    assert (row.votes, row.last_on) == (5, index_rows.DAY + timedelta(days=1))


async def test_document_frequencies_add_up(db: database.Database) -> None:
    async with db.transaction() as connection:
        await search_index.change_counts(connection, {"a": 2, "b": 1, "c": 0})
        await search_index.change_counts(connection, {"a": 3, "b": -1})
        assert await snapshot.read(connection, search.get_document_frequencies, ["a", "b", "c"]) == {"a": 5}


async def test_more_papers_than_slots_of_a_step_get_positions(db: database.Database) -> None:
    probes = list[str]()
    async with db.transaction() as connection:
        popularities = dict.fromkeys(range(1, 3001), index_rows.popularity(7, index_rows.DAY))
        assert connection.sync_connection is not None
        sa.event.listen(
            connection.sync_connection, "before_cursor_execute", lambda *given: probes.append(given[2])
        )
        first = await search_index.assign_positions(connection, popularities)
        assert len(set(first.values())) == 3000
        assert len(probes) < 20
        await index_rows.add_papers(connection, *((n, 7, "t", "x") for n in range(1, 30)))
        second = await search_index.assign_positions(
            connection,
            {n: index_rows.popularity(7, index_rows.DAY + timedelta(days=n)) for n in range(1, 30)},
        )
        rows = await snapshot.read(connection, search.list_by_paper_ids, range(1, 30))
        assert not {row.position for row in rows.values()} & set(second.values())


async def test_merging_leaves_one_segment_and_the_same_matches(db: database.Database) -> None:
    for number in range(3):
        async with db.transaction() as connection:
            await index_rows.add_papers(connection, (number, 5, "a", f"x y{number}"))
    steps, has_more = 0, True
    while has_more:
        async with db.transaction() as connection:
            has_more = await search_index.merge_step(connection, is_first=not steps)
        steps += 1
    async with db.transaction() as connection:
        assert sorted(await index_rows.find(connection, "x")) == [0, 1, 2]
        if db.is_sqlite:
            counting = sa.text("SELECT count(DISTINCT segid) FROM paper_words_idx")
            assert (await connection.execute(counting)).scalar_one() == 1
            assert steps > 1


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
            int(search.STEPS_PER_UNIT * index_rows.popularity(n * n, index_rows.DAY + timedelta(days=n)))
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


@pytest.mark.engines("postgresql")
async def test_on_postgresql_papers_are_completed_by_an_index(db: database.Database) -> None:
    statements: list[tuple[str, tuple[str, ...]]] = []
    async with db.read() as connection:
        assert connection.sync_connection is not None
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        sa.event.listen(
            connection.sync_connection, "before_cursor_execute", lambda *given: statements.append(given[2:4])
        )
        await snapshot.read(connection, search.list_by_prefix, "2601.0", limit=2)
        ((statement, values),) = statements
        plan = (await connection.exec_driver_sql(f"EXPLAIN {statement}", values)).scalars().all()
    assert any("Index Cond: ((arxiv_id >= " in line for line in plan), plan
