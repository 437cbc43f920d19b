"""A bot whose index is of another version, unfinished or full of gaps puts it right by itself, here or in another process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import structlog

from bot.app import container, maintenance
from bot.services.search import (
    document_tokens,
    glossary_service,
    indexer,
    maintenance_tasks,
    rebuild,
    worker_process,
)
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from bot.settings import Settings
from storage import digests, key_values, migrate
from storage.database import Database
from storage.search import glossary, index
from tests.fake_discord import process
from tests.support import sample_archive
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
    monkeypatch.setattr(rebuild, "PAUSE_RATIO", 0)


@pytest.fixture
async def filled(db: Database) -> Database:
    """An archive of 60 papers with index and glossary."""
    await rebuild.record_version(db)
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    await glossary_service.GlossaryService(db, lambda: NOW).rebuild()
    return db


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def maintenance_loop(database: Database, *, in_process_limit: int = 10**6) -> maintenance.MaintenanceLoop:
    return maintenance.MaintenanceLoop(database, lambda: NOW, in_process_limit=in_process_limit)


async def pretend_other_version(database: Database) -> None:
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.INDEX_VERSION, "0")


async def is_index_healthy(database: Database) -> bool:
    found = await rebuild.get_index_status(database)
    return not (found.needs_rebuild or found.missing) and found.papers == len(PAPERS)


async def test_what_is_stored_through_the_core_is_in_an_index_of_a_known_version(database_url: str) -> None:
    for _ in range(2):
        async with container.open_container(Settings(database_url=database_url), clock=lambda: NOW) as core:
            await core.create_ingest().add_text(
                sample_archive.newsletter("2025-01-02", PAPERS), location="a.md"
            )
            found = await rebuild.get_index_status(core.database)
    assert found.version == document_tokens.VERSION
    assert not found.needs_rebuild


@pytest.mark.parametrize("aside_from", [0, 10**6], ids=["in another process", "here"])
async def test_an_index_of_another_version_is_made_anew(filled: Database, aside_from: int) -> None:
    await pretend_other_version(filled)
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled, in_process_limit=aside_from).run_due_tasks()
    assert await is_index_healthy(filled)
    async with filled.read() as connection:
        made = await glossary.get(connection)
    assert made is not None
    assert made.made_at != NOW or aside_from
    assert (await SearchService(filled).search(SearchRequest("number60"))).total == 1


async def test_one_that_somebody_left_half_made_is_finished(filled: Database) -> None:
    async with aclosing(rebuild.rebuild_index(filled)) as steps:
        await anext(steps)
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_gaps_are_filled(filled: Database) -> None:
    async with filled.transaction() as connection:
        held = await index.list_by_popularity(connection, limit=7)
        await indexer.SearchIndexer().remove(connection, [one.paper_id for one in held])
    assert not await is_index_healthy(filled)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_glossary_is_made_where_there_is_none(db: Database) -> None:
    await rebuild.record_version(db)
    await sample_archive.add_digest(db, "2025-01-02", *PAPERS)
    assert await maintenance_loop(db).run_due_tasks()
    async with db.read() as connection:
        made = await glossary.get(connection)
    assert made is not None
    assert (made.made_at, made.papers) == (NOW, len(PAPERS))
    assert await maintenance_tasks.find_pending(db, lambda: NOW) is None


async def test_without_another_process_the_work_is_done_here(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pretend_other_version(filled)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert await maintenance_loop(filled, in_process_limit=0).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_process_that_cannot_begin_is_told_from_one_that_dies(filled: Database) -> None:
    with pytest.raises(worker_process.WorkerStartError):
        await _all(worker_process.run_task("mysql://nowhere", maintenance_tasks.MaintenanceTask.INDEX))


async def test_a_child_that_is_killed_is_noticed_and_what_was_done_is_kept(filled: Database) -> None:
    await pretend_other_version(filled)
    async with aclosing(rebuild.rebuild_index(filled)) as steps:
        await anext(steps)
    async with filled.transaction() as connection:
        await digests.lock_ingest(connection)  # the child waits for it
        work = asyncio.ensure_future(
            _all(worker_process.run_task(url_of(filled), maintenance_tasks.MaintenanceTask.INDEX))
        )
        [child] = await _children()
        child.kill()
        with pytest.raises(worker_process.WorkerError, match="SIGKILL"):
            await work
    found = await rebuild.get_index_status(filled)
    assert found.is_outdated
    assert found.progress is not None
    assert (await SearchService(filled).search(SearchRequest("number60"))).total == 1
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_stopping_ends_the_child(filled: Database) -> None:
    await pretend_other_version(filled)
    stop = asyncio.Event()
    async with filled.transaction() as connection:
        await digests.lock_ingest(connection)
        running = asyncio.ensure_future(maintenance_loop(filled, in_process_limit=0).run(stop))
        children = await _children()
        stop.set()
        await asyncio.wait_for(running, 10)
        assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children)


async def test_a_child_ends_with_its_parent(filled: Database) -> None:
    await pretend_other_version(filled)
    asked = json.dumps({"url": url_of(filled), "task": "index", "version": document_tokens.VERSION})
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.services.search.worker_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    async with filled.transaction() as connection:
        await digests.lock_ingest(connection)
        child.stdin.write(f"{asked}\n".encode())
        assert await child.stdout.readline() == b"ready\n"
        child.stdin.close()
        assert await asyncio.wait_for(child.wait(), 20) == 1


async def test_an_index_that_another_version_took_over_is_left_to_it(filled: Database) -> None:
    older = maintenance_loop(filled)
    assert await older.run_due_tasks()
    await pretend_other_version(filled)
    with structlog.testing.capture_logs() as said:
        assert await older.run_due_tasks()
    assert (await rebuild.get_index_status(filled)).is_outdated
    assert any("restart the bot" in one["event"] for one in said)
    assert await maintenance_loop(filled).run_due_tasks()
    assert await is_index_healthy(filled)


async def test_a_child_of_another_version_does_nothing(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pretend_other_version(filled)
    monkeypatch.setattr(document_tokens, "VERSION", "older")
    with pytest.raises(worker_process.WorkerError, match="restart the bot"):
        await _all(worker_process.run_task(url_of(filled), maintenance_tasks.MaintenanceTask.INDEX))
    assert (await rebuild.get_index_status(filled)).progress is None


async def _all(steps: AsyncGenerator[int, None]) -> list[int]:
    async with aclosing(steps):
        return [done async for done in steps]


async def _children() -> list[psutil.Process]:
    """Wait for this process's children that do upkeep, and return them."""
    async with asyncio.timeout(30):
        while True:
            found = psutil.Process().children(recursive=True)
            if children := [
                one for one in found if "bot.services.search.worker_process" in " ".join(one.cmdline())
            ]:
                return children
            await asyncio.sleep(0.01)  # it happens elsewhere


