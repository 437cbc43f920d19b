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
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, NamedTuple

from storage import database, errors, locks, sqlite_file

COPY = "paperround.db"
"""The database in a scratch folder, and in a file with everything."""
_OURS = "paperround.*"
"""The files of a scratch folder. Others are not removed."""
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
            if sqlite_file.read_schema(copy) is None:
                raise errors.StorageError(f"{source} gave an empty copy. {target} was not written.")
            put_in_place(copy, target)
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise errors.StorageError(
            f"{target} could not be written: {reason}. Check its folder and its disk, and the database by `paperround doctor`."
        ) from error
    return target.stat().st_size


def _may_be_replaced(target: Path) -> bool:
    """Return whether a file is empty, or a backup: a Paperround database that was not opened since it was written.

    The first that opens one for writing leaves its header in WAL mode, and files beside it.
    """
    with target.open("rb") as file:
        header = file.read(20)
    files = {f"{target.name}{end}" for end in ("-wal", ".sender.lock", ".migrate.lock")}
    is_used = header[18:20] != _ROLLBACK or any(target.with_name(name).exists() for name in files)
    return not header or (not is_used and sqlite_file.read_schema(target) is not None)


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


class Restored(NamedTuple):
    """What a restore did: the backup's schema, and the file with the former database (None if there was none)."""

    schema: int
    former: Path | None


_WAL_FILES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file. With another file in its place, it would write their pages into that one."""


async def restore(backup: Path, path: Path) -> Restored:
    """Put a copy of a backup in the place of a SQLite database that no process uses, and keep the former one beside it.

    A killed one leaves the former database or the restored one. Raises StorageError if the backup cannot be used or
    written, or if a process uses the database.
    """
    return await asyncio.to_thread(_restore, backup, path.resolve())


def _restore(backup: Path, path: Path) -> Restored:
    try:
        check_backup(backup, path)
        with _locked(path), scratch_folder(path.parent, path.name) as folder:
            copy = folder / COPY
            check_space(folder, backup.stat().st_size)
            schema = _read_backup(backup, copy)
            if path.exists() and not sqlite_file.close_log(path):
                raise _in_use(path)
            former = _keep_former(path, folder)
            put_in_place(copy, path)
            _sync_folder(path.parent)
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a NUL in the name
        name = getattr(error, "filename", None) or path
        reason = getattr(error, "strerror", None) or error
        raise errors.StorageError(
            f"{backup} was not restored: {name}: {reason}. Check that file, its folder and its disk. {path} is as it was."
        ) from error
    return Restored(schema, former)


def _read_begin(backup: Path) -> bytes:
    try:
        with backup.open("rb") as file:
            return file.read(6)
    except OSError as error:
        raise errors.StorageError(
            f"{backup} cannot be read: {error.strerror}. Nothing was changed."
        ) from error


_HINTS = {
    b"SQLite": "It is a SQLite database: set PAPERROUND_DATABASE_URL to a SQLite file, and `paperround db copy` moves it.",
    b"PGDMP": "It is a dump of PostgreSQL: set PAPERROUND_DATABASE_URL to that server.",
    b"PK": "A file by `paperround export --all` is read by `paperround import`.",
}
"""What to do with files of another kind, by what they begin with."""


def check_backup(backup: Path, path: Path | None) -> None:
    """Raise StorageError if a file is obviously not a backup of another database than this one (None: PostgreSQL)."""
    problem = ""
    begin = _read_begin(backup) if backup.is_file() else b""
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
    """Copy a backup with what SQLite keeps beside it, and check the copy. Returns its schema. Raises StorageError."""
    options = "mode=ro" if backup.with_name(f"{backup.name}-wal").exists() else "mode=ro&immutable=1"
    address = f"{backup.absolute().as_uri()}?{options}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            problems = sqlite_file.find_damage(target)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        problems = str(error)
    if problems:
        raise errors.StorageError(
            f"{backup} is damaged or incomplete ({problems}). Name another backup. Nothing was changed."
        )
    schema = sqlite_file.read_schema(copy)
    if schema is None:
        raise errors.StorageError(
            f"{backup} is a database of another program. Name a file that `paperround backup` wrote. Nothing was changed."
        )
    if schema > sqlite_file.SCHEMA_VERSION:
        raise errors.StorageError(
            f"{backup} has schema {schema}, made by a newer version of Paperround; this one uses schema"
            f" {sqlite_file.SCHEMA_VERSION}. Install that version, or name an older backup. Nothing was changed."
        )
    return schema


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
            raise _in_use(path) from None
        yield


def _in_use(path: Path) -> errors.StorageError:
    return errors.StorageError(
        f"{path} is in use. Stop the bot with its standby, and other commands that use it, then restore again."
        " Nothing was changed."
    )


def _keep_former(path: Path, folder: Path) -> Path | None:
    """Give a database a second name, which it keeps when another file takes its place, and return that name."""
    for other in path.parent.glob(f"{glob.escape(path.name)}.before-restore-*"):
        if path.exists() and other.samefile(path):
            other.unlink()  # by a restore that was killed
    begin = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    former = next(name for name in _numbered(begin) if not name.exists())
    if is_there := path.exists():
        _link(path, former, folder)
    for suffix in _WAL_FILES:  # they are left only beside a damaged database, or one that somebody moved
        beside = path.with_name(f"{path.name}{suffix}")
        if beside.exists():
            _link(beside, former.with_name(f"{former.name}{suffix}"), folder)
            beside.unlink()
    _sync_folder(path.parent)
    return former if is_there else None


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.name}-{number}")


def _link(file: Path, name: Path, folder: Path) -> None:
    """Give a file a second name, or copy it on a disk that has no links."""
    try:
        os.link(file, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        copy = folder / f"paperround.{name.name[-40:]}"
        check_space(folder, file.stat().st_size)
        shutil.copyfile(file, copy)
        put_in_place(copy, name)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def put_in_place(file: Path, target: Path) -> None:
    """Replace a file by a complete one of the same disk, which only its owner can read from then on."""
    file.chmod(0o600)
    sqlite_file.give_to_owner(file, target if target.exists() else target.parent)
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
