"""Authors, their paper counts, and their index."""

from __future__ import annotations

import sqlalchemy as sa

from storage import database, papers, search, snapshot, tables
from storage.search import Prefix
from storage.tables import authors as tables_authors
from tests.support.paper_records import add_papers, merged_paper


async def test_authors_have_paper_counts_name_variants_and_coauthors(db: database.Database) -> None:
    ids = list((await add_papers(db, merged_paper(1), merged_paper(2), merged_paper(3))).values())
    ada, bea, cid = ("ada byron", "Ada Byron"), ("bea long", "Bea Long"), ("cid", "Cid")
    async with db.transaction() as connection:
        stored_authors = await papers.set_authors(
            connection, {ids[0]: [ada, bea], ids[1]: [ada, bea, ada], ids[2]: [ada, cid]}, new_paper_ids=ids
        )
        by_name = {author.name: author for author in stored_authors}
        assert {name: author.paper_count for name, author in by_name.items()} == {
            "Ada Byron": 3,
            "Bea Long": 2,
            "Cid": 1,
        }
        assert [
            (coauthor.name, joint_papers)
            for coauthor, joint_papers in await snapshot.read(
                connection, search.list_coauthors, by_name["Ada Byron"].id, limit=2
            )
        ] == [("Bea Long", 2), ("Cid", 1)]
        changed = await papers.set_authors(connection, {ids[2]: [("ada byron", "Adá Byron")]})
        assert {author.name: author.paper_count for author in changed} == {"Adá Byron": 3, "Cid": 0}
        ada_id, cid_id = by_name["Ada Byron"].id, by_name["Cid"].id
        assert await snapshot.read(connection, search.list_name_variants, [ada_id, cid_id]) == {
            ada_id: ["Ada Byron", "Adá Byron"]
        }
        assert sorted(
            await snapshot.read(connection, search.list_paper_ids, [by_name["Ada Byron"].id])
        ) == sorted(ids)
        query = sa.select(tables.authors.c.name).where(tables.authors.c.id == by_name["Cid"].id)
        assert list((await connection.execute(query)).scalars()) == ["Cid"]


async def test_authors_are_ordered_by_papers_and_removed_without_any(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = [{"id": n, "key": f"k{n}", "name": f"Name {n}", "papers": n} for n in (1, 2, 9)]
        await connection.execute(tables_authors.insert(), rows)
        await papers.index_authors(connection, [(n, n, f"name w{n}") for n in (1, 2, 9)])
        assert sorted(await snapshot.read(connection, search.list_words)) == ["name", "w1", "w2", "w9"]
        found = await snapshot.read(connection, search.find_authors, Prefix("na"), limit=10)
        assert [author.id for author in found] == [9, 2, 1]
        await papers.index_authors(connection, [(1, 40, "name w1")])
        assert [
            author.id for author in await snapshot.read(connection, search.find_authors, "name", limit=10)
        ] == [1, 9, 2]
        await papers.index_authors(connection, [(9, 0, "name w9")])
        assert [
            author.id for author in await snapshot.read(connection, search.find_authors, "name", limit=10)
        ] == [1, 2]
