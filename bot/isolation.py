"""Keeps the failure of one item or round from stopping the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from storage import errors as storage_errors

ErrorTypes = tuple[type[Exception], ...]


@contextmanager
def collected(failures: list[Exception], *, reraise: ErrorTypes = ()) -> Iterator[None]:
    """Append an error of the block to `failures` instead of raising it; errors of the `reraise` types pass through."""
    try:
        yield
    except reraise:
        raise
    except Exception as error:  # noqa: BLE001 - the caller logs it, raises it later or tries another way
        failures.append(error)


@contextmanager
def isolated(
    log: Any, event: str, *, reraise: ErrorTypes = (), **details: object
) -> Iterator[list[Exception]]:
    """Log an error of the block and continue. Yields a list that holds the error after the block."""
    failures: list[Exception] = []
    with collected(failures, reraise=reraise):
        yield failures
    for error in failures:
        log_error(log, event, error, **details)


def log_error(log: Any, event: str, error: BaseException, **details: object) -> None:
    """Log an error: one line for a database that is away or locked, otherwise with its traceback."""
    if isinstance(error, storage_errors.StorageError):
        log.error(event, reason=str(error), **details)
    else:
        log.error(event, exc_info=error, **details)


async def run_unless_stopped(work: Coroutine[Any, Any, bool], stop: asyncio.Event) -> bool:
    """Return what the work returns; false if it failed, or if `stop`, which cancels it, was set first."""
    task, stopper = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    stopper.cancel()
    [result, _] = await asyncio.gather(task, stopper, return_exceptions=True)
    return result is True
