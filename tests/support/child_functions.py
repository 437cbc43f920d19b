"""Functions that tests run in child processes. Each child imports this module, so its imports are few."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Record:
    """A result with types that JSON lacks."""

    day: date
    names: frozenset[str]


def make_record() -> Record:
    return Record(date(2026, 1, 5), frozenset("cab"))


async def print_and_yield(result: object, count: int) -> AsyncIterator[object]:
    for _ in range(count):
        print(result)  # as a library might
        yield result


def read_environment() -> dict[str, str]:
    return dict(os.environ)


def fail(*_: object) -> None:
    raise LookupError("a row that is missing")


def take_memory() -> None:
    """Use up all memory, down to pieces of 16 bytes."""
    kept = []
    for size in (1 << 16, 1 << 8, 1 << 4):
        try:
            while True:
                kept.append(bytes(size))
        except MemoryError:
            pass
    raise ValueError from MemoryError()


async def wait() -> AsyncIterator[int]:
    """Yield the process id, then wait."""
    yield os.getpid()
    await asyncio.sleep(600)
