"""Suspension of blocked destinations: the stored reason, one notice per owner, and resuming with another notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.daily.service import Subscriptions
from storage import accounts, alerts, daily, models, outbox
from tests.fake_discord import model, process
from tests.support import alert_builders
from tests.support.relay_harness import (
    OWNER,
    RelayHarness,
    all_sent,
    message_texts,
    new_delivery,
    new_subscription,
)

pytestmark = [pytest.mark.wire, pytest.mark.engines("sqlite", "postgresql")]


async def subscribe(harness: RelayHarness, channel_id: int, **fields: Any) -> int:
    async with harness.db.transaction() as connection:
        return await daily.add(connection, new_subscription(channel_id, **fields))


async def state_of(harness: RelayHarness, subscription_id: int) -> tuple[str, str | None]:
    async with harness.db.read() as connection:
        subscription = await daily.get(connection, subscription_id)
    assert subscription is not None
    return subscription.state.value, subscription.reason


async def always(_: models.Subscription | models.Alert) -> bool:
    return True


async def never(_: models.Subscription | models.Alert) -> bool:
    return False


async def dms_of(fake: process.FakeDiscord, user_id: int) -> list[str]:
    channels = await fake.run_action("list_channels")
    dms = [channel["id"] for channel in channels if channel["recipient_id"] == user_id]
    return [text for channel_id in dms for text in message_texts(await fake.messages(channel_id))]


async def test_a_revoked_permission_pauses_with_one_notice_and_a_granted_one_resumes_with_another(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES)
    now = relay_harness.now()
    await relay_harness.add_deliveries(
        *(new_delivery(f"d{n}", channel_id, now, subscription_id=subscription_id, parts=2) for n in range(3))
    )
    await relay_harness.drain()
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("paused", "no-send")
    assert await dms_of(fake, OWNER) == [f"paused no-send {channel_id}"]
    attempted_posts = await fake.log("POST", f"/channels/{channel_id}/messages")
    assert len(attempted_posts) == 1

    async def is_available(row: models.Subscription | models.Alert) -> bool:
        return (row.guild_id, row.channel_id, row.reason) == (process.GUILD_ID, channel_id, "no-send")

    resumer = relay_harness.open_resumer()
    await fake.change_channel(channel_id, denied=0)
    assert await resumer.resume(is_available, relay_harness.now()) == {channel_id}
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert sorted(message_texts(await fake.messages(channel_id))) == sorted(
        f"d{n} {part}" for n in range(3) for part in range(2)
    )
    assert await dms_of(fake, OWNER) == [f"paused no-send {channel_id}", f"resumed None {channel_id}"]
    assert await resumer.resume(is_available, relay_harness.now()) == set()


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_channel_that_is_refused_after_each_resumption_is_resumed_more_and_more_rarely(
    relay_harness: RelayHarness, fake: process.FakeDiscord, is_restarted: bool
) -> None:
    """Its permissions look sufficient: without waiting, each check would bring two notices."""
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.set_faults({"kind": "status", "status": 403, "code": 999999, "path": "/channels/*/messages"})
    await fake.run_action("set_limits", {"routes": {"POST /users/@me/channels": [1000, 1.0]}})
    resumer = relay_harness.open_resumer()
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    resumed_at = []
    for minute in range(0, 6 * 60, 5):
        if is_restarted:
            resumer = relay_harness.open_resumer()
        if await resumer.resume(always, relay_harness.now()):
            resumed_at.append(minute)
            await relay_harness.drain()
        relay_harness.clock_offset += timedelta(minutes=5, seconds=1)
    assert resumed_at == [0, 5, 25, 105]
    # What was refused has expired, and what comes next is refused too.
    relay_harness.clock_offset += timedelta(days=1)
    await relay_harness.open_relay().expire(relay_harness.now())
    await resumer.resume(always, relay_harness.now())
    await relay_harness.add("b", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    assert await resumer.resume(always, relay_harness.now()) == set()
    assert await resumer.resume(never, relay_harness.now()) == set()
    assert await resumer.resume(always, relay_harness.now()) == {channel_id}, (
        "the cause was seen, and is gone"
    )


async def test_a_channel_that_accepts_a_message_is_resumed_at_once_the_next_time(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    resumer = relay_harness.open_resumer()
    for number in range(3):
        await fake.change_channel(channel_id, denied=model.SEND_MESSAGES)
        await relay_harness.add(f"{number}", channel_id, subscription_id=subscription_id)
        await relay_harness.drain()
        await fake.change_channel(channel_id, denied=0)
        assert await resumer.resume(always, relay_harness.now()) == {channel_id}
        await relay_harness.drain()
    assert message_texts(await fake.messages(channel_id)) == ["0 0", "1 0", "2 0"]


async def test_a_channel_that_discord_does_not_find_once_is_not_closed(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.set_faults({"kind": "status", "status": 404, "code": 10003, "method": "POST", "times": 1})
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain(until=all_sent)
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert message_texts(await fake.messages(channel_id)) == ["a 0"]


async def test_a_deleted_channel_closes_its_subscription_with_a_notice(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, deleted=True)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("closed", "unknown-channel")
    assert await dms_of(fake, OWNER) == [f"closed unknown-channel {channel_id}"]
    assert (await relay_harness.list_states())[0] == "failed"


async def test_an_owner_without_dms_is_notified_in_the_system_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channel_id, system_id = await fake.add_channels(2)
    dm = {"id": 99, "type": model.DM, "recipient_id": OWNER, "closed": True}
    await fake.run_action("populate", {"channels": [dm]})
    subscription_id = await subscribe(relay_harness, channel_id)
    ownerless_id = await subscribe(relay_harness, channel_id, at_time="10:00", created_by=None)
    async with relay_harness.db.transaction() as connection:
        await accounts.upsert_guilds(
            connection, {process.GUILD_ID: {"system_channel_id": system_id}}, now=relay_harness.now()
        )
    await fake.change_channel(channel_id, denied=model.VIEW_CHANNEL)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    await relay_harness.drain()
    assert await state_of(relay_harness, ownerless_id) == ("paused", "no-access")
    assert message_texts(await fake.messages(system_id)) == [f"paused no-access {channel_id}"] * 2


async def test_a_reader_with_closed_dms_gets_no_further_attempts(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    async with relay_harness.db.transaction() as connection:
        alert = await alerts.add(connection, _new_alert())
    dm = {"id": 98, "type": model.DM, "recipient_id": OWNER, "closed": True}
    await fake.run_action("populate", {"channels": [dm]})
    dm_alert: dict[str, Any] = {
        "kind": models.DeliveryKind.ALERT,
        "guild_id": None,
        "user_id": OWNER,
        "priority": 10,
    }
    await relay_harness.add_deliveries(
        new_delivery("a", None, relay_harness.now(), **dm_alert),
        new_delivery("b", None, relay_harness.now(), **dm_alert),
    )
    await relay_harness.drain()
    assert len(await fake.log("POST", "/channels/98/messages")) == 1
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert (stored.state.value, stored.reason) == ("paused", "dms-closed")

    await fake.change_channel(98, closed=False)
    async with relay_harness.db.transaction() as connection:
        await outbox.resume(connection, relay_harness.now(), user_id=OWNER)
    await relay_harness.drain()
    assert message_texts(await fake.messages(98)) == ["a 0", "b 0"]


@pytest.mark.parametrize(("status", "code"), [(403, 50001), (404, 10003)])
@pytest.mark.parametrize("is_own", [False, True])
async def test_direct_messages_of_another_bot_are_opened_again_and_refused_ones_of_this_bot_are_not(
    relay_harness: RelayHarness, fake: process.FakeDiscord, status: int, code: int, *, is_own: bool
) -> None:
    """The operator has set the token of another application, and the stored channel belongs to the former one."""
    async with relay_harness.db.transaction() as connection:
        alert = await alerts.add(connection, _new_alert())
        await accounts.upsert_reader(connection, OWNER, now=relay_harness.now(), dm_channel_id=98)
    if is_own:
        dm = {"id": 98, "type": model.DM, "recipient_id": OWNER}
        await fake.run_action("populate", {"channels": [dm]})
    await fake.set_faults({"kind": "status", "status": status, "code": code, "path": "/channels/98*"})
    dm_alert: dict[str, Any] = {"kind": models.DeliveryKind.ALERT, "guild_id": None, "user_id": OWNER}
    await relay_harness.add_deliveries(
        *(new_delivery(key, 98, relay_harness.now(), **dm_alert) for key in ("a", "b"))
    )
    await relay_harness.drain(until=None if is_own else all_sent)
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert (stored.state is models.ActivityState.ACTIVE) is not is_own
    assert await dms_of(fake, OWNER) == ([] if is_own else ["a 0", "b 0"])


async def test_a_forum_that_requires_a_tag_pauses_only_its_own_subscription(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [forum] = await fake.add_channels(1, type=model.FORUM, require_tag=True)
    subscription_id = await subscribe(relay_harness, forum, style=models.Style.FORUM)
    kinds = (models.PartKind.FORUM_POST,)
    await relay_harness.add("a", forum, subscription_id=subscription_id, kinds=kinds)
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("paused", "tag-needed")


@pytest.mark.parametrize("kind", [models.DeliveryKind.DAILY, models.DeliveryKind.ALERT])
async def test_all_that_posts_into_a_thread_that_is_closed_is_held_until_it_is_opened(
    relay_harness: RelayHarness, fake: process.FakeDiscord, kind: models.DeliveryKind
) -> None:
    """Of a locked thread that is archived too Discord says only that it is archived."""
    [thread] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, thread)
    async with relay_harness.db.transaction() as connection:
        alert = await alerts.add(connection, _new_alert(channel_id=thread, guild_id=process.GUILD_ID))
    await fake.set_faults(
        {"kind": "status", "status": 403, "code": 50083, "path": f"/channels/{thread}/messages"}
    )
    owner = {"subscription_id": subscription_id} if kind is models.DeliveryKind.DAILY else {}
    await relay_harness.add("a", thread, kind=kind, **owner)
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("paused", "thread-locked")
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert (stored.state, stored.reason) == (models.ActivityState.PAUSED, models.Reason.THREAD_LOCKED)
    assert await dms_of(fake, OWNER) == [f"paused thread-locked {thread}"] * 2
    await fake.set_faults()
    await relay_harness.open_resumer().resume(always, relay_harness.now())
    await relay_harness.drain(until=all_sent)
    assert message_texts(await fake.messages(thread)) == ["a 0"]


async def test_threads_that_the_bot_may_not_write_in_pause_only_the_post_with_a_thread(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    with_thread = await subscribe(relay_harness, channel_id, style=models.Style.THREAD)
    plain = await subscribe(relay_harness, channel_id, at_time="10:00")
    async with relay_harness.db.transaction() as connection:
        draft = _new_alert(channel_id=channel_id, guild_id=process.GUILD_ID)
        alert = await alerts.add(connection, draft)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES_IN_THREADS)
    kinds = (models.PartKind.MESSAGE, models.PartKind.THREAD, models.PartKind.THREAD_MESSAGE)
    await relay_harness.add("a", channel_id, subscription_id=with_thread, kinds=kinds)
    await relay_harness.drain()
    assert await state_of(relay_harness, with_thread) == ("paused", "no-send-in-threads")
    assert await state_of(relay_harness, plain) == ("active", None)
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert stored.state is models.ActivityState.ACTIVE


async def test_a_post_in_a_refused_style_does_not_pause_its_subscription_again_in_another_style(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    """What is left of it needs a thread; the changed subscription needs none, and the permission is not given back."""
    [channel_id] = await fake.add_channels(1)
    subscription_id = await subscribe(relay_harness, channel_id, style=models.Style.THREAD)
    await fake.change_channel(channel_id, denied=model.SEND_MESSAGES_IN_THREADS)
    kinds = (models.PartKind.MESSAGE, models.PartKind.THREAD, models.PartKind.THREAD_MESSAGE)
    await relay_harness.add("a", channel_id, subscription_id=subscription_id, kinds=kinds)
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("paused", "no-send-in-threads")
    subscriptions = Subscriptions(relay_harness.db, relay_harness.now)
    stored = await subscriptions.get(subscription_id)
    same_style = await subscriptions.edit(replace(stored, top_n=3))
    assert same_style.state is models.ActivityState.PAUSED
    await subscriptions.edit(replace(same_style, style=models.Style.COMPACT))
    await subscriptions.resume(subscription_id)
    await relay_harness.add("b", channel_id, subscription_id=subscription_id)
    await relay_harness.drain()
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert message_texts(await fake.messages(channel_id)) == ["a 0", "b 0"]
    assert await dms_of(fake, OWNER) == [f"paused no-send-in-threads {channel_id}"]


async def test_a_channel_alert_is_paused_and_resumed_with_its_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    async with relay_harness.db.transaction() as connection:
        alert = await alerts.add(connection, _new_alert(channel_id=channel_id, guild_id=process.GUILD_ID))
    await fake.change_guild(present=False)
    await relay_harness.add("a", channel_id, kind=models.DeliveryKind.ALERT)
    await relay_harness.drain()
    assert await dms_of(fake, OWNER) == [f"paused no-access {channel_id}"]
    await fake.change_guild(present=True)
    await relay_harness.open_resumer().resume(always, relay_harness.now())
    async with relay_harness.db.read() as connection:
        stored = await alerts.get(connection, alert.id)
    assert stored is not None
    assert stored.state is models.ActivityState.ACTIVE
    await relay_harness.drain(until=all_sent)
    assert await dms_of(fake, OWNER) == [f"paused no-access {channel_id}", f"resumed None {channel_id}"]


async def test_a_server_that_was_left_resumes_without_a_notice(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    subscription_id = await subscribe(relay_harness, 5)
    async with relay_harness.db.transaction() as connection:
        await daily.set_state(connection, [subscription_id], models.ActivityState.PAUSED, reason="guild-left")
    assert await relay_harness.open_resumer().resume(always, relay_harness.now()) == {5}
    assert await state_of(relay_harness, subscription_id) == ("active", None)
    assert await relay_harness.list_parts() == []


def _new_alert(**fields: Any) -> models.Alert:
    return alert_builders.draft("diffusion", user_id=OWNER, key="diffusion", **fields)
