"""Backups of a SQLite database in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage import database, errors, key_values, migrate


async def test_a_copy_made_during_a_transaction_contains_only_committed_data(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    async with sqlite_db.transaction() as connection:
        await key_values.set_value(connection, "kept", "yes")
    async with sqlite_db.transaction() as connection:
        await key_values.set_value(connection, "kept", "not yet")
        assert await migrate.copy_to(sqlite_db, tmp_path / "copy.db") > 0
    copy = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}")
    async with copy.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"
    await copy.close()


async def test_copying_the_database_onto_itself_is_rejected(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    with pytest.raises(errors.StorageError, match="itself"):
        await migrate.copy_to(sqlite_db, tmp_path / "paperround.db")


async def test_the_error_names_a_folder_that_does_not_exist(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    with pytest.raises(errors.StorageError, match="nowhere"):
        await migrate.copy_to(sqlite_db, tmp_path / "nowhere" / "copy.db")
    assert "copy.db.partial" not in os.listdir(tmp_path)
