"""A running fake Discord and a plain discord.py client connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest

from bot.client import rest
from tests.fake_discord import process
from tests.fake_discord.fixtures import fake, fake_server

__all__ = ["client", "fake", "fake_server"]


@pytest.fixture
async def client(fake: process.FakeDiscord) -> AsyncIterator[discord.AutoShardedClient]:
    """A client that is logged in but not connected to the Gateway."""
    restore = rest.override_endpoints(fake.api_url, fake.gateway_url)
    intents = discord.Intents.none()
    intents.guilds = True
    client = discord.AutoShardedClient(intents=intents)
    await client.login(process.TOKEN)
    yield client
    await client.close()
    restore()
