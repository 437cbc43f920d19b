"""The inbox, a folder for digest files: watches it, and ingests its new and changed files, each by itself."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from bot.archive import files
from bot.archive.digest_writer import IngestResult
from bot.archive.ingest import Quarantine
from bot.core import isolation
from storage import models

log = structlog.get_logger(__name__)

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
        self._problems: set[models.LocatedProblem] = set()

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


def _list_digest_files(folder: Path) -> tuple[dict[Path, _Stamp], list[models.LocatedProblem]]:
    stamps: dict[Path, _Stamp] = {}
    names, problems = files.list_folder(folder)
    for path in (folder / name for name in names):
        if path.name.startswith("."):
            continue
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # removed since the listing
        except OSError as error:
            problems.append(models.LocatedProblem(str(path), None, f"it cannot be read ({error.strerror})"))
            continue
        if stat.S_ISREG(status.st_mode):
            stamps[path] = status.st_ino, status.st_ctime_ns, status.st_size
        else:
            problems.append(
                models.LocatedProblem(str(path), None, "it is not a regular file (links are not followed)")
            )
    return stamps, problems


class InboxReader:
    """Ingests files by `add_file`; one that made the bot crash twice is set aside.

    `on_result` gets each result, `on_set_aside` the name and fingerprint of what is not read.
    """

    def __init__(
        self,
        add_file: Callable[[str], Awaitable[IngestResult]],
        quarantine: Quarantine,
        *,
        on_result: Callable[[IngestResult], None],
        on_set_aside: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._add_file = add_file
        self._quarantine = quarantine
        self._on_result = on_result
        self._on_set_aside = on_set_aside

    async def read(self, paths: Sequence[Path]) -> None:
        """Ingest files; those that were being read at a crash come last, each alone.

        Raises the first error after the last file.
        """
        names = [str(path) for path in paths]
        items = await asyncio.to_thread(lambda: {name: files.fingerprint_file(name) for name in names})
        fresh, suspects, set_aside = await self._quarantine.admit(items)
        for name in set_aside:
            log.error("file set aside: it was being read at two crashes in a row", file=name)
            await self._on_set_aside(name, items[name])
        failures: list[Exception] = []
        for group in (fresh, *([name] for name in suspects)):
            async with self._quarantine.reading({name: items[name] for name in group}):
                for name in group:
                    with isolation.collected(failures):
                        await self._read_file(name)
        if failures:
            raise failures[0]

    async def _read_file(self, name: str) -> None:
        result = await self._add_file(name)
        for problem, *others in files.group_problems(result.problems):
            more = {"more_like_it": len(others)} if others else {}
            if problem.line is None:
                log.warning("file not ingested", file=name, reason=problem.message, **more)
            else:
                log.warning("line not parsed", file=name, line=problem.line, message=problem.message, **more)
        for problem in result.unrelated:
            log.info("file names no paper", file=name, reason=problem.message)
        if result.changed:
            log.info("ingested", file=name, papers=result.papers, new_papers=result.new_papers)
        self._on_result(result)
