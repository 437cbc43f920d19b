"""Papers: lists and details, facts of services, and vote counts over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import sqlalchemy as sa

from storage import archive, database, papers, search, snapshot, tables
from storage.models import ArchiveExtent, PaperFacts, Section
from tests.support import reader_rows
from tests.support.paper_records import DAY, NOW, add_digest, add_papers, merged_paper


async def test_stored_and_updated_papers_read_back_unchanged(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1), merged_paper(2, votes=None, on=None))
    async with db.transaction() as connection:
        assert await papers.list_merged(connection, arxiv_ids=["2601.00001"], ids=ids.values()) == {
            ids["2601.00001"]: merged_paper(1),
            ids["2601.00002"]: merged_paper(2, votes=None, on=None),
        }
        changed = merged_paper(2, votes=8)
        await papers.update(connection, [(ids["2601.00002"], changed)])
        assert (await papers.list_merged(connection, ids=[ids["2601.00002"]])).popitem()[1] == changed


async def test_lists_keep_the_given_order_and_omit_unlisted_papers(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1), merged_paper(2), merged_paper(3, on=None))
    async with db.read() as connection:
        rows = await papers.list_by_arxiv_ids(
            connection, ["2601.00003", "2601.00002", "2601.09999", "2601.00001"]
        )
        assert [row.arxiv_id for row in rows] == ["2601.00002", "2601.00001"]
        assert rows[0].authors == ("Ada Byron", "Bea Long")
        assert len(await papers.list_details(connection, list(ids.values()))) == 2


async def test_top_papers_are_ordered_by_votes_with_unknown_last_and_paginated(db: database.Database) -> None:
    await add_papers(
        db,
        merged_paper(1, votes=None),
        merged_paper(2, votes=0),
        merged_paper(3, votes=7),
        merged_paper(4, votes=7, on=DAY + timedelta(days=1)),
        merged_paper(5, votes=99, on=date(2025, 1, 1)),
    )
    async with db.read() as connection:

        async def top(**filters: object) -> list[str]:
            page = {name: filters.pop(name) for name in ("limit", "offset") if name in filters}
            wanted = search.Filters(DAY, **filters)  # type: ignore[arg-type]
            rows = await snapshot.read(connection, search.list_top, wanted, **page)  # type: ignore[arg-type]
            return [row.arxiv_id[-1] for row in rows]

        assert await top() == ["4", "3", "2", "1"]
        assert await top(limit=2, offset=1) == ["3", "2"]
        assert await top(min_votes=1) == ["4", "3"]
        assert await top(until_on=DAY, min_votes=1) == ["3"]
        assert await snapshot.read(connection, search.count_top, search.Filters(DAY, min_votes=1)) == 2
        completions = await snapshot.read(connection, search.list_by_prefix, "2601.0000", limit=2)
        assert [row.arxiv_id[-1] for row in completions] == ["5", "3"]
        assert await snapshot.read(connection, search.list_by_prefix, "2601_%", limit=2) == []


async def test_the_digests_of_a_date_form_one_list(db: database.Database) -> None:
    ids = await add_papers(
        db, merged_paper(1, votes=None), merged_paper(2, votes=3), merged_paper(3, votes=None)
    )
    await add_digest(db, {key: ids[key] for key in ("2601.00003", "2601.00001")}, digest_hash="a")
    await add_digest(db, {key: ids[key] for key in ("2601.00001", "2601.00002")}, digest_hash="b")
    async with db.read() as connection:
        rows = await papers.list_by_date(connection, DAY)
        assert [row.arxiv_id[-1] for row in rows] == ["2", "1", "3"]
        assert len(await papers.list_by_date(connection, DAY, min_votes=1)) == 1
        assert await archive.list_dates(connection, limit=5) == [DAY]
        assert await papers.get_extent(connection, until_on=date.max) == ArchiveExtent(2, 3, DAY, DAY)


async def test_details_and_index_documents_contain_all_appearances_newest_first(
    db: database.Database,
) -> None:
    ids = await add_papers(db, merged_paper(1))
    for days in range(3):
        await add_digest(db, ids, DAY + timedelta(days=days), digest_hash=f"h{days}")
    async with db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        assert detail is not None
        assert [appearance.date.day for appearance in detail.appearances] == [4, 3, 2]
        assert detail.appearances[0].entry.sections == (Section(None, "Body 1"),)
        [document] = await papers.list_index_documents(connection, lambda entry: entry.sections, [detail.id])
        assert document.sections == (Section(None, "Body 1"),)


async def test_the_order_of_authors_is_confirmed_by_arxiv_alone(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1), merged_paper(2), merged_paper(3))
    readings = [
        PaperFacts("2601.00001", "arxiv", "u", NOW, authors=("Ada Byron",)),
        PaperFacts("2601.00002", "huggingface", "u", NOW, authors=("Ada Byron",)),
        PaperFacts("2601.00003", "arxiv", "u", NOW),
    ]
    async with db.transaction() as connection:
        await papers.add_facts(connection, [(ids[reading.arxiv_id], reading) for reading in readings])
    async with db.read() as connection:
        details = [await papers.get_detail(connection, arxiv_id) for arxiv_id in ids]
    assert [detail and detail.is_author_order_confirmed for detail in details] == [True, False, False]


async def test_older_facts_do_not_replace_newer_ones(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1))
    paper_id = ids["2601.00001"]
    new = PaperFacts("2601.00001", "arxiv", "p", NOW, title="New", categories=("cs.CL",))
    new = replace(new, organization="A Lab", code_stars=1200)
    old = PaperFacts("2601.00001", "arxiv", "p", NOW - timedelta(days=1), title="Old", listed_on=DAY)
    async with db.transaction() as connection:
        await papers.add_facts(connection, [(paper_id, new)])
        await papers.add_facts(connection, [(paper_id, old)])
        assert (await papers.list_facts_by_paper(connection, [paper_id]))[paper_id] == [
            replace(new, listed_on=DAY)
        ]


async def test_every_vote_count_is_kept_and_the_latest_is_returned(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1))
    paper_id = ids["2601.00001"]
    counts = [
        PaperFacts("2601.00001", "huggingface", "", NOW + timedelta(days=days), votes=days)
        for days in (3, 1, 2)
    ]
    async with db.transaction() as connection:
        await papers.add_votes(connection, [(paper_id, count) for count in counts])
        await papers.add_votes(connection, [(paper_id, counts[0])])
        assert await papers.list_latest_votes(connection, [paper_id]) == {
            paper_id: (NOW + timedelta(days=3), 3)
        }
        stored = await connection.execute(sa.select(tables.votes).order_by(tables.votes.c.read_at))
        assert [(row.paper_id, row.votes, row.read_at, row.source) for row in stored] == [
            (paper_id, days, NOW + timedelta(days=days), "huggingface") for days in (1, 2, 3)
        ]


async def test_of_two_counts_of_one_moment_the_larger_is_kept(db: database.Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1))).values()
    async with db.transaction() as connection:
        for count in (5, 50, 0):
            fact = PaperFacts("2601.00001", "huggingface", "", NOW, votes=count)
            await papers.add_votes(connection, [(paper_id, fact)])
        assert await papers.list_latest_votes(connection, [paper_id]) == {paper_id: (NOW, 50)}


async def test_a_paper_is_purged_once_no_row_of_any_table_names_it(db: database.Database) -> None:
    await reader_rows.fill_every_table(db, 7)
    records = [merged_paper(1, on=None), replace(merged_paper(2, on=None), first_on=DAY), merged_paper(3)]
    others = await add_papers(db, *records, merged_paper(4, on=None))
    naming = [
        table
        for table in tables.metadata.sorted_tables
        if any(key.column is tables.papers.c.id for key in table.foreign_keys)
    ]
    assert len(naming) > 10
    async with db.transaction() as connection:
        assert await papers.purge_unkept(connection, 9, others.values()) == 1
        for table in naming:
            if table is not tables.watched_papers:
                assert await papers.purge_unkept(connection, 9) == 0, table.name
                await connection.execute(table.delete())
        assert await papers.purge_unkept(connection, 9) == 1
        left = (await connection.execute(sa.select(tables.papers.c.id))).scalars().all()
        assert sorted(left) == sorted(others.values())[1:]
        assert (await connection.execute(sa.select(tables.paper_news))).all() == []
        # The last row stays, so that its id is not used again.
        assert min(await database.reserve_ids(connection, tables.papers, 1)) > max(left)


async def test_no_deletion_of_a_paper_reads_a_whole_table() -> None:
    unindexed = [
        column.table.name
        for table in tables.metadata.sorted_tables
        for column in table.c
        if any(key.column is tables.papers.c.id for key in column.foreign_keys)
        and next(iter(table.primary_key)) is not column
        and not any(next(iter(index.columns)) is column for index in table.indexes)
    ]
    assert unindexed == []
