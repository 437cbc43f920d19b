"""Overridden REST and Gateway addresses of discord.py."""

from __future__ import annotations

import discord
import pytest
from discord import gateway, http

from bot.client import request_gate
from tests.fake_discord import process


def test_without_overrides_the_addresses_are_unchanged() -> None:
    before = (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    restore = request_gate.override_endpoints(None, None)
    assert before == (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY)
    restore()


def test_new_routes_use_the_overridden_api_url() -> None:
    restore = request_gate.override_endpoints("http://127.0.0.1:9/api/v10/", None)
    try:
        assert http.Route("GET", "/users/@me").url == "http://127.0.0.1:9/api/v10/users/@me"
    finally:
        restore()
    assert http.Route("GET", "/users/@me").url.startswith("https://discord.com/")


@pytest.mark.wire
async def test_an_overridden_gateway_replaces_that_of_the_api() -> None:
    async with process.FakeDiscord(validate=False) as fake:
        restore = request_gate.override_endpoints(fake.api_url, "ws://127.0.0.1:9/elsewhere")
        client = discord.AutoShardedClient(intents=discord.Intents.none())
        try:
            await client.login(process.TOKEN)
            shards, url, _ = await client.http.get_bot_gateway()
            assert (shards, url) == (1, "ws://127.0.0.1:9/elsewhere")
            restore()
            request_gate.override_endpoints(fake.api_url, None)
            assert (await client.http.get_bot_gateway())[1] == fake.gateway_url
        finally:
            await client.close()
            restore()
