"""A file with everything: a ZIP archive that contains a copy of a database in SQLite.

It is read into an empty database of either engine by this version or a later one, which upgrades the copy first.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from storage import copying, database, errors, migrate

_COPY = "paperround.db"


async def write(
    source: database.Database, file: Path, on_progress: copying.OnProgress = copying.ignore_progress
) -> int:
    """Write everything except webhooks' tokens into a file that only its owner can read. Returns the number of rows.

    A bot may use the database. Nothing is left of an interrupted export but a folder, which the next one removes.
    Raises StorageError if the file cannot be written, or exists and is not an earlier export.
    """
    with _reported(file):
        if file.exists() and not _is_export(file):
            raise errors.StorageError(
                f"{file} is not an earlier export, and was not replaced. Choose another file."
            )
        with _scratch_folder(file.parent, file.name) as folder:
            async with await migrate.open_database(_url_of(folder / _COPY)) as copy:
                rows = await copying.copy(source, copy, on_progress, is_export=True)
            packed = folder / file.name
            await asyncio.to_thread(_pack, folder / _COPY, packed)
            packed.chmod(0o600)
            os.replace(packed, file)
    return rows


async def read(
    file: Path, target: database.Database, on_progress: copying.OnProgress = copying.ignore_progress
) -> int:
    """Read a file with everything into an empty database. Returns the number of rows.

    If it is interrupted, the target stays empty. Raises StorageError if the file is damaged, by a newer version or
    something else, or if `copying.copy` does.
    """
    path = database.sqlite_path(target.url)
    place = Path(tempfile.gettempdir()) if path is None else path.parent
    with _reported(file), _scratch_folder(place, file.name) as folder:
        if not _is_export(file):
            raise errors.StorageError(
                f"{file} is not a complete file by `paperround export --all`. Choose another file."
            )
        await asyncio.to_thread(_unpack, file, folder)
        try:
            copy = await migrate.open_database(_url_of(folder / _COPY), migrate=False, approve=lambda _: None)
        except errors.OtherVersionError as error:
            raise errors.StorageError(
                f"{file} was written by a newer version of Paperround. Use that version or a later one."
            ) from error
        async with copy:
            return await copying.copy(copy, target, on_progress)


def _url_of(path: Path) -> str:
    return sa.URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """Convert the errors of files to sentences."""
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
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
    with file.open("rb") as opened:  # `is_zipfile` hides why a file cannot be read
        if not zipfile.is_zipfile(opened):
            return False
    with zipfile.ZipFile(file) as packed:
        return packed.namelist() == [_COPY]


def _pack(path: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, _COPY)


def _unpack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as packed:
        packed.extract(_COPY, folder)
