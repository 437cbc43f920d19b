"""The inbox watcher on a real folder. Each test waits for the files that the watcher passes on."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from bot.archive import ingest
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
    folder: Path, handler: RecordingHandler, retry_seconds: float = ingest.RETRY_SECONDS
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    watcher = ingest.InboxWatcher(folder, handler.handle, retry_seconds=retry_seconds, poll_seconds=0.0)
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
    await ingest.InboxWatcher(tmp_path, handler.handle).scan()
    assert [path.name for path in handler.received.get_nowait()] == ["c.MD", "a.txt", "b.md"]


async def test_an_empty_folder_calls_no_handler(tmp_path: Path, handler: RecordingHandler) -> None:
    await ingest.InboxWatcher(tmp_path, handler.handle).scan()
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
    handler.failures = 2
    (tmp_path / "first.md").write_text("one")
    async with watching(tmp_path, handler, retry_seconds=0.0):
        for _ in range(3):
            await handler.wait_for(tmp_path / "first.md")


def _add_undecodable_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xb3\xed\xb9\xae.md")).write_text("EUC-KR")


def _add_link_to_everything(folder: Path) -> None:
    (folder / "root").symlink_to("/")
    (folder / "hosts.md").symlink_to("/etc/hosts")
    (folder / "loop.md").symlink_to("loop.md")


UNREADABLE: dict[str, Callable[[Path], None]] = {
    "an undecodable name": _add_undecodable_name,
    "an undecodable folder": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/\xb3\xed")).mkdir(),
    "a link to a long name": lambda folder: (folder / "x.md").symlink_to("a" * 300),
    "links to everything": _add_link_to_everything,
    "a pipe": lambda folder: os.mkfifo(folder / "pipe.md"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_file_that_cannot_be_read_loses_no_other(
    kind: str, is_late: bool, tmp_path: Path, handler: RecordingHandler
) -> None:
    (tmp_path / "first.md").write_text("one")
    if not is_late:
        UNREADABLE[kind](tmp_path)
    with structlog.testing.capture_logs() as lines:
        async with watching(tmp_path, handler):
            await handler.wait_for(tmp_path / "first.md")
            if is_late:
                UNREADABLE[kind](tmp_path)
            (tmp_path / "second.md").write_text("two")
            await handler.wait_for(tmp_path / "second.md")
    assert handler.received.empty()
    reported = [line["file"] for line in lines if line["event"] == "file not ingested"]
    assert len(reported) == len(set(reported)) == (2 if kind == "links to everything" else 1)


async def test_an_inbox_that_is_removed_or_a_file_is_watched_on(
    tmp_path: Path, handler: RecordingHandler
) -> None:
    folder = tmp_path / "inbox"
    folder.write_text("a file in its place")
    async with watching(folder, handler):
        for name in ("first.md", "second.md"):
            if folder.is_file():
                folder.unlink()
            else:
                shutil.rmtree(folder)
            folder.mkdir()
            (folder / name).write_text("one")
            await handler.wait_for(folder / name)
