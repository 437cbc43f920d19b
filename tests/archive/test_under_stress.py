"""An ingest whose process is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.archive import ingest as archive_ingest
from bot.archive.files import TextFile
from bot.core.clock import system_clock
from storage import database
from tests.support import patience
from tests.support.ingest_harness import newsletter, paper

FILE_COUNT = 84
CHILD = """
import asyncio, sys
from storage import migrate
from tests.archive import test_under_stress as stress

async def main():
    database = await migrate.open_database(sys.argv[1])
    print("go", flush=True)
    await stress.ingest_files(database)

asyncio.run(main())
"""


def build_files(count: int = FILE_COUNT) -> list[TextFile]:
    """Return files with 20 papers each."""
    return [
        TextFile(
            f"{n}.md",
            newsletter(
                *(paper(n * 20 + m) for m in range(1, 21)), day=f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}"
            ),
        )
        for n in range(count)
    ]


async def ingest_files(db: database.Database) -> int:
    """Ingest all files, and return the number of new digests."""
    ingest = archive_ingest.IngestService(db, system_clock)
    return sum([result.written async for _, result in ingest.add_files(build_files())])


def count_complete_digests(path: Path) -> int:
    """Return the number of digests, after checking that each has all its papers, with authors and change numbers."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM entries WHERE digest_id = digests.id) FROM digests"
        ).fetchall()
        assert set(counts) <= {(20,)}
        for rows in ("papers", "papers WHERE changed > 0", "paper_authors"):
            [(stored,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
            assert stored == 20 * len(counts)
        return len(counts)


@pytest.mark.promise
async def test_a_killed_ingest_leaves_each_digest_complete_or_absent(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    stored = await asyncio.to_thread(_run_and_kill, str(sqlite_db.url), path)
    assert stored < FILE_COUNT
    assert await ingest_files(sqlite_db) == FILE_COUNT - stored
    assert count_complete_digests(path) == FILE_COUNT


def _run_and_kill(url: str, path: Path) -> int:
    """Kill an ingest once it has stored some digests, and return their number."""
    with subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        deadline = time.monotonic() + patience.scaled(60)
        with closing(sqlite3.connect(path)) as reader:
            while (
                time.monotonic() < deadline
                and not reader.execute("SELECT count(*) FROM digests").fetchone()[0]
            ):
                os.sched_yield()
        child.send_signal(signal.SIGKILL)
    stored = count_complete_digests(path)
    assert stored > 0
    return stored
