"""Maintains the index and the glossary while the bot runs: checks every ten minutes and logs what it does.

Large tasks run in a worker process; small ones, and all tasks where no process can be started, run in this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import structlog

from bot import child_process, isolation
from bot.clock import Clock
from bot.services.indexing import maintenance_tasks, worker_process
from storage.database import Database

log = structlog.get_logger(__name__)

CHECK_INTERVAL_SECONDS = 600.0
MAX_CHECK_INTERVAL_SECONDS = 6 * 3600.0
"""Upper bound of the pause, which doubles after each failure in a row."""
IN_PROCESS_LIMIT = 200
"""Papers up to which a task runs in this process: starting a worker takes longer. Larger tasks would keep their memory."""
PROGRESS_LOG_SECONDS = 15.0


class MaintenanceLoop:
    """Runs pending maintenance tasks of one database."""

    def __init__(self, database: Database, clock: Clock, *, in_process_limit: int = IN_PROCESS_LIMIT) -> None:
        self._database = database
        self._clock = clock
        self._in_process_limit = in_process_limit
        self._has_seen_current_index = False

    async def run(self, stop: asyncio.Event) -> None:
        """Run pending tasks periodically until `stop` is set, which cancels a task; the next start continues it."""
        failures = 0
        while not stop.is_set():
            succeeded = await isolation.run_unless_stopped(self.run_due_tasks(), stop)
            failures = 0 if succeeded else failures + 1
            with suppress(TimeoutError):
                pause = min(MAX_CHECK_INTERVAL_SECONDS, CHECK_INTERVAL_SECONDS * 2 ** min(failures, 9))
                await asyncio.wait_for(stop.wait(), pause)

    async def run_due_tasks(self) -> bool:
        """Run each pending task once. Returns whether all succeeded; errors are logged."""
        with isolation.isolated(log, "maintenance failed; will retry later"):
            try:
                return await self._run_pending_tasks()
            except child_process.ChildError as error:
                log.error("maintenance failed; will retry later", reason=str(error))
        return False

    async def _run_pending_tasks(self) -> bool:
        done: set[maintenance_tasks.MaintenanceTask] = set()
        while True:
            pending = await maintenance_tasks.find_pending(
                self._database, self._clock, was_current=self._has_seen_current_index
            )
            if pending is None or pending[0] in done:
                self._has_seen_current_index = True
                return True
            task, paper_count, reason = pending
            if task is maintenance_tasks.MaintenanceTask.RESTART:
                log.warning(
                    "another version maintains this database; restart the bot",
                    reason=f"the index is {reason}",
                )
                return True
            done.add(task)
            log.info("maintenance started", task=task.value, papers=paper_count, reason=reason)
            await self._run_task(task, paper_count)

    async def _run_task(self, task: maintenance_tasks.MaintenanceTask, paper_count: int) -> None:
        started_at = logged_at = time.monotonic()
        async with aclosing(self._task_steps(task, paper_count)) as steps:
            async for done in steps:
                if time.monotonic() - logged_at > PROGRESS_LOG_SECONDS:
                    logged_at = time.monotonic()
                    log.info("maintenance running", task=task.value, done=done, of=paper_count)
        log.info("maintenance done", task=task.value, seconds=round(time.monotonic() - started_at, 1))

    async def _task_steps(
        self, task: maintenance_tasks.MaintenanceTask, paper_count: int
    ) -> AsyncGenerator[int, None]:
        if paper_count > self._in_process_limit and self._database.is_shareable:
            url = self._database.url.render_as_string(hide_password=False)
            try:
                async with aclosing(worker_process.run_task(url, task)) as steps:
                    async for done in steps:
                        yield done
                return
            except child_process.ChildStartError as error:
                log.warning("no worker process; answers are slower during maintenance", reason=str(error))
        async with aclosing(maintenance_tasks.run_task(self._database, self._clock, task)) as steps:
            async for done in steps:
                yield done
