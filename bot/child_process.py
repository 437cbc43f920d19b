"""Starts and ends child processes, each a module of ours, for work that would block the event loop or keep its memory.

A child gets its request as a line of JSON on stdin, and exits when its stdin closes, which also happens when its parent is
killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bot import errors

NICE = 10
STOP_SECONDS = 3.0
_SECRET_VARIABLES = ("DISCORD_TOKEN", "PAPERROUND_DATABASE_URL")
_ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""Settings of glibc that return freed memory to the system at once."""

_STACK_BYTES = 1 << 20
"""Size of a thread's stack, 8 MB by default, of which the whole counts as memory."""
_SENT_AT_ONCE = 1 << 18


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


async def run(module: str, request: Mapping[str, Any], data: bytes = b"") -> tuple[int, bytes]:
    """Run a module until it ends; returns its exit status and its output. `data` is for `read_data`.

    Cancelling ends the process. Raises ChildStartError.
    """
    child = await start(module, {**request, "length": len(data)})
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(ConnectionError):  # it has ended, and its status tells why
            for position in range(0, len(data), _SENT_AT_ONCE):
                child.stdin.write(data[position : position + _SENT_AT_ONCE])
                await child.stdin.drain()
        output = await child.stdout.read()
        return await child.wait(), output
    finally:
        await stop(child)


def describe_exit(status: int) -> str:
    """Return how a process ended, for a message."""
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def read_request() -> Any:
    """Lower the priority of this process, which is a child, and return its request."""
    os.nice(NICE)
    return json.loads(sys.stdin.buffer.readline())


def read_data(request: Mapping[str, Any]) -> bytes:
    """Return the data that `run` sent with the request to this process, which is a child."""
    return sys.stdin.buffer.read(request["length"])


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Make this process, which is a child, raise MemoryError in the block once its data segment is larger.

    Without the limit behind the block, there is memory for reporting the error.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1_000_000, before[1]))
    threading.stack_size(_STACK_BYTES)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def limit_cpu_time(minutes: float) -> None:
    """Make the system end this process, which is a child, once it has used this much CPU time."""
    seconds = max(1, round(minutes * 60))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the error is a MemoryError or was caused by one."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def exit_with_parent() -> None:
    """End this process, which is a child, once its stdin closes."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    # Not sys.stdin, whose lock this thread would hold when the interpreter ends.
    while os.read(0, 1):
        pass
    # At once: an orderly exit would wait for the current transaction, and a transaction may be cut off.
    os._exit(1)
