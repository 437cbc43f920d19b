"""Files with a copy of a database: each is written in a folder of its own, read again, and then put in its place.

A backup that is restored is such a copy, too: its place is that of the database.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import glob
import itertools
import os
import shutil
import sqlite3
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from storage import database, errors, key_values, locks, sqlite_file

COPY = "paperround.db"
"""The database in a scratch folder, and in a file with everything."""
_LOCK = "paperround.lock"
_ROLLBACK = b"\x01\x01"
"""The format versions in the header of a SQLite file that is not in WAL mode."""


async def copy_to(source: database.Database, target: Path) -> int:
    """Copy a SQLite database atomically to a file that only its owner can read. Returns the size in bytes.

    Raises StorageError if `target` cannot be written, or exists and is not a backup.
    """
    path = source.path
    if path is None:
        raise ValueError("PostgreSQL has pg_dump")
    return await asyncio.to_thread(_copy, path, target)


def _copy(source: Path, target: Path) -> int:
    with reported(f"{target} could not be written", "and the database"):
        check_target(target, "backup", _is_unused_backup)
        with scratch_folder(target.parent, target.name) as folder:
            copy = folder / COPY
            if _copy_file(source, copy, "mode=ro") is None:
                raise errors.StorageError(f"{source} gave an empty copy. {target} was not written.")
            put_in_place(copy, target)
        return target.stat().st_size


@contextmanager
def reported(failed: str, also: str = "and what you named") -> Iterator[None]:
    """Convert errors of files and of SQLite to a sentence that begins with what `failed`, and says what `also` to check."""
    try:
        yield
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.StorageError(f"{failed}: {reason}. Check its folder and its disk, {also}.") from error


def check_target(target: Path, what: str, is_earlier: Callable[[Path], bool]) -> None:
    """Raise StorageError if a file to write is there and is not an earlier one, which alone is replaced."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    except ValueError as error:  # a NUL in the name
        raise errors.StorageError(f"{target} could not be written: {error}. Choose another name.") from error
    problem = "is a link, a folder, a pipe or a device"
    if stat.S_ISREG(mode):
        if is_earlier(target):
            return
        problem = f"is not an earlier {what}"
    raise errors.StorageError(f"{target} {problem}, and was not replaced. Choose another file.")


def _is_unused_backup(target: Path) -> bool:
    """Return whether a file is empty, or a backup: a Paperround database that was not opened since it was written.

    The first that opens one for writing leaves its header in WAL mode, and files next to it.
    """
    with target.open("rb") as file:
        header = file.read(20)
    files = {f"{target.name}{end}" for end in ("-wal", ".sender.lock", ".migrate.lock")}
    is_used = header[18:20] != _ROLLBACK or any(target.with_name(name).exists() for name in files)
    return not header or (not is_used and sqlite_file.read_schema(target) is not None)


def _copy_file(source: Path, copy: Path, options: str) -> int | None:
    """Copy a SQLite file with its log, without pages that are not in use, and read the copy's schema.

    Raises sqlite3.DatabaseError if the file is damaged, and StorageError if the disk has no room.
    """
    address = f"{source.absolute().as_uri()}?{options}"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        check_space(copy.parent, measure(connection))
        connection.execute("VACUUM INTO ?", (str(copy),))
    return sqlite_file.read_schema(copy)


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
            f"The disk of {folder.parent} has {free / 1e6:,.1f} MB free, and a copy of the database needs"
            f" {size / 1e6:,.1f} MB. Free some space. Nothing was changed."
        )


class Restored(NamedTuple):
    """The result of a restore: the backup's schema, and the file with the former database, if there was one."""

    schema: int
    former: Path | None


_WAL_FILES = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's files next to a database. If it were replaced, SQLite would write their pages into the new one."""


async def restore(backup: Path, path: Path) -> Restored:
    """Put a copy of a backup in the place of a SQLite database that no process uses, and keep the former one next to it.

    A killed one leaves the former database or the restored one. Raises StorageError if the backup cannot be used or
    written, or if a process uses the database.
    """
    return await asyncio.to_thread(_restore, backup, path.resolve())


def _restore(backup: Path, path: Path) -> Restored:
    with reported(f"{backup} was not restored, and {path} is as it was", f"and those of {path}"):
        check_backup(backup, path)
        with _locked(path), scratch_folder(path.parent, path.name) as folder:
            copy = folder / COPY
            schema = _read_backup(backup, copy)
            _note_backup(copy)
            with sqlite_file.held(path) as opened:
                former = _keep_former(path, opened, folder)
                put_in_place(copy, path)
                _sync_folder(path.parent)
    return Restored(schema, former)


_HINTS = {
    b"SQLite": "It is a SQLite database: set PAPERROUND_DATABASE_URL to a SQLite file, and `paperround db copy` moves it.",
    b"PGDMP": "It is a dump of PostgreSQL: set PAPERROUND_DATABASE_URL to that server.",
    b"PK": "A file by `paperround export --all` is read by `paperround import`.",
}
"""Advice on files of another kind, by their first bytes."""


