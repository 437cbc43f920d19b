"""Contain failures within a block, and run functions in child processes.

A child process reads hostile texts, and does work that would block the event loop or use too much memory. Its
command-line argument is the function's name; limits and arguments are pickled on stdin. Each result is a line
of JSON, never a pickle, since the child may be compromised. It ends when its stdin closes, as when its parent
is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import pkgutil
import resource
import signal
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

from storage import errors
from storage.errors import ErrorTypes
from storage.errors import collected as collected


@contextmanager
def isolated(
    log: Any, event: str, *, reraise: ErrorTypes = (), **details: object
) -> Iterator[list[Exception]]:
    """Log any error in the block and continue. Yields a list to which the error is added."""
    with collected([], reraise=reraise) as failures:
        yield failures
    for error in failures:
        log_error(log, event, error, **details)


def log_error(log: Any, event: str, error: BaseException, **details: object) -> None:
    """Log an error: a PaperroundError in one line, any other with a traceback.

    An error caused by a takeover or a stopped database is a warning, of which the operator is not notified.
    """
    if errors.is_away(error):
        log.warning(event, reason=str(error), **details)
    elif isinstance(error, errors.PaperroundError):
        log.error(event, reason=str(error), **details)
    else:
        log.error(event, exc_info=error, **details)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set. A second signal ends the process at once."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


async def run_unless_stopped(
    work: Awaitable[object], stop: asyncio.Event, *needed: asyncio.Future[Any]
) -> None:
    """Wait for the work, or cancel it if `stop` is set first.

    Re-raises an error of the work, or of a future in `needed` that ends first.
    """
    task, stopper = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopper, *needed}, return_when=asyncio.FIRST_COMPLETED)
        for ended in (*needed, task):
            if ended.done():
                ended.result()
    finally:
        await cancel(task, stopper)


async def cancel(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended. Their errors are ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_NICE = 10
_PROGRAM = "from bot.core import isolation; isolation.main()"
_PASSED_VARIABLES = (
    *("HOME", "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("FONTCONFIG_FILE", "FONTCONFIG_PATH", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"),
)
"""The environment variables passed to a child process: no tokens, keys, addresses or proxies."""
_DATABASE_PREFIX = "PG"
"""The prefix of PostgreSQL's variables for passwords, certificates and hosts."""
_MAX_RESULT_BYTES = 1 << 24
"""The largest result if memory is not limited."""
_MAX_ERROR_LINES = 6


class ChildError(errors.PaperroundError):
    """Raised if a child process could not start, or ended before its work was done."""


class ChildLimitError(ChildError):
    """Raised if a child process exceeded its memory or time limit, or was killed. A retry would fail again."""


async def run_isolated(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float | None,
    megabytes: int | None,
    result_megabytes: int | None = None,
    with_database: bool = False,
) -> Any:
    """Run a function or coroutine function in a child process and return its result; see `stream_isolated`."""
    results = stream_isolated(
        function,
        *arguments,
        seconds=seconds,
        megabytes=megabytes,
        result_megabytes=result_megabytes,
        with_database=with_database,
    )
    async with aclosing(results):
        return await anext(results)


