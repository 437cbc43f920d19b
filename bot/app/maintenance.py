"""Keeps the index and the glossary well while the bot runs: looks every ten minutes, and tells the log what it does.

Much work goes into a process of its own; where none can be had, and for small archives, it is done here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import structlog

from bot import isolation
from bot.clock import Clock
from bot.services.search import maintenance_tasks, worker_process
from storage.database import Database, sqlite_path

log = structlog.get_logger(__name__)

CHECK_INTERVAL_SECONDS = 600.0
MAX_CHECK_INTERVAL_SECONDS = 6 * 3600.0
"""After failures in a row the pause doubles up to this."""
IN_PROCESS_LIMIT = 200
"""Fewer papers than this are done sooner than a process has started; more would leave this one with the memory of the work."""
PROGRESS_LOG_SECONDS = 15.0


class MaintenanceLoop:
    """Looks after one database. `small`: up to so many papers are worked on in this process."""

    def __init__(self, database: Database, clock: Clock, *, in_process_limit: int = IN_PROCESS_LIMIT) -> None:
        self._database = database
        self._clock = clock
        self._in_process_limit = in_process_limit
        self._has_seen_current_index = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look now, and again and again, until `stop` is set; what is in hand then is left to the next start."""
        failures = 0
        while not stop.is_set():
            work = asyncio.ensure_future(self.run_due_tasks())
            stopper = asyncio.ensure_future(stop.wait())
            await asyncio.wait({work, stopper}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            stopper.cancel()
            [well, _] = await asyncio.gather(work, stopper, return_exceptions=True)
            failures = 0 if well is True else failures + 1
            with suppress(TimeoutError):
                pause = min(MAX_CHECK_INTERVAL_SECONDS, CHECK_INTERVAL_SECONDS * 2 ** min(failures, 9))
                await asyncio.wait_for(stop.wait(), pause)

    async def run_due_tasks(self) -> bool:
        """Do what is due, each thing once. Returns whether all went well; what did not is in the log."""
        with isolation.isolated(log, "maintenance failed; will retry later"):
            try:
                return await self._run_pending_tasks()
            except worker_process.WorkerError as error:
                log.error("maintenance failed; will retry later", reason=str(error))
        return False

    async def _run_pending_tasks(self) -> bool:
        done: set[maintenance_tasks.MaintenanceTask] = set()
        while True:
            pending = await maintenance_tasks.find_pending(
                self._database, self._clock, was_current=self._has_seen_current_index
            )
            if pending is None or pending.task in done:
                self._has_seen_current_index = True
                return True
            if pending.task is maintenance_tasks.MaintenanceTask.RESTART:
                log.warning(
                    "another version is at work here; restart the bot",
                    reason=f"the index is {pending.reason}",
                )
                return True
            done.add(pending.task)
            await self._run_task(pending)

    async def _run_task(self, due: maintenance_tasks.PendingTask) -> None:
        log.info("upkeep begins", task=due.task.value, papers=due.papers, reason=due.reason)
        begun = told = time.monotonic()
        async with aclosing(self._task_steps(due)) as steps:
            async for papers in steps:
                if time.monotonic() - told > PROGRESS_LOG_SECONDS:
                    told = time.monotonic()
                    log.info("upkeep goes on", task=due.task.value, done=papers, of=due.papers)
        log.info("upkeep is done", task=due.task.value, seconds=round(time.monotonic() - begun, 1))

    async def _task_steps(self, due: maintenance_tasks.PendingTask) -> AsyncGenerator[int, None]:
        if due.papers > self._in_process_limit and self._supports_worker_process():
            url = self._database.url.render_as_string(hide_password=False)
            try:
                async with aclosing(worker_process.run_task(url, due.task)) as steps:
                    async for papers in steps:
                        yield papers
                return
            except worker_process.WorkerStartError as error:
                log.warning(
                    "upkeep has no process of its own, so answers are slower meanwhile", reason=str(error)
                )
        async with aclosing(maintenance_tasks.run_task(self._database, self._clock, due.task)) as steps:
            async for papers in steps:
                yield papers

    def _supports_worker_process(self) -> bool:
        """Tell whether another process could open the database: one in memory has no other."""
        return not self._database.is_sqlite or sqlite_path(self._database.url) is not None
