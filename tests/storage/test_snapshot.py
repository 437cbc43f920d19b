"""Snapshots: synchronous reads within a transaction of either engine, and of a file without SQLAlchemy."""

from __future__ import annotations

import pytest

from storage import database, key_values, snapshot


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
    keys = [f"key {number}" for number in range(8)]
    async with db.transaction() as connection:
        await key_values.set_values(connection, dict.fromkeys(keys, "1"))
        found = await snapshot.read(
            connection,
            snapshot.Snapshot.fetch_in,
            "SELECT key FROM meta WHERE %s",
            "key",
            [*keys, "?"],
            is_text=True,
        )
    assert sorted(found) == [(key,) for key in keys]
