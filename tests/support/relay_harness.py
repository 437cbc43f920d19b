"""A relay with the real sender against the fake Discord, builders of deliveries, and readers of the outbox."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import discord

from bot.client import rest, sender
from bot.core.clock import system_clock
from bot.outbox import contents, relay
from bot.outbox.contents import DeliveryFactory, new_nonce
from bot.outbox.pace import Pace
from storage import models, outbox
from storage.database import Database
from tests.fake_discord import process
from tests.support import outbox_builders

OWNER = 4242
"""User id of the owner of `new_subscription`."""


def message_payload(marker: str, text: str = "papers") -> str:
    """JSON of a Components V2 message with the marker in a button."""
    button = {"type": 2, "style": 1, "label": "More", "custom_id": f"{marker}more"}
    card = {"type": 17, "components": [{"type": 10, "content": text}, {"type": 1, "components": [button]}]}
    return json.dumps({"flags": 1 << 15, "components": [card]})


def new_delivery(
    key: str,
    channel_id: int | None,
    now: datetime,
    *,
    parts: int = 1,
    kinds: tuple[models.PartKind, ...] = (),
    **fields: Any,
) -> models.NewDelivery:
    """A delivery with `parts` messages, or with parts of the given kinds."""
    new_parts = []
    for position, kind in enumerate(kinds or (models.PartKind.MESSAGE,) * parts):
        marker = contents.part_marker(key, position)
        text = message_payload(marker, f"{key} {position}")
        if kind is models.PartKind.FORUM_POST:
            text = json.dumps({"name": key, "message": json.loads(text)})
        elif kind is models.PartKind.THREAD:
            text = json.dumps({"name": key})
        elif kind is models.PartKind.CROSSPOST:
            text = "{}"
        new_parts.append(models.NewPart(kind=kind, payload=text, nonce=new_nonce(), marker=marker))
    defaults: dict[str, Any] = {
        "kind": models.DeliveryKind.DAILY,
        "locale": models.Locale.EN,
        "guild_id": process.GUILD_ID,
        "planned_at": now,
        "due_at": now,
        "expires_at": now + timedelta(hours=24),
        "parts": tuple(new_parts),
    }
    return models.NewDelivery(key=key, channel_id=channel_id, **defaults | fields)


def new_subscription(channel_id: int, **fields: Any) -> models.Subscription:
    """An active subscription of OWNER that is due after 2036."""
    defaults: dict[str, Any] = {
        "guild_id": process.GUILD_ID,
        "channel_id": channel_id,
        "created_by": OWNER,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "last_on": date(2036, 1, 1),
    }
    return models.Subscription(**defaults | fields)


class StubNoticeRenderer:
    """Renders a notice as one message with its kind, reason and channel."""

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        text = f"{post.kind.value} {post.reason} {post.channel_id}"
        body = json.loads(message_payload(contents.part_marker(post.marker, 0), text))
        return (contents.RenderedPart(models.PartKind.MESSAGE, body),)


@dataclass
class RelayHarness:
    """A relay on a database that sends to the fake Discord with the real sender; tests can move its clock."""

    db: Database
    client: discord.Client
    clock_offset: timedelta = timedelta(0)
    results: list[str] = field(default_factory=list)
    deliveries: DeliveryFactory = field(default_factory=lambda: DeliveryFactory(StubNoticeRenderer))
    per_second: float = 1000.0
    pace: Pace = field(init=False)
    rest: rest.RestClient = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.monotonic, random.Random(1), self.per_second)
        self.rest = rest.RestClient(self.pace, self.pace.record_answer, process.TOKEN)

    def monotonic(self) -> float:
        return time.monotonic() + self.clock_offset.total_seconds()

    def now(self) -> datetime:
        return system_clock() + self.clock_offset

    def open_relay(self, get_term: Callable[[], int | None] = lambda: 0) -> relay.Relay:
        recorder = outbox_builders.make_recorder(
            self.db,
            self.deliveries,
            on_outcome=lambda result, *_: self.results.append(result),
            linger_seconds=0.0,
        )
        return relay.Relay(
            self.db,
            sender.DiscordSender(self.client, self.rest),
            recorder,
            self.pace,
            clock=self.now,
            monotonic=self.monotonic,
            get_term=get_term,
        )

    async def add_deliveries(self, *new_deliveries: models.NewDelivery) -> None:
        async with self.db.transaction() as connection:
            await outbox.add_all(connection, new_deliveries)

    async def add(self, key: str, channel_id: int | None, **fields: Any) -> None:
        """Plan the `new_delivery` of these arguments, due now."""
        await self.add_deliveries(new_delivery(key, channel_id, self.now(), **fields))

    async def list_parts(self) -> list[models.Part]:
        async with self.db.read() as connection:
            deliveries = await outbox.list_rows(connection)
            return [
                part
                for delivery in reversed(deliveries)
                for part in await outbox.list_parts(connection, delivery.id)
            ]

    async def list_states(self) -> list[str]:
        return [part.state.value for part in await self.list_parts()]

    async def drain(self, *, until: Callable[[list[str]], bool] | None = None) -> None:
        """Drain with a new relay, as after a restart, and advance the clock by 5 s until `until` holds for the states."""
        new_relay = self.open_relay()
        for _ in range(200):
            await new_relay.drain(self.now())
            if until is None or until(await self.list_states()):
                return
            self.clock_offset += timedelta(seconds=5)
        raise AssertionError(f"still {await self.list_states()}")


def all_sent(states: list[str]) -> bool:
    return set(states) == {"sent"}


@asynccontextmanager
async def open_relay_harness(
    db: Database, fake: process.FakeDiscord, *, per_second: float = 1000.0
) -> AsyncIterator[RelayHarness]:
    """A harness whose client is logged in, without the Gateway."""
    restore = rest.override_endpoints(fake.api_url, fake.gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    harness = RelayHarness(db, client, per_second=per_second)
    try:
        await client.login(process.TOKEN)
        yield harness
    finally:
        await harness.rest.close()
        await client.close()
        restore()


def message_texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["payload"]["components"][0]["components"][0]["content"] for message in messages]
