"""Ingests one hostile file and prints the growth of this process's peak memory: `python -m … SHAPE FOLDER [--tree]`.

`--tree` measures the child processes too, all the time, which takes a third more CPU time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bot.app import runtime, tasks
from bot.app.client import DiscordRenderer
from bot.app.container import Container
from bot.core import logs
from bot.core.settings import Settings
from storage import migrate

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
SIZE = 19_500_000
HEADING = "## Daily Papers (2026-01-05)\n\n"


def _paper(number: int) -> str:
    arxiv_id = f"{2601 - number // 100_000 * 100}.{number % 99_999 + 1:05}"
    return f"### [Paper {number}](https://arxiv.org/abs/{arxiv_id})\n\n"


def _block(number: int) -> str:
    return f"{_paper(number)}Vote: 5\n\nAuthors: Ada Lovelace, Kim Min-jun\n\n"


def _repeat(write: Callable[[int], str], *, size: int = SIZE, count: int = 10**9) -> str:
    parts, characters, number = [HEADING], 0, 0
    while characters < size and number < count:
        part = write(number)
        characters += len(part.encode())
        parts.append(part)
        number += 1
    return "".join(parts)


def _words(number: int, words: int) -> str:
    return " ".join(f"word{(number * 7919 + index * 31) % 500_000}" for index in range(words))


def _days(number: int) -> str:
    day = f"## Daily Papers (20{10 + number // 336:02}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02})\n\n"
    return day + "".join(_block(number * 5000 + index) for index in range(5000))


SHAPES: Mapping[str, Callable[[], str]] = {
    "60,000 papers": lambda: _repeat(
        lambda number: f"{_block(number)}- ***New***: text {_words(number, 12)}\n\n", count=60_000
    ),
    "one line": lambda: HEADING + _block(1) + "- ***New***: " + "lorem " * (SIZE // 6) + "\n",
    "one line of different words": lambda: (
        HEADING + _block(1) + "- ***New***: " + _words(1, SIZE // 11) + "\n"
    ),
    "one wide line": lambda: HEADING + _block(1) + "- ***New***: 📰" + "lorem " * (SIZE // 6) + "\n",
    "headings": lambda: _repeat(lambda number: f"#### Part {number}\n", count=1_000_000),
    "paper headings": lambda: _repeat(_paper),
    "empty lines": lambda: HEADING + _block(1) + "\n" * SIZE,
    "5,000 papers of 4 kB": lambda: _repeat(
        lambda number: f"{_block(number)}- ***New***: {_words(number, 360)}\n\n", count=5_000
    ),
    "nested lists": lambda: _repeat(
        lambda number: _block(0) if number == 0 else "  " * (number % 40) + f"- item {number}\n"
    ),
    "one section": lambda: HEADING + _block(1) + "- ***New***: text\n" + "  more of it\n" * (SIZE // 13),
    "authors": lambda: (
        HEADING
        + _paper(1)
        + "Authors: "
        + ", ".join(f"Ann{number} Bee{number}" for number in range(SIZE // 20))
        + "\n\n- ***New***: text\n"
    ),
    "highlights": lambda: _repeat(
        lambda number: _block(0) if number == 0 else f"- ***Part {number}***: text\n"
    ),
    "days": lambda: _repeat(_days, size=SIZE - 1_000_000),
    "stray lines": lambda: _repeat(lambda number: f"{_block(0)}\n" if number == 0 else f"stray {number}\n\n"),
}


def _peak_kilobytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


@contextmanager
def _tree_memory() -> Iterator[list[int]]:
    """Yield the proportional set size of this process and its children in kB, measured again and again in a thread."""
    process, ended = psutil.Process(), threading.Event()

    def measure() -> int:
        return sum(map(_proportional_kilobytes, (process.pid, *(child.pid for child in process.children()))))

    sizes = [measure()]

    def watch() -> None:
        while not ended.wait(0.02):
            sizes.append(measure())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()


def _proportional_kilobytes(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:  # it has ended
        return 0
    return int(rollup.split("Pss:")[1].split()[0]) if "Pss:" in rollup else 0


async def measure(shape: str, folder: Path, *options: str) -> dict[str, object]:
    """Ingest a file of this shape as the running bot does."""
    path = folder / "digest.md"
    path.write_text(SHAPES[shape](), encoding="utf-8")
    size = path.stat().st_size
    url = f"sqlite+aiosqlite:///{folder / 'memory.db'}"
    database = await migrate.open_database(url)
    container = Container(Settings(database_url=url), database, lambda: NOW)
    assert isinstance(container.renderer, DiscordRenderer)
    ingest = container.create_ingest()
    await ingest.add_text(HEADING + _block(7) + "- ***New***: text\n", location="first")
    runtime.freeze_gc()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
    idle = _peak_kilobytes()
    late = 0.0

    async def watch() -> None:
        nonlocal late
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            await asyncio.sleep(0.002)
            late = max(late, loop.time() - started - 0.002)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    with _tree_memory() if "--tree" in options else nullcontext([0]) as tree:
        result = await tasks.ingest_file(container, ingest, str(path))
    watching.cancel()
    await database.close()
    return {
        "shape": shape,
        "file_mb": size / 1e6,
        "growth_mb": (_peak_kilobytes() - idle) * 1024 / 1e6,
        "tree_mb": (max(tree) - tree[0]) * 1024 / 1e6,
        "late_ms": 1e3 * late,
        "papers": result.papers,
        "digests": result.digests,
        "problems": len(result.problems),
        "problem": result.problems[-1].message[:90] if result.problems else "",
    }


if __name__ == "__main__":
    logs.configure("console:error")
    sys.stdout.write(json.dumps(asyncio.run(measure(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))) + "\n")
