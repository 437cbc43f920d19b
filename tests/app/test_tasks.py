"""The minute tick in virtual time, and the heartbeat."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
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


def run_ticks(clock: Callable[[float], datetime], seconds: float) -> list[float]:
    """Run the minute tick in virtual time.

    `clock` maps the loop's time to the bot's. Returns the loop's times of the ticks.
    """
    ticks: list[float] = []

    async def run(loop: asyncio.AbstractEventLoop) -> None:
        stop = asyncio.Event()

        async def tick() -> None:
            ticks.append(loop.time())

        loop.call_at(seconds, stop.set)
        await tasks.tick_each_minute(lambda: clock(loop.time()), tick, stop)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run(runner.get_loop()))
    return ticks


def test_ticks_at_startup_and_every_minute() -> None:
    ticks = run_ticks(lambda now: START + timedelta(seconds=now), 600.0)
    assert ticks == pytest.approx([0, *range(40, 600, 60)], abs=0.05)


def test_ticks_within_seconds_after_the_machine_slept() -> None:
    ticks = run_ticks(lambda now: START + timedelta(seconds=now + 3600 * (now > 10)), 40.0)
    assert len(ticks) == 2
    assert 10 < ticks[1] <= 10 + tasks.LOOK_SECONDS


@pytest.mark.parametrize("page", ["/up", "/secret-key"])
async def test_requests_the_heartbeat_only_while_the_bot_is_healthy(sqlite_db: Database, page: str) -> None:
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
    assert [entry["event"] for entry in entries] == ["heartbeat not accepted"] * (2 * (page != "/up"))
    assert "secret-key" not in repr(entries)
