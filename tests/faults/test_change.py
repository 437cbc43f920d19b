"""Changes during a fan-out: everything else arrives once, and the owners get notices."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from storage import daily
from storage.models import PartKind, Style
from tests.fake_discord import model, process
from tests.support import fault_harness, patience, relay_harness
from tests.support.relay_harness import OWNER, new_subscription

pytestmark = [pytest.mark.faults, pytest.mark.wire]

CHANNELS = 60
HOUR = timedelta(hours=1)
PUBLISH_ROUTE = "POST /channels/{channel_id}/messages/{message_id}/crosspost"


async def subscribe(
    harness: fault_harness.FaultHarness, channel_id: int, style: Style = Style.COMPACT
) -> int:
    async with harness.db.transaction() as connection:
        return await daily.add(connection, new_subscription(channel_id, style=style))


async def add_paused(
    harness: fault_harness.FaultHarness,
    channel_id: int,
    kinds: tuple[PartKind, ...] = (),
    style: Style = Style.COMPACT,
) -> None:
    """Plan a post of a new subscription and wait until Discord has refused it."""
    id_ = await subscribe(harness, channel_id, style)
    delivery = relay_harness.new_delivery(
        f"d{channel_id}", channel_id, harness.now(), kinds=kinds, subscription_id=id_
    )
    await harness.add_deliveries(delivery)
    if not harness.processes:
        harness.start_bot()

    async def is_paused() -> bool:
        async with harness.db.read() as connection:
            subscription = await daily.get(connection, id_)
        return subscription is not None and subscription.state.value == "paused"

    await harness.wait_until(is_paused)


async def list_notices(harness: fault_harness.FaultHarness) -> list[str]:
    channels = await harness.fake.run_action("list_channels")
    dm_ids = [channel["id"] for channel in channels if channel["recipient_id"] == OWNER]
    return [
        str(message["payload"])
        for channel_id in dm_ids
        for message in await harness.fake.messages(channel_id)
    ]


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


async def test_a_channel_that_changes_its_type_pauses_with_a_notice_and_resumes_when_it_is_back(
    harness: fault_harness.FaultHarness,
) -> None:
    plain, announcing = await harness.fake.add_channels(2, type=model.TEXT)
    await harness.fake.change_channel(announcing, type=model.ANNOUNCEMENT)
    crosspost = (PartKind.MESSAGE, PartKind.CROSSPOST)
    for channel_id, kinds, style in ((plain, (), Style.COMPACT), (announcing, crosspost, Style.ANNOUNCEMENT)):
        subscription_id = await subscribe(harness, channel_id, style)
        delivery = relay_harness.new_delivery(
            f"d{channel_id}", channel_id, harness.now() + HOUR, kinds=kinds, subscription_id=subscription_id
        )
        await harness.add_deliveries(delivery)
    # With a longer period discord.py lets one request of the route leave in it.
    await harness.fake.run_action("set_limits", {"routes": {PUBLISH_ROUTE: [10, 1.0]}})
    harness.start_bot()
    await harness.fake.wait_until_connected()
    await harness.fake.change_channel(plain, type=model.ANNOUNCEMENT)
    await harness.fake.change_channel(announcing, type=model.TEXT)
    await harness.advance_clock(HOUR)

    async def is_noticed() -> bool:
        return len(await list_notices(harness)) == 1

    await harness.wait_until(is_noticed)
    await harness.fake.change_channel(announcing, type=model.ANNOUNCEMENT)
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, [plain, announcing], 1)
    assert [message["published"] for message in await harness.fake.messages(announcing)] == [True]


async def test_a_channel_that_gets_its_type_back_while_the_bot_is_away_is_resumed_at_its_start(
    harness: fault_harness.FaultHarness,
) -> None:
    [announcing] = await harness.fake.add_channels(1, type=model.TEXT)
    await add_paused(harness, announcing, (PartKind.MESSAGE, PartKind.CROSSPOST), Style.ANNOUNCEMENT)
    harness.kill_all()
    await harness.fake.change_channel(announcing, type=model.ANNOUNCEMENT)
    harness.start_bot()
    await harness.wait_until_all_sent()
    assert [message["published"] for message in await harness.fake.messages(announcing)] == [True]


async def test_a_time_out_of_the_bot_that_ends_by_itself_leaves_nothing_paused(
    harness: fault_harness.FaultHarness,
) -> None:
    [channel_id] = await harness.fake.add_channels(1)
    harness.start_bot("--jobs-each-second")
    await harness.fake.wait_until_connected()
    ends_at = time.time() + patience.scaled(4.0)
    await harness.fake.change_guild(timed_out_until=ends_at)
    await add_paused(harness, channel_id)
    await harness.wait_until_all_sent()
    assert "Traceback" not in harness.read_log()


async def test_threads_that_discord_archived_meanwhile_are_resumed(
    harness: fault_harness.FaultHarness,
) -> None:
    """discord.py keeps no archived thread: one was closed and opened again, the other fell asleep while it was blocked."""
    parent, other = await harness.fake.add_channels(2)
    [closed] = await harness.fake.add_channels(1, first=50, type=model.THREAD, parent_id=parent)
    [asleep] = await harness.fake.add_channels(1, first=60, type=model.THREAD, parent_id=other)
    harness.start_bot()
    await harness.fake.wait_until_connected()
    await harness.fake.change_channel(closed, locked=True, archived=True)
    await harness.fake.change_channel(other, denied=model.SEND_MESSAGES_IN_THREADS)
    for channel_id in (closed, asleep):
        await add_paused(harness, channel_id)
    await harness.fake.change_channel(asleep, archived=True)
    await harness.fake.change_channel(closed, locked=False, archived=False)
    await harness.fake.change_channel(other, denied=0)
    await harness.wait_until_all_sent()
    await fault_harness.assert_exactly_once(harness, [closed, asleep], 1)
