"""A file with everything: a copy of a database in SQLite, compressed with gzip, whose header names it.

It is read into an empty database of either engine by this version or a later one, which upgrades the copy first.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from storage import copying, database, errors, migrate

_COPY = "paperround.db"
_BUFFER_BYTES = 1 << 20


async def write(source: database.Database, file: Path) -> AsyncGenerator[copying.Progress, None]:
    """Write everything except webhooks' tokens into a file that only its owner can read, yielding the progress.

    A bot may use the database. Nothing is left of an interrupted export but a folder, which the next one removes.
    Raises StorageError if the file cannot be written, or exists and is not an earlier export.
    """
    with _reported(file):
        if file.exists() and not _is_export(file):
            raise errors.StorageError(
                f"{file} is not an earlier export, and was not replaced. Choose another file."
            )
        with _scratch_folder(file.parent, file.name) as folder:
            copy = await migrate.open_database(_url_of(folder / _COPY))
            try:
                async with aclosing(copying.copy(source, copy, is_export=True)) as copied:
                    async for progress in copied:
                        yield progress
            finally:
                await copy.close()
            packed = folder / file.name
            await asyncio.to_thread(_pack, folder / _COPY, packed)
            os.replace(packed, file)


async def read(file: Path, target: database.Database) -> AsyncGenerator[copying.Progress, None]:
    """Read a file with everything into an empty database, yielding the progress.

    If it is interrupted, the target stays empty. Raises StorageError if the file is damaged, by a newer version or
    something else, or if `copying.copy` does.
    """
    path = database.sqlite_path(target.url)
    place = Path(tempfile.gettempdir()) if path is None else path.parent
    with _reported(file):
        if not _is_export(file):
            raise errors.StorageError(
                f"{file} is not a file by `paperround export --all`. Choose another file."
            )
        with _scratch_folder(place, file.name) as folder:
            await asyncio.to_thread(_unpack, file, folder / _COPY)
            try:
                copy = await migrate.open_database(
                    _url_of(folder / _COPY), migrate=False, approve=lambda _: None
                )
            except errors.OtherVersionError as error:
                raise errors.StorageError(
                    f"{file} was written by a newer version of Paperround. Use that version or a later one."
                ) from error
            try:
                async with aclosing(copying.copy(copy, target)) as copied:
                    async for progress in copied:
                        yield progress
            finally:
                await copy.close()


def _url_of(path: Path) -> str:
    return sa.URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """Convert the errors of files to sentences."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise errors.StorageError(
            f"{file} is incomplete or damaged: {error}. Export again, or use another file."
        ) from error
    except OSError as error:
        raise errors.StorageError(
            f"{error.filename or file} cannot be read or written: {error.strerror or error}. Check its folder and its disk."
        ) from error


@contextmanager
def _scratch_folder(place: Path, name: str) -> Iterator[Path]:
    """Make a folder that only its owner can read, and remove it with its files at the end."""
    folder = place / f"{name}.partial"
    if folder.exists():  # of a killed process
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_export(file: Path) -> bool:
    """Return whether a file has the header that `_pack` writes: flags, time and level, then the name."""
    with file.open("rb") as opened:
        start = opened.read(10 + len(_COPY) + 1)
    return start[:4] == b"\x1f\x8b\x08\x08" and start[10:] == _COPY.encode() + b"\0"


def _pack(path: Path, target: Path) -> None:
    with (
        path.open("rb") as source,
        target.open("xb") as file,
        gzip.GzipFile(_COPY, "wb", 6, file, mtime=0) as packed,
    ):
        os.fchmod(file.fileno(), 0o600)
        shutil.copyfileobj(source, packed, _BUFFER_BYTES)


def _unpack(file: Path, target: Path) -> None:
    with gzip.open(file, "rb") as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy, _BUFFER_BYTES)
