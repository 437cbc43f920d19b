"""Snapshots: synchronous reads within a transaction of either engine, and of a file without SQLAlchemy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import database, key_values, migrate, search, search_index, snapshot
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


async def test_a_file_of_this_schema_is_read_without_a_pool(tmp_path: Path) -> None:
    assert snapshot.find_current_file(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}") is None
    path = tmp_path / "a b.db"
    url = f"sqlite+aiosqlite:///{path}"
    opened = await migrate.open_database(url)
    async with opened.transaction() as connection:
        await key_values.set_value(connection, "a", "1")
    await opened.close()
    assert snapshot.find_current_file(url) == path
    with snapshot.open_sqlite(path) as view:
        assert read_value(view, "a") == [("1",)]
        with pytest.raises(sqlite3.OperationalError):
            view.fetch("DELETE FROM meta")
    assert snapshot.find_current_file("postgresql+asyncpg://user@host/name") is None
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("UPDATE alembic_version SET version_num = 'r0000'")
    assert snapshot.find_current_file(url) is None
    (tmp_path / "text.db").write_text("no database")
    assert snapshot.find_current_file(f"sqlite+aiosqlite:///{tmp_path / 'text.db'}") is None
