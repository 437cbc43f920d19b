"""A Discord outage and a second process during a fan-out: everything arrives once."""

from datetime import timedelta

import pytest

from tests.fake_discord import model
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire, pytest.mark.promise]

CHANNELS = 60


async def test_each_part_arrives_once_after_a_half_hour_outage(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(CHANNELS)
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


async def test_second_process_sends_nothing_until_the_first_is_dead(harness: FaultHarness) -> None:
    channels = harness.fake.add_channels(CHANNELS)
    first, _ = await harness.start_sender_and_standby()
    await harness.fan_out(channels, 2)
    await harness.wait_for_sent(5)
    await harness.kill(first)
    await harness.wait_until_all_sent()
    await harness.assert_sent_once(channels, 2)
    assert model.TOKEN not in harness.read_log()
