"""Snapshots: synchronous reads within a transaction of either engine, and of a file without SQLAlchemy."""

from __future__ import annotations

import pytest

from storage import database, key_values, search, search_index, snapshot
from tests.support import index_rows


def read_value(view: snapshot.Snapshot, key: str) -> list[tuple[object, ...]]:
    """Return the rows of a key."""
    return view.fetch("SELECT value FROM meta WHERE key = ?", key)


async def test_a_function_reads_what_its_transaction_has_written(db: database.Database) -> None:
    async with db.transaction() as connection:
        await key_values.set_value(connection, "a", "1")
        assert await snapshot.read(connection, read_value, "a") == [("1",)]
    async with db.read() as connection:
        assert await snapshot.read(connection, read_value, key="a") == [("1",)]
        assert await snapshot.read(connection, read_value, "b") == []


async def test_any_number_of_values_is_looked_for(
    db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_SIZE", 3)
    async with db.transaction() as connection:
        rows = await index_rows.add_papers(connection, *((n, 1, "t", "x") for n in range(1, 9)))
        found = await snapshot.read(connection, search.list_by_paper_ids, range(20))
        assert found.keys() == rows.keys()
        names = [f"2501.{n:05}" for n in range(1, 30)]
        assert len(await snapshot.read(connection, search.get_paper_ids, names)) == 8


async def test_a_redirected_connection_reads_the_shadow_index(db: database.Database) -> None:
    async with db.transaction() as connection:
        await index_rows.add_papers(connection, (1, 5, "a", "x"))
        await search_index.create(connection)
        async with search_index.redirect_to_shadow(connection):
            assert await snapshot.read(connection, search.list_by_paper_ids, [1]) == {}
        assert await snapshot.read(connection, search.list_by_paper_ids, [1])
        await search_index.drop(connection)
