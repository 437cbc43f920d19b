"""A SQLite file: its path in a URL, and the options of its connections."""

from __future__ import annotations

import glob
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from storage import errors

_URL = "sqlite+aiosqlite:///"
SCHEMA_VERSION = 37
"""The number of the last of `storage.migrations`."""
BUSY_TIMEOUT_SECONDS = 15.0
HEAP = 40 * 1024 * 1024
"""The bytes that all connections of a process may hold: each fills its cache of pages in the course of months."""


def path_of(url: str) -> Path | None:
    """Return the absolute path of a database URL's file, or None if it is in memory, has options or is of another database."""
    name = unquote(url.removeprefix(_URL))
    is_file = url.startswith(_URL) and "?" not in url and name not in ("", ":memory:")
    return Path(name).absolute() if is_file else None


def find_missing_file(url: str) -> Path | None:
    """Return a database URL's SQLite file if it is missing or empty but its folder exists, otherwise None.

    Raises OSError if that cannot be known, as of a name that is too long.
    """
    path = path_of(url.partition("?")[0])
    if path is None or not path.parent.is_dir():
        return None
    with suppress(FileNotFoundError):
        # Since Python 3.14 `exists` is False where the system cannot look.
        return None if path.stat().st_size else path
    return path


def find_remains(path: Path) -> Path | None:
    """Return a file that a missing database at this path has left next to it, or None."""
    return min(path.parent.glob(f"{glob.escape(path.name)}[.-]*"), default=None)


def describe_loss(path: Path, leftover: Path) -> str:
    """Return what to do if a database is missing or empty, while files next to it are left."""
    state = "is empty" if path.exists() else "is gone"
    return (
        f"{path} {state}: {leftover.name} is still there. Put it back, or a backup by `paperround restore FILE`. To start empty,"
        f" move everything that begins with {path.name} away."
    )


def check_access(path: Path) -> None:
    """Raise StorageError if this user may not read a file or, if it is missing, create one in its folder."""
    is_there = os.path.exists(path)
    place, mode, right = (
        (path, os.R_OK, "read") if is_there else (path.parent, os.W_OK | os.X_OK, "written to")
    )
    if not os.access(place, mode):
        advice = "Change its owner or permissions."
        raise errors.StorageError(
            f"{place} may not be {right} by this user (uid {os.geteuid()})."
            f" {advice if is_there else advise_writing(place, advice)}"
        )


def is_read_only(place: Path | str) -> bool:
    """Return whether a file or folder is on a file system that nobody may write, whatever its owner and permissions are."""
    try:
        return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def advise_writing(place: Path | str, otherwise: str) -> str:
    """Return what to do about a file or folder that cannot be written: `otherwise`, unless its file system is read-only."""
    advice = "Its file system is read-only: mount it for writing, or use another one."
    return advice if is_read_only(place) else otherwise


def give_to_owner(file: Path, of: Path) -> None:
    """Give a file or folder that root made to the owner of another: the bot has another user, who is to use it."""
    if os.geteuid() == 0:
        with suppress(OSError):
            found = of.stat()
            for made in (file, *file.rglob("*")):
                os.chown(made, found.st_uid, found.st_gid, follow_symlinks=False)


def set_up(connection: Any, _record: Any = None) -> None:
    """Set the options of a new connection; close it if that fails."""
    connection.isolation_level = None  # transactions are started explicitly, see `engines._begin_sqlite`
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


LOCK_SECONDS = 5.0
"""The time after which another process that has a file locked keeps the bot from its work; its own writes take less."""


def find_lock(path: Path) -> str:
    """Return what to do if another connection has had a file locked for LOCK_SECONDS; "" otherwise. Blocks as long."""
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:  # any other is found by who reads or writes
            return LOCKED.format(path) if "locked" in str(error) else ""
    return ""


LOCKED = (
    "Another process has {0} locked: nothing can be recorded, so nothing is sent. `fuser -v {0}` lists it and the bot: end what"
    " is not the bot, which goes on by itself."
)


