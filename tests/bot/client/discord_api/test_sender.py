"""Single attempts at Discord, and looking for what may have been sent, with and without the Gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.client.discord_api import endpoints, sender
from bot.clock import system_clock
from bot.services.outbox import discord_errors
from bot.services.outbox import sender as outbox_sender
from bot.services.outbox.discord_errors import Disposition
from bot.services.posts import contents
from bot.services.posts.delivery_factory import new_nonce
from storage.models import PartKind
from tests.fake_discord import fixtures, model, process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import relay_harness
from tests.support.virtual_time import VirtualTimeLoop

__all__ = ["fake", "fake_server"]

pytestmark = pytest.mark.wire

MARKER = contents.part_marker("daily:1:2026-11-20", 0)
LONG_AGO = timedelta(minutes=30)


@pytest.fixture
async def client(fake: process.FakeDiscord) -> AsyncIterator[discord.Client]:
    await fixtures.lift_rate_limits(fake)
    restore = endpoints.override(fake.api_url, fake.gateway_url)
    client = discord.AutoShardedClient(intents=discord.Intents(guilds=True))
    await client.login(process.TOKEN)
    yield client
    await client.close()
    restore()


@pytest.fixture
def sending(client: discord.Client) -> sender.DiscordSender:
    return sender.DiscordSender(client, sender.make_request_limiter(1000))


def order(channel_id: int, kind: PartKind = PartKind.MESSAGE, **fields: Any) -> outbox_sender.SendRequest:
    body = json.loads(relay_harness.message_payload(MARKER))
    if kind is PartKind.FORUM_POST:
        body = {"name": "2026-11-20", "applied_tags": [], "message": body}
    given = {
        "payload": body,
        "nonce": new_nonce(),
        "marker": MARKER,
        "guild_id": process.GUILD_ID,
    }
    return outbox_sender.SendRequest(kind=kind, channel_id=channel_id, **given | fields)


async def verdict_of(attempt: Any) -> discord_errors.Classification:
    with pytest.raises(discord_errors.DeliveryError) as caught:
        await attempt
    return caught.value.classification


async def test_no_message_can_ping_anyone(fake: process.FakeDiscord, sending: sender.DiscordSender) -> None:
    channel_id, forum = await fake.add_channels(2)
    await fake.change_channel(forum, type=model.FORUM)
    await sending.send(order(channel_id))
    post = await sending.send(order(forum, PartKind.FORUM_POST))
    for place in (channel_id, post.channel_id):
        [message] = await fake.messages(place)
        assert message["payload"]["allowed_mentions"] == {"parse": []}


async def test_a_sent_message_is_found_among_later_ones(
    fake: process.FakeDiscord, sending: sender.DiscordSender, client: discord.Client
) -> None:
    [channel_id] = await fake.add_channels(1)
    wanted = order(channel_id)
    sent = await sending.send(wanted)
    place = client.get_partial_messageable(channel_id)
    await asyncio.gather(*(place.send(f"chatter {n}") for n in range(120)))
    assert await sending.find(wanted, system_clock()) == sent
    # Our clock was half an hour ahead when the attempt was made, or behind.
    assert await sending.find(wanted, system_clock() - LONG_AGO) == sent
    other = order(channel_id, marker=contents.part_marker("daily:2:2026-11-20", 0))
    assert await sending.find(other, system_clock() - LONG_AGO) is None


async def test_what_lies_too_far_back_is_not_said_to_be_missing(
    fake: process.FakeDiscord, sending: sender.DiscordSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.client.discord_api.history.MAX_PAGES", 1)
    [channel_id] = await fake.add_channels(1)
    await asyncio.gather(*(sending.send(order(channel_id, nonce=f"n{n}")) for n in range(101)))
    other = order(channel_id, marker=contents.part_marker("another", 0))
    verdict = await verdict_of(sending.find(other, system_clock() - LONG_AGO))
    assert verdict.disposition is Disposition.UNVERIFIABLE


@pytest.mark.parametrize("is_connected", [False, True])
async def test_without_the_history_nothing_is_said(
    fake: process.FakeDiscord, sending: sender.DiscordSender, client: discord.Client, is_connected: bool
) -> None:
    open_id, closed_id, forum = await fake.add_channels(3)
    await fake.change_channel(closed_id, denied=model.READ_MESSAGE_HISTORY)
    await fake.change_channel(forum, type=model.FORUM, denied=model.READ_MESSAGE_HISTORY)
    since = system_clock() - LONG_AGO
    connection = asyncio.create_task(client.connect()) if is_connected else None
    if is_connected:
        client._connection.guild_ready_timeout = 0.2
        await asyncio.wait_for(client.wait_until_ready(), 10)
    assert await sending.find(order(open_id), since) is None
    assert (await verdict_of(sending.find(order(closed_id), since))).disposition is Disposition.UNVERIFIABLE
    assert (
        await verdict_of(sending.find(order(forum, PartKind.FORUM_POST), since))
    ).disposition is Disposition.UNVERIFIABLE
    assert (
        await verdict_of(sending.find(order(open_id, marker=None), since))
    ).disposition is Disposition.UNVERIFIABLE
    asked = [entry["path"] for entry in await fake.log("GET", "/guilds/")]
    assert bool(asked) is not is_connected
    await client.close()
    if connection is not None:
        await connection


async def test_direct_messages_and_threads_can_be_looked_through(
    fake: process.FakeDiscord, sending: sender.DiscordSender
) -> None:
    [channel_id] = await fake.add_channels(1)
    dm = await sending.open_dm(77)
    in_dm = order(dm, guild_id=None)
    sent = await sending.send(in_dm)
    assert await sending.find(in_dm, system_clock()) == sent
    headline = await sending.send(order(channel_id))
    opened = order(channel_id, PartKind.THREAD, payload={"name": "Papers"}, message_id=headline.message_id)
    thread = await sending.send(opened)
    assert await sending.send(opened) == thread
    in_thread = order(thread.channel_id, PartKind.THREAD_MESSAGE)
    sent = await sending.send(in_thread)
    assert await sending.find(in_thread, system_clock()) == sent


async def test_a_forum_post_is_found_open_or_archived_and_only_by_its_marker(
    fake: process.FakeDiscord, sending: sender.DiscordSender, client: discord.Client
) -> None:
    [forum] = await fake.add_channels(1, type=model.FORUM)
    other = order(forum, PartKind.FORUM_POST)
    payload = json.loads(json.dumps(other.payload).replace(MARKER, contents.part_marker("other", 0)))
    await sending.send(order(forum, PartKind.FORUM_POST, payload=payload))
    wanted = order(forum, PartKind.FORUM_POST)
    assert await sending.find(wanted, system_clock()) is None
    sent = await sending.send(wanted)
    assert await sending.find(wanted, system_clock()) == sent
    await fake.change_channel(sent.channel_id, archived=True)
    assert await sending.find(wanted, system_clock() + LONG_AGO) == sent


async def test_a_forum_post_is_asked_for_once_whatever_discord_answers(
    fake: process.FakeDiscord, sending: sender.DiscordSender
) -> None:
    [forum] = await fake.add_channels(1, type=model.FORUM)
    await fake.set_faults({"kind": "status", "status": 502, "method": "POST", "stored": True})
    attempt = asyncio.create_task(sending.send(order(forum, PartKind.FORUM_POST)))
    assert (await verdict_of(attempt)).disposition is Disposition.UNKNOWN
    assert len([c for c in await fake.run_action("list_channels") if c["parent_id"] == forum]) == 1


async def test_publishing_twice_is_publishing_and_the_tenth_in_an_hour_waits(
    fake: process.FakeDiscord, sending: sender.DiscordSender
) -> None:
    [news] = await fake.add_channels(1, type=model.ANNOUNCEMENT)
    first = await sending.send(order(news))
    publish = order(news, PartKind.CROSSPOST, payload={}, message_id=first.message_id)
    await sending.send(publish)
    assert (await verdict_of(sending.send(publish))).disposition is Disposition.ALREADY_DONE
    for _ in range(sender.CROSSPOST_LIMIT - 2):
        await verdict_of(sending.send(publish))
    verdict = await verdict_of(sending.send(publish))
    assert verdict.disposition is Disposition.RETRY
    assert verdict.wait_seconds > 3000
    gone = order(news, PartKind.CROSSPOST, payload={}, message_id=None)
    assert (await verdict_of(sending.send(gone))).disposition in (Disposition.RETRY, Disposition.TARGET_GONE)


@pytest.mark.parametrize(
    ("rule", "effect"),
    [
        ({"kind": "lose", "stored": True}, Disposition.UNKNOWN),
        ({"kind": "lose"}, Disposition.UNKNOWN),
        ({"kind": "status", "status": 503}, Disposition.UNKNOWN),
        ({"kind": "status", "status": 401}, Disposition.INVALID_TOKEN),
        ({"kind": "status", "status": 403, "code": 50001}, Disposition.DESTINATION_BLOCKED),
        ({"kind": "status", "status": 404, "code": 10003}, Disposition.DESTINATION_GONE),
        ({"kind": "status", "status": 400, "code": 50035}, Disposition.CONTENT_REFUSED),
        ({"kind": "status", "status": 429}, Disposition.RETRY),
    ],
)
async def test_every_failure_becomes_a_verdict(
    fake: process.FakeDiscord, sending: sender.DiscordSender, rule: dict[str, Any], effect: Disposition
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"method": "POST", **rule})
    assert (await verdict_of(sending.send(order(channel_id)))).disposition is effect


async def test_a_refused_connection_surely_sent_nothing(client: discord.Client) -> None:
    restore = endpoints.override("http://127.0.0.1:9/api/v10", None)
    try:
        verdict = await verdict_of(
            sender.DiscordSender(client, sender.make_request_limiter(1000)).send(order(5))
        )
        assert verdict == discord_errors.CONNECT_FAILED
    finally:
        restore()


def test_requests_are_evenly_spaced() -> None:
    async def acquire_slots(count: int) -> float:
        acquire = sender.make_request_limiter(200)
        for _ in range(count):
            await acquire()
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert 0.19 <= runner.run(acquire_slots(41)) < 0.21


async def test_a_forum_that_demands_a_tag_gets_the_fitting_one(
    fake: process.FakeDiscord, sending: sender.DiscordSender
) -> None:
    tags = [
        {"id": "5", "name": "News", "moderated": False},
        {"id": "6", "name": "Papers", "moderated": False},
    ]
    [forum] = await fake.add_channels(1, type=model.FORUM, require_tag=True, tags=tags)
    post = await sending.send(order(forum, PartKind.FORUM_POST))
    assert len(await fake.messages(post.channel_id)) == 1
    [asked] = [one for one in await fake.log("POST") if one["path"].endswith(f"/{forum}/threads")]
    assert asked["status"] < 300
