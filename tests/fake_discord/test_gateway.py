"""The Gateway of the fake Discord, tested through discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord
import pytest
from discord import app_commands

from tests.fake_discord import model, process
from tests.support import patience

pytestmark = pytest.mark.wire


@asynccontextmanager
async def connected(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> AsyncIterator[discord.AutoShardedClient]:
    """Connect a client to the Gateway for the block."""
    client._connection.guild_ready_timeout = patience.scaled(0.2)
    connection = asyncio.create_task(client.connect())
    await patience.wait_for(client.wait_until_ready(), 10)
    yield client
    await client.close()
    await connection


async def test_the_client_learns_guilds_and_channels_and_their_changes(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    async with connected(fake, client):
        guild = client.get_guild(process.GUILD_ID)
        assert guild is not None
        channel = guild.get_channel(channel_id)
        assert channel is not None
        assert channel.permissions_for(guild.me).read_message_history
        await fake.change_channel(channel_id, denied=model.READ_MESSAGE_HISTORY)
        await patience.wait_until(lambda: not channel.permissions_for(guild.me).read_message_history)
        await fake.change_channel(channel_id, deleted=True)
        await patience.wait_until(lambda: guild.get_channel(channel_id) is None)


async def test_a_dropped_connection_is_resumed_without_missing_events(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    removed = asyncio.Event()

    @client.event
    async def on_guild_remove(guild: discord.Guild) -> None:
        removed.set()

    async with connected(fake, client):
        await fake.run_action("drop_gateway")
        await fake.change_guild(present=False)
        await patience.wait_for(removed.wait(), 10)
        counts = await fake.counts()
        assert (counts["identifies"], counts["resumes"]) == (1, 1)


async def test_an_interaction_reaches_its_command_and_the_responses_are_recorded(
    fake: process.FakeDiscord, client: discord.AutoShardedClient
) -> None:
    [channel_id] = await fake.add_channels(1)
    tree = app_commands.CommandTree(client)

    @tree.command(name="hello", description="Say hello")
    async def hello(interaction: discord.Interaction[discord.AutoShardedClient], name: str) -> None:
        await interaction.response.send_message(f"hello {name}", ephemeral=True)
        await interaction.followup.send("and more")
        await interaction.edit_original_response(content="edited")

    async with connected(fake, client):
        option = {"name": "name", "type": 3, "value": "Ada"}
        data = {"id": "1", "name": "hello", "type": 1, "options": [option]}
        record = await fake.interact(channel_id, data, locale="ko")
        assert record["callback"]["data"]["content"] == "hello Ada"
        assert record["milliseconds"] > 0
        async with patience.limit(5):
            while [reply["content"] for reply in record["replies"]] != ["edited", "and more"]:
                record = await fake.run_action("get_interaction", {"token": record["token"]})
