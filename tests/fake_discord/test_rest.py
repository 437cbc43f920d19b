"""The REST API of the fake Discord, tested through discord.py."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import pytest
from discord import ui

from tests.fake_discord import model, process

pytestmark = pytest.mark.wire


def card(text: str = "A paper", custom_id: str = "pr:d:1") -> ui.LayoutView:
    """Return a view with a text and a button."""
    view = ui.LayoutView(timeout=None)
    container = ui.Container[ui.LayoutView](ui.TextDisplay(text))
    row = ui.ActionRow[ui.LayoutView]()
    row.add_item(ui.Button(label="More", custom_id=custom_id))
    container.add_item(row)
    view.add_item(container)
    return view


async def test_a_repeated_nonce_returns_the_first_message(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    channel = client.get_partial_messageable(channel_id)
    first = await channel.send("one", nonce="abc")
    repeated = await channel.send("one", nonce="abc")
    other = await channel.send("two")
    assert (first.id, other.id > first.id) == (repeated.id, True)
    assert [message["payload"]["content"] for message in await fake.messages(channel_id)] == ["one", "two"]
    await fake.run_action("move_clock", {"seconds": 121})
    assert (await channel.send("one", nonce="abc")).id > other.id


async def test_the_history_is_paginated_and_contains_components(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    channel = client.get_partial_messageable(channel_id)
    sent = [await channel.send(view=card(f"paper {number}")) for number in range(4)]
    after = [message async for message in channel.history(after=sent[1], limit=10)]
    before = [message async for message in channel.history(before=sent[2], limit=10)]
    around = [message.id async for message in channel.history(around=sent[1], limit=3)]
    assert [message.id for message in after] == [message.id for message in sent[2:]]
    assert [message.id for message in before] == [sent[1].id, sent[0].id]
    assert around == [message.id for message in reversed(sent[:3])]
    [container] = after[0].components
    assert isinstance(container, discord.Container)
    assert isinstance(container.children[0], discord.TextDisplay)
    assert container.children[0].content == "paper 2"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"denied": model.SEND_MESSAGES}, 403, 50013),
        ({"denied": model.VIEW_CHANNEL}, 403, 50001),
        ({"deleted": True}, 404, 10003),
        ({"type": model.FORUM}, 400, 50008),
        ({"type": model.THREAD, "locked": True}, 403, 160005),
        ({"type": model.DM, "guild_id": None, "closed": True}, 403, 50007),
    ],
)
async def test_posting_to_an_unavailable_channel_returns_its_error_code(
    fake: process.FakeDiscord,
    client: discord.AutoShardedClient,
    fields: dict[str, object],
    status: int,
    code: int,
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_channel(channel_id, **fields)
    with pytest.raises(discord.HTTPException) as caught:
        await client.get_partial_messageable(channel_id).send("one")
    assert (caught.value.status, caught.value.code) == (status, code)


async def test_the_sixth_message_in_five_seconds_is_rate_limited(fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for remaining in (4, 3, 2, 1, 0, None):
            url = f"{fake.api_url}/channels/{channel_id}/messages"
            async with session.post(url, json={"content": "x"}) as response:
                if remaining is None:
                    assert response.status == 429
                    assert 0 < float(response.headers["Retry-After"]) <= 5
                    assert (response.headers["Via"], (await response.json())["global"]) == (
                        "1.1 google",
                        False,
                    )
                else:
                    assert response.headers["X-RateLimit-Remaining"] == str(remaining)
                    assert response.headers["Content-Type"] == "application/json"
    assert (await fake.counts())["too_many"] == 1


async def test_answers_to_interactions_are_limited_by_their_token(fake: process.FakeDiscord) -> None:
    async with aiohttp.ClientSession() as session:

        async def is_limited(token: str) -> bool:
            async with session.post(f"{fake.api_url}/webhooks/1/{token}", json={"content": "x"}) as response:
                return response.status == 429

        assert not any([await is_limited(f"of-interaction-{number}") for number in range(7)])
        assert [await is_limited("of-one") for _ in range(6)] == [False] * 5 + [True]


async def test_exceeding_the_global_limit_returns_a_global_429(fake: process.FakeDiscord) -> None:
    await fake.run_action("set_limits", {"per_second": 3})
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        responses = []
        for _ in range(4):
            async with session.get(f"{fake.api_url}/users/@me") as response:
                responses.append((response.status, response.headers.get("X-RateLimit-Global")))
    assert responses[:3] == [(200, None)] * 3
    assert responses[3] == (429, "true")


async def test_faults_apply_only_to_matching_requests(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    first, second = await fake.add_channels(2)
    await fake.set_faults({"kind": "status", "path": f"/channels/{first}/*", "status": 503})
    with pytest.raises(discord.DiscordServerError):
        await client.get_partial_messageable(first).send("one")
    await client.get_partial_messageable(second).send("one")
    await fake.run_action("set_outage", {"seconds": 60})
    with pytest.raises(discord.DiscordServerError):
        await client.get_partial_messageable(second).send("two")
    await fake.run_action("set_outage", {"seconds": 0})
    await fake.set_faults({"kind": "slow", "method": "POST", "seconds": 30, "stored": True})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.get_partial_messageable(second).send("late"), 0.3)  # noqa: TID251 - it expires
    assert [message["payload"]["content"] for message in await fake.messages(second)] == ["one", "late"]


async def test_forum_posts_threads_and_crossposts(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    await fake.run_action(
        "populate",
        {
            "channels": [
                {"id": 71, "type": model.FORUM, "guild_id": process.GUILD_ID, "require_tag": True},
                {"id": 72, "type": model.ANNOUNCEMENT, "guild_id": process.GUILD_ID},
            ]
        },
    )
    forum = await client.fetch_channel(71)
    assert isinstance(forum, discord.ForumChannel)
    with pytest.raises(discord.HTTPException) as caught:
        await forum.create_thread(name="Papers", view=card())
    assert caught.value.code == 40067
    post = await forum.create_thread(
        name="Papers", view=card(), applied_tags=[discord.ForumTag(name="daily")]
    )
    assert post.thread.id == post.message.id
    guild = await client.fetch_guild(process.GUILD_ID)
    assert [thread.id for thread in await guild.active_threads()] == [post.thread.id]
    await post.thread.edit(archived=True)
    assert [thread.id async for thread in forum.archived_threads()] == [post.thread.id]

    news = await client.fetch_channel(72)
    assert isinstance(news, discord.TextChannel)
    message = await news.send("Today")
    await message.publish()
    with pytest.raises(discord.HTTPException) as caught:
        await message.publish()
    assert caught.value.code == 40033
    thread = await message.create_thread(name="More")
    assert thread.id == message.id
    await thread.send("in the thread")


async def test_dms_edits_and_command_registration(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    user = await client.fetch_user(55)
    dm = await user.create_dm()
    assert (await client.http.start_private_message(55))["id"] == str(dm.id)
    message = await dm.send(view=card("old"))
    await message.edit(view=card("new"))
    [stored] = await fake.messages(dm.id)
    assert stored["payload"]["components"][0]["components"][0]["content"] == "new"
    assert stored["payload"]["flags"] == 1 << 15
    application_id = client.application_id
    assert application_id is not None
    command = {"name": "topic", "description": "Find papers", "type": 1}
    await client.http.bulk_upsert_global_commands(application_id, [command])
    [registered] = await client.http.get_global_commands(application_id)
    assert registered["name"] == "topic"


async def test_a_wrong_token_is_rejected(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    async with discord.Client(intents=discord.Intents.none()) as unknown_client:
        with pytest.raises(discord.LoginFailure):
            await unknown_client.login("wrong")
