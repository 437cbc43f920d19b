"""Finds digest files and reads them as text. A file that cannot be read becomes a problem; the others are still read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot import errors
from bot.digests import parse
from storage import models

LARGE_BYTES = 1_000_000
"""More than three times a busy day's digest."""


@dataclass(slots=True)
class TextFile:
    """A file and its text. `name` is the path as given, with the path below a given folder appended after `/`."""

    name: str
    text: str

    def take_text(self) -> str:
        """Return the text and let go of it: parsing 20 MB needs the memory."""
        text, self.text = self.text, ""
        return text

    @property
    def location(self) -> str:
        """The absolute path, so that one file has one location from any working directory."""
        return os.path.abspath(self.name)


def read_files(paths: Iterable[str]) -> Iterator[TextFile | models.LocatedProblem]:
    """Read the files and, in folders, every `*.md` and `*.txt` at any depth, sorted by name."""
    return map(read_found, find_files(paths))


def read_found(found: str | models.LocatedProblem) -> TextFile | models.LocatedProblem:
    """Read a file that `find_files` found; a problem stays one."""
    return found if isinstance(found, models.LocatedProblem) else read_file(found)


def find_files(paths: Iterable[str]) -> Iterator[str | models.LocatedProblem]:
    """Return the names of the files to read, without opening them."""
    for name in paths:
        path = Path(name)
        try:
            if not path.exists():
                yield models.LocatedProblem(name, None, "there is no such file or folder")
            elif path.is_dir():
                yield from _find_in_folder(name, path)
            else:
                yield name
        except OSError as error:
            yield models.LocatedProblem(name, None, _reason(error))


def fingerprint(name: str) -> str:
    """Return what changes when a file is written again: its size and time, without reading it."""
    try:
        status = Path(name).stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def is_large(name: str) -> bool:
    """Whether a file is read at all and may take far more memory than a day's digest."""
    try:
        return LARGE_BYTES < Path(name).stat().st_size <= parse.MAX_BYTES
    except OSError:
        return False


def read_file(name: str) -> TextFile | models.LocatedProblem:
    """Read one file. Empty and binary files and files above `bot.digests.parse.MAX_BYTES` are problems."""
    path = Path(name)
    try:
        if not path.is_file():
            return models.LocatedProblem(name, None, "it is no regular file")
        if (size := path.stat().st_size) > parse.MAX_BYTES:
            limit = parse.MAX_BYTES >> 20
            message = f"it has {size / 2**20:.0f} MB; a digest file may have at most {limit} MB"
            return models.LocatedProblem(name, None, message)
        return TextFile(name, parse.decode(path.read_bytes()))
    except OSError as error:
        return models.LocatedProblem(name, None, _reason(error))
    except errors.NotADigestError as error:
        return models.LocatedProblem(name, None, str(error))


def _find_in_folder(name: str, folder: Path) -> Iterator[str | models.LocatedProblem]:
    relative_paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in parse.FILE_SUFFIXES
    )
    if not relative_paths:
        yield models.LocatedProblem(name, None, "there is no .md or .txt file in this folder")
    prefix = name.rstrip("/") + "/" if name.rstrip("/") else name
    for relative_path in relative_paths:
        yield prefix + relative_path


def _reason(error: OSError) -> str:
    return f"it cannot be read ({(error.strerror or str(error)).lower()})"
