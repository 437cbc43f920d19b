"""Files of digests: finds and reads them, folds what was wrong with many of them, and watches the inbox.

Loads neither the database nor the search: `paperround parse` needs none of them.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.archive import parse
from bot.core import errors, isolation
from storage.models import LocatedProblem

if TYPE_CHECKING:
    from bot.archive.digest_writer import IngestResult
    from bot.archive.ingest import Quarantine

log = structlog.get_logger(__name__)

LARGE_BYTES = 1_000_000
"""More than three times a busy day's digest."""
_NOT_UTF8 = "its name is not UTF-8; rename it"


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


def find_files(paths: Iterable[str]) -> Iterator[str | LocatedProblem]:
    """Yield the files and, of folders, those with a digest's suffix at any depth, sorted by name, without opening them."""
    for name in paths:
        path = Path(name)
        try:
            if not _is_utf8(name):
                yield LocatedProblem(name, None, _NOT_UTF8)
            elif not path.exists():
                yield LocatedProblem(name, None, "there is no such file or folder")
            elif path.is_dir():
                yield from _find_in_folder(name, path)
            else:
                yield name
        except OSError as error:
            yield LocatedProblem(name, None, _reason(error))


def fingerprint_file(name: str) -> str:
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


def read_file(name: str | LocatedProblem) -> TextFile | LocatedProblem:
    """Read a file that `find_files` found; a problem stays one. Binary files and those above `parse.MAX_BYTES` are problems."""
    if isinstance(name, LocatedProblem):
        return name
    path = Path(name)
    try:
        if not path.is_file():
            return LocatedProblem(name, None, "it is not a regular file")
        if (size := path.stat().st_size) > parse.MAX_BYTES:
            limit = parse.MAX_BYTES >> 20
            message = f"it has {size / 2**20:.0f} MB; a digest file may have at most {limit} MB"
            return LocatedProblem(name, None, message)
        # Some files of /proc say that they are regular, have no size, and would be waited for.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            content = file.read(parse.MAX_BYTES) or b""
        return TextFile(name, parse.decode(content))
    except OSError as error:
        return LocatedProblem(name, None, _reason(error))
    except errors.NotADigestError as error:
        return LocatedProblem(name, None, str(error))


def list_folder(folder: Path) -> tuple[list[str], list[LocatedProblem]]:
    """Return the files with a digest's suffix at any depth, sorted, relative with `/`, and what cannot be read.

    Links to folders are not followed.
    """
    names: list[str] = []
    problems: list[LocatedProblem] = []

    def add_unreadable(error: OSError) -> None:
        problems.append(LocatedProblem(str(error.filename), None, _reason(error)))

    for parent, subfolders, files in os.walk(folder, onerror=add_unreadable):
        found = [name for name in files if Path(name).suffix.lower() in parse.FILE_SUFFIXES]
        problems += [
            LocatedProblem(os.path.join(parent, name), None, _NOT_UTF8)
            for name in [*subfolders, *found]
            if not _is_utf8(name)
        ]
        subfolders[:] = filter(_is_utf8, subfolders)
        names += [Path(parent, name).relative_to(folder).as_posix() for name in found if _is_utf8(name)]
    return sorted(names), problems


_VARYING = re.compile(r"[0-9][0-9.,v]*|[“\"][^“”\"]{0,400}[”\"]")
"""What differs in problems of one sort: numbers, ids and quotations."""
_SHOWN, _PLACES = 3, 10


def group_problems(problems: Iterable[LocatedProblem]) -> list[list[LocatedProblem]]:
    """Return the problems by their sort, each sort once and in order: those that differ in numbers and quotations only."""
    groups: dict[tuple[str, bool], list[LocatedProblem]] = {}
    for problem in problems:
        sort = _VARYING.sub("#", problem.message.partition(" (")[0])
        groups.setdefault((sort, problem.line is None), []).append(problem)
    return list(groups.values())


def fold_problems(problems: Iterable[LocatedProblem]) -> Iterator[str]:
    """Yield a sentence for each problem; of many of one sort the first three, and the number and places of the others."""
    for group in group_problems(problems):
        shown = group if len(group) <= _SHOWN + 1 else group[:_SHOWN]
        for problem in shown:
            yield f"{_place(problem)}: {problem.message}"
        if rest := group[len(shown) :]:
            places = ", ".join(map(_place, rest[:_PLACES])) + (" …" if len(rest) > _PLACES else "")
            yield f"{len(rest)} more like the last one: {places}"


def _place(problem: LocatedProblem) -> str:
    return problem.location if problem.line is None else f"{problem.location}:{problem.line}"


def _find_in_folder(name: str, folder: Path) -> Iterator[str | LocatedProblem]:
    relative_paths, problems = list_folder(folder)
    if not relative_paths and not problems:
        yield LocatedProblem(
            name, None, "there is no file in this folder that may be a digest (.md, .txt, .json, .html …)"
        )
    yield from problems
    prefix = name.rstrip("/") + "/" if name.rstrip("/") else name
    for relative_path in relative_paths:
        yield prefix + relative_path


