"""Find and read digest files, and describe their problems.

Imports neither the database nor search, since `paperround parse` needs neither.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.archive import parse
from bot.core.files import LocatedProblem
from storage import errors

_NOT_UTF8 = "its name is not UTF-8; rename it"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file and its text. `name` is the given path, or the given folder joined with the path inside it."""

    name: str
    text: str

    @property
    def location(self) -> str:
        """The absolute path, so that a file's location does not depend on the working directory."""
        return os.path.abspath(self.name)


def find_files(paths: Iterable[str]) -> Iterator[str | LocatedProblem]:
    """Yield the given files, and the possible digest files in the given folders, sorted by name."""
    for name in paths:
        path = Path(name)
        try:
            if not path.exists():
                yield LocatedProblem(name, None, "there is no such file or folder")
            elif path.is_dir():
                yield from _find_in_folder(name, path)
            else:
                yield name
        except OSError as error:
            yield LocatedProblem(name, None, _reason(error))


def read_file(name: str | LocatedProblem) -> TextFile | LocatedProblem:
    """Read a file from `find_files`, or return its problem. Binary and oversized files are problems."""
    if isinstance(name, LocatedProblem):
        return name
    if not _is_utf8(name):
        return LocatedProblem(name, None, _NOT_UTF8)
    try:
        return TextFile(name, parse.decode(read_bytes(Path(name))))
    except OSError as error:
        return LocatedProblem(name, None, _reason(error))
    except errors.NotADigestError as error:
        return LocatedProblem(name, None, str(error))


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes. Raises OSError, or NotADigestError if it is too large or not a regular file."""
    if not path.is_file():
        raise errors.NotADigestError("it is not a regular file")
    parse.check_size(path.stat().st_size)
    with path.open("rb") as file:
        return file.read(parse.MAX_BYTES) or b""


_COPY_WORDS, _COPY_ENDS = ("conflict", "copy", "사본"), (" - copy", " - 사본", " - 복사본")
"""Marks in brackets after a name, and at its end, by which programs name copies of files."""


def name_original(path: str) -> str:
    """Return the path of the original if a file's name marks it as a copy, or else the same path."""
    stem, suffix = os.path.splitext(path)
    name = unicodedata.normalize("NFC", stem.partition(".sync-conflict-")[0])
    before, bracket, inside = name.removesuffix(")").rpartition("(")
    is_marked = (inside.isdecimal() and len(inside) < 4) or any(
        word in inside.lower() for word in _COPY_WORDS
    )
    if bracket and name.endswith(")") and is_marked:
        name = before.rstrip()
    end = next((end for end in _COPY_ENDS if name.lower().endswith(end)), "")
    name = name[: len(name) - len(end)]
    is_copy = len(name) < len(stem) and bool(os.path.basename(name))
    return f"{name}{suffix}" if is_copy else path


def list_folder(folder: Path) -> tuple[list[str], list[LocatedProblem]]:
    """Return the sorted paths of possible digest files at any depth, and the problems of unreadable ones.

    Paths are relative. Does not follow links to folders, and skips names that begin with a dot.
    """
    names: list[str] = []
    problems: list[LocatedProblem] = []

    def add_unreadable(error: OSError) -> None:
        problems.append(LocatedProblem(str(error.filename), None, _reason(error)))

    for parent, subfolders, files in os.walk(folder, onerror=add_unreadable):
        subfolders[:] = [name for name in subfolders if name[0] != "."]
        readable = [
            name for name in files if name[0] != "." and Path(name).suffix.lower() in parse.FILE_SUFFIXES
        ]
        names += [Path(parent, name).relative_to(folder).as_posix() for name in readable]
    unnamed = [name for name in names if not _is_utf8(name)]
    problems += [LocatedProblem(os.path.join(folder, name), None, _NOT_UTF8) for name in unnamed]
    return sorted(filter(_is_utf8, names)), problems


def describe_problem(problem: LocatedProblem) -> str:
    place = problem.location if problem.line is None else f"{problem.location}:{problem.line}"
    return f"{place}: {problem.message}"


def _find_in_folder(name: str, folder: Path) -> Iterator[str | LocatedProblem]:
    relative_paths, problems = list_folder(folder)
    if not relative_paths and not problems:
        yield LocatedProblem(
            name, None, "this folder has no files that may be digests (.md, .txt, .json, .html …)"
        )
    yield from problems
    prefix = name.rstrip("/") + "/" if name.rstrip("/") else name
    for relative_path in relative_paths:
        yield prefix + relative_path


def _is_utf8(name: str) -> bool:
    """Return whether a file name can be stored and printed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: OSError) -> str:
    return f"it cannot be read ({(error.strerror or str(error)).lower()})"