def checkpoint_wal(path: Path) -> None:
    """Write the log of a file into it, and empty the log. Raises sqlite3.OperationalError if another connection reads it."""
    with closing(sqlite3.connect(path)) as connection:
        set_up(connection)
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise sqlite3.OperationalError("database is locked")


def has_current_schema(path: Path) -> bool:
    """Return whether a file is a database with the newest schema. `migrate.open_database` knows what to do with others."""
    query = "SELECT value FROM meta WHERE key = 'schema:version'"
    if path.is_file() and path.stat().st_size:  # a connection writes a head into an empty one
        with suppress(sqlite3.Error), closing(connect_reader(path)) as connection:
            return connection.execute(query).fetchall() == [(str(SCHEMA_VERSION),)]
    return False


def remove_unused(path: Path) -> bool:
    """Remove a new file without a row of data, unless a process has it open. Returns whether the file is away."""
    if not path.is_file():
        return True
    with suppress(OSError, sqlite3.Error), closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # refused while another connection is open
        connection.execute("BEGIN EXCLUSIVE")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        names = {name for (name,) in tables} - {"meta", "sender_lease", "sqlite_sequence"}
        rows = (connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in names)  # noqa: S608
        if not any(rows):
            for file in (path, *path.parent.glob(f"{glob.escape(path.name)}.*.lock")):
                file.unlink()
            return True
    return False


@contextmanager
def held(path: Path) -> Iterator[BinaryIO | None]:
    """Write a file's log into it, remove the log, and let no other process use the file while the block runs.

    Yields the file, open for reading: closing another one would end the lock. None if it is missing. A damaged file is not
    locked, since none can use it. Raises StorageError if a process has it open.
    """
    if not path.exists():
        yield None
        return
    with (
        path.open("rb") as opened,
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection,
    ):
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # refused while another connection is open
            # Who opens the file from now on waits, and is then refused by SQLite, since the file has moved.
            connection.execute("BEGIN EXCLUSIVE")
            if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                raise in_use(path)  # opened between the two
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise in_use(path) from error
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
        yield opened


def in_use(path: Path) -> errors.StorageError:
    """Return the error for a file that is to be replaced while a process uses it."""
    return errors.StorageError(
        f"{path} is in use. Stop the bot with its standby, and other commands that use it, then restore again."
        " Nothing was changed."
    )


def find_damage(connection: sqlite3.Connection) -> str:
    """Return the first problem that SQLite finds in a database's pages, or ""."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "" if found == "ok" else " ".join(str(found).split())


def read_schema(path: Path) -> int | None:
    """Return the number of a Paperround database's schema, or None for any other file."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            # A view of this name could be of another program, and endless.
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            query = "SELECT key, value FROM meta WHERE key LIKE 'schema:%'"
            values = dict(connection.execute(query).fetchall() if ("meta",) in tables else ())
        except sqlite3.DatabaseError:
            return None
    # Before there were numbers, there was a hash of the columns.
    version = str(values.get("schema:version", 1 if values else ""))
    return int(version) if version.isdecimal() else None


def has_header(path: Path) -> bool:
    """Return whether a file has the header of a SQLite database. Raises OSError if it is unreadable."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def check(path: Path) -> None:
    """Raise an error if a file cannot be opened or created.

    A new file is readable only by its owner. Call this before opening, since aiosqlite logs a traceback after
    a failed open.
    """
    if not path.parent.is_dir():
        raise errors.StorageError(
            f"{path} cannot be opened: its folder does not exist. Create the folder, or choose another file."
        )
    if path.is_dir():
        raise errors.DatabaseUrlError(f"{path} is a folder. Name a file in the database URL.")
    check_access(path)
    if not path.exists():
        # It will contain readers' notes and webhook tokens. SQLite reports any error below.
        with suppress(OSError):
            os.close(os.open(path, os.O_CREAT, 0o600))
            give_to_owner(path, path.parent)
    sqlite3.connect(path).close()
