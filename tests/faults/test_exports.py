"""Exports and backups that overlap on one file, some of them killed: the file is whole at every moment."""

import asyncio
import random
import sqlite3
import zipfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from storage import copying
from tests.support import digest_builders
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.promise, pytest.mark.all_faults]

SEEDS = 1
OVERLAPS = 12
"""Pairs of exports or backups."""
DIGESTS, PAPERS = 60, 40


def count_packed(file: Path, scratch: Path) -> int:
    """Return the papers in a file with everything."""
    with zipfile.ZipFile(file) as packed:
        assert packed.testzip() is None
        path = Path(packed.extract("paperround.db", scratch))
    return count(path)


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        [number] = connection.execute("SELECT count(*) FROM papers").fetchone()
    return int(number)


async def test_overlapping_exports_leave_a_whole_file_despite_kills(
    harness: FaultHarness, seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    inbox, out, scratch = tmp_path / "inbox", tmp_path / "out", tmp_path / "scratch"
    for folder in (inbox, out, scratch):
        folder.mkdir()
    for number in range(DIGESTS):
        day = date(2026, 1, 1) + timedelta(days=number)
        papers = [(f"2601.{number:02}{rank:03}", rank) for rank in range(1, PAPERS + 1)]
        (inbox / f"{day}.md").write_text(digest_builders.newsletter(day, papers), encoding="utf-8")
    assert await harness.wait_for_end(harness.start_cli("ingest", str(inbox))) == 0
    file = out / "all.zip"
    commands: list[tuple[str, ...]] = [("export", "--all", str(file))]
    if harness.db.is_sqlite:
        commands.append(("backup", str(out / "backup.db")))
    for command in commands:
        assert await harness.wait_for_end(harness.start_cli(*command)) == 0
    written = count_packed(file, scratch)
    assert written == DIGESTS * PAPERS
    precious = out / "all.zip.partial"
    precious.mkdir()
    for number in range(OVERLAPS):
        command = commands[number % len(commands)]
        first = harness.start_cli(*command)
        await asyncio.sleep(rng.uniform(0.0, 1.5))
        second = harness.start_cli(*command)
        await asyncio.sleep(rng.uniform(0.0, 1.5))
        if rng.random() < 0.6:
            await harness.kill(rng.choice((first, second)))
        assert {await harness.wait_for_end(first), await harness.wait_for_end(second)} <= {0, -9}
        assert count_packed(file, scratch) == written
        if harness.db.is_sqlite:
            assert count(out / "backup.db") == written
    for command in reversed(commands):  # a backup records its time in the database, which the export then has
        assert await harness.wait_for_end(harness.start_cli(*command)) == 0
    assert {path.name for path in out.iterdir()} <= {"all.zip", "backup.db", "all.zip.partial"}
    async with copying.open_export(file, None) as opened:
        assert await opened.fetch(copying._sum) == await harness.db.fetch(copying._sum)
