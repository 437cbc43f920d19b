"""Outages, second processes and changes of channels during a fan-out: everything arrives once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import daily, outbox
from storage.models import PartKind, Style
from tests.fake_discord import model, process
from tests.support import fault_harness, relay_harness
from tests.support.relay_harness import new_subscription

pytestmark = [pytest.mark.faults, pytest.mark.wire]

CHANNELS = 60


async def add_refused(
    harness: fault_harness.FaultHarness,
    channel_id: int,
    kinds: tuple[PartKind, ...] = (),
    style: Style = Style.COMPACT,
) -> None:
    """Plan a post of a new subscription and wait until Discord has refused it."""
    async with harness.db.transaction() as connection:
        id_ = await daily.add(connection, new_subscription(channel_id, style=style))
    delivery = relay_harness.new_delivery(
        f"d{channel_id}", channel_id, harness.now(), kinds=kinds, subscription_id=id_
    )
    await harness.add_deliveries(delivery)
    if not harness.processes:
        harness.start_bot()

    async def is_refused() -> bool:
        async with harness.db.read() as connection:
            return bool(await outbox.list_refused(connection, subscription_id=[id_]))

    await harness.wait_until(is_refused)


@pytest.mark.promise
async def test_an_outage_of_half_an_hour_during_a_fan_out(harness: fault_harness.FaultHarness) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    bot = harness.start_bot()
    await harness.wait_for_sent(5)
    await harness.fake.run_action("set_outage", {"seconds": 600, "gateway": True, "resets": True})

    await harness.wait_until(lambda: "discord-trouble" in harness.read_log())
    bot.kill()
    bot.wait()
    await harness.advance_clock(timedelta(minutes=30))
    harness.start_bot()
    await harness.fake.run_action("set_outage", {"seconds": 0})
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 2)


@pytest.mark.promise
async def test_a_second_process_sends_nothing_until_the_first_is_dead(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    first = harness.start_bot()
    second = harness.start_bot()
    await harness.wait_for_sent(5)
    first.kill()
    first.wait()
    second.poll()
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 2)
    assert process.TOKEN not in harness.read_log()


async def test_a_start_during_an_outage_logs_in_when_it_is_over(harness: fault_harness.FaultHarness) -> None:
    [channel] = await harness.fake.add_channels(1)
    await harness.add_deliveries(*fault_harness.fan_out([channel], harness.now(), 1))
    await harness.fake.set_faults(
        {"kind": "status", "status": 503, "path": "/users/@me", "times": 1},
        {"kind": "status", "status": 503, "path": "/oauth2/*", "times": 1},
        {"kind": "status", "status": 503, "method": "PUT", "times": 1},
        {"kind": "status", "status": 503, "path": "/gateway/bot", "times": 1},
    )
    bot = harness.start_bot()
    await harness.wait_until_all_sent()
    await harness.fake.wait_until_connected()
    assert bot.poll() is None
    assert "Unclosed" not in harness.read_log()
    assert "Traceback" not in harness.read_log()


async def test_what_is_no_longer_refused_is_sent_without_an_event_too(
    harness: fault_harness.FaultHarness,
) -> None:
    """A change while the bot is away, a time-out of the bot that ends, and threads that discord.py does not keep."""
    announcing, parent, other = await harness.fake.add_channels(3, type=model.TEXT)
    [closed] = await harness.fake.add_channels(1, first=50, type=model.THREAD, parent_id=parent)
    [asleep] = await harness.fake.add_channels(1, first=60, type=model.THREAD, parent_id=other)
    await harness.fake.change_channel(closed, locked=True, archived=True)
    await harness.fake.change_channel(other, denied=model.SEND_MESSAGES_IN_THREADS)
    await add_refused(harness, announcing, (PartKind.MESSAGE, PartKind.CROSSPOST), Style.ANNOUNCEMENT)
    for channel_id in (closed, asleep):
        await add_refused(harness, channel_id)
    harness.kill_all()
    await harness.fake.change_channel(announcing, type=model.ANNOUNCEMENT)
    await harness.fake.change_channel(asleep, archived=True)
    await harness.fake.change_channel(closed, locked=False, archived=False)
    await harness.fake.change_channel(other, denied=0)
    harness.start_bot()
    await harness.advance_clock(timedelta(minutes=10))
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, [closed, asleep], 1)
    assert [message["published"] for message in await harness.fake.messages(announcing)] == [True]
    assert "Traceback" not in harness.read_log()
