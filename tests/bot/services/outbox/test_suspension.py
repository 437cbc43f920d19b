"""A place that Discord bars is paused with its reason, its owner is told once, and it goes on when it is open again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.services.outbox import suspension
from storage import alerts, guilds, models, subscriptions
from storage.outbox import holds
from tests.fake_discord import process, world
from tests.support.relay_harness import RelayHarness, all_sent, message_texts, new_delivery

pytestmark = pytest.mark.wire

OWNER = 4242


def order(channel_id: int, **fields: Any) -> models.Subscription:
    given: dict[str, Any] = {
        "id": 0,
        "guild_id": process.GUILD_ID,
        "channel_id": channel_id,
        "at_time": "09:00",
        "timezone": "UTC",
        "days": (1, 2, 3, 4, 5, 6, 7),
        "top_n": 5,
        "min_votes": 0,
        "locale": models.Locale.EN,
        "style": models.Style.COMPACT,
        "say_when_empty": False,
        "fresh_days": 3,
        "wait_minutes": 60,
        "settle_hours": 0,
        "state": models.ActivityState.ACTIVE,
        "reason": None,
        "created_by": OWNER,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "next_due_at": datetime(2036, 1, 1, tzinfo=UTC),
        "waiting_for_on": None,
        "due_on": date(2036, 1, 1),
    }
    return models.Subscription(**given | fields)


async def subscribe(office: RelayHarness, channel_id: int, **fields: Any) -> int:
    async with office.db.transaction() as connection:
        return await subscriptions.add(connection, order(channel_id, **fields))


async def state_of(office: RelayHarness, subscription_id: int) -> tuple[str, str | None]:
    async with office.db.read() as connection:
        found = await subscriptions.get(connection, subscription_id)
    assert found is not None
    return found.state.value, found.reason


async def dms_of(fake: process.FakeDiscord, user_id: int) -> list[str]:
    channels = await fake.run_action("list_channels")
    dms = [c["id"] for c in channels if c["recipient_id"] == user_id]
    return [text for channel_id in dms for text in message_texts(await fake.messages(channel_id))]


async def test_a_revoked_permission_pauses_and_tells_the_owner_once(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    one = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, denied=world.SEND_MESSAGES)
    now = relay_harness.now()
    await relay_harness.add_deliveries(
        *(new_delivery(f"d{n}", channel_id, now, subscription_id=one, parts=2) for n in range(3))
    )
    await relay_harness.drain()
    await relay_harness.drain()
    assert await state_of(relay_harness, one) == ("paused", "no-send")
    assert await dms_of(fake, OWNER) == [f"paused no-send {channel_id}"]
    posts_tried = await fake.log("POST", f"/channels/{channel_id}/messages")
    assert len(posts_tried) == 1

    def opened(guild_id: int, channel: int, reason: str) -> bool:
        return (guild_id, channel, reason) == (process.GUILD_ID, channel_id, "no-send")

    resumer = suspension.DestinationResumer(relay_harness.db)
    assert await resumer.resume(lambda guild_id, channel, reason: None, relay_harness.now()) == set()
    await fake.change_channel(channel_id, denied=0)
    assert await resumer.resume(opened, relay_harness.now(), guild_id=1) == set()
    assert await resumer.resume(opened, relay_harness.now(), guild_id=process.GUILD_ID) == {channel_id}
    await relay_harness.drain()
    assert await state_of(relay_harness, one) == ("active", None)
    assert sorted(message_texts(await fake.messages(channel_id))) == sorted(
        f"d{n} {part}" for n in range(3) for part in range(2)
    )


async def test_a_deleted_channel_closes_and_tells(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    one = await subscribe(relay_harness, channel_id)
    await fake.change_channel(channel_id, deleted=True)
    await relay_harness.add_deliveries(
        new_delivery("a", channel_id, relay_harness.now(), subscription_id=one)
    )
    await relay_harness.drain()
    assert await state_of(relay_harness, one) == ("closed", "unknown-channel")
    assert await dms_of(fake, OWNER) == [f"closed unknown-channel {channel_id}"]
    assert (await relay_harness.list_states())[0] == "failed"


async def test_an_owner_who_takes_no_dms_is_told_in_the_system_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    channel_id, system_id = await fake.add_channels(2)
    dm = {"id": 99, "type": world.DM, "recipient_id": OWNER, "closed": True}
    await fake.run_action("populate", {"channels": [dm]})
    one = await subscribe(relay_harness, channel_id)
    from_command_line = await subscribe(relay_harness, channel_id, at_time="10:00", created_by=None)
    async with relay_harness.db.transaction() as connection:
        await guilds.upsert(
            connection, process.GUILD_ID, now=relay_harness.now(), system_channel_id=system_id
        )
    await fake.change_channel(channel_id, denied=world.VIEW_CHANNEL)
    await relay_harness.add_deliveries(
        new_delivery("a", channel_id, relay_harness.now(), subscription_id=one)
    )
    await relay_harness.drain()
    await relay_harness.drain()
    assert await state_of(relay_harness, from_command_line) == ("paused", "no-access")
    assert message_texts(await fake.messages(system_id)) == [f"paused no-access {channel_id}"] * 2


async def test_a_reader_who_closed_their_dms_is_left_alone(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    async with relay_harness.db.transaction() as connection:
        rule = await alerts.add(connection, _alert())
    dm = {"id": 98, "type": world.DM, "recipient_id": OWNER, "closed": True}
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
        kept = await alerts.get(connection, rule.id)
    assert kept is not None
    assert (kept.state.value, kept.reason) == ("paused", "dms-closed")

    await fake.change_channel(98, closed=False)
    async with relay_harness.db.transaction() as connection:
        await holds.resume(connection, relay_harness.now(), user_id=OWNER)
    await relay_harness.drain()
    assert message_texts(await fake.messages(98)) == ["a 0", "b 0"]


async def test_a_forum_that_wants_a_tag_pauses_its_own_subscription_alone(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [forum] = await fake.add_channels(1, type=world.FORUM, require_tag=True)
    one = await subscribe(relay_harness, forum, style=models.Style.FORUM)
    kinds = (models.PartKind.FORUM_POST,)
    await relay_harness.add_deliveries(
        new_delivery("a", forum, relay_harness.now(), subscription_id=one, kinds=kinds)
    )
    await relay_harness.drain()
    assert await state_of(relay_harness, one) == ("paused", "tag-needed")


async def test_a_channel_alert_is_paused_with_its_channel(
    relay_harness: RelayHarness, fake: process.FakeDiscord
) -> None:
    [channel_id] = await fake.add_channels(1)
    async with relay_harness.db.transaction() as connection:
        rule = await alerts.add(connection, _alert(channel_id=channel_id, guild_id=process.GUILD_ID))
    await fake.change_guild(present=False)
    await relay_harness.add_deliveries(
        new_delivery("a", channel_id, relay_harness.now(), kind=models.DeliveryKind.ALERT)
    )
    await relay_harness.drain()
    assert await dms_of(fake, OWNER) == [f"paused no-access {channel_id}"]
    await fake.change_guild(present=True)
    await suspension.DestinationResumer(relay_harness.db).resume(lambda *_: True, relay_harness.now())
    async with relay_harness.db.read() as connection:
        kept = await alerts.get(connection, rule.id)
    assert kept is not None
    assert kept.state is models.ActivityState.ACTIVE
    await relay_harness.drain(until=all_sent)


def _alert(**fields: Any) -> models.NewAlert:
    given: dict[str, Any] = {
        "user_id": OWNER,
        "channel_id": None,
        "guild_id": None,
        "kind": models.AlertKind.KEYWORD,
        "text": "diffusion",
        "key": "diffusion",
        "anchor": "diffusion",
        "min_votes": 0,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return models.NewAlert(**given | fields)
