"""The harness of the fault tests: a fake Discord, a database, and the bot as a process that can be killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from bot.core.clock import system_clock
from storage import migrate, models, outbox
from storage.database import Database
from tests.fake_discord import process
from tests.support import digest_builders, fork_server, origin_server, patience, relay_harness, shifted_clock

SUPERVISOR_SECONDS = 1.0
"""A supervisor starts a process that has ended within this time."""
Name = TypeVar("Name")


@dataclass
class FaultHarness:
    """Starts and kills bots. `clock_offset` is how far the clocks of the bots and of the fake are ahead.

    `clock_error` is how far those of the bots are ahead of the fake's.
    """

    fake: process.FakeDiscord
    db: Database
    database_url: str
    folder: Path
    clock_offset: timedelta = timedelta(0)
    clock_error: timedelta = timedelta(0)
    processes: list[subprocess.Popen[bytes] | fork_server.ForkedProcess] = field(default_factory=list)

    def now(self) -> datetime:
        """The present by the shifted clocks (UTC), without the error of the bots'."""
        return system_clock() + self.clock_offset

    async def advance_clock(self, duration: timedelta) -> None:
        """Move all clocks forward."""
        self.clock_offset += duration
        self.set_clock_error(self.clock_error)
        await self.fake.run_action("move_clock", {"seconds": duration.total_seconds()})

    def set_clock_error(self, error: timedelta) -> None:
        """Move the wall clocks of the bots, also of those that run."""
        self.clock_error = error
        shifted_clock.write_offset(self._clock_file, self.clock_offset.total_seconds(), error.total_seconds())

    @property
    def _clock_file(self) -> Path:
        return self.folder / "clock_offset"

    @property
    def _log_file(self) -> Path:
        return self.folder / "bot.log"

    def start_bot(self, *options: str, **settings: str) -> fork_server.ForkedProcess:
        """Start the bot with the shifted clock, its `options`, and further `settings`."""
        return self._start("tests.support.shifted_clock", (str(self._clock_file), *options), settings)

    def start_cli(self, *arguments: str, **settings: str) -> fork_server.ForkedProcess:
        """Start the command line as an operator would, with further `settings`."""
        return self._start("bot", arguments, settings)

    def start_front(self, port: int) -> fork_server.ForkedProcess:
        """Start a front that listens on a port of loopback."""
        return self.start_cli("run", "--role", "front", PAPERROUND_INTERACTIONS=f"127.0.0.1:{port}")

    async def start_fronts(self, count: int) -> dict[int, fork_server.ForkedProcess]:
        """Start fronts, by their ports, and have the fake send interactions to them."""
        fronts = {
            port: self.start_front(port) for port in {origin_server.find_free_port() for _ in range(count)}
        }
        urls = [front_url(port) for port in fronts]
        await self.wait_until(lambda: all(url in self.read_log() for url in urls))
        await self.fake.run_action("set_endpoints", {"urls": urls})
        return fronts

    def _start(
        self, module: str, arguments: tuple[str, ...], settings: dict[str, str]
    ) -> fork_server.ForkedProcess:
        environment = self._environment(settings)
        started = fork_server.ForkedProcess(
            module, arguments, cwd=process.ROOT, env=environment, log=self._log_file
        )
        self.processes.append(started)
        return started

    def start_python(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a process that uses the fake and the database; its output is appended to `bot.log` in the folder."""
        environment = self._environment(settings)
        with self._log_file.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, *arguments], cwd=process.ROOT, env=environment, stdout=log, stderr=log
            )
        self.processes.append(started)
        return started

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        self.set_clock_error(self.clock_error)
        return {
            **os.environ,
            **self.fake.environment(),
            "PAPERROUND_DATABASE_URL": self.database_url,
            **settings,
        }

    @asynccontextmanager
    async def supervising(self, *bots: fork_server.ForkedProcess) -> AsyncIterator[None]:
        """Start another bot for each of these that ends, as a supervisor does."""

        running = dict(enumerate(bots))
        task = asyncio.create_task(supervise(running, lambda _: self.start_bot()))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def kill_all(self) -> None:
        """Kill every bot at once, like a power failure."""
        for bot in self.processes:
            bot.kill()
            bot.wait()

    def read_log(self) -> str:
        return self._log_file.read_text(errors="replace")

    async def add_deliveries(self, *new_deliveries: models.NewDelivery) -> None:
        async with self.db.transaction() as connection:
            await outbox.add_all(connection, new_deliveries)

    async def store_digest(self, text: str) -> None:
        """Store a digest whose alerts are to be planned, by its first paper's name as location."""
        now = self.now()
        location = text.partition("](")[2].partition(")")[0]
        await digest_builders.ingest_digest(
            self.db, text, at=now, on_fresh=digest_builders.add_pending_alerts(now), location=location
        )

    async def lift_limit_of_direct_messages(self) -> None:
        """Let Discord open all direct messages at once, which costs a test no minute."""
        await self.fake.run_action("set_limits", {"routes": {"POST /users/@me/channels": [1000, 1.0]}})

    async def count_rows(self, table: sa.Table) -> int:
        async with self.db.read() as connection:
            return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()

    async def count_states(self) -> dict[str, int]:
        async with self.db.read() as connection:
            counts = await outbox.count_by_state(connection)
        return {state.value: count for state, count in counts.items()}

    async def count_sent_messages(self) -> int:
        """Number of messages that the fake Discord has accepted."""
        return int((await self.fake.counts())["messages"])

    async def wait_until(
        self, condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60.0
    ) -> None:
        """Wait until `condition` is true. Fails with the bots' log."""
        await patience.wait_until(condition, seconds, describe=lambda: self.read_log()[-6000:])

    async def wait_for_sent(self, count: int, seconds: float = 60.0) -> None:
        """Wait until the fake Discord has accepted so many messages."""

        async def are_accepted() -> bool:
            return await self.count_sent_messages() >= count

        await self.wait_until(are_accepted, seconds)

    async def wait_until_all_sent(self) -> None:
        async def all_sent() -> bool:
            return set(await self.count_states()) == {"sent"}

        await self.wait_until(all_sent, 90.0)


async def supervise(
    running: dict[Name, fork_server.ForkedProcess], start: Callable[[Name], fork_server.ForkedProcess]
) -> None:
    """Start again each of these processes that ends, until this is cancelled."""
    while True:
        await asyncio.sleep(SUPERVISOR_SECONDS)
        running.update({name: start(name) for name, one in [*running.items()] if one.poll() is not None})


def front_url(port: int) -> str:
    """The address of a front's interactions."""
    return f"http://127.0.0.1:{port}/interactions"


@asynccontextmanager
async def open_fault_harness(
    fake: process.FakeDiscord, database_url: str, folder: Path
) -> AsyncIterator[FaultHarness]:
    """Open a harness on an empty database; on exit every bot is killed."""
    db = await migrate.open_database(database_url, migrate=True)
    harness = FaultHarness(fake, db, database_url, folder)
    try:
        yield harness
    finally:
        harness.kill_all()
        await harness.db.close()


def fan_out(channels: list[int], now: datetime, parts: int) -> list[models.NewDelivery]:
    """One delivery per channel, with `parts` parts: daily posts, alerts and readers' papers of the day."""
    kinds = cycle((models.DeliveryKind.DAILY, models.DeliveryKind.ALERT, models.DeliveryKind.TODAY))
    return [
        relay_harness.new_delivery(f"d{channel_id}", channel_id, now, parts=parts, kind=next(kinds))
        for channel_id in channels
    ]


async def add_round(harness: FaultHarness, channels: list[int], number: int) -> None:
    """Plan a post of one part in each channel, in the round with this number."""
    now = harness.now()
    await harness.add_deliveries(
        *(relay_harness.new_delivery(f"{number}-{channel}", channel, now) for channel in channels)
    )


async def count_faults(harness: FaultHarness, channels: list[int], rounds: int) -> tuple[int, int]:
    """Return how many posts of the rounds so far are missing, and how many are there twice."""
    messages = await harness.fake.all_messages()
    texts = Counter(text for found in messages.values() for text in relay_harness.message_texts(found))
    expected = {f"{number}-{channel} 0" for number in range(rounds) for channel in channels}
    return len(expected - texts.keys()), sum(texts.values()) - len(texts)


async def assert_exactly_once(harness: FaultHarness, channels: list[int], parts: int) -> None:
    """Assert that every channel has every part once, in order."""
    messages = await harness.fake.all_messages()
    for channel_id in channels:
        expected = [f"d{channel_id} {position}" for position in range(parts)]
        assert relay_harness.message_texts(messages.get(channel_id, [])) == expected, harness.read_log()[
            -3000:
        ]
