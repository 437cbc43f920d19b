"""An ingest whose process is killed."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.archive.files import TextFile
from bot.archive.ingest import IngestService
from bot.core.clock import system_clock
from storage import database
from tests.support.ingest_harness import newsletter, paper

FILE_COUNT = 84
CHILD = """
import asyncio, sys
from bot.archive import ingest
from storage import migrate
from tests.archive import test_under_stress

async def main():
    ingest.BATCH_DIGESTS = 5
    await test_under_stress.ingest_files(await migrate.open_database(sys.argv[1]))

asyncio.run(main())
"""


def build_file(number: int) -> TextFile:
    papers = [paper(number * 20 + n) for n in range(1, 21)]
    text = newsletter(*papers, day=f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}")
    return TextFile(f"{number}.md", text)


async def ingest_files(db: database.Database) -> int:
    """Ingest all files, printing how many are stored, and return the number of new digests."""
    ingest, written = IngestService(db, system_clock), 0
    async for result in ingest.add_files(map(build_file, range(FILE_COUNT))):
        written += result.written
        print(written, flush=True)
    return written


def count_complete_digests(path: Path) -> int:
    """Return the number of digests, after checking that each has its papers, authors and change numbers."""
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
async def test_killed_ingest_leaves_only_whole_digests(sqlite_db: database.Database, tmp_path: Path) -> None:
    path = tmp_path / "paperround.db"
    await asyncio.to_thread(run_and_kill, str(sqlite_db.url))
    stored = count_complete_digests(path)
    assert 0 < stored < FILE_COUNT
    assert await ingest_files(sqlite_db) == FILE_COUNT - stored
    assert count_complete_digests(path) == FILE_COUNT


def run_and_kill(url: str) -> None:
    """Kill an ingest after it has stored some digests."""
    with subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(10):
            child.stdout.readline()
        child.kill()
