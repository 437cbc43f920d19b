"""The fault tests' harness: a fake Discord, a database, and bots as processes that can be killed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import pytest

from bot.client import webhook
from bot.client.message_builder import without_actions
from bot.core.clock import system_clock
from storage import failures, key_values, locks, migrate, models, outbox
from storage.database import Database
from tests.fake_discord import server
from tests.support import digest_builders, fork_server, outbox_builders, patience, running_bot
from tests.support.outbox_builders import new_delivery
from tests.support.relay_harness import message_texts
from tests.support.shifted_command import move

mostly_on_postgresql = pytest.mark.engines("postgresql", pytest.param("sqlite", marks=pytest.mark.all_faults))
"""For tests that do not depend on the database. They run on SQLite only with `--all-faults`."""
SUPERVISOR_SECONDS = 1.0
"""How long a supervisor takes to restart a process."""
TOPIC = {"id": "1", "name": "topic", "type": 1, "options": [{"name": "query", "type": 3, "value": "robots"}]}
LIST = {"id": "2", "name": "daily", "type": 1, "options": [{"name": "list", "type": 1}]}
Name = TypeVar("Name")
Value = TypeVar("Value")


@dataclass
class FaultHarness:
    """Starts and kills bots.

    `clock_offset` is how far the clocks of the bots and the fake are ahead; `clock_error` is how far the
    bots' clocks are ahead of the fake's.
    """

    fake: server.FakeDiscord
    db: Database
    database_url: str
    folder: Path
    clock_offset: timedelta = timedelta(0)
    clock_error: timedelta = timedelta(0)
    processes: list[fork_server.ForkedProcess] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the fake's time (UTC), without the bots' clock error."""
        return system_clock() + self.clock_offset

    async def advance_clock(self, duration: timedelta) -> None:
        self.clock_offset += duration
        self.fake.world.advance_clock(max(0.0, duration.total_seconds()))
        self.set_clock_error(self.clock_error)

    def set_clock_error(self, error: timedelta) -> None:
        """Set the error of all bots' wall clocks, including running bots."""
        self.clock_error = error
        move(self._clock_file, self.clock_offset.total_seconds(), error.total_seconds())

    @property
    def _clock_file(self) -> Path:
        return self.folder / "clock_offset"

    @property
    def _log_file(self) -> Path:
        return self.folder / "bot.log"

    def start_bot(self, **settings: str) -> fork_server.ForkedProcess:
        """Start the bot with shifted clocks."""
        return self._start("tests.support.shifted_command", (str(self._clock_file), "", "", "run"), settings)

    async def start_sender_and_standby(self) -> tuple[fork_server.ForkedProcess, fork_server.ForkedProcess]:
        """Start two bots, of which the second waits for the sender lock."""
        sender = self.start_bot()
        await self.fake.wait_until_connected()
        standby = self.start_bot()
        await self.wait_until(lambda: "waiting for the sender lock" in self.read_log())
        return sender, standby

    def start_cli(self, *arguments: str, **settings: str) -> fork_server.ForkedProcess:
        return self._start("bot", arguments, settings)

    def _start(
        self, module: str, arguments: tuple[str, ...], settings: dict[str, str]
    ) -> fork_server.ForkedProcess:
        self.set_clock_error(self.clock_error)
        url = {"PAPERROUND_DATABASE_URL": self.database_url}
        env = running_bot.environment(self.fake, url | settings)
        started = fork_server.ForkedProcess(
            module, arguments, cwd=fork_server.ROOT, env=env, log=self._log_file
        )
        self.processes.append(started)
        return started

    @asynccontextmanager
    async def supervising(self, *bots: fork_server.ForkedProcess) -> AsyncIterator[None]:
        """Restart each of these bots when it ends, like a supervisor."""
        running = dict(enumerate(bots))
        task = asyncio.create_task(supervise(running, lambda _: self.start_bot()))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def kill(self, bot: fork_server.ForkedProcess) -> None:
        """Kill a bot and end its lease."""
        bot.kill()
        bot.wait()
        await self.end_lease()

    async def end_lease(self) -> None:
        """Let another bot send, as if the fifteen seconds had passed in which no other does."""
        async with self.db.transaction() as connection:
            await connection.execute(locks.sender_lease.update().values(expires_at=models.NEVER))

    def kill_all(self) -> None:
        for bot in self.processes:
            bot.kill()
            bot.wait()

    def read_log(self) -> str:
        return self._log_file.read_text(errors="replace")

    async def fan_out(self, channels: list[int], parts: int = 1, name: str = "d") -> None:
        """Plan a delivery for each channel: in turn a daily post, an alert, and papers of the day."""
        kinds = cycle((models.DeliveryKind.DAILY, models.DeliveryKind.ALERT, models.DeliveryKind.TODAY))
        planned = (
            new_delivery(f"{name}{channel_id}", channel_id, self.now(), parts=parts, kind=next(kinds))
            for channel_id in channels
        )
        await outbox_builders.add(self.db, *planned)

    async def fan_out_by_webhooks(self, channels: list[int], parts: int = 1) -> None:
        for number, channel_id in enumerate(channels, 1):
            address = self.fake.add_webhook(channel_id, number)
            webhook_id, token = webhook.parse_address(address, self.fake.api_url)
            await self.db.write(key_values.set_value, f"{key_values.WEBHOOK}{webhook_id}", token)
            delivery = new_delivery(f"d{channel_id}", webhook_id, self.now(), parts=parts, guild_id=None)
            passive = (
                replace(part, payload=json.dumps(without_actions(json.loads(part.payload))))
                for part in delivery.parts
            )
            await outbox_builders.add(self.db, replace(delivery, parts=tuple(passive)))

    async def store_digest(self, *arxiv_ids: str, on: date | None = None) -> None:
        """Store a day's newsletter (today's by default), and queue its papers for alerts."""
        now = self.now()
        text = digest_builders.newsletter(on or now.date(), [(id_, 5) for id_ in arxiv_ids])
        pending = digest_builders.add_pending_alerts(now)
        await digest_builders.ingest_digest(self.db, text, at=now, on_fresh=pending, location=arxiv_ids[0])

    async def ask(self, channel_id: int, count: int) -> list[bool]:
        """Send commands by different readers at once. Returns whether each was answered."""
        asked = (
            self.fake.interact(channel_id, (TOPIC, LIST)[n % 2], user_id=1_000 + n, answer=True)
            for n in range(count)
        )
        return [record.record.responded for record in await asyncio.gather(*asked)]

    async def count_states(self) -> dict[str, int]:
        counts = await self.db.fetch(outbox.count_by_state)
        return {state.value: count for state, count in counts.items()}

    async def wait_until(
        self, condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60.0
    ) -> None:
        """Wait until `condition` is true; on failure, show the bots' log."""
        await patience.wait_until(condition, seconds, describe=lambda: self.read_log()[-6000:])

    async def wait_for_value(
        self, get: Callable[[], Awaitable[Value]], is_wanted: Callable[[Value], object], seconds: float = 60.0
    ) -> None:
        await patience.wait_for_value(get, is_wanted, seconds, describe=lambda: self.read_log()[-6000:])

    async def wait_for_sent(self, count: int) -> None:
        await self.wait_until(lambda: self.fake.count_messages() >= count)

    async def wait_until_all_sent(self) -> None:
        await self.wait_for_value(self.count_states, lambda states: {*states} == {"sent"}, 90.0)

    async def wait_for_end(self, bot: fork_server.ForkedProcess) -> int:
        await self.wait_until(lambda: bot.poll() is not None)
        return bot.wait()

    async def assert_sent_once(self, channels: list[int], parts: int = 1) -> None:
        """Assert that every channel has every part of its `fan_out` once, in order."""
        messages = self.fake.all_messages()
        for channel_id in channels:
            expected = [f"d{channel_id} {position}" for position in range(parts)]
            assert message_texts(messages.get(channel_id, [])) == expected, self.read_log()[-3000:]

    async def assert_no_error_kept(self) -> None:
        """Assert that no process has an error of which the operator would be told."""
        kept = await self.db.fetch(failures.list_rows)
        assert [(one.event, one.kind, one.reason) for one in kept] == []

    def assert_no_traceback(self) -> None:
        log = self.read_log()
        assert "Traceback" not in log, log[max(log.find("Traceback") - 1000, 0) :][:6000]


async def supervise(
    running: dict[Name, fork_server.ForkedProcess], start: Callable[[Name], fork_server.ForkedProcess]
) -> None:
    """Restart each of these processes when it ends, until cancelled."""
    while True:
        await asyncio.sleep(SUPERVISOR_SECONDS)
        running.update({name: start(name) for name, one in [*running.items()] if one.poll() is not None})


@asynccontextmanager
async def open_fault_harness(
    fake: server.FakeDiscord, database_url: str, folder: Path
) -> AsyncIterator[FaultHarness]:
    """Open a harness on an empty database. Kills every bot on exit."""
    db = await migrate.open_database(database_url, migrate=True)
    harness = FaultHarness(fake, db, database_url, folder)
    try:
        yield harness
    finally:
        harness.kill_all()
        await harness.db.close()
