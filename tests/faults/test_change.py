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


async def subscribe(town: fault_harness.Town, channel_id: int) -> int:
    async with town.db.transaction() as connection:
        return await subscriptions.add(connection, order(channel_id))


async def notices(town: fault_harness.Town) -> list[str]:
    channels = await town.fake.ask("list_channels")
    dms = [c["id"] for c in channels if c["recipient_id"] == OWNER]
    return [str(m["payload"]) for channel_id in dms for m in await town.fake.messages(channel_id)]


async def begun(town: fault_harness.Town) -> None:
    async def some_sent() -> bool:
        return await town.sent_messages() >= 5

    await town.until(some_sent)


async def test_a_revoked_permission_and_a_deleted_channel_in_the_middle_of_a_fan_out(
    town: fault_harness.Town,
) -> None:
    channels = await town.fake.add_channels(CHANNELS)
    revoked, deleted = channels[-1], channels[-2]
    revoked_id, deleted_id = await subscribe(town, revoked), await subscribe(town, deleted)
    await town.plan(*fault_harness.fan_out(channels, town.now(), 2))
    town.start_bot()
    await begun(town)
    await town.fake.change_channel(revoked, denied=world.SEND_MESSAGES)
    await town.fake.change_channel(deleted, deleted=True)

    async def both_noticed() -> bool:
        return len(await notices(town)) >= 2

    await town.until(both_noticed)
    async with town.db.read() as connection:
        barred = await subscriptions.get(connection, revoked_id)
        closed = await subscriptions.get(connection, deleted_id)
    assert barred is not None
    assert closed is not None
    assert (barred.state.value, barred.reason) == ("paused", "no-send")
    assert (closed.state.value, closed.reason) == ("closed", "unknown-channel")
    await town.fake.change_channel(revoked, denied=0)

    others = [c for c in channels if c != deleted]

    async def went_on() -> bool:
        found = await town.fake.all_messages()
        return all(len(found.get(channel_id, [])) == 2 for channel_id in others)

    await town.until(went_on)
    assert len(await notices(town)) == 2
    await fault_harness.assert_exactly_once(town, others, 2)


async def test_a_gateway_drop_in_the_middle_of_a_fan_out_delays_nothing(town: fault_harness.Town) -> None:
    channels = await town.fake.add_channels(CHANNELS)
    await town.plan(*fault_harness.fan_out(channels, town.now(), 1))
    town.start_bot()
    await town.fake.wait_until_connected(seconds=60)
    await begun(town)
    await town.fake.ask("drop_gateway", {"forget": True, "closed_for": 3.0})
    await town.until_all_sent()
    await fault_harness.assert_exactly_once(town, channels, 1)
    await town.fake.wait_until_connected(seconds=60)


async def test_an_outage_of_half_an_hour_in_the_middle_of_a_fan_out(town: fault_harness.Town) -> None:
    channels = await town.fake.add_channels(CHANNELS)
    await town.plan(*fault_harness.fan_out(channels, town.now(), 2))
    bot = town.start_bot()
    await begun(town)
    await town.fake.ask("set_outage", {"seconds": 600, "gateway": True, "resets": True})

    async def noticed() -> bool:
        return "discord-trouble" in town.log()

    await town.until(noticed)
    bot.kill()
    bot.wait()
    await town.move_on(timedelta(minutes=30))
    town.start_bot()
    await town.fake.ask("set_outage", {"seconds": 0})
    await town.until_all_sent()
    await fault_harness.assert_exactly_once(town, channels, 2)


async def test_a_stop_finishes_what_is_in_hand_and_the_next_start_goes_on(town: fault_harness.Town) -> None:
    channels = await town.fake.add_channels(CHANNELS)
    await town.plan(*fault_harness.fan_out(channels, town.now(), 2))
    bot = town.start_bot()
    await begun(town)
    bot.terminate()
    assert bot.wait(10) == 0
    assert "sending" not in await town.states()
    town.start_bot()
    await town.until_all_sent()
    await fault_harness.assert_exactly_once(town, channels, 2)


async def test_a_second_copy_sends_nothing_until_the_first_is_dead(town: fault_harness.Town) -> None:
    channels = await town.fake.add_channels(CHANNELS)
    await town.plan(*fault_harness.fan_out(channels, town.now(), 2))
    first = town.start_bot()
    second = town.start_bot()
    await begun(town)
    first.kill()
    first.wait()
    second.poll()
    await town.until_all_sent(seconds=30)
    await fault_harness.assert_exactly_once(town, channels, 2)
    assert process.TOKEN not in town.log()


async def test_a_start_in_the_middle_of_an_outage_logs_in_when_it_is_over(town: fault_harness.Town) -> None:
    [channel] = await town.fake.add_channels(1)
    await town.plan(*fault_harness.fan_out([channel], town.now(), 1))
    await town.fake.set_faults(
        {"kind": "status", "status": 503, "path": "/users/@me", "times": 1},
        {"kind": "status", "status": 503, "path": "/oauth2/*", "times": 1},
        {"kind": "status", "status": 503, "method": "PUT", "times": 1},
        {"kind": "status", "status": 503, "path": "/gateway/bot", "times": 1},
    )
    bot = town.start_bot()
    await town.until_all_sent()
    await town.fake.wait_until_connected(seconds=30)
    assert bot.poll() is None
    assert "Unclosed" not in town.log()
    assert "Traceback" not in town.log()
