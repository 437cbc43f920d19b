"""Ingest when the process is killed, crashes or reads hostile files, and its effect on the event loop."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.archive import ingest as archive_ingest
from bot.archive.files import TextFile
from bot.archive.ingest import Quarantine
from bot.core.clock import system_clock
from bot.search import index as search_index
from bot.search.index import SearchIndexer
from storage import archive, database, errors, key_values, locks, models, outbox
from storage.database import Connection, Database
from tests.support import crashing_reader, digest_builders, fork_server, origin_server, patience
from tests.support.ingest_harness import newsletter, paper
from tests.support.polling_harness import PollingHarness

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
    """Return new files, because an ingest lets go of the text of each."""
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
    """Ingest all files; returns the number of new digests."""
    ingest = archive_ingest.IngestService(db, system_clock, SearchIndexer())
    return sum([result.new_digests async for _, result in ingest.add_files(build_files())])


def count_complete_digests(path: Path) -> int:
    """Return the number of digests, after checking that each has all its papers, indexed or waiting for it."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM entries WHERE digest_id = digests.id) FROM digests"
        ).fetchall()
        assert set(counts) <= {(20,)}
        groups = connection.execute("SELECT value FROM meta WHERE key LIKE 'index:waiting:%'").fetchall()
        waiting = sum(len(json.loads(group)[0]) for (group,) in groups)
        for table, number in (("papers", 0), ("indexed_papers", waiting)):
            [(stored,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
            assert stored + number == 20 * len(counts)
        return len(counts)


async def test_a_killed_process_leaves_each_digest_complete_or_absent(
    sqlite_db: database.Database, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    stored = await asyncio.to_thread(_run_and_kill, str(sqlite_db.url), path)
    assert stored < FILE_COUNT
    assert await ingest_files(sqlite_db) == FILE_COUNT - stored
    assert count_complete_digests(path) == FILE_COUNT
    assert (await search_index.get_index_status(sqlite_db)).missing == 0


def _run_and_kill(url: str, path: Path) -> int:
    """Kill an ingest once the first digests are stored; returns their number."""
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


async def test_the_event_loop_is_not_blocked_during_an_ingest(sqlite_db: database.Database) -> None:
    step_seconds: list[float] = []

    async def measure_steps() -> None:
        while True:
            start = time.thread_time()  # CPU time of this thread, without other processes
            await asyncio.sleep(0)
            step_seconds.append(time.thread_time() - start)

    ingest = archive_ingest.IngestService(sqlite_db, system_clock, SearchIndexer())
    # The first ingest loads modules and is not measured.
    files = build_files()
    await ingest.add_text(files[0].text, location=files[0].location)
    gc.collect()
    gc.freeze()  # as a running bot does; the objects of other tests in this process are not collected
    watcher = asyncio.create_task(measure_steps())
    for file in files[1:10]:
        await ingest.add_text(file.text, location=file.location)
    await ingest.add_text("".join(file.text for file in files), location="all.md")
    watcher.cancel()
    gc.unfreeze()
    assert max(step_seconds) < sum(step_seconds) / 10, "a step of the loop took a tenth of the ingest's time"


ROOT = Path(__file__).parents[2]


async def run_reader(*arguments: str) -> int:
    """Run the process and return its exit status, which is negative if a signal killed it."""
    process = fork_server.ForkedProcess("tests.support.crashing_reader", arguments, cwd=ROOT, env=os.environ)
    return await asyncio.to_thread(process.wait)


def digest_text(number: int, text: str = "") -> str:
    return digest_builders.newsletter(date(2025, 1, number), [(f"2501.{number:05}", 5)], text=text)


async def list_notices(database: Database) -> list[int | None]:
    async with database.read() as connection:
        planned = await outbox.list_rows(connection, kind=models.DeliveryKind.NOTICE)
    return [delivery.channel_id for delivery in planned]


@pytest.mark.engines("postgresql")
async def test_a_file_that_kills_the_bot_twice_is_set_aside_and_the_others_are_read(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number, name in enumerate(("a.md", "b.md", "c.md"), 1):
        (inbox / name).write_text(digest_text(number, "poison" if name == "b.md" else ""))
    statuses = [await run_reader("inbox", database_url, str(inbox)) for _ in range(4)]
    assert statuses == [-signal.SIGKILL, -signal.SIGKILL, 0, 0]
    async with db.read() as connection:
        assert await archive.list_dates(connection, limit=9) == [date(2025, 1, 3), date(2025, 1, 1)]
    assert await list_notices(db) == [crashing_reader.OPERATOR_CHANNEL]
    (inbox / "b.md").write_text(digest_text(2))
    assert await run_reader("inbox", database_url, str(inbox)) == 0
    async with db.read() as connection:
        assert len(await archive.list_dates(connection, limit=9)) == 3


async def test_a_source_that_kills_the_bot_twice_is_polled_no_more_and_the_others_are(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(db, origin)
        for number, path in enumerate(("/a.md", "/b.md"), 1):
            origin.pages[path] = digest_text(number, "poison" if path == "/a.md" else "")
            await harness.add(path)
        host = f"127.0.0.1:{origin.port}"
        statuses = [await run_reader("sources", database_url, str(tmp_path), host) for _ in range(3)]
        health = await harness.health()
    assert statuses == [-signal.SIGKILL, -signal.SIGKILL, 0]
    rows = {url.rpartition("/")[2]: (row.status, row.reason) for url, row in health.items()}
    assert rows == {
        "a.md": (models.FetchStatus.FAILED, "crashed-twice"),
        "b.md": (models.FetchStatus.OK, None),
    }
    assert health[f"{origin.url}/a.md"].next_attempt_at is None
    assert await list_notices(db) == [crashing_reader.OPERATOR_CHANNEL]


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_error_is_not_a_crash_and_a_changed_item_is_read_again(db: Database) -> None:
    quarantine = Quarantine(db, "inbox")
    for _ in range(3):
        try:
            async with quarantine.reading({"a": "1"}):
                raise ValueError
        except ValueError:
            pass
    assert await quarantine.admit({"a": "1"}) == (["a"], [], [])
    for crashes, expected in ((1, (["b"], ["a"], [])), (2, (["b"], [], ["a"]))):
        async with db.transaction() as connection:
            stored = json.dumps({"a": {"1": crashes}})
            await key_values.set_value(connection, f"{key_values.BEING_READ}inbox", stored)
        assert await Quarantine(db, "inbox").admit({"a": "1", "b": "1"}) == expected
    assert await quarantine.admit({"a": "2"}) == (["a"], [], [])
    assert await Quarantine(db, "sources").admit({"a": "1"}) == (["a"], [], [])


@pytest.mark.engines("sqlite", "postgresql")
async def test_processes_that_count_at_the_same_time_lose_no_count(db: Database) -> None:
    processes = [Quarantine(db, "inbox") for _ in range(8)]
    async with AsyncExitStack() as dying:
        await asyncio.gather(
            *(
                dying.enter_async_context(process.reading({f"{number}": "1"}))
                for number, process in enumerate(processes)
            )
        )
        items = {f"{number}": "1" for number in range(8)}
        assert await Quarantine(db, "inbox").admit(items) == ([], list(items), [])
    assert await Quarantine(db, "inbox").admit(items) == (list(items), [], [])


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_reading_that_ends_while_the_end_of_another_is_stored_is_no_crash(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine = Quarantine(db, "sources")
    ending, stored = asyncio.Event(), asyncio.Event()
    transaction = Database.transaction

    @asynccontextmanager
    async def held(self: Database) -> AsyncIterator[Connection]:
        async with transaction(self) as connection:
            yield connection
            if not ending.is_set():
                ending.set()
                await stored.wait()

    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(quarantine.reading({"a": "1"}))
        await second.enter_async_context(quarantine.reading({"b": "1"}))
        monkeypatch.setattr(Database, "transaction", held)
        ends = [asyncio.create_task(first.aclose())]
        await ending.wait()
        ends.append(asyncio.create_task(second.aclose()))
        await asyncio.sleep(0)
        stored.set()
        await asyncio.gather(*ends)
    assert await quarantine.admit({"a": "1", "b": "1"}) == (["a", "b"], [], [])


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_reading_that_ends_leaves_the_count_of_the_process_that_took_over(db: Database) -> None:
    old, new = Quarantine(db, "inbox"), Quarantine(db, "inbox")
    async with AsyncExitStack() as dying:
        async with old.reading({"a": "1"}):
            await dying.enter_async_context(new.reading({"a": "1"}))
        assert await Quarantine(db, "inbox").admit({"a": "1"}) == ([], ["a"], [])
    assert await Quarantine(db, "inbox").admit({"a": "1"}) == (["a"], [], [])


@pytest.mark.engines("postgresql")
async def test_a_reading_that_ends_after_a_hand_over_or_in_an_outage_is_not_a_crash(db: Database) -> None:
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    quarantine = Quarantine(locks.fenced(db, lambda: lock.term), "inbox")
    async with quarantine.reading({"a": "1"}):
        await lock.release()
    assert await Quarantine(db, "inbox").admit({"a": "1"}) == (["a"], [], [])
    with pytest.raises(errors.StorageError), mock.patch.object(Database, "transaction", _fail_second()):
        async with quarantine.reading({"a": "1"}):
            pass
    assert await Quarantine(db, "inbox").admit({"a": "1"}) == ([], ["a"], [])
    assert await quarantine.admit({"a": "1"}) == (["a"], [], [])


def _fail_second() -> Callable[[Database], Any]:
    """Return a replacement of `Database.transaction` that finds the database away from the second time on."""
    transaction, count = Database.transaction, itertools.count()

    def open_or_fail(database: Database) -> Any:
        if next(count):
            raise errors.DatabaseUnavailableError("it is away")
        return transaction(database)

    return open_or_fail


MAX_MEGABYTES = 150


@pytest.mark.parametrize(("shape", "papers"), [("60,000 papers", 5_000), ("one line", 1)])
def test_a_hostile_file_takes_bounded_memory(tmp_path: Path, shape: str, papers: int) -> None:
    command = [sys.executable, "-m", "tests.support.ingest_memory", shape, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["papers"] == papers
    assert measured["growth_mb"] < MAX_MEGABYTES
