"""A world whose relay posts to the fake Discord with the real sender."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import discord

from bot.client import rest, sender
from bot.core.clock import system_clock
from bot.outbox.contents import DeliveryFactory
from storage import models, outbox
from storage.database import Database
from tests.fake_discord import model, server
from tests.support import outbox_builders, patience, rendered_posts
from tests.support.outbox_builders import new_delivery
from tests.support.world import World


class RelayHarness(World):
    """A world that starts now, with the real templates and a running clock that tests can move."""

    def __init__(
        self, database: Database, fake: server.FakeDiscord, client: discord.Client, per_second: float
    ) -> None:
        super().__init__(database)
        self.fake, self.client = fake, client
        self.now = system_clock()
        self.pace = outbox_builders.make_pace(lambda: self.now.timestamp(), per_second)
        self.rest = rest.RestClient(self.pace, self.pace.record_answer, model.TOKEN)
        self.sender = sender.DiscordSender(client, self.rest, mock.AsyncMock(return_value=True))
        self.deliveries = DeliveryFactory(rendered_posts.new_renderer)
        self.restart()

    @property
    def now(self) -> datetime:
        return system_clock() + self._ahead

    @now.setter
    def now(self, moment: datetime) -> None:
        self._ahead = moment - system_clock()

    async def add(self, key: str, channel_id: int | None, **fields: Any) -> None:
        """Plan a `new_delivery` that is due now."""
        await outbox_builders.add(self.database, new_delivery(key, channel_id, self.now, **fields))

    async def list_parts(self) -> list[models.Part]:
        deliveries = await self.planned()
        async with self.database.read() as connection:
            return [
                part for delivery in deliveries for part in await outbox.list_parts(connection, delivery.id)
            ]

    async def list_states(self) -> list[str]:
        return [part.state.value for part in await self.list_parts()]

    async def drain(self) -> None:
        """Drain the outbox with a new relay, as after a restart."""
        self.restart()
        await patience.wait_for(self.relay.drain(self.now), 120)

    async def drain_until_sent(self) -> None:
        """Drain with one relay, moving the clock by 5 s until every part is sent."""
        self.restart()
        for _ in range(200):
            await self.relay.drain(self.now)
            if set(await self.list_states()) == {"sent"}:
                return
            self.now += timedelta(seconds=5)
        raise AssertionError(f"still {await self.list_states()}")


@asynccontextmanager
async def open_relay_harness(
    database: Database, fake: server.FakeDiscord, *, per_second: float = 1000.0
) -> AsyncIterator[RelayHarness]:
    """Open a harness with a logged-in client, without the Gateway."""
    async with logged_in(fake, fake.gateway_url) as client:
        harness = RelayHarness(database, fake, client, per_second)
        try:
            yield harness
        finally:
            await harness.rest.close()


@asynccontextmanager
async def logged_in(
    fake: server.FakeDiscord,
    gateway_url: str | None,
    kind: type[discord.Client] = discord.Client,
    **options: Any,
) -> AsyncIterator[discord.Client]:
    """Log in to the fake with a client of discord.py, which is closed at the end."""
    restore = rest.override_endpoints(fake.api_url, gateway_url)
    client = kind(intents=discord.Intents.none(), **options)
    try:
        await client.login(model.TOKEN)
        yield client
    finally:
        await client.close()
        restore()


def message_texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["components"][0]["components"][0]["content"] for message in messages]
