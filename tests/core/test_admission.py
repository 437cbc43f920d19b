"""Admission in virtual time: a few look-ups run at once, and readers who wait too long are rejected."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from bot.core import admission
from tests.support import patience
from tests.support.virtual_time import VirtualTimeLoop

LOOKUP_SECONDS = 0.2


class Readers:
    """Readers who ask at the same time, and the seconds until each was answered or rejected."""

    def __init__(self) -> None:
        self.lookups = admission.Admission(admission.MAX_AT_ONCE)
        self.at_once = self.max_at_once = 0
        self.admitted: list[int] = []
        self.answered_after: list[float] = []
        self.refused_after: list[float] = []

    async def ask(self, reader: int, seconds: float = LOOKUP_SECONDS) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with self.lookups.admitted(reader):
                self.admitted.append(reader)
                self.at_once += 1
                self.max_at_once = max(self.max_at_once, self.at_once)
                await asyncio.sleep(seconds)
                self.at_once -= 1
            self.answered_after.append(loop.time() - started)
        except admission.BusyError:
            self.refused_after.append(loop.time() - started)

    async def ask_all(self, count: int) -> None:
        await asyncio.gather(*map(self.ask, range(count)))


def run(test: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(test)


def test_runs_a_few_lookups_at_once_in_order_of_arrival() -> None:
    readers = Readers()
    run(readers.ask_all(20))
    assert readers.max_at_once == admission.MAX_AT_ONCE
    assert readers.admitted == list(range(20))


def test_admits_or_rejects_every_reader_within_two_seconds() -> None:
    readers = Readers()
    run(readers.ask_all(500))
    assert len(readers.answered_after) + len(readers.refused_after) == 500
    assert max(readers.refused_after) <= admission.PATIENCE_SECONDS + 0.01
    assert max(readers.answered_after) <= admission.PATIENCE_SECONDS + LOOKUP_SECONDS + 0.01
    in_time = admission.MAX_AT_ONCE * admission.PATIENCE_SECONDS / LOOKUP_SECONDS
    assert len(readers.answered_after) >= in_time / 2


def test_many_slow_lookups_by_one_reader_do_not_block_others() -> None:
    async def compete(readers: Readers) -> None:
        greedy = [asyncio.create_task(readers.ask(99, seconds=600.0)) for _ in range(12)]
        await asyncio.sleep(0)
        await readers.ask_all(admission.MAX_AT_ONCE)
        assert readers.refused_after == []
        await asyncio.gather(*greedy)

    readers = Readers()
    run(compete(readers))
    assert readers.admitted.count(99) == 1
    assert len(readers.refused_after) == 11


async def test_a_lookup_that_is_given_up_keeps_its_place_until_its_thread_ends() -> None:
    """Else everyone who gives up a page leaves a thread at work, and takes the next place."""
    lookups, may_end = admission.Admission(1), threading.Event()
    loop, has_begun = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        loop.call_soon_threadsafe(has_begun.set)
        assert may_end.wait(patience.scaled(60))
        raise ValueError("nobody waits for this")

    async def ask() -> None:
        async with lookups.admitted(1):
            await admission.work_in_thread(work)

    asking = asyncio.create_task(ask())
    try:
        await has_begun.wait()
        asking.cancel()
        for _ in range(9):
            await asyncio.sleep(0)
        with pytest.raises(admission.BusyError):
            async with lookups.admitted(2, 0.0):
                pass
    finally:
        may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with lookups.admitted(2, 0.0):
        pass


def test_a_readers_second_file_waits_behind_the_first_of_others() -> None:
    """Transfers run one at a time: who sends many at once holds up nobody for more than one."""

    async def send_files() -> list[tuple[int, int]]:
        transfers, order = admission.Admission(1, patience=60), list[tuple[int, int]]()

        async def send(reader: int, number: int) -> None:
            async with transfers.admitted(reader):
                order.append((reader, number))
                await asyncio.sleep(1)

        await asyncio.gather(*(send(1, number) for number in range(3)), send(2, 0), send(3, 0))
        return order

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(send_files()) == [(1, 0), (2, 0), (3, 0), (1, 1), (1, 2)]
