"""Benchmark of arXiv as a source, on loopback: a back-fill that is killed twice, and an announcement of 900 papers.

The floor of an announcement is inserting the rows that it stored, as for `bench.ingest`. The back-fill keeps arXiv's pace
of one request in three seconds, so it takes as long as that; `--large` fills 100,000 papers instead of 10,000.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bench import figures, ingest
from bench.figures import Figure
from bot.app import container as app_container
from bot.core import logs
from bot.core.settings import Settings
from bot.sources import base, kinds
from storage import models
from storage.database import Database
from tests.support import fake_arxiv, origin_server

PAGE = 1_000
KILLED_AFTER = (0.3, 0.7)
"""Shares of the answers of OAI-PMH after which the process is killed, while it stores what the last one has."""
KILL_DELAY_SECONDS = 1.0
ANNOUNCED = 900
SOURCE = "arxiv:cs.CL"


def measure_back_fill(count: int) -> list[Figure]:
    """Fill an archive with `count` papers by a process that is killed twice with SIGKILL, and read what came of it."""
    with _running_arxiv(count) as (url, since), tempfile.TemporaryDirectory() as folder:
        asyncio.run(_add(folder, url, since))
        started, pages, idle, peak = time.monotonic(), -(-count // PAGE), 0, 0
        for share in (*KILLED_AFTER, None):
            run = _run_fill(folder, url, None if share is None else int(share * pages))
            idle, peak = max(idle, run[0]), max(peak, run[1] - run[0])
        seconds = time.monotonic() - started
        stats = asyncio.run(_get(f"{url}/stats"))
        with closing(sqlite3.connect(f"{folder}/paperround.db")) as archive:
            [stored] = archive.execute("SELECT count(*) FROM papers WHERE last_on IS NOT NULL").fetchone()
            size = sum(path.stat().st_size for path in Path(folder).glob("paperround.db*"))
    expected = count - count // 10  # every tenth only cross-lists the category
    return [
        Figure("papers that are missing", expected - stored, "papers", max_value=0),
        Figure("requests to OAI-PMH", stats["oai"], "requests", floor=pages, max_ratio=1),
        Figure("papers asked for twice", stats["twice"], "papers", max_value=0),
        Figure(
            "shortest time between two requests, below 3 s",
            max(0.0, 2.99 - stats["shortest"]),
            "s",
            max_value=0,
        ),
        Figure("memory above idle", peak / 1e3, "MB", max_value=100),
        Figure("disk", size / stored / 1e3, "kB a paper", max_value=8),
        Figure("seconds a request, with what is stored of it", seconds / stats["oai"], "s"),
    ]


def measure_announcement() -> list[Figure]:
    """Store an announcement, and the rows of it alone; meanwhile another writer asks for its turn again and again."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, waits, late = asyncio.run(_announce(folder))
        floor = ingest._insert(Path(folder) / "paperround.db", Path(folder) / "floor.db")
    name = f"an announcement of {ANNOUNCED} papers"
    return [
        Figure(name, seconds, "s", floor, max_ratio=6, max_value=60),
        Figure(f"{name}: longest wait of another writer", 1e3 * max(waits), "ms", max_value=3_000),
        Figure(f"{name}: event loop late, at most", 1e3 * late, "ms"),
    ]


@contextmanager
def _running_arxiv(count: int) -> Iterator[tuple[str, str]]:
    """Run arXiv with `count` papers in a process of its own; yield its address and the day of its first paper."""
    command = [sys.executable, "-m", "tests.support.fake_arxiv", str(count)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        answer = json.loads(server.stdout.readline())
        yield answer["url"], answer["since"]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def _settings(folder: str, url: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": f"sqlite+aiosqlite:///{folder}/paperround.db",
            "arxiv_url": f"{url}/api/query",
            "arxiv_rss_url": f"{url}/rss",
            "arxiv_oai_url": f"{url}/oai",
        }
    )


async def _add(folder: str, url: str, since: str) -> None:
    settings = _settings(folder, url)
    async with app_container.open_container(settings) as opened:
        registry = kinds.build_source_registry(opened.database, opened.clock, settings)
        await registry.add(SOURCE, options={"since": since})


async def _get(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        answer: dict[str, Any] = await response.json()
        return answer


def _run_fill(folder: str, url: str, until: int | None) -> tuple[int, int]:
    """Run the back-fill in a child until so many answers were given, then kill it; None: to its end.

    Returns the child's memory when idle and its peak, in kB.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.intake", "fill", folder, url], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    idle, peak = int(child.stdout.readline()), 0
    while child.poll() is None:
        with suppress(OSError, IndexError):
            peak = max(peak, _peak_kilobytes(child.pid))
        if until is not None and asyncio.run(_get(f"{url}/stats"))["oai"] >= until:
            time.sleep(KILL_DELAY_SECONDS)
            os.kill(child.pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    child.wait()
    child.stdout.close()
    return idle, peak


def _peak_kilobytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0])


async def _fill(folder: str, url: str) -> None:
    """Continue the back-fill, after saying how much memory is in use before it."""
    async with (
        app_container.open_container(_settings(folder, url)) as opened,
        app_container.open_poller(opened, opened.create_ingest()) as service,
    ):
        await service.fetch_all(dry_run=True)  # loads what a pass needs
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
        sys.stdout.write(f"{_peak_kilobytes(os.getpid())}\n")
        sys.stdout.flush()
        await service.fetch_all()


async def _announce(folder: str) -> tuple[float, list[float], float]:
    """Return the seconds of an announcement, the waits of another writer, and how late the event loop was at most."""
    today = datetime.now(UTC).date()
    papers = [fake_arxiv.make_paper(number, today) for number in range(1, ANNOUNCED + 1)]
    fake = fake_arxiv.FakeArxiv(announced=papers, announced_on=today)
    async with origin_server.run_origin() as origin:
        fake.install(origin, "cs.CL")
        settings = _settings(folder, origin.url)
        async with app_container.open_container(settings) as opened:
            opened.source_throttles[models.SourceKind.ARXIV] = base.no_throttle
            await kinds.build_source_registry(opened.database, opened.clock, settings).add(SOURCE)
            async with app_container.open_poller(opened, opened.create_ingest()) as service:
                waits: list[float] = []
                late = [0.0]
                watching = [
                    asyncio.create_task(_watch(opened.database, waits)),
                    asyncio.create_task(_lag(late)),
                ]
                seconds = await figures.time_await(service.fetch_all())
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)
    return seconds, waits, late[0]


async def _lag(late: list[float]) -> None:
    """Store how late the event loop is at most."""
    while True:
        started = time.perf_counter()
        await asyncio.sleep(0.002)
        late[0] = max(late[0], time.perf_counter() - started - 0.002)


async def _watch(database: Database, waits: list[float]) -> None:
    """Measure how long a writer waits for its turn, as the planner of posts does."""
    while True:
        started = time.perf_counter()
        async with database.transaction():
            waits.append(time.perf_counter() - started)
        await asyncio.sleep(0.02)


def main() -> None:
    """Print the figures."""
    if sys.argv[1:2] == ["fill"]:
        logs.configure("console:error")
        asyncio.run(_fill(sys.argv[2], sys.argv[3]))
        return
    logs.configure("console:error")
    for figure in measure_announcement():
        figures.show(figure)
    for figure in measure_back_fill(100_000 if "--large" in sys.argv else 10_000):
        figures.show(figure)


if __name__ == "__main__":
    main()
