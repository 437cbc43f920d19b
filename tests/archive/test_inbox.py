"""The inbox watcher on a real folder. Each test waits for the files that the watcher passes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.archive import inbox
from tests.support import patience

SECONDS = 20.0


class RecordingHandler:
    """Records the files it receives and fails for the first `failures` calls."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[list[Path]] = asyncio.Queue()
        self.failures = 0

    async def handle(self, paths: list[Path]) -> None:
        await self.received.put(paths)
        if self.failures:
            self.failures -= 1
            raise OSError("the database is unavailable")

    async def wait_for(self, path: Path) -> None:
        """Wait until a path was received."""
        async with patience.limit(SECONDS):
            while path not in await self.received.get():
                pass


@asynccontextmanager
async def watching(
    folder: Path, handler: RecordingHandler, retry_seconds: float = inbox.RETRY_SECONDS
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    watcher = inbox.InboxWatcher(folder, handler.handle, retry_seconds=retry_seconds)
    task = asyncio.create_task(watcher.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with patience.limit(SECONDS):
            await task


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


async def test_existing_files_are_handled_sorted_by_name(tmp_path: Path, handler: RecordingHandler) -> None:
    (tmp_path / "2026").mkdir()
    for name in ("b.md", "a.txt", "2026/c.MD", "notes.pdf", ".hidden.md", "README"):
        (tmp_path / name).write_text("text")
    (tmp_path / "folder.md").mkdir()
    await inbox.InboxWatcher(tmp_path, handler.handle).scan()
    assert [path.name for path in handler.received.get_nowait()] == ["c.MD", "a.txt", "b.md"]


async def test_an_empty_folder_calls_no_handler(tmp_path: Path, handler: RecordingHandler) -> None:
    await inbox.InboxWatcher(tmp_path, handler.handle).scan()
    assert handler.received.empty()


async def test_new_and_changed_files_are_handled(tmp_path: Path, handler: RecordingHandler) -> None:
    folder = tmp_path / "deep" / "inbox"
    folder.mkdir(parents=True)
    (folder / "first.md").write_text("one")
    async with watching(folder, handler):
        await handler.wait_for(folder / "first.md")
        (folder / "second.md").write_text("two")
        await handler.wait_for(folder / "second.md")
        (folder / "first.md").write_text("one, put right")
        await handler.wait_for(folder / "first.md")


async def test_a_missing_folder_is_created_and_watching_continues_after_a_failure(
    tmp_path: Path, handler: RecordingHandler
) -> None:
    handler.failures = 1
    folder = tmp_path / "not there yet"
    async with watching(folder, handler):
        async with patience.limit(SECONDS):
            while not folder.is_dir():  # noqa: ASYNC110 - a thread of the watcher creates it
                await asyncio.sleep(0)
        (folder / "first.md").write_text("one")
        await handler.wait_for(folder / "first.md")
        (folder / "second.md").write_text("two")
        await handler.wait_for(folder / "second.md")


async def test_a_failed_scan_is_repeated_without_another_change(
    tmp_path: Path, handler: RecordingHandler
) -> None:
    # Both scans at the start fail: the first one, and the second when the watch is active.
    handler.failures = 2
    (tmp_path / "first.md").write_text("one")
    async with watching(tmp_path, handler, retry_seconds=0.0):
        for _ in range(3):
            await handler.wait_for(tmp_path / "first.md")
