"""The gate in front of discord.py's requests, with the real client and a fake Discord."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest

from bot.client import request_gate
from bot.outbox import discord_health
from bot.outbox.discord_health import Answer, DiscordHealth, InvalidRequestBudget
from tests.fake_discord import fixtures, process
from tests.fake_discord.fixtures import fake, fake_server
from tests.support import relay_harness

__all__ = ["fake", "fake_server"]

pytestmark = pytest.mark.wire

PAGE = Answer(403, is_json=False)


@pytest.fixture
def health() -> DiscordHealth:
    return DiscordHealth(time.monotonic, random.Random(1))


@pytest.fixture
async def client(fake: process.FakeDiscord, health: DiscordHealth) -> AsyncIterator[discord.Client]:
    await fixtures.lift_rate_limits(fake)
    restore = request_gate.override_endpoints(fake.api_url, fake.gateway_url)
    observer = request_gate.HttpObserver()
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
    relay_harness.install_gate(client, observer, health)
    await client.login(process.TOKEN)
    yield client
    await client.close()
    restore()


async def test_nothing_leaves_while_discord_is_not_well(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    health.record_answer(PAGE)
    before = len(await fake.log())
    with pytest.raises(request_gate.HeldBackError) as caught:
        await client.fetch_channel(channel_id)
    assert (caught.value.was_sent, caught.value.status) == (False, 429)
    assert len(await fake.log()) == before


async def test_a_request_is_tried_once_and_a_rate_limit_is_reported_at_once(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "status", "status": 502, "times": 1})
    with pytest.raises(discord.DiscordServerError):
        await client.fetch_channel(channel_id)
    await fake.run_action("set_limits", {"per_second": 1})
    await client.fetch_channel(channel_id)
    with pytest.raises(request_gate.HeldBackError) as caught:
        await client.fetch_channel(channel_id)
    assert caught.value.was_sent
    assert caught.value.retry_after > 0.0
    assert not health.is_well
    assert len(await fake.log("GET", f"/channels/{channel_id}")) == 3


async def test_a_cancelled_caller_leaves_the_request_to_its_end(
    client: discord.Client, fake: process.FakeDiscord, health: DiscordHealth
) -> None:
    [channel_id] = await fake.add_channels(1)
    await fake.set_faults({"kind": "slow", "seconds": 0.3, "times": 1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):  # noqa: TID251 - it expires
            await client.fetch_channel(channel_id)
    http_client = client.http
    assert http_client._global_over.is_set()
    await client.fetch_channel(channel_id)
    assert health.is_well


async def test_interactions_are_answered_until_the_budget_is_spent(fake: process.FakeDiscord) -> None:
    budget = InvalidRequestBudget(lambda: 0.0)
    adapter = request_gate.BudgetedAdapter(budget)
    restore = request_gate.override_endpoints(fake.api_url, fake.gateway_url)
    route = discord.http.Route("POST", "/interactions/{interaction_id}/callback", interaction_id=1)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(discord.NotFound):
            await adapter.request(route, session, payload={})
        for _ in range(discord_health.INTERACTIONS_STOP_FROM):
            budget.record(403, is_shared=False)
        before = len(await fake.log())
        with pytest.raises(request_gate.HeldBackError):
            await adapter.request(route, session, payload={})
        assert len(await fake.log()) == before
    restore()
