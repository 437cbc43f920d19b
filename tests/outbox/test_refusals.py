"""What Discord refuses: tries at growing intervals, one notice, the pause after three expired posts, and tries at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.client.accounts import Guilds
from bot.daily.service import Subscriptions
from storage import accounts, alerts, daily, models, outbox
from tests.fake_discord import model, process
from tests.support import alert_builders
from tests.support.relay_harness import OWNER, RelayHarness, all_sent, message_texts, new_subscription

pytestmark = pytest.mark.wire

DAY = timedelta(hours=24, minutes=1)


async def subscribe(harness: RelayHarness, channel_id: int, **fields: Any) -> int:
    async with harness.db.transaction() as connection:
        return await daily.add(connection, new_subscription(channel_id, **fields))


async def state_of(harness: RelayHarness, subscription_id: int) -> tuple[str, str | None]:
    async with harness.db.read() as connection:
        subscription = await daily.get(connection, subscription_id)
    assert subscription is not None
    return subscription.state.value, subscription.reason


async def delivery_of(harness: RelayHarness, key: str) -> tuple[str, str | None]:
    async with harness.db.read() as connection:
        # A post that expired gives its key back.
        [row] = [row for row in await outbox.list_rows(connection) if row.key.partition(":")[0] == key]
    return row.state.value, row.reason


async def dms_of(fake: process.FakeDiscord, user_id: int) -> list[str]:
    channels = await fake.run_action("list_channels")
    dms = [channel["id"] for channel in channels if channel["recipient_id"] == user_id]
    return [text for channel_id in dms for text in message_texts(await fake.messages(channel_id))]


async def test_a_refused_post_is_tried_after_ten_minutes_an_hour_and_six_hours_and_its_owner_told_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id, parts=2)
    tried_at: list[int] = []
    for minute in range(0, 24 * 60, 10):
        before = len(await fake.log("POST", f"/channels/{channel_id}/messages"))
        await relay_harness.drain()
        if len(await fake.log("POST", f"/channels/{channel_id}/messages")) > before:
            tried_at.append(minute)
        relay_harness.clock_offset += timedelta(minutes=10, milliseconds=1)
    assert tried_at == [0, 10, 70, 430]
    assert await dms_of(fake, OWNER) == [f"refused no-send {channel_id}"]
    relay_harness.clock_offset += timedelta(minutes=2)
    await relay_harness.drain()
    assert await delivery_of(relay_harness, "a") == ("stopped", "no-send")
    assert await state_of(relay_harness, subscription_id) == ("active", None)


@pytest.mark.engines("sqlite", "postgresql")
async def test_three_posts_that_expire_for_one_reason_pause_the_subscription_with_one_notice(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    refused, other = await fake.add_channels(2)
    subscription_id, other_id = [await subscribe(relay_harness, id_) for id_ in (refused, other)]
    await fake.change_channel(refused, denied=model.VIEW_CHANNEL)
    for number in range(3):
        assert await state_of(relay_harness, subscription_id) == ("active", None)
        await relay_harness.add(f"{number}", refused, subscription_id=subscription_id)
        await relay_harness.add(f"other {number}", other, subscription_id=other_id)
        await relay_harness.drain()
        relay_harness.clock_offset += DAY
        await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("paused", "no-access")
    assert await state_of(relay_harness, other_id) == ("active", None)
    await relay_harness.drain()
    assert await dms_of(fake, OWNER) == [f"refused no-access {refused}", f"paused no-access {refused}"]
    # A person resumes it once the cause is gone.
    await fake.change_channel(refused, denied=0)
    await Subscriptions(relay_harness.db, relay_harness.now).resume(subscription_id)
    await relay_harness.add("again", refused, subscription_id=subscription_id)
    await relay_harness.drain()
    assert message_texts(await fake.messages(refused)) == ["again 0"]


async def test_a_post_that_is_sent_ends_the_row_of_refusals(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    for number, denied in enumerate((model.SEND_MESSAGES, model.SEND_MESSAGES, 0, model.SEND_MESSAGES)):
        await fake.change_channel(channel_id, denied=denied)
        await relay_harness.add(f"{number}", channel_id, subscription_id=subscription_id)
        await relay_harness.drain()
        relay_harness.clock_offset += DAY
        await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert await dms_of(fake, OWNER) == [f"refused no-send {channel_id}"] * 2


@pytest.mark.parametrize("how", ["button", "channel", "server"])
async def test_a_button_a_changed_channel_and_a_returned_server_have_a_refused_post_tried_at_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord, how: str
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    await fake.change_channel(channel_id, denied=0)
    await relay_harness.drain()
    assert await delivery_of(relay_harness, "a") == ("waiting", "no-send")
    guilds = Guilds(relay_harness.db, relay_harness.now)
    if how == "button":
        await Subscriptions(relay_harness.db, relay_harness.now).resume(subscription_id)
    elif how == "channel":
        await guilds.try_refused(channel_id=[channel_id])
    else:
        await guilds.update({process.GUILD_ID: {}})
    await relay_harness.drain()
    assert await delivery_of(relay_harness, "a") == ("sent", None)


async def test_posts_wait_while_their_server_is_left_and_go_on_when_it_returns(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    guilds = Guilds(relay_harness.db, relay_harness.now)
    await guilds.update({process.GUILD_ID: {}})
    await guilds.mark_left([process.GUILD_ID])
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    assert await relay_harness.list_states() == ["waiting"]
    assert await fake.log("POST") == []
    await guilds.update({process.GUILD_ID: {}})
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


async def test_an_owner_without_dms_is_notified_in_the_system_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channel_id, system_id = await fake.add_channels(2)
    dm = {"id": 99, "type": model.DM, "recipient_id": OWNER, "closed": True}
    await fake.run_action("populate", {"channels": [dm]})
    for key, owner in (("a", OWNER), ("b", None)):
        subscription_id = await subscribe(relay_harness, channel_id, at_time=f"1{key}", created_by=owner)
        await relay_harness.add(key, channel_id, subscription_id=subscription_id)
    async with relay_harness.db.transaction() as connection:
        await accounts.upsert_guilds(connection, {process.GUILD_ID: {"system_channel_id": system_id}})
    await fake.change_channel(channel_id, denied=model.VIEW_CHANNEL)
    await relay_harness.drain()
    await relay_harness.drain()
    assert message_texts(await fake.messages(system_id)) == [f"refused no-access {channel_id}"] * 2


async def test_a_reader_with_closed_dms_is_tried_rarely_and_gets_what_comes_when_they_are_open(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    async with relay_harness.db.transaction() as connection:
        alert = await alerts.add(connection, _new_alert())
    dm = {"id": 98, "type": model.DM, "recipient_id": OWNER, "closed": True}
    await fake.run_action("populate", {"channels": [dm]})
    to_reader: dict[str, Any] = {"kind": models.DeliveryKind.ALERT, "guild_id": None, "user_id": OWNER}
    for number in range(3):
        await relay_harness.add(f"{number}", None, **to_reader)
        await relay_harness.drain()
        await relay_harness.drain()
        assert len(await fake.log("POST", "/channels/98/messages")) == number + 1
        relay_harness.clock_offset += DAY
        await relay_harness.drain()
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert not stored.paused
    await fake.change_channel(98, closed=False)
    await relay_harness.add("open", None, **to_reader)
    await relay_harness.drain()
    assert message_texts(await fake.messages(98)) == ["open 0"]


async def test_direct_messages_of_another_bot_are_opened_again(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """The operator has set the token of another application, and the stored channel belongs to the former one."""
    async with relay_harness.db.transaction() as connection:
        await accounts.upsert_reader(connection, OWNER, dm_channel_id=98)
    await fake.set_faults({"kind": "status", "status": 403, "code": 50001, "path": "/channels/98*"})
    await relay_harness.add("a", 98, kind=models.DeliveryKind.ALERT, guild_id=None, user_id=OWNER)
    await relay_harness.drain()
    relay_harness.clock_offset += timedelta(minutes=11)
    await relay_harness.drain(until=all_sent)
    assert await dms_of(fake, OWNER) == ["a 0"]


async def test_a_post_in_a_refused_style_is_given_up_when_the_style_is_changed(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """What is left of it needs a thread; the changed subscription needs none, and the permission is not given back."""
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id, style=models.Style.THREAD)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES_IN_THREADS)
    kinds = (models.PartKind.MESSAGE, models.PartKind.THREAD, models.PartKind.THREAD_MESSAGE)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id, kinds=kinds)
    await relay_harness.drain()
    assert await delivery_of(relay_harness, "a") == ("waiting", "no-send-in-threads")
    subscriptions = Subscriptions(relay_harness.db, relay_harness.now)
    stored = await subscriptions.get(subscription_id)
    await subscriptions.edit(models.Subscription(**{**_fields(stored), "style": models.Style.COMPACT}))
    await relay_harness.add("b", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "b 0"]
    assert (await delivery_of(relay_harness, "a"))[0] == "stopped"


def _fields(subscription: models.Subscription) -> dict[str, Any]:
    return {name: getattr(subscription, name) for name in models.Subscription.__dataclass_fields__}


def _new_alert(**fields: Any) -> models.Alert:
    return alert_builders.draft("diffusion", user_id=OWNER, key="diffusion", **fields)
