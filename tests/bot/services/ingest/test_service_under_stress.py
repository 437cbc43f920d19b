"""Ingest when the process is killed in the middle, and while others want the event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bot.clock import system_clock
from bot.services.ingest import service
from bot.services.ingest.files import TextFile
from bot.services.search.indexer import SearchIndexer
from storage import database
from tests.bot.services.ingest.test_service import newsletter, paper

FILES = [
    TextFile(
        f"{n}.md",
        newsletter(*(paper(n * 20 + m) for m in range(20)), day=f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}"),
    )
    for n in range(84)
]
CHILD = """
import asyncio, sys
from storage import migrate
from tests.bot.services.ingest import test_service_under_stress as stress

async def main():
    database = await migrate.open_database(sys.argv[1])
    print("go", flush=True)
    await stress.take(database)

asyncio.run(main())
"""


async def take(db: database.Database) -> int:
    """Ingest all files; returns how many digests were new."""
    work = service.IngestService(db, system_clock, SearchIndexer())
    return sum([result.new_digests async for _, result in work.add_files(FILES)])


def whole(path: Path) -> int:
    """How many digests there are; each must be there with all its papers, in the index too."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM entries WHERE digest_id = digests.id) FROM digests"
        ).fetchall()
        assert set(counts) <= {(20,)}
        for table in ("papers", "indexed_papers"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (20 * len(counts),)
        return len(counts)


async def test_a_process_that_is_killed_leaves_each_digest_whole_or_absent(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    found = await asyncio.to_thread(_run_and_kill, str(sqlite_db.url), path)
    assert found < len(FILES)
    assert await take(sqlite_db) == len(FILES) - found
    assert whole(path) == len(FILES)


def _run_and_kill(url: str, path: Path) -> int:
    """Kill an ingest once the first digests are stored; returns how many are."""
    with subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        deadline = time.monotonic() + 60
        with closing(sqlite3.connect(path)) as reader:
            while (
                time.monotonic() < deadline
                and not reader.execute("SELECT count(*) FROM digests").fetchone()[0]
            ):
                os.sched_yield()
        child.send_signal(signal.SIGKILL)
    found = whole(path)
    assert found > 0
    return found


async def test_the_loop_stays_free_during_an_ingest(sqlite_db: database.Database) -> None:
    stretches: list[float] = []

    async def look() -> None:
        while True:
            start = time.thread_time()  # not the clock's time: other processes are not what is measured
            await asyncio.sleep(0)
            stretches.append(time.thread_time() - start)

    work = service.IngestService(sqlite_db, system_clock, SearchIndexer())
    await work.add_text(
        FILES[0].text, location=FILES[0].location
    )  # what the first ingest loads is not what is measured
    gc.collect()
    gc.freeze()  # as a running bot does: the thousands of tests in this process are not to be looked through
    watcher = asyncio.create_task(look())
    for file in FILES[1:10]:
        await work.add_text(file.text, location=file.location)
    await work.add_text("".join(file.text for file in FILES), location="all.md")
    watcher.cancel()
    gc.unfreeze()
    assert max(stretches) < sum(stretches) / 10, "no step of the loop takes a tenth of the ingest's time"