def _is_utf8(name: str) -> bool:
    """Whether a name of the file system can be stored and printed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: OSError) -> str:
    return f"it cannot be read ({(error.strerror or str(error)).lower()})"


# The inbox, a folder for digest files: its new and changed files are ingested, each by itself.

RETRY_SECONDS = 30.0
"""Delay after a failure until the whole folder is handled again, doubling after each; known digests change nothing."""
MAX_RETRY_SECONDS = 3600.0
POLL_SECONDS = 1.0
"""Between two looks at the folder; one more for each _FILES_PER_SECOND files. It works on network folders too."""
_FILES_PER_SECOND = 1_000


class InboxWatcher:
    """Watches a folder. `on_files` receives the files there at the start, then each new or changed file.

    Links are not followed: a file in the inbox must not name others of this machine. A file that was being written at the
    last look is left until it rests. What cannot be read is logged, once while it lasts.
    """

    def __init__(
        self,
        folder: Path,
        on_files: Callable[[list[Path]], Awaitable[None]],
        *,
        retry_seconds: float = RETRY_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._folder = folder
        self._on_files = on_files
        self._poll_seconds = poll_seconds
        self._initial_retry_seconds = self._retry_seconds = retry_seconds
        self._retry_at: float | None = None
        self._handled: dict[Path, _Stamp] = {}
        self._seen: dict[Path, _Stamp] = {}
        self._problems: set[LocatedProblem] = set()

    async def scan(self) -> None:
        """Handle all digest files in the folder, sorted by name."""
        self._handled, self._retry_at = {}, None
        self._seen = await self._list_files()
        await self._handle(self._seen)

    async def run(self, stop: asyncio.Event) -> None:
        """Scan, then look for changes until `stop` is set. Errors are logged and retried later."""
        with suppress(OSError):  # the first look says what is wrong
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with isolation.isolated(log, _FAILED, folder=str(self._folder)):
            await self.scan()
        while not stop.is_set():
            with suppress(TimeoutError):
                factor = 1 + len(self._seen) / _FILES_PER_SECOND
                await asyncio.wait_for(stop.wait(), self._poll_seconds * factor)
                return
            with isolation.isolated(log, _FAILED, folder=str(self._folder)):
                await self._look_again()

    async def _look_again(self) -> None:
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            await self.scan()
            return
        before, self._seen = self._seen, await self._list_files()
        self._handled = {path: stamp for path, stamp in self._handled.items() if path in self._seen}
        resting = {path: stamp for path, stamp in self._seen.items() if before.get(path) == stamp}
        await self._handle({path: at for path, at in resting.items() if self._handled.get(path) != at})

    async def _list_files(self) -> dict[Path, _Stamp]:
        stamps, problems = await asyncio.to_thread(_list_digest_files, self._folder)
        for problem in problems:
            if problem not in self._problems:
                log.warning("file not ingested", file=problem.location, reason=problem.message)
        self._problems = set(problems)
        return stamps

    async def _handle(self, stamps: Mapping[Path, _Stamp]) -> None:
        if not stamps:
            return
        self._handled |= stamps
        # A bad file or a database outage must not end the watcher.
        with isolation.isolated(log, _FAILED, folder=str(self._folder)):
            await self._on_files(list(stamps))
            self._retry_seconds = self._initial_retry_seconds
            return
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, MAX_RETRY_SECONDS)


_FAILED = "reading the inbox failed"
_Stamp = tuple[int, int, int]
"""What changes when a file is written, replaced or made readable: inode, change time (ns) and size."""


def _list_digest_files(folder: Path) -> tuple[dict[Path, _Stamp], list[LocatedProblem]]:
    stamps: dict[Path, _Stamp] = {}
    names, problems = list_folder(folder)
    for path in (folder / name for name in names):
        if path.name.startswith("."):
            continue
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # removed since the listing
        except OSError as error:
            problems.append(LocatedProblem(str(path), None, f"it cannot be read ({error.strerror})"))
            continue
        if stat.S_ISREG(status.st_mode):
            stamps[path] = status.st_ino, status.st_ctime_ns, status.st_size
        else:
            problems.append(
                LocatedProblem(str(path), None, "it is not a regular file (links are not followed)")
            )
    return stamps, problems


async def read_inbox(
    paths: Sequence[Path],
    add_file: Callable[[str], Awaitable[IngestResult]],
    quarantine: Quarantine,
    *,
    on_result: Callable[[IngestResult], None],
    on_set_aside: Callable[[str, str], Awaitable[None]],
) -> None:
    """Ingest files by `add_file`; those that were being read at a crash come last, each alone.

    One that made the bot crash twice is set aside: `on_set_aside` gets its name and fingerprint. Raises the first error after
    the last file.
    """
    names = [str(path) for path in paths]
    items = await asyncio.to_thread(lambda: {name: fingerprint_file(name) for name in names})
    fresh, suspects, set_aside = await quarantine.admit(items)
    for name in set_aside:
        log.error("file set aside: it was being read at two crashes in a row", file=name)
        await on_set_aside(name, items[name])
    failures: list[Exception] = []
    for group in (fresh, *([name] for name in suspects)):
        async with quarantine.reading({name: items[name] for name in group}):
            for name in group:
                with isolation.collected(failures):
                    result = await add_file(name)
                    _log_result(name, result)
                    on_result(result)
    if failures:
        raise failures[0]


def _log_result(name: str, result: IngestResult) -> None:
    for problem, *others in group_problems(result.problems):
        more = {"more_like_it": len(others)} if others else {}
        if problem.line is None:
            log.warning("file not ingested", file=name, reason=problem.message, **more)
        else:
            log.warning("line not parsed", file=name, line=problem.line, message=problem.message, **more)
    for problem in result.unrelated:
        log.info("file names no paper", file=name, reason=problem.message)
    if result.changed:
        log.info("ingested", file=name, papers=result.papers, new_papers=result.new_papers)
