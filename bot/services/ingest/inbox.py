"""Watches the inbox: a folder into which others drop digest files. New and changed files are ingested."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SUFFIXES = (".md", ".txt")
Take = Callable[[list[Path]], Awaitable[None]]

AGAIN_SECONDS = 30.0
"""So long after something could not be taken, everything is given once more; what is known changes nothing."""
LONGEST_WAIT = 3600.0


class Inbox:
    """A watched folder. `take` is given what is there at the start and then whatever appears or changes."""

    def __init__(self, folder: Path, take: Take, *, again_seconds: float = AGAIN_SECONDS) -> None:
        self._folder = folder
        self._take = take
        self._first_wait = self._wait = again_seconds
        self._again_at: float | None = None

    async def scan(self) -> None:
        """Give everything that stands in the folder now, in the order of the names."""
        found = await asyncio.to_thread(lambda: sorted(filter(_is_digest_file, self._folder.rglob("*"))))
        if found:
            await self._give(found)

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
            if gap or self._is_time_again():
                gap = False
                await self.scan()
            paths = {Path(path) for change, path in changes if change is not watchfiles.Change.deleted}
            if found := sorted(filter(_is_digest_file, paths)):
                await self._give(found)

    async def _give(self, paths: Iterable[Path]) -> None:
        try:
            await self._take(list(paths))
            self._wait = self._first_wait
        except Exception:
            # One bad file or a database that is away must not end the watching.
            log.exception("the inbox could not be read", folder=str(self._folder))
            self._again_at = time.monotonic() + self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _is_time_again(self) -> bool:
        if self._again_at is None or time.monotonic() < self._again_at:
            return False
        self._again_at = None
        return True


def _is_digest_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
