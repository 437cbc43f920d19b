"""What people and Discord change in the middle of a fan-out: the rest of it arrives, and the owner is told why not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import subscriptions
from tests.bot.services.outbox.test_suspension import OWNER, order
from tests.fake_discord import process, world
from tests.support import fault_harness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

CHANNELS = 60


async def subscribe(harness: fault_harness.FaultHarness, channel_id: int) -> int:
    async with harness.db.transaction() as connection:
        return await subscriptions.add(connection, order(channel_id))


async def list_notices(harness: fault_harness.FaultHarness) -> list[str]:
    channels = await harness.fake.run_action("list_channels")
    dms = [c["id"] for c in channels if c["recipient_id"] == OWNER]
    return [str(m["payload"]) for channel_id in dms for m in await harness.fake.messages(channel_id)]


async def wait_until_started(harness: fault_harness.FaultHarness) -> None:
    async def some_sent() -> bool:
        return await harness.count_sent_messages() >= 5

    await harness.wait_until(some_sent)


async def test_a_revoked_permission_and_a_deleted_channel_in_the_middle_of_a_fan_out(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    revoked, deleted = channels[-1], channels[-2]
    revoked_id, deleted_id = await subscribe(harness, revoked), await subscribe(harness, deleted)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    harness.start_bot()
    await wait_until_started(harness)
    await harness.fake.change_channel(revoked, denied=world.SEND_MESSAGES)
    await harness.fake.change_channel(deleted, deleted=True)

    async def both_noticed() -> bool:
        return len(await list_notices(harness)) >= 2

    await harness.wait_until(both_noticed)
    async with harness.db.read() as connection:
        barred = await subscriptions.get(connection, revoked_id)
        closed = await subscriptions.get(connection, deleted_id)
    assert barred is not None
    assert closed is not None
    assert (barred.state.value, barred.reason) == ("paused", "no-send")
    assert (closed.state.value, closed.reason) == ("closed", "unknown-channel")
    await harness.fake.change_channel(revoked, denied=0)

    others = [c for c in channels if c != deleted]

    async def went_on() -> bool:
        found = await harness.fake.all_messages()
        return all(len(found.get(channel_id, [])) == 2 for channel_id in others)

    await harness.wait_until(went_on)
    assert len(await list_notices(harness)) == 2
    await fault_harness.assert_exactly_once(harness, others, 2)


async def test_a_gateway_drop_in_the_middle_of_a_fan_out_delays_nothing(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 1))
    harness.start_bot()
    await harness.fake.wait_until_connected(seconds=60)
    await wait_until_started(harness)
    await harness.fake.run_action("drop_gateway", {"forget": True, "closed_for": 3.0})
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 1)
    await harness.fake.wait_until_connected(seconds=60)


async def test_an_outage_of_half_an_hour_in_the_middle_of_a_fan_out(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    bot = harness.start_bot()
    await wait_until_started(harness)
    await harness.fake.run_action("set_outage", {"seconds": 600, "gateway": True, "resets": True})

    async def noticed() -> bool:
        return "discord-trouble" in harness.read_log()

    await harness.wait_until(noticed)
    bot.kill()
    bot.wait()
    await harness.advance_clock(timedelta(minutes=30))
    harness.start_bot()
    await harness.fake.run_action("set_outage", {"seconds": 0})
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 2)


async def test_a_stop_finishes_what_is_in_hand_and_the_next_start_goes_on(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    bot = harness.start_bot()
    await wait_until_started(harness)
    bot.terminate()
    assert bot.wait(10) == 0
    assert "sending" not in await harness.count_states()
    harness.start_bot()
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, channels, 2)


async def test_a_second_copy_sends_nothing_until_the_first_is_dead(
    harness: fault_harness.FaultHarness,
) -> None:
    channels = await harness.fake.add_channels(CHANNELS)
    await harness.add_deliveries(*fault_harness.fan_out(channels, harness.now(), 2))
    first = harness.start_bot()
    second = harness.start_bot()
    await wait_until_started(harness)
    first.kill()
    first.wait()
    second.poll()
    await harness.wait_until_all_sent(seconds=30)
    await fault_harness.assert_exactly_once(harness, channels, 2)
    assert process.TOKEN not in harness.read_log()


async def test_a_start_in_the_middle_of_an_outage_logs_in_when_it_is_over(
    harness: fault_harness.FaultHarness,
) -> None:
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
    await harness.fake.wait_until_connected(seconds=30)
    assert bot.poll() is None
    assert "Unclosed" not in harness.read_log()
    assert "Traceback" not in harness.read_log()
