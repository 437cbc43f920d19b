"""The watch over a process ends one that hangs, and never one that works: its signs of life come from the work in small steps."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from bot.app import process, runtime
from bot.app.features import DAILY_POSTS, SHELF, TODAY_PAPERS, Feature
from bot.features.daily.planner import DailyPlanner
from bot.features.operations.liveness import CLAIM_SECONDS, HANG_SECONDS, TICK_SECONDS, Liveness
from bot.features.operations.metrics import Metrics
from bot.features.shelf import news as shelf_news
from bot.features.shelf.news import NewsPlanner
from bot.features.today.service import TodayPlanner
from storage import migrate
from tests.support import fork_server, patience
from tests.support.supervised import watching

YEARS_LONGEST = 5_000
"""Readers, threads or clubs of one minute, each of which takes a second."""


class Clock:
    """Seconds that pass as work is done. At each step it is noted what the watch would say."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.liveness = Liveness(lambda: self.seconds)
        self.liveness.record_obstacle(None)
        self.said = list[str]()

    def work(self, seconds: float = 1.0) -> None:
        self.seconds += seconds
        self.liveness.record("claim")  # the relay goes on
        self.liveness.record("discord")
        self.said += filter(None, [self.liveness.find_hanging(), *self.liveness.find_problems()])


async def _plan_today(clock: Clock, shared: dict[type, Any], patched: pytest.MonkeyPatch) -> Feature:
    async def plan_batch(*_: object) -> int:
        clock.work(25)
        return 25

    rows = [SimpleNamespace(user_id=number) for number in range(YEARS_LONGEST)]
    patched.setattr(
        "bot.features.today.service.today.list_hours", mock.AsyncMock(return_value=[("09:00", "UTC")])
    )
    patched.setattr("bot.features.today.service.today.list_due", mock.AsyncMock(return_value=rows))
    days = SimpleNamespace(complete=[], closings=None)
    patched.setattr(
        "bot.features.today.service.complete_days.list_recent_days", mock.AsyncMock(return_value=days)
    )
    patched.setattr(TodayPlanner, "_plan_batch", plan_batch)
    shared[TodayPlanner] = TodayPlanner(*[mock.MagicMock()] * 5)
    return TODAY_PAPERS


async def _plan_weekly_news(clock: Clock, shared: dict[type, Any], patched: pytest.MonkeyPatch) -> Feature:
    async def plan(*_: object) -> int:
        clock.work()
        return 1

    reader = SimpleNamespace(user_id=1)
    patched.setattr(NewsPlanner, "_plan", plan)
    patched.setattr(shelf_news, "_find_due", lambda *_: True)
    database = mock.Mock(fetch=mock.AsyncMock(return_value=[(reader, "09:00")] * YEARS_LONGEST))
    shared[NewsPlanner] = NewsPlanner(database, mock.Mock(), mock.Mock())
    return SHELF


async def _plan_posts(clock: Clock, shared: dict[type, Any], patched: pytest.MonkeyPatch) -> Feature:
    async def plan_batch(*_: object) -> int:
        clock.work(10)
        return 0

    planner = DailyPlanner(*[mock.MagicMock()] * 4)
    due = [(SimpleNamespace(id=n, topic="herons"), None) for n in range(YEARS_LONGEST)]
    for name in ("complete_days.load_calendar", "archive.get_added_seq", "daily.list_rows", "load_pool"):
        patched.setattr(f"bot.features.daily.planner.{name}", mock.AsyncMock())
    patched.setattr("bot.features.daily.planner.load_marks", mock.AsyncMock(return_value={}))
    patched.setattr(planner, "_find_due", lambda *_: due)
    patched.setattr(DailyPlanner, "_plan_batch", plan_batch)
    shared[DailyPlanner] = planner
    return DAILY_POSTS