async def test_trouble_is_told_and_tried_again(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("not today")

    with monkeypatch.context() as broken:
        broken.setattr(maintenance_tasks, "find_pending", fails)
        assert not await maintenance_loop(filled).run_due_tasks()
    assert await maintenance_loop(filled).run_due_tasks()


@pytest.mark.wire
async def test_a_bot_that_starts_with_an_index_of_another_version_makes_it_anew(
    fake: process.FakeDiscord, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}"
    database = await migrate.open_database(url)
    await sample_archive.add_digest(database, "2025-01-02", *PAPERS)
    await pretend_other_version(database)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PAPERROUND_", "DISCORD_"))}
    environment |= {**fake.environment(), "PAPERROUND_DATABASE_URL": url}
    log = tmp_path / "bot.log"
    with log.open("wb") as file:
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"), cwd=tmp_path, env=environment, stdout=file, stderr=file
        )
    try:
        async with asyncio.timeout(40):
            while not await is_index_healthy(database):
                assert (await SearchService(database).search(SearchRequest("number60"))).total == 1
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(log.read_text()[-4000:]) from None
    finally:
        if bot.returncode is None:
            bot.send_signal(signal.SIGTERM)
        await asyncio.wait_for(bot.wait(), 15)
        await database.close()
    assert bot.returncode == 0, log.read_text()[-3000:]
    assert "maintenance started" in log.read_text()
