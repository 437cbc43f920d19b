"""The search index on both engines: rows in and out, order of popularity, filters, and the plans that the speed depends on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.search import indexer
from bot.text import scoring
from storage import database
from storage.search import author_index, engines, index
from storage.search.query import (
    AllOf,
    AnyOf,
    BooleanQuery,
    Prefix,
    all_of,
    any_of,
    estimate_cost,
    prune_phrases,
    query_tokens,
    to_fts5,
    to_tsquery,
)
from storage.tables import authors, papers

DAY = date(2025, 1, 1)


def popularity(votes: int | None, on: date) -> float:
    """Return the popularity by which the indexer orders papers."""
    return scoring.hot_score(votes, on, indexer.POPULARITY_EPOCH)


async def put(
    connection: AsyncConnection, *papers_: tuple[int, int | None, str, str]
) -> dict[int, index.IndexRow]:
    """Index papers given as (id, votes, title tokens, body tokens); their dates rise with the ids."""
    await connection.execute(
        papers.insert(),
        [
            {
                "id": paper_id,
                "arxiv_id": f"2501.{paper_id:05}",
                "url": "https://arxiv.org/abs/2501.00001",
                "keywords": (),
                "categories": (),
                "authors": (),
                "authors_truncated": False,
                "last_on": DAY + timedelta(days=paper_id),
                "first_on": DAY,
            }
            for paper_id, *_ in papers_
        ],
    )
    dates = {paper_id: DAY + timedelta(days=paper_id) for paper_id, *_ in papers_}
    positions = await index.assign_positions(
        connection, {paper_id: popularity(votes, dates[paper_id]) for paper_id, votes, *_ in papers_}
    )
    rows = {
        paper_id: index.IndexRow(
            positions[paper_id],
            paper_id,
            index.DocumentTexts(title, body, (body,)),
            votes,
            dates[paper_id],
            tokens=f"{title} {body}",
            title_tokens=title,
        )
        for paper_id, votes, title, body in papers_
    }
    await index.add(connection, list(rows.values()))
    return rows


async def find(
    connection: AsyncConnection, wanted: BooleanQuery, table: str = index.WORDS_TABLE, **filters: object
) -> list[int]:
    """Return the ids of the papers found, in order."""
    (positions,) = await index.list_positions(
        connection,
        [engines.SearchRequest(table, wanted, 10)],
        index.Filters(**filters),  # type: ignore[arg-type]
    )
    by_place = {one.position: one.paper_id for one in await index.list_by_positions(connection, positions)}
    return [by_place[place] for place in positions]


async def test_papers_come_in_order_of_popularity_and_leave_without_a_trace(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = await put(
            connection,
            (1, 5, "강화 학습", "모델"),
            (2, 900, "모델", "gpt-4o c++"),
            (3, None, "뇌", "모델 .3"),
        )
        assert await find(connection, "모델") == [2, 1, 3]
        assert await find(connection, "모델", index.TITLES_TABLE) == [2]
        assert await find(connection, AllOf(("강화", "모델"))) == [1]
        assert await find(connection, AnyOf(("뇌", "강화"))) == [1, 3]
        await index.remove(connection, [rows[2]])
        assert await find(connection, "모델") == [1, 3]
        assert await index.count_matches(connection, "모델", limit=10) == 2
        await index.remove(connection, [rows[1], rows[3]])
        assert await find(connection, "모델") == []


async def test_filters_hold_inside_the_index(db: database.Database) -> None:
    async with db.transaction() as connection:
        await put(connection, (1, 5, "a", "x"), (2, 900, "a", "x"), (3, None, "a", "x"))
        assert await find(connection, "x", min_votes=6) == [2]
        assert await find(connection, "x", since_on=DAY + timedelta(days=2)) == [2, 3]
        assert await find(connection, "x", until_on=DAY + timedelta(days=1)) == [1]


async def test_equal_popularity_gives_different_positions(db: database.Database) -> None:
    async with db.transaction() as connection:
        popularities = {4096 * n + 7: popularity(3, DAY) for n in range(50)}
        positions = await index.assign_positions(connection, popularities)
    assert len(set(positions.values())) == 50


async def test_texts_come_back_as_they_were(db: database.Database) -> None:
    async with db.transaction() as connection:
        await put(connection, (1, 5, "강화 학습", "모델\n 둘 "))
        found = (await index.list_by_paper_ids(connection, [1]))[1]
    assert found.texts == index.DocumentTexts("강화 학습", "모델\n 둘 ", ("모델\n 둘 ",))
    assert (found.votes, found.last_on) == (5, DAY + timedelta(days=1))


async def test_counts_of_terms_add_up(db: database.Database) -> None:
    async with db.transaction() as connection:
        await index.change_document_frequencies(connection, {"a": 2, "b": 1, "c": 0})
        await index.change_document_frequencies(connection, {"a": 3, "b": -1})
        assert await index.get_document_frequencies(connection, ["a", "b", "c"]) == {"a": 5}


async def test_people_move_only_when_their_papers_double(db: database.Database) -> None:
    async with db.transaction() as connection:
        people = [{"id": n, "key": f"k{n}", "name": f"Name {n}", "papers": n} for n in (1, 2, 9)]
        await connection.execute(authors.insert(), people)
        new = await author_index.index_authors(
            connection, [author_index.IndexedAuthor(n, n, f"name w{n}") for n in (1, 2, 9)]
        )
        assert new == {"name", "w1", "w2", "w9"}
        found = await author_index.find_authors(connection, Prefix("na"), limit=10)
        assert [one.id for one in found] == [9, 2, 1]
        assert (
            await author_index.index_authors(connection, [author_index.IndexedAuthor(1, 40, "name w1")])
            == set()
        )
        assert [one.id for one in await author_index.find_authors(connection, "name", limit=10)] == [
            1,
            9,
            2,
        ]
        await author_index.index_authors(connection, [author_index.IndexedAuthor(9, 0, "name w9")])
        assert [one.id for one in await author_index.find_authors(connection, "name", limit=10)] == [1, 2]


async def test_no_token_is_an_operator(db: database.Database) -> None:
    nasty = ['"', "'", "a b", "NEAR(", "*", ":*", "\\", "a'b\\c", "&", "", "\0", "^x", "-", "가 나"]
    async with db.transaction() as connection:
        await put(connection, (1, 5, "a", "x"))
        for token in nasty:
            assert await find(connection, AllOf(("x", token))) in ([], [1])
            assert isinstance(await find(connection, AnyOf((Prefix(token or "x"), "x"))), list)


async def test_many_rows_are_found_by_their_popular_eras_first(db: database.Database) -> None:
    def steps(ids: Iterable[int]) -> list[int]:
        """Papers of one step of popularity come in any order."""
        return [index.popularity_step(popularity(n * n, DAY + timedelta(days=n))) for n in ids]

    async with db.transaction() as connection:
        await put(connection, *((n, n * n, "t", "x even" if n % 2 == 0 else "x") for n in range(1, 4101)))
        assert steps(await find(connection, "x")) == steps(range(4100, 4090, -1))
        even = await find(connection, AllOf(("x", "even")))
        assert not any(n % 2 for n in even)
        assert steps(even) == steps(range(4100, 4080, -2))


async def test_papers_of_one_popularity_all_find_a_place(db: database.Database) -> None:
    async with db.transaction() as connection:
        popularities = dict.fromkeys(range(1, 3001), popularity(7, DAY))
        first = await index.assign_positions(connection, popularities)
        assert len(set(first.values())) == 3000
        await put(connection, *((n, 7, "t", "x") for n in range(1, 30)))
        second = await index.assign_positions(
            connection, {n: popularity(7, DAY + timedelta(days=n)) for n in range(1, 30)}
        )
        kept = await index.list_by_paper_ids(connection, range(1, 30))
        assert not {one.position for one in kept.values()} & set(second.values())


async def learn_and_fail(db: database.Database) -> None:
    """Learn a dictionary and read with it, in a transaction that comes to nothing."""
    async with db.transaction() as connection:
        await index.train_dictionary(connection, 1000)
        assert await index.has_dictionary(connection)
        assert len(await index.list_by_paper_ids(connection, [1, 500])) == 2
        raise ZeroDivisionError


async def test_texts_packed_before_and_after_a_dictionary_was_learned_are_read_alike(
    db: database.Database,
) -> None:
    words = [f"word{number % 97} 모델{number % 31} rest{number}" for number in range(3000)]
    async with db.transaction() as connection:
        await put(connection, *((n, 1, "title", " ".join(words[n : n + 40])) for n in range(1, 1001)))
        before = await index.list_by_paper_ids(connection, [1, 500])
    with pytest.raises(ZeroDivisionError):
        await learn_and_fail(db)
    async with db.transaction() as connection:
        # What was learned in a transaction that came to nothing must not be packed with.
        assert not await index.has_dictionary(connection)
        await put(connection, (1001, 1, "title", words[7]))
        await index.train_dictionary(connection, 1000)
        await put(connection, *((n, 1, "title", " ".join(words[n : n + 40])) for n in range(1002, 1050)))
    async with db.read() as connection:
        found = await index.list_by_paper_ids(connection, [1, 500, 1001, 1040])
        assert {one: found[one] for one in (1, 500)} == before
        assert found[1001].texts.body == words[7]
        assert found[1040].texts.body == " ".join(words[1040:1080])


async def test_a_share_keeps_a_question_to_the_most_popular_papers(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = [(n, n * n, "t", "x rare" if n % 1000 == 0 else "x") for n in range(1, 4101)]
        tokens = await put(connection, *rows)

        async def ask(share: float) -> list[int]:
            tiers = [engines.SearchRequest(index.WORDS_TABLE, AllOf(("x", "rare")), 10, share)]
            [found] = await index.list_positions(connection, tiers)
            return sorted(one.paper_id for one in await index.list_by_positions(connection, found))

        assert await ask(1) == [1000, 2000, 3000, 4000]
        assert await ask(1.5) == [1000, 2000, 3000, 4000]
        assert await ask(0.05) == [4000]
        assert 3000 in await ask(0.3)
        await index.remove(connection, [tokens[n] for n in range(2, 4101)])
        assert await ask(0.05) == []


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("often", 9000),
        ("never", 0),
        (Prefix("of"), 0),
        (AnyOf(("often", "rare")), 9004),
        (AllOf(("often", "rare")), 2004),
        (AllOf(("often", "often again")), 15_000),
        (AllOf((AnyOf(("often", "rare")), AllOf(("often", "rare")))), 4000),
        (AllOf(("often", "never")), 0),
    ],
)
def test_the_effort_of_a_question_is_what_its_rarest_part_allows(wanted: BooleanQuery, read: int) -> None:
    assert estimate_cost(wanted, {"often": 9000, "often again": 6000, "rare": 4}) == read


async def test_a_beginning_is_spelled_out_where_it_begins_many_rows(sqlite_db: database.Database) -> None:
    async with sqlite_db.transaction() as connection:
        counts = {"reason!t": 1500, "reasonable!t": 600, "reason_mode!t": 900, "reason": 5000, "rest!t": 9}
        await index.change_document_frequencies(connection, counts)

        async def spelled(wanted: BooleanQuery) -> BooleanQuery:
            return await engines.expand_prefixes(connection, wanted, "!t", "_")

        assert await spelled(Prefix("reas")) == AnyOf(("reason", "reasonable"))
        assert await spelled(AllOf(("large", Prefix("rea")))) == AllOf(
            ("large", AnyOf(("reason", "reasonable")))
        )
        # What is rare is found quickly, and by sample its words are not all counted.
        assert await spelled(Prefix("res")) == Prefix("res")
        assert await spelled(Prefix("x")) == Prefix("x")
        assert await spelled("reas") == "reas"


async def test_sqlite_walks_the_index_in_its_own_order(sqlite_db: database.Database) -> None:
    async with sqlite_db.transaction() as connection:
        await put(connection, (1, 5, "a", "x"))
        statement = "EXPLAIN QUERY PLAN SELECT rowid FROM paper_words WHERE paper_words MATCH '\"x\"' ORDER BY rowid LIMIT 5"
        plan = " ".join(str(row) for row in await connection.exec_driver_sql(statement))
        by_place = "EXPLAIN QUERY PLAN SELECT texts FROM indexed_papers WHERE position IN (1, 2)"
        texts = " ".join(str(row) for row in await connection.exec_driver_sql(by_place))
    assert "VIRTUAL TABLE INDEX" in plan
    assert "TEMP B-TREE" not in plan
    assert "SEARCH indexed_papers USING INDEX" in texts


async def test_postgresql_finds_matches_by_gin_and_not_by_reading_rows(db: database.Database) -> None:
    if db.is_sqlite:
        pytest.skip("PostgreSQL's plan")
    wide = " ".join(f"word{n}" for n in range(150))
    async with db.transaction() as connection:
        await put(
            connection, *((n, n, "t", f"{wide} rare" if n % 500 == 0 else wide) for n in range(1, 1501))
        )
        await connection.execute(sa.text("ANALYZE paper_words"))
        statement = (
            "EXPLAIN SELECT position FROM paper_words WHERE tokens @@ CAST('''rare''' AS tsquery)"
            " ORDER BY position + 0 LIMIT 10"
        )
        plan = "\n".join(row[0] for row in await connection.execute(sa.text(statement)))
    assert "ix_paper_words_tokens" in plan


def test_questions_are_spelled_for_each_engine() -> None:
    wanted = all_of(["a", any_of(["b", Prefix("c'")]), None])
    assert wanted is not None
    assert to_fts5(wanted) == '("a" AND ("b" OR "c_"*))'
    assert to_tsquery(wanted) == "('a' & ('b' | 'c''':*))"
    assert query_tokens(wanted) == {"a", "b"}


def test_a_phrase_is_asked_for_by_its_rarest_parts() -> None:
    phrase = AllOf(("model", "languag", "lang_mode"), phrase=True)
    assert prune_phrases(phrase, {"model": 500, "languag": 40, "lang_mode": 30}) == AllOf(
        ("languag", "lang_mode")
    )
    assert prune_phrases(AllOf(("a", "b", "c")), {"a": 1, "b": 900, "c": 900}) == AllOf(("a", "b", "c"))
