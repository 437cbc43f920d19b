"""Starts and ends child processes, each a module of ours, for work that would block the event loop or keep its memory.

A child gets its request as a line of JSON on stdin, and exits when its stdin closes, which also happens when its parent is
killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot import errors

NICE = 10
STOP_SECONDS = 3.0
_SECRET_VARIABLES = ("DISCORD_TOKEN", "PAPERROUND_DATABASE_URL")
_ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""Settings of glibc that return freed memory to the system at once."""


class ChildStartError(errors.PaperroundError):
    """No process can be started; the work has to be done in this one."""


class ChildError(errors.PaperroundError):
    """The process exited before its work was finished."""


def environment() -> dict[str, str]:
    """Return the environment of a child: without secrets, and with the path of this package."""
    inherited = {name: value for name, value in os.environ.items() if name not in _SECRET_VARIABLES}
    return inherited | _ALLOCATOR | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module."""
    # -P leaves out the current directory, through which the parent may have found this package.
    return [sys.executable, "-P", "-m", module, *arguments]


async def start(module: str, request: Mapping[str, Any]) -> asyncio.subprocess.Process:
    """Start a module with its request; its stderr goes to stdout. Raises ChildStartError."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command(module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
            # Ctrl-C is for the parent, which then stops its child.
            start_new_session=True,
        )
    except (OSError, ValueError, NotImplementedError) as error:
        raise ChildStartError(f"no process can be started: {error}") from error
    assert child.stdin is not None
    # Not as an argument: any user can read those of a process, and a database URL contains its password.
    child.stdin.write(json.dumps(request).encode() + b"\n")
    return child


async def stop(child: asyncio.subprocess.Process) -> None:
    """End a child if it still runs."""
    if child.returncode is None:
        for end in (child.terminate, child.kill):
            with suppress(ProcessLookupError):
                end()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), STOP_SECONDS)
                break
    if child.stdin is not None:
        child.stdin.close()


def describe_exit(status: int) -> str:
    """Return how a process ended, for a message."""
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def read_request() -> Any:
    """Lower the priority of this process, which is a child, and return its request."""
    os.nice(NICE)
    return json.loads(sys.stdin.readline())


def exit_with_parent() -> None:
    """End this process, which is a child, once its stdin closes."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    sys.stdin.read()
    # At once: an orderly exit would wait for the current transaction, and a transaction may be cut off.
    os._exit(1)
