"""Runs maintenance tasks in a low-priority subprocess, off the GIL. The worker opens the database itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from bot import child_process, clock, errors
from bot.services.indexing import document_tokens, maintenance_tasks
from storage import migrate


async def run_task(url: str, task: maintenance_tasks.MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password. Raises ChildStartError before any work is done, another PaperroundError
    after; the task's stored progress remains.
    """
    steps = child_process.stream_isolated(
        _run_task, url, task.value, document_tokens.VERSION, seconds=None, megabytes=None
    )
    async with aclosing(steps):
        try:
            await anext(steps)  # it has opened the database
        except child_process.ChildLimitError:
            raise
        except errors.PaperroundError as error:
            raise child_process.ChildStartError(str(error)) from error
        async for done in steps:
            yield done


async def _run_task(url: str, task: str, version: str) -> AsyncGenerator[int, None]:
    if version != document_tokens.VERSION:
        # The parent, replaced while it runs, could not read the index that this version builds.
        yield 0
        raise child_process.ChildError("another version was installed while this one runs; restart the bot")
    opened = await migrate.open_database(url, migrate=False)
    try:
        yield 0
        kind = maintenance_tasks.MaintenanceTask(task)
        async for done in maintenance_tasks.run_task(opened, clock.system_clock, kind):
            yield done
    finally:
        await opened.close()
