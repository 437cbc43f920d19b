"""A consistent copy of a SQLite database while others write to it. PostgreSQL has `pg_dump` for that."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from storage import database, errors

PAGES_A_STEP = 2000


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy the database into `target`, which appears whole or not at all. Returns its size in bytes.

    Raises StorageError for the database itself as the target, or a folder that cannot be written to.
    """
    path = database.sqlite_path(source.url)
    if path is None:
        raise errors.StorageError("Only a SQLite file can be copied like this. Use pg_dump for PostgreSQL.")
    if target.exists() and target.samefile(path):
        raise errors.StorageError(f"{target} is the database itself. Name another file.")
    partial = target.with_name(target.name + ".partial")
    try:
        await asyncio.to_thread(_copy, path, partial)
        os.replace(partial, target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise errors.StorageError(
            f"{target} could not be written: {error}. Name a file in a folder that exists."
        ) from error
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    reading = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    try:
        writing = sqlite3.connect(target)
        try:
            reading.backup(writing, pages=PAGES_A_STEP)
        finally:
            writing.close()
    finally:
        reading.close()
