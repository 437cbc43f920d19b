"""The inbox with a real folder and a real watch on it. Nothing sleeps: each test waits for what the watch gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bot.services.ingest import inbox as ingest_inbox

SECONDS = 20.0


class Taker:
    """Keeps what it was given; fails as often as it is told to."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[list[Path]] = asyncio.Queue()
        self.failures = 0

    async def take(self, paths: list[Path]) -> None:
        await self.given.put(paths)
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")

    async def until(self, path: Path) -> None:
        """Wait until a path was given."""
        async with asyncio.timeout(SECONDS):
            while path not in await self.given.get():
                pass

    def names(self) -> list[list[str]]:
        given = []
        with suppress(asyncio.QueueEmpty):
            while True:
                given.append([path.name for path in self.given.get_nowait()])
        return given


@asynccontextmanager
async def watching(
    folder: Path, taker: Taker, again_seconds: float = ingest_inbox.RETRY_SECONDS
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    inbox = ingest_inbox.InboxWatcher(folder, taker.take, retry_seconds=again_seconds)
    task = asyncio.create_task(inbox.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(SECONDS):
            await task


@pytest.fixture
def taker() -> Taker:
    return Taker()


async def test_what_is_there_is_given_in_the_order_of_its_names(tmp_path: Path, taker: Taker) -> None:
    (tmp_path / "2026").mkdir()
    for name in ("b.md", "a.txt", "2026/c.MD", "notes.pdf", ".hidden.md", "README"):
        (tmp_path / name).write_text("text")
    (tmp_path / "folder.md").mkdir()
    await ingest_inbox.InboxWatcher(tmp_path, taker.take).scan()
    assert taker.names() == [["c.MD", "a.txt", "b.md"]]


async def test_an_empty_folder_gives_nothing(tmp_path: Path, taker: Taker) -> None:
    await ingest_inbox.InboxWatcher(tmp_path, taker.take).scan()
    assert taker.names() == []


async def test_new_and_changed_files_are_given_and_a_missing_folder_is_made(
    tmp_path: Path, taker: Taker
) -> None:
    folder = tmp_path / "deep" / "inbox"
    folder.mkdir(parents=True)
    (folder / "first.md").write_text("one")
    async with watching(folder, taker):
        await taker.until(folder / "first.md")
        (folder / "second.md").write_text("two")
        await taker.until(folder / "second.md")
        (folder / "first.md").write_text("one, put right")
        await taker.until(folder / "first.md")


async def test_the_watching_goes_on_after_a_failure(tmp_path: Path, taker: Taker) -> None:
    taker.failures = 1
    folder = tmp_path / "not there yet"
    async with watching(folder, taker):
        async with asyncio.timeout(SECONDS):
            while not folder.is_dir():  # noqa: ASYNC110 - a thread of the watch makes it
                await asyncio.sleep(0)
        (folder / "first.md").write_text("one")
        await taker.until(folder / "first.md")
        (folder / "second.md").write_text("two")
        await taker.until(folder / "second.md")


async def test_what_could_not_be_taken_is_given_again_without_another_change(
    tmp_path: Path, taker: Taker
) -> None:
    # The first look and the second, when the watch stands, find the database away.
    taker.failures = 2
    (tmp_path / "first.md").write_text("one")
    async with watching(tmp_path, taker, again_seconds=0.0):
        for _ in range(3):
            await taker.until(tmp_path / "first.md")
