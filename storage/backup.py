"""Online backup of a SQLite database. Use `pg_dump` for PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from storage import database, errors

PAGES_PER_STEP = 2000


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy the database to `target` atomically. Returns the size in bytes.

    Raises StorageError if `target` is the database itself or cannot be written.
    """
    path = database.sqlite_path(source.url)
    if path is None:
        raise errors.StorageError("Only a SQLite file can be copied like this. Use pg_dump for PostgreSQL.")
    return await asyncio.to_thread(_copy, path, target)


def _copy(source: Path, target: Path) -> int:
    if target.exists() and target.samefile(source):
        raise errors.StorageError(f"{target} is the database itself. Name another file.")
    partial = target.with_name(target.name + ".partial")
    try:
        copy_pages(source, partial)
        os.replace(partial, target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise errors.StorageError(
            f"{target} could not be written: {error}. Name a file in a folder that exists."
        ) from error
    return target.stat().st_size


def copy_pages(source: Path, target: Path) -> None:
    """Copy a SQLite file with the backup API; consistent during concurrent writes."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as source_connection,
        closing(sqlite3.connect(target)) as target_connection,
    ):
        source_connection.backup(target_connection, pages=PAGES_PER_STEP)
