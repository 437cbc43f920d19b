"""Watches the inbox: a folder into which others drop digest files. New and changed files are ingested."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

from bot import isolation
from bot.digests import parse

log = structlog.get_logger(__name__)

FileHandler = Callable[[list[Path]], Awaitable[None]]

RETRY_SECONDS = 30.0
"""So long after something could not be taken, everything is given once more; what is known changes nothing."""
MAX_RETRY_SECONDS = 3600.0


class InboxWatcher:
    """A watched folder. `take` is given what is there at the start and then whatever appears or changes."""

    def __init__(self, folder: Path, on_files: FileHandler, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._folder = folder
        self._on_files = on_files
        self._initial_retry_seconds = self._retry_seconds = retry_seconds
        self._retry_at: float | None = None

    async def scan(self) -> None:
        """Give everything that stands in the folder now, in the order of the names."""
        found = await asyncio.to_thread(lambda: sorted(filter(_is_digest_file, self._folder.rglob("*"))))
        if found:
            await self._handle(found)

    async def run(self, stop: asyncio.Event) -> None:
        """Scan, then watch until `stop` is set. What goes wrong with files is logged; the watching goes on."""
        import watchfiles  # a bot without an inbox does without it

        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        await self.scan()
        # The first turn comes when the watch stands; what fell into the gap before it is found by a second look.
        gap = True
        async for changes in watchfiles.awatch(
            self._folder, stop_event=stop, debounce=1000, rust_timeout=1000, yield_on_timeout=True
        ):
            if gap or self._is_retry_due():
                gap = False
                await self.scan()
            paths = {Path(path) for change, path in changes if change is not watchfiles.Change.deleted}
            if found := sorted(filter(_is_digest_file, paths)):
                await self._handle(found)

    async def _handle(self, paths: Iterable[Path]) -> None:
        # A bad file or a database outage must not end the watcher.
        with isolation.isolated(log, "reading the inbox failed", folder=str(self._folder)):
            await self._on_files(list(paths))
            self._retry_seconds = self._initial_retry_seconds
            return
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, MAX_RETRY_SECONDS)

    def _is_retry_due(self) -> bool:
        if self._retry_at is None or time.monotonic() < self._retry_at:
            return False
        self._retry_at = None
        return True


def _is_digest_file(path: Path) -> bool:
    return path.suffix.lower() in parse.FILE_SUFFIXES and not path.name.startswith(".") and path.is_file()
