"""The inbox, a folder for digest files: watches it, and ingests its new and changed files, each by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import structlog

from bot.archive import files, parse
from bot.archive.digest_writer import IngestResult
from bot.archive.ingest import Quarantine
from bot.core import isolation

log = structlog.get_logger(__name__)

RETRY_SECONDS = 30.0
"""Delay after a failure until the whole folder is handled again, doubling after each; known digests change nothing."""
MAX_RETRY_SECONDS = 3600.0


class InboxWatcher:
    """Watches a folder. `on_files` receives the files there at the start, then each new or changed file."""

    def __init__(
        self,
        folder: Path,
        on_files: Callable[[list[Path]], Awaitable[None]],
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._folder = folder
        self._on_files = on_files
        self._initial_retry_seconds = self._retry_seconds = retry_seconds
        self._retry_at: float | None = None

    async def scan(self) -> None:
        """Handle all digest files in the folder, sorted by name."""
        paths = await asyncio.to_thread(lambda: sorted(filter(_is_digest_file, self._folder.rglob("*"))))
        if paths:
            await self._handle(paths)

    async def run(self, stop: asyncio.Event) -> None:
        """Scan, then watch until `stop` is set. Errors of the handler are logged and retried later."""
        import watchfiles  # loaded only if there is an inbox

        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        await self.scan()
        # The first iteration comes when the watch is active; a second scan finds files that arrived before that.
        is_first = True
        async for changes in watchfiles.awatch(
            self._folder, stop_event=stop, debounce=1000, rust_timeout=1000, yield_on_timeout=True
        ):
            if is_first or (self._retry_at is not None and time.monotonic() >= self._retry_at):
                is_first, self._retry_at = False, None
                await self.scan()
            changed = {Path(path) for change, path in changes if change is not watchfiles.Change.deleted}
            if paths := sorted(filter(_is_digest_file, changed)):
                await self._handle(paths)

    async def _handle(self, paths: Iterable[Path]) -> None:
        # A bad file or a database outage must not end the watcher.
        with isolation.isolated(log, "reading the inbox failed", folder=str(self._folder)):
            await self._on_files(list(paths))
            self._retry_seconds = self._initial_retry_seconds
            return
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, MAX_RETRY_SECONDS)


def _is_digest_file(path: Path) -> bool:
    return path.suffix.lower() in parse.FILE_SUFFIXES and not path.name.startswith(".") and path.is_file()


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
        for problem in result.problems:
            if problem.line is None:
                log.warning("file not ingested", file=name, reason=problem.message)
            else:
                log.warning("line not parsed", file=name, line=problem.line, message=problem.message)
        if result.changed:
            log.info("ingested", file=name, papers=result.papers, new_papers=result.new_papers)
        self._on_result(result)