@pytest.mark.parametrize("prepare", [_plan_today, _plan_weekly_news, _plan_posts])
async def test_the_longest_minute_of_a_year_is_no_hang(
    prepare: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, shared = Clock(), dict[type, Any]()
    shared[DailyPlanner] = SimpleNamespace(tick=mock.AsyncMock(return_value=0))
    feature = await prepare(clock, shared, monkeypatch)
    clock.liveness.record("tick")
    container = SimpleNamespace(
        clock=lambda: datetime(2026, 1, 5, tzinfo=UTC), settings=SimpleNamespace(discord_token="x")
    )
    workers = SimpleNamespace(container=container, services=SimpleNamespace(get=shared.__getitem__))
    bot = SimpleNamespace(is_gateway_connected=lambda: True)
    relay = SimpleNamespace(expire=mock.AsyncMock(return_value=0), wake=lambda: None)
    running = runtime.Runtime(workers, bot, relay, Metrics(), SimpleNamespace(term=1), clock.liveness)  # type: ignore[arg-type]
    monkeypatch.setattr(runtime, "FEATURES", [feature])
    await running.tick()
    assert clock.seconds >= YEARS_LONGEST, "all was planned"
    assert clock.said == []


async def test_a_standby_or_front_is_never_ended_for_it_plans_and_sends_nothing() -> None:
    clock = Clock()
    async with watching(clock.liveness) as watch:
        clock.seconds = 10 * (TICK_SECONDS + HANG_SECONDS)
        await watch.turn()
        assert not watch.task.done()


async def test_a_standby_that_takes_over_begins_anew_and_then_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, lock = Clock(), SimpleNamespace(term=None)
    acquired, answering = asyncio.Event(), asyncio.Event()

    async def take() -> bool:
        lock.term = 7
        return True

    lock.try_acquire, lock.keep = take, asyncio.Event().wait
    # What a database that has just failed over takes.
    monkeypatch.setattr(migrate, "check_version", lambda _: answering.wait())
    async with watching(clock.liveness, is_sending=lambda: lock.term is not None) as watch:
        clock.seconds = 10 * (TICK_SECONDS + HANG_SECONDS)
        await watch.turn()
        holding = asyncio.create_task(process.hold_lock(cast(Any, lock), acquired, mock.Mock()))
        await watch.turn()
        assert not watch.task.done()
        assert clock.liveness.find_problems() == []
        answering.set()
        await acquired.wait()
        clock.seconds += CLAIM_SECONDS + HANG_SECONDS + 1
        await patience.wait_until(watch.task.done)
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


async def test_after_a_freeze_the_signs_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    loop = asyncio.get_running_loop()
    jumps, time = [0.0], loop.time
    async with watching(clock.liveness, is_sending=lambda: True) as watch:
        monkeypatch.setattr(loop, "time", lambda: time() + jumps[-1])
        clock.seconds += 10 * HANG_SECONDS
        jumps.append(10 * HANG_SECONDS)
        await watch.turn()
        assert not watch.task.done()
        assert clock.liveness.find_problems() == []


FROZEN = """
import asyncio, sys
from bot.app import supervision
from bot.features.operations.liveness import Liveness
supervision.HANG_SECONDS, supervision.EVERY_SECONDS = float(sys.argv[1]), 0.2
async def main():
    watching = asyncio.create_task(supervision.Supervision(may_exit=True).watch(Liveness()))
    for number in range(1000):
        await asyncio.sleep(0.1)
        print(number, flush=True)
asyncio.run(main())
"""


async def test_a_process_that_was_frozen_for_longer_than_a_hang_lives_on() -> None:
    hang = patience.scaled(2.0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FROZEN, str(hang)), cwd=fork_server.ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        for _ in range(10):
            await process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(1.5 * hang)  # the system's own time has to pass
        os.kill(process.pid, signal.SIGCONT)
        lines = [await process.stdout.readline() for _ in range(20)]
        assert all(lines), "it was ended"
    finally:
        process.kill()
        await process.wait()
