"""Maintenance of the index and the glossary: finds the pending task and runs it, here or in a process off the GIL."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import assert_never

from bot.core import clock, isolation
from bot.core.clock import Clock
from bot.search import glossary
from bot.search import index as search_index
from storage import errors, locks, migrate
from storage.database import Database


class MaintenanceTask(Enum):
    """The kinds of maintenance tasks."""

    INDEX = "index"
    GAPS = "gaps"
    GLOSSARY = "glossary"
    RESTART = "restart"
    """Another version was installed while this process ran, and built the index; only a restart helps."""


async def find_pending(
    database: Database, clock: Clock, *, was_current: bool = False
) -> tuple[MaintenanceTask, int, str] | None:
    """Return the next pending task, its number of papers, and the reason for the log; None if no task is pending.

    `was_current`: this process has seen an index of its own version. It then asks for a restart instead of a rebuild,
    since two running versions would rebuild the index in turns for ever.
    """
    status = await search_index.get_index_status(database)
    paper_count = status.papers + status.missing
    if status.is_outdated and was_current:
        return MaintenanceTask.RESTART, paper_count, describe(status)
    if status.needs_rebuild:
        return MaintenanceTask.INDEX, paper_count, describe(status)
    if status.missing:
        return MaintenanceTask.GAPS, status.missing, describe(status)
    if await glossary.GlossaryService(database, clock).is_stale():
        return MaintenanceTask.GLOSSARY, paper_count, "the archive has grown"
    return None


def describe(status: search_index.IndexStatus) -> str:
    """Return what is wrong with the index as a clause, "" if nothing is."""
    if status.is_outdated:
        made_by = f"version {status.version}" if status.version else "an unknown version"
        return f"made by {made_by}, and look-ups ask for what version {search_index.VERSION} makes"
    if status.progress is not None and status.progress.in_place:
        return "rebuilt; the former one is not yet cleared away"
    if status.progress is not None:
        return f"being rebuilt, {status.progress.papers} papers done"
    return f"without {status.missing} of the papers" if status.missing else ""


async def run_task(database: Database, clock: Clock, task: MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task, yielding the number of papers processed. It may be stopped at any point and run again."""
    match task:
        case MaintenanceTask.INDEX:
            async for done in search_index.rebuild_index(database):
                yield done
            # Another version may extract other mentions.
            await glossary.GlossaryService(database, clock).rebuild()
        case MaintenanceTask.GAPS:
            async for done in search_index.fill_gaps(database):
                yield done
        case MaintenanceTask.GLOSSARY:
            read = [0]
            await glossary.GlossaryService(database, clock).rebuild(read.append)
            yield read[-1]
        case MaintenanceTask.RESTART:
            raise ValueError("A restart is up to the operator.")
        case _:
            assert_never(task)


async def run_in_worker(
    url: str, task: MaintenanceTask, term: int | None = None, name: str | None = None
) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password; with a sender's `term` it is written in that term only. `name` is that
    of the sender's sessions. Raises ChildStartError before any work is done, another PaperroundError after; the task's stored
    progress remains.
    """
    steps = isolation.stream_isolated(
        *(_run_task, url, task.value, search_index.VERSION, term, name),
        seconds=None,
        megabytes=None,
        with_database=True,
    )
    async with aclosing(steps):
        try:
            await anext(steps)  # it has opened the database
        except isolation.ChildLimitError:
            raise
        except errors.PaperroundError as error:
            raise isolation.ChildStartError(str(error)) from error
        async for done in steps:
            yield done


async def _run_task(
    url: str, task: str, version: str, term: int | None, name: str | None
) -> AsyncGenerator[int, None]:
    if version != search_index.VERSION:
        # The parent, replaced while it runs, could not read the index that this version builds.
        yield 0
        raise isolation.ChildError("another version was installed while this one runs; restart the bot")
    opened = await migrate.open_database(url, migrate=False, name=name)
    try:
        yield 0
        database = opened if term is None else locks.fenced(opened, lambda: term)
        async for done in run_task(database, clock.system_clock, MaintenanceTask(task)):
            yield done
    finally:
        await opened.close()
