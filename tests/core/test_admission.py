"""Admission: bounds of what runs and waits, order of arrival, and refusal before the wait gets long. On virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.core import admission
from bot.core.admission import Admission, BusyError
from tests.support.virtual_time import VirtualTimeLoop

LOOKUP_SECONDS = 0.2


def _run(test: Callable[[Admission], Coroutine[Any, Any, None]]) -> None:
    async def start() -> None:
        await test(Admission(admission.MAX_AT_ONCE))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(start())


class Readers:
    """Readers who ask one after the other at the same moment, and what each was told after which time."""

    def __init__(self, lookups: Admission) -> None:
        self._lookups = lookups
        self.at_once = self.max_at_once = 0
        self.answered: list[int] = []
        self.refused_after: list[float] = []
        self.answered_after: list[float] = []

    async def ask(self, number: int, seconds: float = LOOKUP_SECONDS) -> None:
        """Ask once."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with self._lookups.admitted(number):
                self.answered.append(number)
                self.at_once += 1
                self.max_at_once = max(self.max_at_once, self.at_once)
                await asyncio.sleep(seconds)
                self.at_once -= 1
        except BusyError:
            self.refused_after.append(loop.time() - started)
            return
        self.answered_after.append(loop.time() - started)

    async def ask_all(self, count: int, seconds: float = LOOKUP_SECONDS) -> None:
        """Let this number of readers ask."""
        await asyncio.gather(*(self.ask(number, seconds) for number in range(count)))


def test_a_few_run_at_once_in_the_order_of_arrival() -> None:
    async def run(lookups: Admission) -> None:
        readers = Readers(lookups)
        await readers.ask_all(20)
        assert readers.max_at_once == admission.MAX_AT_ONCE
        assert readers.answered == list(range(20))

    _run(run)


def test_each_of_a_crowd_is_answered_or_refused_within_its_patience() -> None:
    async def run(lookups: Admission) -> None:
        readers = Readers(lookups)
        for _ in range(3):
            await readers.ask_all(500)
        assert len(readers.answered) + len(readers.refused_after) == 1500
        assert max(readers.refused_after) <= admission.PATIENCE_SECONDS + 0.01
        assert max(readers.answered_after) <= admission.PATIENCE_SECONDS + LOOKUP_SECONDS + 0.01
        assert (
            len(readers.answered)
            >= 3 * admission.MAX_AT_ONCE * admission.PATIENCE_SECONDS / LOOKUP_SECONDS / 2
        )

    _run(run)


def test_slow_look_ups_of_one_reader_leave_room_for_others() -> None:
    async def run(lookups: Admission) -> None:
        greedy, others = Readers(lookups), Readers(lookups)
        asked = [asyncio.create_task(greedy.ask(99, seconds=600.0)) for _ in range(12)]
        await asyncio.sleep(0)
        await others.ask_all(admission.MAX_AT_ONCE)
        await asyncio.gather(*asked)
        assert (greedy.max_at_once, len(greedy.answered)) == (1, 1)
        assert len(greedy.refused_after) == 11
        assert others.refused_after == []

    _run(run)
