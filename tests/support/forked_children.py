"""Child processes of `bot.core.isolation`, forked from one that has loaded their modules: that saves each a second of CPU."""

import asyncio
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

from bot.core import isolation

PRELOADED = (
    *("bot.archive.parse", "bot.archive.references", "bot.features.ask.passages"),
    *("bot.sources.feed_entries", "bot.sources.paper_text"),
)


class _Child:
    """A forked process, with what `isolation` uses of `asyncio.subprocess.Process`."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader

    def __init__(self, pid: int, status: asyncio.StreamReader, *transports: asyncio.BaseTransport) -> None:
        self._pid, self._status, self._transports = pid, status, transports
        self.returncode: int | None = None

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    async def wait(self) -> int:
        if self.returncode is None:
            self.returncode = int(await self._status.readline())
            for transport in self._transports:
                transport.close()
        return self.returncode


@contextmanager
def forking() -> Iterator[None]:
    """Start the children of a block by forking."""
    ours, theirs = socket.socketpair()
    program = f"from tests.support import forked_children; forked_children.serve({theirs.fileno()})"
    started: list[subprocess.Popen[bytes]] = []

    def start_server() -> None:
        if not started:
            started.append(subprocess.Popen([sys.executable, "-c", program], pass_fds=[theirs.fileno()]))

    async def start(name: str, max_line: int, with_database: bool) -> _Child:
        start_server()
        passed = isolation._PASSED_VARIABLES + ("PGPASSWORD",) * with_database
        environment = {name: os.environ[name] for name in passed if name in os.environ}
        return await _start(ours, name, max_line, environment)

    with ours, theirs, mock.patch.object(isolation, "_start", start):
        yield
    for process in started:
        process.wait()


async def _start(server: socket.socket, name: str, max_line: int, environment: dict[str, str]) -> _Child:
    (stdin, to_child), (from_child, stdout), (status, of_status) = (os.pipe() for _ in range(3))
    socket.send_fds(server, [json.dumps([name, environment]).encode()], [stdin, stdout, of_status])
    for number in (stdin, stdout, of_status):
        os.close(number)
    loop = asyncio.get_running_loop()

    async def read(number: int, limit: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
        reader = asyncio.StreamReader(limit=limit)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(number, "rb"))
        return reader, transport

    statuses, of_statuses = await read(status, 100)
    results, of_results = await read(from_child, max_line)
    writing, flow = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(to_child, "wb")
    )
    child = _Child(int(await statuses.readline()), statuses, of_statuses, of_results)
    child.stdin, child.stdout = asyncio.StreamWriter(writing, flow, None, loop), results
    return child


def serve(number: int) -> None:
    """Fork a child for each request, and one that waits for it, until the socket is closed."""
    for name in PRELOADED:
        importlib.import_module(name)
    server = socket.socket(fileno=number)
    while (received := socket.recv_fds(server, 1 << 16, 3))[0]:
        request, descriptors, *_ = received
        if os.fork() == 0:
            server.close()
            _report(*json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _report(name: str, environment: dict[str, str], stdin: int, stdout: int, status: int) -> None:
    """Fork the child and write its number, and then its exit status, negative after a signal."""
    if (pid := os.fork()) == 0:
        os.close(status)
        os._exit(_run(name, environment, stdin, stdout))
    os.close(stdin)
    os.close(stdout)
    with suppress(BrokenPipeError):
        os.write(status, f"{pid}\n".encode())
        os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


def _run(name: str, environment: dict[str, str], stdin: int, stdout: int) -> int:
    """Be the child, and return its exit status."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, number in ((stdin, 0), (stdout, 1), (os.open(os.devnull, os.O_WRONLY), 2)):
        os.dup2(descriptor, number)
    sys.argv = ["-c", name]
    try:
        isolation.main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        return 1
    return 0
