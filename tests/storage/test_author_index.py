"""The index of authors on both engines."""

from __future__ import annotations

from storage import authors, database
from storage.search import Prefix
from storage.tables import authors as tables_authors


async def test_authors_are_ordered_by_papers_and_removed_without_any(db: database.Database) -> None:
    async with db.transaction() as connection:
        rows = [{"id": n, "key": f"k{n}", "name": f"Name {n}", "papers": n} for n in (1, 2, 9)]
        await connection.execute(tables_authors.insert(), rows)
        new = await authors.index_authors(connection, [(n, n, f"name w{n}") for n in (1, 2, 9)])
        assert new == {"name", "w1", "w2", "w9"}
        found = await authors.find_authors(connection, Prefix("na"), limit=10)
        assert [author.id for author in found] == [9, 2, 1]
        assert await authors.index_authors(connection, [(1, 40, "name w1")]) == set()
        assert [author.id for author in await authors.find_authors(connection, "name", limit=10)] == [1, 9, 2]
        await authors.index_authors(connection, [(9, 0, "name w9")])
        assert [author.id for author in await authors.find_authors(connection, "name", limit=10)] == [1, 2]
