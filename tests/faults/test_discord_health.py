"""Discord's bad days with the real discord.py: bans, HTML pages, global rate limits, silence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from storage import daily, models
from storage.database import Database
from tests.fake_discord import server
from tests.fake_discord.model import Json
from tests.support import outbox_builders, patience
from tests.support.fault_harness import FaultHarness, mostly_on_postgresql
from tests.support.relay_harness import RelayHarness, open_relay_harness

pytestmark = [mostly_on_postgresql, pytest.mark.all_faults]

SECONDS_UNTIL_OUT = 60.0
"""The longest time for every post to be sent after Discord has recovered."""

MAX_REQUESTS_IN_BAN = 20
"""Of hundreds that are due: four failures, requests in flight, then single ones; aiohttp repeats a GET after
a reset.
"""


@dataclass
class Day:
    """A relay with a fake Discord, its channels and their subscriptions."""

    harness: RelayHarness
    channels: list[int]

    async def run(self, seconds: float, fault: Json) -> int:
        """Run a fan-out. Once a third of the messages have arrived, every request fails for `seconds`.

        Checks that every post arrives once and that nothing else is sent. Returns the number of requests in
        that time.
        """
        fake = self.harness.fake
        task = asyncio.create_task(self.harness.relay.run())
        await patience.wait_until(lambda: fake.count_messages() >= len(self.channels) // 3)
        fake.set_faults(fault)
        before = len(fake.log())
        await asyncio.sleep(seconds)
        requests = len(fake.log()) - before
        fake.set_faults()
        states = self.harness.list_states
        await patience.wait_for_value(states, lambda found: {*found} == {"sent"}, SECONDS_UNTIL_OUT)
        self.harness.relay.stop()
        await task
        messages = fake.all_messages()
        assert {channel: len(found) for channel, found in messages.items()} == dict.fromkeys(self.channels, 1)
        assert {row.state for row in await self.harness.database.fetch(daily.list_rows)} == {
            models.ActivityState.ACTIVE
        }
        assert len(await self.harness.planned()) == len(self.channels), "a notice was planned"
        return requests


@pytest.fixture
async def day(fake: server.FakeDiscord, sqlite_db: Database) -> AsyncIterator[Day]:
    channels = fake.add_channels(300)
    async with open_relay_harness(sqlite_db, fake, per_second=49.0) as harness:
        for channel_id in channels:
            id_ = await sqlite_db.write(daily.add, outbox_builders.new_subscription(channel_id))
            await harness.add(f"d{channel_id}", channel_id, subscription_id=id_)
        yield Day(harness, channels)


BANS: dict[str, Json] = {
    **{f"{status} page": {"kind": "page", "status": status} for status in (403, 429, 200)},
    "403 with the status": {"kind": "status", "status": 403, "message": "blocked by the WAF", "code": 403},
    "429 without Via": {"kind": "status", "status": 429, "message": "slow down"},
    "reset": {"kind": "lose"},
}
"""Of each kind one: `tests/client/test_rest.py` tells which answers are not Discord's."""


@pytest.mark.parametrize("ban", BANS)
async def test_ban_pauses_requests_and_notifies_nobody(day: Day, ban: str) -> None:
    assert await day.run(15.0, BANS[ban]) <= MAX_REQUESTS_IN_BAN


@pytest.mark.parametrize("kind", ["page", "status"])
async def test_requests_wait_for_the_end_of_a_global_rate_limit(day: Day, kind: str) -> None:
    """A `page` is Cloudflare's rate limit; a `status` is Discord's own."""
    limit = {"kind": kind, "status": 429, "retry_after": 70.0}
    requests = await day.run(69.0, limit)
    assert requests <= 10, "those in flight, and no probe before the limit ends"


async def test_bot_that_starts_during_an_outage_waits_for_its_end(harness: FaultHarness) -> None:
    """Login, commands and the Gateway's URL fail too. A proxy's 401 does not mean a wrong token."""
    channels = harness.fake.add_channels(20)
    await harness.fan_out(channels)
    faults: list[Json] = [{"kind": "page", "status": status} for status in (401, 503, 403, 429, 200)]
    faults.append({"kind": "status", "status": 401, "message": "log in", "code": "unauthorized"})
    for fault in faults:
        before = len(harness.fake.log())
        harness.fake.set_faults(fault)
        bot = harness.start_bot()
        await harness.fake.wait_for_requests(before + 2, describe=harness.read_log)
        assert bot.poll() is None
        harness.fake.set_faults()
        await harness.wait_until_all_sent()
        await harness.fake.wait_until_connected()
        bot.terminate()
        await asyncio.to_thread(bot.wait)
    await harness.assert_sent_once(channels)
    harness.assert_no_traceback()


@pytest.mark.promise
async def test_each_part_arrives_once_after_a_half_hour_outage(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(60)
    await harness.fan_out(channels, 2)
    bot = harness.start_bot()
    await harness.wait_for_sent(5)
    await harness.fake.set_outage(600, gateway=True, resets=True)

    await harness.wait_until(lambda: "discord-trouble" in harness.read_log())
    await harness.kill(bot)
    await harness.advance_clock(timedelta(minutes=30))
    harness.start_bot()
    await harness.fake.set_outage(0)
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels, 2)
    harness.assert_no_traceback()
