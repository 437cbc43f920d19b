"""A SQLite file: its path in a URL, and the options of its connections."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

_URL = "sqlite+aiosqlite:///"
SCHEMA_VERSION = 11
"""The number of the last of `storage.migrations`."""
BUSY_TIMEOUT_SECONDS = 15.0
HEAP = 40 * 1024 * 1024
"""The bytes that all connections of a process may hold: each fills its cache of pages in the course of months."""


def path_of(url: str) -> Path | None:
    """Return the file of a database URL, or None if it is in memory, has options or is of another database."""
    name = url.removeprefix(_URL)
    is_file = url.startswith(_URL) and name not in ("", ":memory:") and not name.startswith("file:")
    return Path(name) if is_file and "?" not in name else None


def find_missing_file(url: str) -> Path | None:
    """Return a database URL's SQLite file if it is missing but its folder exists, otherwise None."""
    path = path_of(url.partition("?")[0])
    return path.absolute() if path and path.parent.is_dir() and not path.exists() else None


def set_up(connection: Any, _record: Any = None) -> None:
    """Set the options of a new connection; close it if that fails."""
    connection.isolation_level = None  # transactions are started explicitly, see `database._begin_sqlite`
    try:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}",
            "journal_mode=WAL",
            # If a power cut lost the record of an attempt, the part would be posted twice.
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-4096",  # KB
            f"soft_heap_limit={HEAP}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except BaseException:
        connection.close()  # not in the pool yet
        raise


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection to a file for look-ups. The thread that uses it need not be the one that closes it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    set_up(connection)
    connection.execute("PRAGMA query_only=ON")
    # A look-up reads many pages, and each that is not cached costs a system call.
    connection.execute("PRAGMA cache_size=-16384")
    return connection
