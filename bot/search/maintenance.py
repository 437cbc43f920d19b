"""Maintenance of the index and the glossary: what is pending, and running it here or in a process off the GIL."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import assert_never

from bot.core import isolation
from bot.core.clock import Clock, system_clock
from bot.search import glossary
from bot.search import index as search_index
from storage import locks, migrate, search, snapshot
from storage.database import Database


class MaintenanceTask(Enum):
    """The kinds of maintenance tasks."""

    INDEX = "index"
    GLOSSARY = "glossary"


async def find_pending(
    database: Database, clock: Clock, index: search_index.SearchIndex
) -> tuple[MaintenanceTask, int, str] | None:
    """Return the next pending task, the number of papers, and the reason for the log; None if no task is pending.

    Changes of a few papers are indexed at once.
    """
    async with database.read() as connection:
        await snapshot.read(connection, index.refresh)
        is_current = await snapshot.read(connection, index.is_current)
        papers = await snapshot.read(connection, search.count_top)
    if not is_current:
        return MaintenanceTask.INDEX, papers, "papers have changed"
    if await glossary.GlossaryService(database, clock).is_stale():
        return MaintenanceTask.GLOSSARY, papers, "the archive has grown"
    return None


async def run_task(
    database: Database, clock: Clock, index: search_index.SearchIndex, task: MaintenanceTask
) -> AsyncGenerator[int, None]:
    """Run a task, yielding the number of papers processed. It may be stopped at any point and run again."""
    match task:
        case MaintenanceTask.INDEX:
            async with aclosing(search_index.follow(database, index)) as steps:
                async for done in steps:
                    yield done
        case MaintenanceTask.GLOSSARY:
            read = [0]
            await glossary.GlossaryService(database, clock, index).rebuild(read.append)
            yield read[-1]
        case _:
            assert_never(task)


async def run_in_worker(
    url: str, task: MaintenanceTask, term: int | None = None, name: str | None = None
) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password; with a sender's `term` it is written in that term only. `name` is that
    of the sender's sessions. Raises PaperroundError; the task's stored progress remains.
    """
    steps = isolation.stream_isolated(
        *(_run_task, url, task.value, term, name), seconds=None, megabytes=None, with_database=True
    )
    async with aclosing(steps):
        async for done in steps:
            yield done


async def _run_task(url: str, task: str, term: int | None, name: str | None) -> AsyncGenerator[int, None]:
    opened = await migrate.open_database(url, migrate=False, name=name)
    try:
        database = opened if term is None else locks.fenced(opened, lambda: term)
        index = search_index.SearchIndex(search_index.folder_of(opened))
        async for done in run_task(database, system_clock, index, MaintenanceTask(task)):
            yield done
    finally:
        await opened.close()
