"""The index of papers on both engines: rows, order of popularity, filters and document frequencies."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from storage import database, search
from storage.search import AllOf, AnyOf
from tests.support import index_rows


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
        await search.remove(connection, [rows[2]])
        assert await index_rows.find(connection, "모델") == [1, 3]
        assert await search.count_matches(connection, "모델", limit=10) == 2
        await search.remove(connection, [rows[1], rows[3]])
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
        positions = await search.assign_positions(connection, popularities)
    assert len(set(positions.values())) == 50


async def test_texts_are_read_as_they_were_added(db: database.Database) -> None:
    async with db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "강화 학습", "모델\n 둘 "))
        row = (await search.list_by_paper_ids(connection, [1]))[1]
    assert row.texts == search.DocumentTexts("강화 학습", "모델\n 둘 ", ("모델\n 둘 ",))
    assert (row.votes, row.last_on) == (5, index_rows.DAY + timedelta(days=1))


async def test_document_frequencies_add_up(db: database.Database) -> None:
    async with db.transaction() as connection:
        await search.change_document_frequencies(connection, {"a": 2, "b": 1, "c": 0})
        await search.change_document_frequencies(connection, {"a": 3, "b": -1})
        assert await search.get_document_frequencies(connection, ["a", "b", "c"]) == {"a": 5}


async def test_more_papers_than_slots_of_a_step_get_positions(db: database.Database) -> None:
    async with db.transaction() as connection:
        popularities = dict.fromkeys(range(1, 3001), index_rows.popularity(7, index_rows.DAY))
        first = await search.assign_positions(connection, popularities)
        assert len(set(first.values())) == 3000
        await index_rows.add_papers(connection, *((n, 7, "t", "x") for n in range(1, 30)))
        second = await search.assign_positions(
            connection,
            {n: index_rows.popularity(7, index_rows.DAY + timedelta(days=n)) for n in range(1, 30)},
        )
        rows = await search.list_by_paper_ids(connection, range(1, 30))
        assert not {row.position for row in rows.values()} & set(second.values())


async def test_merging_leaves_one_segment_and_the_same_matches(db: database.Database) -> None:
    for number in range(3):
        async with db.transaction() as connection:
            await index_rows.add_papers(connection, (number, 5, "a", f"x y{number}"))
    steps, has_more = 0, True
    while has_more:
        async with db.transaction() as connection:
            has_more = await search.merge_step(connection, is_first=not steps)
        steps += 1
    async with db.transaction() as connection:
        assert sorted(await index_rows.find(connection, "x")) == [0, 1, 2]
        if db.is_sqlite:
            counting = sa.text("SELECT count(DISTINCT segid) FROM paper_words_idx")
            assert (await connection.execute(counting)).scalar_one() == 1
            assert steps > 1
