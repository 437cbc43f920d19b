"""The look-ups that lists and cards are made of, and the plans that their speed depends on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from storage import authors, bulk, database, digests, entries, facts, models, papers, tables, votes

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)
DAY = date(2026, 1, 2)


def merged(number: int, *, votes: int | None = 5, on: date | None = DAY) -> models.MergedPaper:
    return models.MergedPaper(
        arxiv_id=f"2601.{number:05}",
        title=f"Paper {number}",
        url=f"https://arxiv.org/abs/2601.{number:05}",
        abstract=None,
        votes=votes,
        votes_read_at=NOW if votes is not None else None,
        authors=("Ada Byron", "Bea Long"),
        authors_truncated=False,
        thumbnail=None,
        video=None,
        code_url=None,
        project_url=None,
        keywords=("rl",),
        categories=(),
        first_on=on,
        last_on=on,
    )


async def add(db: database.Database, *found: models.MergedPaper) -> dict[str, int]:
    async with db.transaction() as connection:
        return await papers.add(connection, found)


async def add_digest(
    db: database.Database, ids: dict[str, int], on: date = DAY, digest_hash: str = "h"
) -> int:
    """Store a digest that names these papers in this order."""
    said = tuple(
        models.Entry(rank, arxiv_id, f"Title {rank}", "u", sections=(models.Section(None, f"Body {rank}"),))
        for rank, arxiv_id in enumerate(ids, 1)
    )
    digest = models.Digest(
        models.DigestFormat.NEWSLETTER, on, said, (models.Problem(3, "odd"),), f"text {digest_hash}"
    )
    async with db.transaction() as connection:
        added = await digests.add(connection, [digests.NewDigest(digest, "ko", digest_hash)], NOW)
        await entries.add(connection, {added[digest_hash]: said}, ids)
    return added[digest_hash]


async def test_what_was_stored_reads_back(db: database.Database) -> None:
    ids = await add(db, merged(1), merged(2, votes=None, on=None))
    async with db.transaction() as connection:
        assert await papers.list_merged(connection, arxiv_ids=["2601.00001"], ids=ids.values()) == {
            ids["2601.00001"]: merged(1),
            ids["2601.00002"]: merged(2, votes=None, on=None),
        }
        changed = merged(2, votes=8)
        await papers.update(connection, [(ids["2601.00002"], changed)])
        assert (await papers.list_merged(connection, ids=[ids["2601.00002"]])).popitem()[1] == changed


async def test_lists_keep_the_order_asked_for_and_hide_what_nothing_lists(db: database.Database) -> None:
    ids = await add(db, merged(1), merged(2), merged(3, on=None))
    async with db.read() as connection:
        rows_ = await papers.list_by_arxiv_ids(
            connection, ["2601.00003", "2601.00002", "2601.09999", "2601.00001"]
        )
        assert [row.arxiv_id for row in rows_] == ["2601.00002", "2601.00001"]
        assert rows_[0].authors == ("Ada Byron", "Bea Long")
        assert len(await papers.list_details(connection, list(ids.values()))) == 2


async def test_the_top_is_by_votes_with_unknown_last_and_can_be_paged(db: database.Database) -> None:
    await add(
        db,
        merged(1, votes=None),
        merged(2, votes=0),
        merged(3, votes=7),
        merged(4, votes=7, on=DAY + timedelta(days=1)),
        merged(5, votes=99, on=date(2025, 1, 1)),
    )
    async with db.read() as connection:

        async def top(**given: object) -> list[str]:
            found = await papers.list_top(connection, since_on=DAY, **given)  # type: ignore[arg-type]
            return [row.arxiv_id[-1] for row in found]

        assert await top() == ["4", "3", "2", "1"]
        assert await top(limit=2, offset=1) == ["3", "2"]
        assert await top(min_votes=1) == ["4", "3"]
        assert await top(until_on=DAY, min_votes=1) == ["3"]
        assert await papers.count(connection, since_on=DAY, min_votes=1) == 2
        assert [
            row.arxiv_id[-1] for row in await papers.list_by_prefix(connection, "2601.0000", limit=2)
        ] == [
            "5",
            "3",
        ]
        assert await papers.list_by_prefix(connection, "2601_%", limit=2) == []


async def test_a_dates_digests_are_one_list(db: database.Database) -> None:
    ids = await add(db, merged(1, votes=None), merged(2, votes=3), merged(3, votes=None))
    await add_digest(db, {key: ids[key] for key in ("2601.00003", "2601.00001")}, digest_hash="a")
    await add_digest(db, {key: ids[key] for key in ("2601.00001", "2601.00002")}, digest_hash="b")
    async with db.read() as connection:
        found = await papers.list_by_date(connection, DAY)
        assert [row.arxiv_id[-1] for row in found] == ["2", "1", "3"]
        assert len(await papers.list_by_date(connection, DAY, min_votes=1)) == 1
        assert await digests.list_dates(connection, limit=5) == [DAY]
        assert await papers.get_extent(connection) == models.ArchiveExtent(2, 3, DAY, DAY)


async def test_a_card_shows_every_appearance_newest_first(db: database.Database) -> None:
    ids = await add(db, merged(1))
    for n in range(3):
        await add_digest(db, ids, DAY + timedelta(days=n), digest_hash=f"h{n}")
    async with db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        assert detail is not None
        assert [one.date.day for one in detail.appearances] == [4, 3, 2]
        assert detail.appearances[0].entry.sections == (models.Section(None, "Body 1"),)
        [indexed] = await papers.list_index_documents(connection)
        assert indexed.sections == (models.Section(None, "Body 1"),)
        assert await papers.list_index_documents(connection, after_id=indexed.id) == []


async def test_a_digest_keeps_its_text_and_problems(db: database.Database) -> None:
    digest_id = await add_digest(db, await add(db, merged(1)))
    async with db.read() as connection:
        stored = await digests.get(connection, digest_id)
        assert await digests.get_text(connection, digest_id) == "text h"
        assert await digests.get_last_updated_at(connection) == NOW
    assert stored is not None
    assert (stored.problems, stored.revision, stored.language) == ((models.Problem(3, "odd"),), 1, "ko")


async def test_more_values_than_a_statement_takes_are_looked_up_in_pieces(db: database.Database) -> None:
    ids = await add(db, *(merged(n) for n in range(1, 6)))
    async with db.read() as connection:
        asked = [f"x{n}" for n in range(50_000)] + list(ids)
        assert await papers.get_ids(connection, asked) == ids
        found = await bulk.select_where_in(
            connection, tables.papers.c.id, range(50_000), (tables.papers.c.id,)
        )
        assert sorted(found) == sorted((id_,) for id_ in ids.values())


async def test_many_rows_go_in_whatever_the_order_of_their_columns(db: database.Database) -> None:
    values = [(f"value {n}", f"key {n}") for n in range(3)]
    async with db.transaction() as connection:
        await bulk.insert_rows(connection, tables.meta, ("value", "key"), values)
        await bulk.insert_rows(connection, tables.meta, ("value", "key"), values, ignore_conflicts=True)
        found = await bulk.select_where_in(connection, tables.meta.c.key, ["key 1"], (tables.meta.c.value,))
    assert found == [("value 1",)]


async def test_reserved_ids_are_free_and_stay_so(db: database.Database) -> None:
    first = await add(db, merged(1), merged(2))
    second = await add(db, merged(3))
    assert len({*first.values(), *second.values()}) == 3
    async with db.transaction() as connection:
        assert list(await bulk.reserve_ids(connection, tables.papers, 0)) == []


async def test_authors_count_their_papers_and_know_each_other(db: database.Database) -> None:
    ids = list((await add(db, merged(1), merged(2), merged(3))).values())
    ada, bea, cid = ("ada byron", "Ada Byron"), ("bea long", "Bea Long"), ("cid", "Cid")
    async with db.transaction() as connection:
        people = await authors.set_authors(
            connection, {ids[0]: [ada, bea], ids[1]: [ada, bea, ada], ids[2]: [ada, cid]}, new_paper_ids=ids
        )
        by_name = {person.name: person for person in people}
        assert {name: person.paper_count for name, person in by_name.items()} == {
            "Ada Byron": 3,
            "Bea Long": 2,
            "Cid": 1,
        }
        assert [
            (one.name, number)
            for one, number in await authors.list_coauthors(connection, by_name["Ada Byron"].id, limit=2)
        ] == [("Bea Long", 2), ("Cid", 1)]
        changed = await authors.set_authors(connection, {ids[2]: [("ada byron", "Adá Byron")]})
        assert {person.name: person.paper_count for person in changed} == {"Adá Byron": 3, "Cid": 0}
        assert await authors.list_name_variants(connection, by_name["Ada Byron"].id) == [
            "Ada Byron",
            "Adá Byron",
        ]
        assert sorted(await authors.list_paper_ids(connection, [by_name["Ada Byron"].id])) == sorted(ids)
        stored = sa.select(tables.authors.c.name).where(tables.authors.c.id == by_name["Cid"].id)
        assert list((await connection.execute(stored)).scalars()) == ["Cid"]


async def test_an_older_reading_never_replaces_what_a_service_said_later(db: database.Database) -> None:
    ids = await add(db, merged(1))
    paper_id = ids["2601.00001"]
    new = models.PaperFacts("2601.00001", "arxiv", "p", NOW, title="New", categories=("cs.CL",))
    old = models.PaperFacts("2601.00001", "arxiv", "p", NOW - timedelta(days=1), title="Old", listed_on=DAY)
    async with db.transaction() as connection:
        await facts.add(connection, [(paper_id, new)])
        await facts.add(connection, [(paper_id, old)])
        assert (await facts.list_by_paper(connection, [paper_id]))[paper_id] == [replace(new, listed_on=DAY)]
        assert await facts.list_arxiv_ids_without_facts(connection, "arxiv", since_on=DAY, limit=9) == []
        assert await facts.list_arxiv_ids_without_facts(connection, "huggingface", since_on=DAY, limit=9) == [
            "2601.00001"
        ]


async def test_votes_are_kept_over_time(db: database.Database) -> None:
    ids = await add(db, merged(1))
    paper_id = ids["2601.00001"]
    readings = [models.VoteCount(n, NOW + timedelta(days=n), "huggingface") for n in (3, 1, 2)]
    async with db.transaction() as connection:
        await votes.add(connection, [(paper_id, one) for one in readings])
        await votes.add(connection, [(paper_id, readings[0])])
        assert await votes.list_latest(connection, [paper_id]) == {paper_id: readings[0]}
        stored = await connection.execute(sa.select(tables.votes).order_by(tables.votes.c.read_at))
        assert [(row.paper_id, row.votes, row.read_at, row.source) for row in stored] == [
            (paper_id, days, NOW + timedelta(days=days), "huggingface") for days in (1, 2, 3)
        ]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT * FROM papers WHERE arxiv_id IN ('a')", "papers_1"),
        ("SELECT * FROM entries WHERE paper_id IN (1)", "ix_entries_paper_id"),
        ("SELECT * FROM entries WHERE digest_id = 1 ORDER BY rank", "entries_1"),
        ("SELECT * FROM digests WHERE date_on = '2026-01-01'", "ix_digests_date_on"),
        ("SELECT * FROM paper_authors WHERE author_id = 1", "ix_paper_authors_author_id"),
        ("SELECT * FROM digest_places WHERE place IN ('a')", "digest_places_1"),
    ],
)
async def test_look_ups_use_their_index(sqlite_db: database.Database, statement: str, index: str) -> None:
    async with sqlite_db.read() as connection:
        plan = (await connection.execute(sa.text(f"EXPLAIN QUERY PLAN {statement}"))).all()
    assert any(f"{index} (" in row.detail for row in plan), plan
