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
        timer = asyncio.get_running_loop().time
        await test(Admission(admission.MAX_AT_ONCE, patience=admission.PATIENCE_SECONDS, timer=timer))

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
        # Once their duration is known, most are refused at once, not after they have waited.
        assert sorted(readers.refused_after[-200:])[100] < 0.01

    _run(run)


def test_a_slow_look_up_does_not_refuse_those_after_it() -> None:
    async def run(lookups: Admission) -> None:
        readers = Readers(lookups)
        await readers.ask_all(1, seconds=600.0)
        await readers.ask_all(admission.MAX_AT_ONCE)
        assert readers.refused_after == []

    _run(run)


def test_failed_and_cancelled_look_ups_leave_their_place() -> None:
    async def run(lookups: Admission) -> None:
        readers = Readers(lookups)
        tasks = [asyncio.create_task(readers.ask(number)) for number in range(3 * admission.MAX_AT_ONCE)]
        await asyncio.sleep(LOOKUP_SECONDS / 2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await readers.ask_all(admission.MAX_AT_ONCE)
        assert (
            readers.answered_after == [LOOKUP_SECONDS] * 3
            or max(readers.answered_after) < 1.01 * LOOKUP_SECONDS
        )

    _run(run)


def test_decisions_are_reported_with_their_waiting_times() -> None:
    async def run(lookups: Admission) -> None:
        decisions: list[tuple[bool, float]] = []
        lookups.on_decision = lambda is_admitted, seconds: decisions.append((is_admitted, seconds))
        await Readers(lookups).ask_all(500)
        assert {is_admitted for is_admitted, _ in decisions} == {True, False}
        assert all(0 <= seconds <= admission.PATIENCE_SECONDS + 0.01 for _, seconds in decisions)

    _run(run)


def test_each_reader_has_one_place_in_a_queue_of_bounded_length() -> None:
    async def run(_: Admission) -> None:
        transfers = Admission(1, max_waiting=4)
        greedy, others = Readers(transfers), Readers(transfers)
        asked = [asyncio.create_task(greedy.ask(1, seconds=60.0)) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.gather(*(others.ask(number, seconds=1.0) for number in range(2, 9)))
        await asyncio.gather(*asked)
        assert len(greedy.answered) == 2
        assert others.answered == [2, 3, 4]
        assert (greedy.max_at_once, others.max_at_once) == (1, 1)
        assert set(greedy.refused_after + others.refused_after) == {0.0}

    _run(run)


def test_slow_look_ups_of_one_reader_leave_room_for_others() -> None:
    async def run(lookups: Admission) -> None:
        greedy, others = Readers(lookups), Readers(lookups)
        asked = [asyncio.create_task(greedy.ask(99, seconds=600.0)) for _ in range(12)]
        await asyncio.sleep(0)
        await others.ask_all(admission.MAX_AT_ONCE)
        await asyncio.gather(*asked)
        assert (greedy.max_at_once, len(greedy.answered)) == (1, 1)
        assert others.refused_after == []

    _run(run)


def test_the_queues_of_a_few_readers_do_not_refuse_others() -> None:
    async def run(lookups: Admission) -> None:
        greedy, others = Readers(lookups), Readers(lookups)
        # The mean duration is known first.
        await greedy.ask_all(60)
        asked = [
            asyncio.create_task(greedy.ask(number))
            for number in range(97, 97 + admission.MAX_AT_ONCE)
            for _ in range(100)
        ]
        await asyncio.sleep(0)
        for number in range(5):
            await others.ask(number)
        assert others.refused_after == []
        assert max(others.answered_after) <= admission.PATIENCE_SECONDS + LOOKUP_SECONDS
        # Their own queues are bounded all the same.
        await asyncio.gather(*asked)
        assert greedy.refused_after.count(0.0) > len(asked) / 2

    _run(run)


def test_what_waits_for_its_readers_other_work_keeps_no_reader_of_the_same_kind_waiting() -> None:
    async def run(lookups: Admission) -> None:
        previews = Admission(1, patience=admission.PATIENCE_SECONDS, timer=asyncio.get_running_loop().time)
        previewed: list[int] = []

        async def preview(number: int) -> None:
            async with lookups.admitted(number, among=previews):
                previewed.append(number)

        async with lookups.admitted(1):
            waiting = asyncio.create_task(preview(1))
            await asyncio.sleep(0.1)
            await preview(2)
            assert previewed == [2]
        await waiting
        # Those that wait for a preview leave their places to look-ups.
        async with previews.admitted(9):
            others = [asyncio.create_task(preview(number)) for number in range(3, 8)]
            await asyncio.sleep(0.1)
            async with lookups.admitted(8):
                pass
        await asyncio.gather(*others)
        assert previewed == [2, 1, 3, 4, 5, 6, 7]

    _run(run)


def test_what_waits_for_its_turn_among_others_is_not_ahead_of_a_look_up() -> None:
    async def run(lookups: Admission) -> None:
        previews = Admission(1, patience=admission.PATIENCE_SECONDS, timer=asyncio.get_running_loop().time)

        async def preview(number: int) -> None:
            async with lookups.admitted(number, among=previews):
                pass

        readers = Readers(lookups)
        async with previews.admitted(0):
            previewing = [asyncio.create_task(preview(number)) for number in range(1, 71)]
            await asyncio.sleep(0)
            looking_up = [asyncio.create_task(readers.ask(number)) for number in range(80, 83)]
            await asyncio.sleep(0)
            async with lookups.admitted(83, 0.5):
                pass
        await asyncio.gather(*previewing, *looking_up)

    _run(run)


def test_what_is_read_before_waiting_is_not_read_for_what_is_refused_at_once() -> None:
    async def run(_: Admission) -> None:
        transfers, read = Admission(1, max_waiting=4), list[int]()

        async def ask(number: int) -> None:
            async def before() -> None:
                await asyncio.sleep(1)
                read.append(number)

            async with transfers.admitted(number, before=before):
                await asyncio.sleep(60)

        answers = await asyncio.gather(*map(ask, range(300)), return_exceptions=True)
        assert sum(isinstance(answer, BusyError) for answer in answers) == 300 - len(read)
        assert sorted(read) == [0, 1, 2, 3]
        await ask(5)
        assert read[4:] == [5]

    _run(run)
