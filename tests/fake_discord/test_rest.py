"""The fake's REST side, through the unmodified discord.py."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import pytest
from discord import ui

from tests.fake_discord import model, process

pytestmark = pytest.mark.wire


def card(text: str = "A paper", custom_id: str = "pr:d:1") -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    box = ui.Container[ui.LayoutView](ui.TextDisplay(text))
    row = ui.ActionRow[ui.LayoutView]()
    row.add_item(ui.Button(label="More", custom_id=custom_id))
    box.add_item(row)
    view.add_item(box)
    return view


async def test_a_repeated_nonce_gives_back_the_first_message(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    place = client.get_partial_messageable(channel_id)
    first = await place.send("one", nonce="abc")
    again = await place.send("one", nonce="abc")
    other = await place.send("two")
    assert (first.id, other.id > first.id) == (again.id, True)
    assert [m["payload"]["content"] for m in await fake.messages(channel_id)] == ["one", "two"]
    await fake.run_action("move_clock", {"seconds": 121})
    assert (await place.send("one", nonce="abc")).id > other.id


async def test_a_nonce_whose_message_was_deleted_answers_10008(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    place = client.get_partial_messageable(channel_id)
    message = await place.send("one", nonce="abc")
    await fake.run_action("delete_message", {"channel_id": channel_id, "message_id": message.id})
    with pytest.raises(discord.NotFound) as caught:
        await place.send("one", nonce="abc")
    assert caught.value.code == 10008


async def test_the_history_is_cut_as_asked_and_carries_components(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    place = client.get_partial_messageable(channel_id)
    sent = [await place.send(view=card(f"paper {n}")) for n in range(4)]
    after = [m async for m in place.history(after=sent[1], limit=10)]
    before = [m async for m in place.history(before=sent[2], limit=10)]
    around = [m.id async for m in place.history(around=sent[1], limit=3)]
    assert [m.id for m in after] == [m.id for m in sent[2:]]
    assert [m.id for m in before] == [sent[1].id, sent[0].id]
    assert around == [m.id for m in reversed(sent[:3])]
    [box] = after[0].components
    assert isinstance(box, discord.Container)
    assert isinstance(box.children[0], discord.TextDisplay)
    assert box.children[0].content == "paper 2"


async def test_without_the_right_to_read_it_the_history_is_empty(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    place = client.get_partial_messageable(channel_id)
    await place.send("one")
    await fake.change_channel(channel_id, denied=model.READ_MESSAGE_HISTORY)
    assert [m async for m in place.history()] == []


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
async def test_a_channel_that_cannot_be_posted_to_says_why(
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


async def test_the_bot_removed_from_the_server_has_no_access(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.change_guild(present=False)
    with pytest.raises(discord.Forbidden) as caught:
        await client.get_partial_messageable(channel_id).send("one")
    assert caught.value.code == 50001


async def test_the_sixth_message_in_five_seconds_is_one_too_many(fake: process.FakeDiscord) -> None:
    [channel_id] = await fake.add_channels(1)
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for left in (4, 3, 2, 1, 0, None):
            url = f"{fake.api_url}/channels/{channel_id}/messages"
            async with session.post(url, json={"content": "x"}) as response:
                if left is None:
                    assert response.status == 429
                    assert 0 < float(response.headers["Retry-After"]) <= 5
                    assert (response.headers["Via"], (await response.json())["global"]) == (
                        "1.1 google",
                        False,
                    )
                else:
                    assert response.headers["X-RateLimit-Remaining"] == str(left)
                    assert response.headers["Content-Type"] == "application/json"
    assert (await fake.counts())["too_many"] == 1


async def test_more_than_the_limit_over_all_is_answered_with_a_global_429(fake: process.FakeDiscord) -> None:
    await fake.run_action("set_limits", {"per_second": 3})
    headers = {"Authorization": f"Bot {process.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answers = []
        for _ in range(4):
            async with session.get(f"{fake.api_url}/users/@me") as response:
                answers.append((response.status, response.headers.get("X-RateLimit-Global")))
    assert answers[:3] == [(200, None)] * 3
    assert answers[3] == (429, "true")


async def test_a_lost_reply_leaves_the_message_and_breaks_the_connection(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "lose", "method": "POST", "stored": True, "times": 1})
    with pytest.raises((aiohttp.ClientError, OSError)):
        await client.get_partial_messageable(channel_id).send("one", nonce="abc")
    await client.get_partial_messageable(channel_id).send("one", nonce="abc")
    assert len(await fake.messages(channel_id)) == 1


async def test_faults_are_for_the_requests_they_name(
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
        await asyncio.wait_for(client.get_partial_messageable(second).send("late"), 0.3)
    assert [m["payload"]["content"] for m in await fake.messages(second)] == ["one", "late"]


async def test_forum_posts_threads_and_publishing(
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
    assert [t.id for t in await guild.active_threads()] == [post.thread.id]
    await post.thread.edit(archived=True)
    assert [t.id async for t in forum.archived_threads()] == [post.thread.id]

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


async def test_dms_commands_and_edits(fake: process.FakeDiscord, client: discord.AutoShardedClient) -> None:
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
    item = {"name": "topic", "description": "Find papers", "type": 1}
    await client.http.bulk_upsert_global_commands(application_id, [item])
    [known] = await client.http.get_global_commands(application_id)
    assert known["name"] == "topic"


async def test_a_wrong_token_is_refused(fake: process.FakeDiscord, client: discord.AutoShardedClient) -> None:
    async with discord.Client(intents=discord.Intents.none()) as stranger:
        with pytest.raises(discord.LoginFailure):
            await stranger.login("wrong")
