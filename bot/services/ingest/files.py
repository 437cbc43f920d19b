"""Finds digest files and reads them as text. What cannot be read is named with its reason, and the rest goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot import errors
from bot.digests import parse


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file and its text. `name` is the path as it was given, joined with the path below it by `/`."""

    name: str
    text: str

    @property
    def location(self) -> str:
        """The file wherever one stands: two names of one path are one place."""
        return os.path.abspath(self.name)


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file, or a path that leads to none, and the reason why it could not be read."""

    name: str
    reason: str


def read_files(paths: Iterable[str]) -> Iterator[TextFile | UnreadableFile]:
    """Read the files and, of folders, every `*.md` and `*.txt` at any depth, in the order of their names."""
    for found in find_files(paths):
        yield found if isinstance(found, UnreadableFile) else read_file(found)


def find_files(paths: Iterable[str]) -> Iterator[str | UnreadableFile]:
    """Return the names of the files to read, without opening them."""
    for name in paths:
        path = Path(name)
        try:
            if not path.exists():
                yield UnreadableFile(name, "there is no such file or folder")
            elif path.is_dir():
                yield from _find_in_folder(name, path)
            else:
                yield name
        except OSError as error:
            yield UnreadableFile(name, _reason(error))


def read_file(name: str) -> TextFile | UnreadableFile:
    """Read one file. A size above `bot.digests.parse.MAX_BYTES`, other bytes than text and emptiness are reasons not to."""
    path = Path(name)
    try:
        if not path.is_file():
            return UnreadableFile(name, "it is no regular file")
        if (size := path.stat().st_size) > parse.MAX_BYTES:
            limit = parse.MAX_BYTES >> 20
            return UnreadableFile(
                name, f"it has {size / 2**20:.0f} MB; a digest file may have at most {limit} MB"
            )
        text = parse.decode(path.read_bytes())
    except OSError as error:
        return UnreadableFile(name, _reason(error))
    except errors.NotADigestError as error:
        return UnreadableFile(name, error.reason)
    return TextFile(name, text)


def _find_in_folder(name: str, folder: Path) -> Iterator[str | UnreadableFile]:
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in parse.FILE_SUFFIXES
    )
    if not found:
        yield UnreadableFile(name, "there is no .md or .txt file in this folder")
    prefix = name.rstrip("/") + "/" if name.rstrip("/") else name
    for below in found:
        yield prefix + below


def _reason(error: OSError) -> str:
    return f"it cannot be read ({(error.strerror or str(error)).lower()})"
