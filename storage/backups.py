"""Files with a copy of a database: each is written in a folder of its own, read again, and then put in its place."""

from __future__ import annotations

import asyncio
import fcntl
import glob
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from storage import database, errors, key_values

COPY = "paperround.db"
"""The database in a scratch folder, and in a file with everything."""
_OURS = "paperround.*"
"""The files of a scratch folder. Others are not removed."""
_LOCK = "paperround.lock"


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy a SQLite database atomically to a file that only its owner can read. Returns the size in bytes.

    Raises StorageError if `target` cannot be written, or exists and is not a backup.
    """
    path = source.path
    if path is None:
        raise ValueError("PostgreSQL has pg_dump")
    return await asyncio.to_thread(_copy, path, target)


def _copy(source: Path, target: Path) -> int:
    try:
        if target.exists() and (target.is_dir() or target.samefile(source) or not _may_be_replaced(target)):
            raise errors.StorageError(
                f"{target} is not an earlier backup, and was not replaced. Choose another file."
            )
        with (
            scratch_folder(target.parent, target.name) as folder,
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as connection,
        ):
            copy = folder / COPY
            check_space(folder, measure(connection))
            connection.execute("VACUUM INTO ?", (str(copy),))
            if not _has_schema(copy):
                raise errors.StorageError(f"{source} gave an empty copy. {target} was not written.")
            put_in_place(copy, target)
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise errors.StorageError(
            f"{target} could not be written: {reason}. Check its folder and its disk, and the database by `paperround doctor`."
        ) from error
    return target.stat().st_size


def _may_be_replaced(target: Path) -> bool:
    """Return whether a file is empty, or a Paperround database that no bot uses or was killed with."""
    is_in_use = target.with_name(f"{target.name}-wal").exists()
    return not target.stat().st_size or (not is_in_use and _has_schema(target))


def _has_schema(path: Path) -> bool:
    """Return whether a file is a Paperround database."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            query = "SELECT 1 FROM meta WHERE key IN (?, ?)"
            keys = key_values.SCHEMA_VERSION, key_values.SCHEMA_HASH
            return bool(connection.execute(query, keys).fetchall())
        except sqlite3.DatabaseError:
            return False


def measure(connection: sqlite3.Connection) -> int:
    """Return the size in bytes of a copy of a SQLite database: that of its pages which are in use."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def check_space(folder: Path, size: int) -> None:
    """Raise StorageError if a file of this size has no room on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise errors.StorageError(
            f"The disk of {folder.parent} has {_megabytes(free)} MB free, and a copy of the database needs"
            f" {_megabytes(size)} MB. Free some space. Nothing was changed."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def put_in_place(file: Path, target: Path) -> None:
    """Replace a file by a complete one of the same disk, which only its owner can read from then on."""
    file.chmod(0o600)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # else a power cut could leave an empty file in the place of a good one
    os.replace(file, target)


@contextmanager
def scratch_folder(place: Path, name: str) -> Iterator[Path]:
    """Make a folder that only its owner can read, for files `paperround.*`, and remove it with them at the end.

    Each process has its own, which it locks. Those that killed processes left, for a file of this name, are removed.
    """
    begin, end = f".{name[:40]}.", ".partial"  # a name has at most 255 bytes
    for former in place.glob(f"{glob.escape(begin)}????????{end}"):
        with suppress(OSError):
            _remove_unlocked(former)
    lock = None
    while lock is None:
        folder = Path(tempfile.mkdtemp(end, begin, place))
        lock = _lock(folder, "x")
    with lock:
        try:
            yield folder
        finally:
            with suppress(OSError):
                _remove(folder)


def _lock(folder: Path, mode: Literal["x", "r+"]) -> IO[str] | None:
    """Lock a scratch folder until the file is closed. Returns None if another process has locked or removed it."""
    try:
        file = (folder / _LOCK).open(mode)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), (folder / _LOCK).stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None


def _remove_unlocked(folder: Path) -> None:
    lock = _lock(folder, "r+")
    if lock is not None:
        with lock:
            _remove(folder)
    elif not any(folder.iterdir()):
        folder.rmdir()  # killed before it had locked it


def _remove(folder: Path) -> None:
    """Remove a scratch folder. One with other files stays."""
    for file in folder.glob(_OURS):
        file.unlink()
    folder.rmdir()
