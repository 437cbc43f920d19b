"""Snapshots: synchronous reads within a transaction of either engine, and of a file without SQLAlchemy."""

from __future__ import annotations

import pytest

from storage import database, key_values, snapshot


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
