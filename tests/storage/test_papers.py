"""Papers with facts from services, their deletion, their authors, and the trust of digests."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from storage import archive, database, models, papers, schema, search, snapshot, sources, statements, tables
from storage.models import PaperFacts
from storage.search import Author
from tests.support import reader_rows
from tests.support.ingest_harness import NOW as INGESTED_AT
from tests.support.ingest_harness import IngestHarness, newsletter, paper
from tests.support.paper_records import DAY, NOW, add_papers, merged_paper


async def test_the_scheme_of_a_key_is_stored_and_only_arxivs_papers_have_its_id(
    db: database.Database,
) -> None:
    keys = {
        "2601.00001": "arxiv",
        "math/0309136": "arxiv",
        "doi/10.1101/2026.11.20.1": "doi",
        "acl/2026.acl-long.17": "acl",
    }
    ids = await add_papers(db, *(replace(merged_paper(1), key=key) for key in keys))
    async with db.transaction() as connection:
        await connection.execute(
            tables.paper_names.insert().values(name="doi/10.1/a", paper_id=ids["2601.00001"])
        )
        rows = await connection.execute(sa.select(tables.papers.c.key, tables.papers.c.scheme))
        assert dict(map(tuple, rows)) == keys
        found = await papers.list_rows(connection, [*ids.values()])
        assert {row.key for row in found if row.arxiv_id == row.key} == {"2601.00001", "math/0309136"}
        assert {row.arxiv_id for row in found if row.key not in ("2601.00001", "math/0309136")} == {None}
        await connection.execute(tables.papers.delete().where(tables.papers.c.key == "2601.00001"))
        names = await connection.scalars(sa.select(tables.paper_names.c.name))
        assert "doi/10.1/a" not in names.all()


async def test_only_arxiv_confirms_the_order_of_authors(db: database.Database) -> None:
    ids = await add_papers(db, merged_paper(1), merged_paper(2), merged_paper(3))
    readings = [
        PaperFacts("2601.00001", "arxiv", "u", NOW, authors=("Ada Byron",)),
        PaperFacts("2601.00002", "huggingface", "u", NOW, authors=("Ada Byron",)),
        PaperFacts("2601.00003", "arxiv", "u", NOW),
    ]
    await db.write(papers.add_facts, [(ids[reading.paper_key], reading) for reading in readings])
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


async def test_stores_a_services_latest_vote_count(db: database.Database) -> None:
    (paper_id,) = (await add_papers(db, merged_paper(1))).values()
    async with db.transaction() as connection:
        for days, count in ((3, 7), (1, 90), (4, None)):
            fact = PaperFacts("2601.00001", "huggingface", "", NOW + timedelta(days=days), votes=count)
            await papers.add_facts(connection, [(paper_id, fact)])
        (stored,) = (await papers.list_facts_by_paper(connection, [paper_id]))[paper_id]
    assert stored.votes == 7


async def test_purges_a_paper_once_no_row_refers_to_it(db: database.Database) -> None:
    await reader_rows.fill_every_table(db, 7)
    records = [merged_paper(1, on=None), replace(merged_paper(2, on=None), first_on=DAY), merged_paper(3)]
    others = await add_papers(db, *records, merged_paper(4, on=None))
    naming = [
        table
        for table in schema.METADATA.sorted_tables
        if any(key.column is tables.papers.c.id for key in table.foreign_keys)
    ]
    assert len(naming) > 5
    async with db.transaction() as connection:
        assert await papers.purge_unkept(connection, 9, others.values()) == 1
        for table in naming:
            assert await papers.purge_unkept(connection, 9) == 0, table.name
            await connection.execute(table.delete())
        assert await papers.purge_unkept(connection, 9) == 1
        left = (await connection.execute(sa.select(tables.papers.c.id))).scalars().all()
        assert sorted(left) == sorted(others.values())[1:]
        # The last row stays, so that its id is not reused.
        assert min(await statements.reserve_ids(connection, tables.papers, 1)) > max(left)


async def test_authors_have_paper_counts_and_spellings(db: database.Database) -> None:
    ids = list((await add_papers(db, merged_paper(1), merged_paper(2), merged_paper(3))).values())
    ada, bea, cid = ("ada byron", "Ada Byron"), ("bea long", "Bea Long"), ("cid", "Cid")
    async with db.transaction() as connection:
        names = {ids[0]: [ada, bea], ids[1]: [ada, bea, ada], ids[2]: [ada, cid]}
        await papers.set_authors(connection, names, new_paper_ids=ids)
        stored = await statements.fetch_records(connection, Author, sa.select(papers.authors))
        by_name = {author.name: author for author in stored}
        assert _counts(stored) == {"Ada Byron": 3, "Bea Long": 2, "Cid": 1}
        await papers.set_authors(connection, {ids[2]: [("ada byron", "Adá Byron")]})
        stored = await statements.fetch_records(connection, Author, sa.select(papers.authors))
        assert _counts(stored) == {"Adá Byron": 3, "Bea Long": 2, "Cid": 0}
        ada_id, cid_id = by_name["Ada Byron"].id, by_name["Cid"].id
        spellings = await snapshot.read(connection, search.list_spellings, [ada_id, cid_id])
        assert set(spellings) == {(ada_id, "Ada Byron"), (ada_id, "Adá Byron")}
        assert sorted(
            await snapshot.read(connection, search.list_paper_ids, [by_name["Ada Byron"].id])
        ) == sorted(ids)


def _counts(authors: list[Author]) -> dict[str, int]:
    return {author.name: author.paper_count for author in authors}


async def test_digest_inherits_the_trust_of_its_source(db: database.Database) -> None:
    harness = IngestHarness(db)
    async with db.transaction() as connection:
        old, high = [
            await sources.add(connection, url=url, kind=models.SourceKind.URL, now=NOW, priority=priority)
            for url, priority in (("old", 0), ("high", 4))
        ]
    trusts = [
        models.FILES_RANK,
        models.SourceRank(-4, high.id),
        models.SourceRank(0, old.id),
        models.SourceRank(2**31),
    ]
    names = (sources.FILES, "high", "old", "removed")
    for source in names:
        await harness.add(newsletter(paper(1)), source=source)
    origins = await db.fetch(archive.list_origins, [1, 2, 3, 4, 99])
    expected = zip(trusts, names, strict=True)
    assert origins == {
        id_: (trust, INGESTED_AT.date(), name, "") for id_, (trust, name) in enumerate(expected, 1)
    }
    assert trusts == sorted(trusts)
