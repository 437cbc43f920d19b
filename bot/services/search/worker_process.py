"""Runs maintenance tasks in a low-priority subprocess, off the GIL.

The worker opens the database itself and writes its progress to stdout. It exits when its stdin closes, which also happens
when its parent is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from bot import clock, errors
from bot.services.search import document_tokens, maintenance_tasks
from storage import database, migrate

NICE = 10
STOP_SECONDS = 3.0
_SECRET_VARIABLES = ("DISCORD_TOKEN",)
_READY = "ready"
_MAX_OUTPUT_LINES = 6


class WorkerStartError(errors.PaperroundError):
    """No worker process can be started; the task has to run in this process."""


class WorkerError(errors.PaperroundError):
    """The worker exited before its task was finished. The task's stored progress remains."""


async def run_task(url: str, task: maintenance_tasks.MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task in a worker process, yielding the number of papers processed. Closing the generator stops the worker.

    `url` is that of the database, with its password. Raises WorkerStartError before any work is done, WorkerError after.
    """
    worker = await _start(url, task)
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
        await _stop(worker)
    if status > 0 and not ready:
        raise WorkerStartError(f"the process ended with {status} at once: {' / '.join(output)}")
    if status:
        reason = f"status {status}" if status > 0 else signal.Signals(-status).name
        raise WorkerError(f"the process ended with {reason}: {' / '.join(output)}")


async def _start(url: str, task: maintenance_tasks.MaintenanceTask) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if name not in _SECRET_VARIABLES}
    # -P leaves out the current directory, through which the parent may have found this package.
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    try:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", __name__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            # Ctrl-C is for the parent, which then stops its worker.
            start_new_session=True,
        )
    except (OSError, ValueError, NotImplementedError) as error:
        raise WorkerStartError(f"no process can be started: {error}") from error
    assert worker.stdin is not None
    # Not as an argument: any user can read those of a process, and a database URL contains its password.
    request = {"url": url, "task": task.value, "version": document_tokens.VERSION}
    worker.stdin.write(json.dumps(request).encode() + b"\n")
    return worker


async def _stop(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        for stop in (worker.terminate, worker.kill):
            with suppress(ProcessLookupError):
                stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(worker.wait(), STOP_SECONDS)
                break
    if worker.stdin is not None:
        worker.stdin.close()


def main() -> None:
    """Run the worker: read the task from stdin and run it."""
    os.nice(NICE)
    request = json.loads(sys.stdin.readline())
    if request["version"] != document_tokens.VERSION:
        # The parent, replaced while it runs, could not read the index that this version builds.
        _write_line(_READY)
        sys.exit("another version was installed while this one runs; restart the bot")
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    asyncio.run(_run_worker(request["url"], maintenance_tasks.MaintenanceTask(request["task"])))


def _exit_with_parent() -> None:
    sys.stdin.read()
    # At once: an orderly exit would wait for the current transaction, and a transaction may be cut off.
    os._exit(1)


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