def check_backup(backup: Path, path: Path | None) -> None:
    """Raise StorageError if a file is obviously not a backup of another database than this one (None: PostgreSQL)."""
    problem, begin = "", b""
    if backup.is_file():
        with reported(f"{backup} cannot be read"), backup.open("rb") as file:
            begin = file.read(6)
    if not backup.exists():
        problem = f"There is no file {backup}. Name the backup."
    elif not backup.is_file():
        problem = f"{backup} is not a file. Name the backup."
    elif path and path.exists() and backup.samefile(path):
        problem = f"{backup} is the database itself. Name a backup of it."
    elif not begin:
        problem = f"{backup} is empty. Name another backup."
    elif not begin.startswith(b"SQLite" if path else b"PGDMP"):
        maker = "`paperround backup`" if path else "`pg_dump --format=custom`"
        hints = (hint for start, hint in _HINTS.items() if begin.startswith(start))
        kind = "a SQLite database" if path else "a dump of PostgreSQL in the custom format"
        problem = f"{backup} is not {kind}. {next(hints, f'Name a file that {maker} wrote.')}"
    if problem:
        raise errors.StorageError(f"{problem} Nothing was changed.")


def _read_backup(backup: Path, copy: Path) -> int:
    """Copy a backup with what SQLite keeps next to it, and check the copy. Returns its schema. Raises StorageError."""
    has_log = backup.with_name(f"{backup.name}-wal").exists()
    try:
        schema = _copy_file(backup, copy, "mode=ro" if has_log else "mode=ro&immutable=1")
        problem = "is a database of another program. Name a file that `paperround backup` wrote."
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        schema, problem = None, f"is damaged or incomplete ({error}). Name another backup."
    if schema is not None and schema > sqlite_file.SCHEMA_VERSION:
        problem = (
            f"has schema {schema}, made by a newer version of Paperround; this one uses schema"
            f" {sqlite_file.SCHEMA_VERSION}. Install that version, or name an older backup."
        )
        schema = None
    if schema is None:
        raise errors.StorageError(f"{backup} {problem} Nothing was changed.")
    return schema


def _note_backup(copy: Path) -> None:
    """Make a note on the last backup one of the backup that is restored: it is of an older one, which may have failed."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        note = datetime.now(UTC).isoformat(), key_values.BACKED_UP
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", note)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a bot from using a SQLite file while the block runs. Raises StorageError if one does, or has another user."""
    if path.exists() and path.stat().st_uid != os.geteuid():
        raise errors.StorageError(
            f"{path} belongs to user {path.stat().st_uid}, and this command runs as user {os.geteuid()}: the bot could not"
            " use what it writes. Run it as the bot's user. Nothing was changed."
        )
    with locks.open_lock_file(path, "sender") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise sqlite_file.in_use(path) from None
        yield


def _keep_former(path: Path, opened: BinaryIO | None, folder: Path) -> Path | None:
    """Give a database a second name, which it keeps when another file takes its place, and return that name."""
    for other in path.parent.glob(f"{glob.escape(path.name)}.before-restore-*"):
        if opened is not None and other.samefile(path):
            other.unlink()  # by a restore that was killed
    begin = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    others = (begin.with_name(f"{begin.name}-{number}") for number in itertools.count(2))
    former = next(name for name in itertools.chain([begin], others) if not name.exists())
    if opened is not None:
        _link(path, opened, former, folder)
    for suffix in _WAL_FILES:  # they are left only with a damaged or moved database
        leftover = path.with_name(f"{path.name}{suffix}")
        if leftover.exists():
            with leftover.open("rb") as file:
                _link(leftover, file, former.with_name(f"{former.name}{suffix}"), folder)
            leftover.unlink()
    _sync_folder(path.parent)
    return None if opened is None else former


def _link(path: Path, opened: BinaryIO, name: Path, folder: Path) -> None:
    """Give a file a second name, or copy it on a disk that has no links."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        check_space(folder, path.stat().st_size)
        with (folder / "former").open("xb") as copy:
            shutil.copyfileobj(opened, copy)
        put_in_place(folder / "former", name)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def put_in_place(file: Path, target: Path) -> None:
    """Replace a file by a complete one of the same disk, which only its owner can read from then on."""
    file.chmod(0o600)
    sqlite_file.give_to_owner(file, target if target.exists() else target.parent)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # else a power cut could leave an empty file in the place of a good one
    os.replace(file, target)


@contextmanager
def scratch_folder(place: Path, name: str) -> Iterator[Path]:
    """Make a folder that only its owner can read, and remove it with its files at the end.

    Each process has its own, with a locked file. Those that killed processes left, for a file of this name, are removed.
    """
    begin, end = f".{name[:40]}.", ".partial"  # a name has at most 255 bytes
    for former in place.glob(f"{glob.escape(begin)}????????{end}"):
        with suppress(OSError), (former / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(former)
    with (
        tempfile.TemporaryDirectory(end, begin, place, ignore_cleanup_errors=True) as made,
        (Path(made) / "new").open("x") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(lock.name, Path(made) / _LOCK)  # a file of this name is locked while its process lives
        yield Path(made)
