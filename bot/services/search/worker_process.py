"""Does upkeep in a process of its own at low priority, so that answers do not wait for Python's one lock.

The child opens the database itself, says on stdout how far it is, and ends when its stdin does, which is when its
parent is gone, however that went. What is due is `upkeep`'s to know.
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
    """There is no process to be had here; the work has to be done in this one."""


class WorkerError(errors.PaperroundError):
    """The process ended before its work was done. What it had done is kept where the work keeps it."""


async def run_task(url: str, task: maintenance_tasks.MaintenanceTask) -> AsyncGenerator[int, None]:
    """Do it in another process, and yield how many papers are done. Closing it early stops the process.

    `url` is the database's, with its password. Raises CannotStartError before anything was done, ChildError after.
    """
    child = await _start(url, task)
    said: deque[str] = deque(maxlen=_MAX_OUTPUT_LINES)
    ready = False
    try:
        assert child.stdout is not None
        async for line in child.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            if text == _READY:
                ready = True
            elif text.isdigit():
                yield int(text)
            else:
                said.append(text)
        status = await child.wait()
    finally:
        await _stop(child)
    if status > 0 and not ready:
        raise WorkerStartError(f"the process ended with {status} at once: {' / '.join(said)}")
    if status:
        raise WorkerError(f"the process ended with {_describe_status(status)}: {' / '.join(said)}")


async def _start(url: str, task: maintenance_tasks.MaintenanceTask) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if name not in _SECRET_VARIABLES}
    # Ours may have been found through the folder that the parent was started in, which -P leaves out.
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", __name__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            # Ctrl-C is for the parent, which then ends its child.
            start_new_session=True,
        )
    except (OSError, ValueError, NotImplementedError) as error:
        raise WorkerStartError(f"no process can be started: {error}") from error
    assert child.stdin is not None
    # Through a pipe, for everybody may read the arguments of a process, and a database's address holds its password.
    asked = {"url": url, "task": task.value, "version": document_tokens.VERSION}
    child.stdin.write(json.dumps(asked).encode() + b"\n")
    return child


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        for end in (child.terminate, child.kill):
            with suppress(ProcessLookupError):
                end()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), STOP_SECONDS)
                break
    if child.stdin is not None:
        child.stdin.close()


def _describe_status(status: int) -> str:
    return f"status {status}" if status > 0 else signal.Signals(-status).name


def main() -> None:
    """Be the child: read what to do from stdin, and do it."""
    os.nice(NICE)
    asked = json.loads(sys.stdin.readline())
    if asked["version"] != document_tokens.VERSION:
        # A program that was replaced while it ran would otherwise get an index that it cannot read.
        _write_line(_READY)
        sys.exit("another version was installed while this one runs; restart the bot")
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    asyncio.run(_run_worker(asked["url"], maintenance_tasks.MaintenanceTask(asked["task"])))


def _exit_with_parent() -> None:
    sys.stdin.read()
    # At once: all work is done in transactions, and an orderly end would wait for the one in hand.
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
