"""The minute tick on virtual time, the periodic job, the heartbeat."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import tasks
from bot.app.container import Container
from bot.core.settings import Settings
from storage.database import Database
from tests.support.origin_server import run_origin
from tests.support.virtual_time import VirtualTimeLoop

START = datetime(2026, 1, 5, 8, 59, 20, tzinfo=UTC)


def test_a_tick_comes_at_the_start_and_with_each_minute_of_the_clock() -> None:
    ticks: list[datetime] = []

    async def run(loop: asyncio.AbstractEventLoop) -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            ticks.append(START + timedelta(seconds=loop.time()))

        loop.call_at(600.0, stop.set)
        await tasks.tick_each_minute(lambda: START + timedelta(seconds=loop.time()), tick, stop)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run(runner.get_loop()))
    assert len(ticks) == 11
    assert all(tick.second == 0 and tick.microsecond < 50_000 for tick in ticks[1:])
    assert ticks[1].replace(microsecond=0) == START + timedelta(seconds=40)


def test_a_clock_that_jumps_while_the_machine_sleeps_brings_the_next_tick_within_seconds() -> None:
    ticks: list[float] = []

    async def run(loop: asyncio.AbstractEventLoop) -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            ticks.append(loop.time())

        loop.call_at(40.0, stop.set)
        await tasks.tick_each_minute(
            lambda: START + timedelta(seconds=loop.time() + 3600 * (loop.time() > 10)), tick, stop
        )

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run(runner.get_loop()))
    assert len(ticks) == 2
    assert 10 < ticks[1] <= 10 + tasks.LOOK_SECONDS


@pytest.mark.parametrize("page", ["/up", "/secret-key"])
async def test_the_address_is_requested_each_minute_while_the_bot_is_well(
    sqlite_db: Database, page: str
) -> None:
    well, stop = [True, False, True], asyncio.Event()

    def is_well() -> bool:
        if len(well) == 1:
            stop.set()
        return well.pop(0)

    async with run_origin() as origin:
        origin.pages["/up"] = "ok"
        configured = Settings(
            heartbeat_url=SecretStr(f"{origin.url}{page}"), fetch_allow=(f"127.0.0.1:{origin.port}",)
        )
        looks = itertools.count()
        container = Container(configured, sqlite_db, lambda: START + next(looks) * timedelta(seconds=61))
        with capture_logs() as entries:
            await tasks.beat_each_minute(container, is_well, stop)
        assert origin.paths == [page] * 2
    assert [entry["event"] for entry in entries] == ["the heartbeat was not accepted"] * (2 * (page != "/up"))
    assert "secret-key" not in repr(entries)
