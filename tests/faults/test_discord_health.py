"""Discord's bad days with the whole bot: an outage at the start, and one of half an hour."""

import asyncio
from datetime import timedelta

import pytest

from tests.fake_discord.model import Json
from tests.support.fault_harness import FaultHarness, mostly_on_postgresql

pytestmark = [mostly_on_postgresql, pytest.mark.all_faults]


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
