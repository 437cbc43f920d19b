"""Functions that the tests of child processes call in one. Few imports: each child process imports this module."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date

from storage import errors


@dataclass(frozen=True)
class Record:
    """A result of a function."""

    day: date
    names: frozenset[str]


def describe(data: bytes, text: str) -> list[object]:
    """Return what arrived, and whether the process is apart from others."""
    secrets = [name for name in ("DISCORD_TOKEN", "PAPERROUND_DATABASE_URL") if name in os.environ]
    return [len(data), text, secrets, os.getpid() == os.getsid(0), "" in sys.path]


def make_record() -> Record:
    """Return a record."""
    return Record(date(2026, 1, 5), frozenset("cab"))


def print_and_count(count: int) -> Iterator[int]:
    """Print and yield numbers."""
    for number in range(count):
        print(number)
        yield number


async def count_later(count: int) -> AsyncIterator[int]:
    """Yield numbers."""
    for number in range(count):
        yield number


async def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def repeat(text: str, count: int) -> Iterator[str]:
    """Yield long texts."""
    for _ in range(count):
        yield text * 1_000_000


def take_memory() -> None:
    """Take all of the memory, down to pieces of 16 bytes."""
    kept = []
    for size in (1 << 16, 1 << 8, 1 << 4):
        try:
            while True:
                kept.append(bytes(size))
        except MemoryError:
            pass
    raise ValueError from MemoryError()


def take_time() -> None:
    """Take processor time without end."""
    while True:
        pass


def end_at_once() -> None:
    """End as the system ends a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait() -> Iterator[int]:
    """Yield the id of the process and wait."""
    yield os.getpid()
    time.sleep(600)


def fail(message: str) -> None:
    """Raise one of our errors."""
    raise errors.DatabaseBusyError(message)


def fail_with_a_bug(message: str) -> None:
    """Raise an error that is not one of ours."""
    raise LookupError(message)
