"""Keeps the failure of one item or round from stopping the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
    """Log an error of the block with its traceback and continue. Yields a list that holds the error after the block."""
    failures: list[Exception] = []
    with collected(failures, reraise=reraise):
        yield failures
    for error in failures:
        log.error(event, exc_info=error, **details)