async def stream_isolated(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float | None,
    megabytes: int | None,
    result_megabytes: int | None = None,
    with_database: bool,
) -> AsyncGenerator[Any, None]:
    """Run a module's async generator in a child process and yield its results. Closing it ends the child.

    The results are plain data: a tuple or set arrives as a list, a dataclass as a dictionary, a date as a
    string. `seconds` limits the CPU time. `megabytes` limits the data segment, which includes 20 to 50 MB for the
    interpreter and modules, and the results, unless `result_megabytes` does. Raises ChildLimitError, ChildError, and any
    PaperroundError of the function with its message as the only argument.

    The child gets no secrets from the environment; `with_database` adds PostgreSQL's variables.
    """
    limit = megabytes if result_megabytes is None else result_megabytes
    room = _MAX_RESULT_BYTES if limit is None else limit * 1_000_000
    child = await _start(f"{function.__module__}:{function.__qualname__}", room, with_database)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(pickle.dumps((seconds, megabytes, arguments)))
        with suppress(ConnectionError):  # the child has ended; see its status
            await child.stdin.drain()
        while line := await child.stdout.readline():
            match json.loads(line):
                case ["result", result]:
                    if limit is not None and (room := room - len(line)) < 0:
                        raise ValueError(f"they take more than {limit} MB")
                    yield result
                case ["error", name, message]:
                    raise _find_error(name)(message)
                case _:
                    return
        status = await child.wait()
    except ValueError as error:
        raise ChildLimitError(f"its results cannot be read: {error}") from error
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        child.stdin.close()
    if status == -signal.SIGXCPU:
        raise ChildLimitError(f"it cannot be read within {seconds:.0f} seconds of CPU time")
    if status < 0:
        raise ChildLimitError(f"the process that read it ended with {signal.Signals(-status).name}")
    raise ChildError(f"the process ended with status {status}")


async def _start(name: str, max_line: int, with_database: bool) -> asyncio.subprocess.Process:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_VARIABLES or (with_database and name.startswith(_DATABASE_PREFIX))
    }
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    try:
        return await asyncio.create_subprocess_exec(
            # -P leaves out the current directory. Only the name is an argument: any user can read the arguments of
            # a process, and a database URL contains its password.
            *(sys.executable, "-P", "-c", _PROGRAM, name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=max_line,
            env=environment,
            # Ctrl-C goes to the parent, which then ends the child.
            start_new_session=True,
        )
    except (OSError, ValueError, NotImplementedError) as error:
        raise ChildError(f"no process can be started: {error}") from error


def _find_error(name: str) -> type[errors.PaperroundError]:
    """Return the subclass of PaperroundError that has this name, or else ChildError."""
    kinds: list[type[errors.PaperroundError]] = [errors.PaperroundError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.__name__ == name), ChildError)


def main() -> None:
    """Run as the child process: call the function and write its results to stdout."""
    os.nice(_NICE)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keeps output printed by libraries out of the results
    unlimited = resource.getrlimit(resource.RLIMIT_DATA)
    failure: type[errors.PaperroundError] = ChildError
    try:
        seconds, megabytes, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
        function = pkgutil.resolve_name(sys.argv[1])
        threading.Thread(target=_wait_for_parent, daemon=True).start()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if seconds is not None:
            limit = max(1, round(seconds))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        if megabytes is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1_000_000, unlimited[1]))
        asyncio.run(_write_results(output, function, arguments))
        _write(output, "ended")
    except Exception as error:  # noqa: BLE001 - the parent raises it
        # Frees memory for the report.
        resource.setrlimit(resource.RLIMIT_DATA, unlimited)
        if _is_out_of_memory(error):
            failure, message = ChildLimitError, f"it cannot be read within {megabytes} MB of memory"
        elif isinstance(error, errors.PaperroundError):
            failure, message = type(error), str(error)
        else:
            message = " / ".join(traceback.format_exc().splitlines()[-_MAX_ERROR_LINES:])
        _write(output, "error", failure.__name__, message)


def _wait_for_parent() -> None:
    # Not sys.stdin: this thread would hold its lock when the interpreter ends.
    while os.read(0, 1):
        pass
    # A clean exit would wait for the current transaction, which can safely be cut off.
    os._exit(1)


def _is_out_of_memory(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


async def _write_results(output: IO[bytes], function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    results = function(*arguments)
    if isinstance(results, AsyncGenerator):
        async for result in results:
            _write(output, "result", result)
    else:
        _write(output, "result", await results if isinstance(results, Awaitable) else results)


def _write(output: IO[bytes], *values: Any) -> None:
    text = json.dumps(values, ensure_ascii=False, default=_to_plain)
    # A hostile text may contain lone surrogates.
    output.write(text.encode("utf-8", "surrogatepass") + b"\n")
    output.flush()


def _to_plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value)} is not plain data")
