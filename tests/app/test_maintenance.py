"""A bot rebuilds an outdated, unfinished or incomplete index, in its own process or in a worker."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import psutil
import pytest
import structlog

from bot.app import container, tasks
from bot.core import isolation
from bot.core.settings import Settings
from bot.search import glossary
from bot.search import index as search_index
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import archive, errors, key_values, migrate, papers, search, snapshot
from storage import search_index as stored_index
from storage.database import Database
from tests.fake_discord import process
from tests.support import patience, sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAPERS = [
    NewsletterPaper(
        f"2501.{number:05}",
        f"Reinforcement learning number{number}",
        "강화 학습(reinforcement learning; RL)이다.",
    )
    for number in range(1, 61)
]


@pytest.fixture(autouse=True)
def _no_rebuild_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "PAUSE_RATIO", 0)


@pytest.fixture
async def filled(db: Database) -> Database:
    """An archive of 60 papers with index and glossary."""
    await search_index.record_version(db)
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    await glossary.GlossaryService(db, lambda: NOW).rebuild()
    return db


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def maintenance_loop(database: Database, *, in_process_limit: int = 10**6) -> tasks.MaintenanceLoop:
    return tasks.MaintenanceLoop(database, lambda: NOW, in_process_limit=in_process_limit)


async def pretend_other_version(database: Database) -> None:
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.INDEX_VERSION, "0")


async def is_index_healthy(database: Database) -> bool:
    status = await search_index.get_index_status(database)
    return not (status.needs_rebuild or status.missing) and status.papers == len(PAPERS)


async def test_an_ingest_through_the_container_indexes_with_a_known_version(database_url: str) -> None:
    for _ in range(2):
        async with container.open_container(Settings(database_url=database_url), clock=lambda: NOW) as opened:
            await opened.create_ingest().add_text(
                sample_archive.newsletter("2025-01-02", PAPERS), location="a.md"
            )
            status = await search_index.get_index_status(opened.database)
    assert status.version == search_index.VERSION
    assert not status.needs_rebuild


@pytest.mark.parametrize("in_process_limit", [0, 10**6], ids=["in a worker", "in this process"])
@pytest.mark.engines("sqlite", "postgresql")
async def test_an_index_of_another_version_is_rebuilt(filled: Database, in_process_limit: int) -> None:
    await pretend_other_version(filled)
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled, in_process_limit=in_process_limit).run_due_tasks()
    assert await is_index_healthy(filled)
    async with filled.read() as connection:
        version = await snapshot.read(connection, search.get_glossary_version)
    assert version is not None
    assert not version.startswith(f"{NOW:%Y-%m-%d}") or in_process_limit
    assert (await SearchService(filled).search(SearchRequest("number60"))).total == 1


async def test_what_a_killed_ingest_left_is_indexed(filled: Database) -> None:
    async with filled.transaction() as connection:
        ids = await papers.list_newest_ids(connection, limit=2)
        await search_index.SearchIndexer().postpone(connection, [ids])
    assert await maintenance_loop(filled).run_due_tasks()
    async with filled.read() as connection:
        assert not await search_index.list_waiting(connection)


async def test_a_rebuild_leaves_the_last_space_of_the_disk_to_posts(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pretend_other_version(filled)
    free = iter([stored_index.MIN_FREE_BYTES, 12_000_000])
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: mock.Mock(free=next(free)))
        with pytest.raises(errors.StorageError, match="is paused: only 12 MB are free"):
            async for _ in search_index.rebuild_index(filled):
                pass
    assert (await search_index.get_index_status(filled)).progress is not None
    assert (await SearchService(filled).search(SearchRequest("number60"))).total == 1
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_an_unfinished_rebuild_is_finished_and_missing_papers_are_added(filled: Database) -> None:
    async with aclosing(search_index.rebuild_index(filled)) as steps:
        await anext(steps)
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)
    async with filled.transaction() as connection:
        rows = await snapshot.read(connection, search.list_by_popularity, limit=7)
        await search_index.SearchIndexer().remove(connection, [row.paper_id for row in rows])
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_missing_glossary_is_built(db: Database) -> None:
    await search_index.record_version(db)
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert await maintenance_loop(db).run_due_tasks()
    async with db.read() as connection:
        made = await snapshot.read(connection, search.get_glossary)
    assert made is not None
    assert made[0] == len(PAPERS)
    assert await search_index.find_pending(db, lambda: NOW) is None


async def test_without_a_worker_process_the_task_runs_in_this_process(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pretend_other_version(filled)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert await maintenance_loop(filled, in_process_limit=0).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_worker_that_cannot_start_raises_its_own_error(filled: Database) -> None:
    with pytest.raises(isolation.ChildStartError):
        await _run_all(search_index.run_in_worker("mysql://nowhere", search_index.MaintenanceTask.INDEX))


@pytest.mark.engines("sqlite", "postgresql")
async def test_a_killed_worker_raises_an_error_and_its_progress_is_kept(filled: Database) -> None:
    await pretend_other_version(filled)
    async with aclosing(search_index.rebuild_index(filled)) as steps:
        await anext(steps)
    async with filled.transaction() as connection:
        await archive.lock_ingest(connection)  # the worker waits for this lock
        task = asyncio.ensure_future(
            _run_all(search_index.run_in_worker(url_of(filled), search_index.MaintenanceTask.INDEX))
        )
        [worker] = await _wait_for_workers()
        worker.kill()
        with pytest.raises(isolation.ChildError, match="SIGKILL"):
            await task
    status = await search_index.get_index_status(filled)
    assert status.is_outdated
    assert status.progress is not None
    assert (await SearchService(filled).search(SearchRequest("number60"))).total == 1
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_stopping_ends_the_worker(filled: Database) -> None:
    await pretend_other_version(filled)
    stop = asyncio.Event()
    async with filled.transaction() as connection:
        await archive.lock_ingest(connection)
        loop = asyncio.ensure_future(maintenance_loop(filled, in_process_limit=0).run(stop))
        workers = await _wait_for_workers()
        stop.set()
        await patience.wait_for(loop, 10)
        assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


async def test_an_index_that_another_version_rebuilt_is_left_as_it_is(filled: Database) -> None:
    older = maintenance_loop(filled)
    assert await older.run_due_tasks()
    await pretend_other_version(filled)
    with structlog.testing.capture_logs() as events:
        assert await older.run_due_tasks()
    assert (await search_index.get_index_status(filled)).is_outdated
    assert any("restart the bot" in event["event"] for event in events)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_worker_of_another_version_changes_nothing(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pretend_other_version(filled)
    monkeypatch.setattr(search_index, "VERSION", "older")
    with pytest.raises(isolation.ChildError, match="restart the bot"):
        await _run_all(search_index.run_in_worker(url_of(filled), search_index.MaintenanceTask.INDEX))
    assert (await search_index.get_index_status(filled)).progress is None


async def _run_all(steps: AsyncGenerator[int, None]) -> list[int]:
    async with aclosing(steps):
        return [done async for done in steps]


async def _wait_for_workers() -> list[psutil.Process]:
    """Wait until this process has worker processes, and return them."""

    def list_workers() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [child for child in children if search_index.__name__ in " ".join(child.cmdline())]

    await patience.wait_until(lambda: bool(list_workers()))  # another process starts them
    return list_workers()


async def test_a_failed_check_is_reported_and_retried(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("not today")

    with monkeypatch.context() as patch:
        patch.setattr(search_index, "find_pending", fail)
        assert not await maintenance_loop(filled).run_due_tasks()
    assert await maintenance_loop(filled).run_due_tasks()


@pytest.mark.wire
async def test_a_bot_rebuilds_an_index_of_another_version_at_its_start(
    fake: process.FakeDiscord, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}"
    database = await migrate.open_database(url)
    await sample_archive.add_digest(database, "2025-01-02", *PAPERS)
    await pretend_other_version(database)

    async def is_rebuilt() -> bool:
        assert (await SearchService(database).search(SearchRequest("number60"))).total == 1
        return await is_index_healthy(database)

    async with fake.running_bot(tmp_path) as (_, log):
        await patience.wait_until(is_rebuilt, describe=log.read_text)
    await database.close()
    assert "maintenance started" in log.read_text()
