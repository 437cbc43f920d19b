"""Runs maintenance tasks in a low-priority subprocess, off the GIL.

The worker opens the database itself and writes its progress to stdout.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator

from bot import child_process, clock
from bot.services.indexing import document_tokens, maintenance_tasks
from storage import database, migrate

_READY = "ready"
_MAX_OUTPUT_LINES = 6


async def run_task(url: str, task: maintenance_tasks.MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password. Raises ChildStartError before any work is done, ChildError after;
    the task's stored progress remains.
    """
    request = {"url": url, "task": task.value, "version": document_tokens.VERSION}
    worker = await child_process.start(__name__, request)
    output: deque[str] = deque(maxlen=_MAX_OUTPUT_LINES)
    ready = False
    try:
        assert worker.stdout is not None
        async for line in worker.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            if text == _READY:
                ready = True
            elif text.isdigit():
                yield int(text)
            else:
                output.append(text)
        status = await worker.wait()
    finally:
        await child_process.stop(worker)
    if status > 0 and not ready:
        raise child_process.ChildStartError(f"the process ended with {status} at once: {' / '.join(output)}")
    if status:
        reason = child_process.describe_exit(status)
        raise child_process.ChildError(f"the process ended with {reason}: {' / '.join(output)}")


def main() -> None:
    """Run the worker: read the task from stdin and run it."""
    request = child_process.read_request()
    if request["version"] != document_tokens.VERSION:
        # The parent, replaced while it runs, could not read the index that this version builds.
        _write_line(_READY)
        sys.exit("another version was installed while this one runs; restart the bot")
    child_process.exit_with_parent()
    asyncio.run(_run_worker(request["url"], maintenance_tasks.MaintenanceTask(request["task"])))


async def _run_worker(url: str, task: maintenance_tasks.MaintenanceTask) -> None:
    opened: database.Database = await migrate.open_database(url, migrate=False)
    try:
        _write_line(_READY)
        async for done in maintenance_tasks.run_task(opened, clock.system_clock, task):
            _write_line(str(done))
    finally:
        await opened.close()


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
