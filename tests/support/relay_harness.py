"""What the delivery tests share: plain deliveries, a relay over a real sender, and what stands in the outbox."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.client.discord_api import endpoints, sender
from bot.clock import system_clock
from bot.services.outbox import outcomes as outbox_outcomes
from bot.services.outbox import relay, suspension, throttle
from bot.services.posts import contents as post_contents
from bot.services.posts.delivery_factory import DeliveryFactory, new_nonce
from storage import models
from storage.database import Database
from storage.outbox import plan, queries
from tests.fake_discord import process

SHORT_LIMITS = relay.Limits(attempt_seconds=0.5, stop_seconds=1.0)
"""For tests of what takes too long. The others are patient, since the machine may be busy."""


def message_payload(marker: str, text: str = "papers") -> str:
    """A V2 message whose button carries the marker."""
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
    """A delivery of `parts` messages, or of the given kinds."""
    made = []
    for position, kind in enumerate(kinds or (models.PartKind.MESSAGE,) * parts):
        text = message_payload(post_contents.part_marker(key, position), f"{key} {position}")
        if kind is models.PartKind.FORUM_POST:
            text = json.dumps({"name": key, "applied_tags": [], "message": json.loads(text)})
        elif kind is models.PartKind.THREAD:
            text = json.dumps({"name": key})
        elif kind is models.PartKind.CROSSPOST:
            text = "{}"
        made.append(models.NewPart(kind=kind, payload=text, nonce=new_nonce()))
    given: dict[str, Any] = {
        "kind": models.DeliveryKind.DAILY,
        "locale": models.Locale.EN,
        "guild_id": process.GUILD_ID,
        "planned_at": now,
        "due_at": now,
        "expires_at": now + timedelta(hours=24),
        "parts": tuple(made),
    }
    return models.NewDelivery(key=key, channel_id=channel_id, **given | fields)


class StubNoticeRenderer:
    """Renders notices as one plain message; the delivery tests render nothing else."""

    def render_daily(self, post: post_contents.DailyPost) -> tuple[post_contents.RenderedPart, ...]:
        raise AssertionError

    def render_alert(self, post: post_contents.AlertPost) -> tuple[post_contents.RenderedPart, ...]:
        raise AssertionError

    def render_notice(self, post: post_contents.NoticePost) -> tuple[post_contents.RenderedPart, ...]:
        text = f"{post.kind.value} {post.reason} {post.channel_id}"
        body = json.loads(message_payload(post_contents.part_marker(post.marker, 0), text))
        return (post_contents.RenderedPart(models.PartKind.MESSAGE, body),)


@dataclass
class RelayHarness:
    """A relay on a database, sending to the fake through the real sender, with a clock that tests can move."""

    db: Database
    client: discord.Client
    clock_offset: timedelta = timedelta(0)
    outcomes: list[outbox_outcomes.Outcome] = field(default_factory=list)
    limits: relay.Limits = relay.Limits()  # noqa: RUF009 - it is frozen

    def now(self) -> datetime:
        return system_clock() + self.clock_offset

    def open_relay(
        self,
        limits: relay.Limits | None = None,
        per_second: float = 1000.0,
        rate_limiter: throttle.RateLimiter | None = None,
    ) -> relay.Relay:
        dice = random.Random(1)
        deliveries = DeliveryFactory(StubNoticeRenderer)
        paused = suspension.DestinationSuspender(deliveries)
        settler = outbox_outcomes.OutcomeRecorder(
            self.db, paused, deliveries, rng=dice, on_outcome=self.outcomes.append, linger_seconds=0.0
        )
        ticks = itertools.count()
        return relay.Relay(
            self.db,
            sender.DiscordSender(self.client, sender.make_request_limiter(per_second)),
            settler,
            clock=self.now,
            limits=limits or self.limits,
            # Each look at the clock is two seconds on: the channels' buckets never make a test wait.
            rate_limiter=rate_limiter or throttle.RateLimiter(lambda: next(ticks) * 2.0),
        )

    async def add_deliveries(self, *planned: models.NewDelivery) -> None:
        async with self.db.transaction() as connection:
            await plan.add_all(connection, planned)

    async def list_parts(self) -> list[models.Part]:
        async with self.db.read() as connection:
            found = await queries.list_rows(connection)
            return [p for one in reversed(found) for p in await queries.list_parts(connection, one.id)]

    async def list_states(self) -> list[str]:
        return [part.state.value for part in await self.list_parts()]

    async def drain(self, *, until: Callable[[list[str]], bool] | None = None) -> None:
        """Drain with a new relay, as after a restart, moving the clock on by 5 s until `until` holds for the states."""
        fresh = self.open_relay()
        for _ in range(60):
            await fresh.drain(self.now())
            if until is None or until(await self.list_states()):
                return
            self.clock_offset += timedelta(seconds=5)
        raise AssertionError(f"still {await self.list_states()}")


def all_sent(states: list[str]) -> bool:
    return set(states) == {"sent"}


@asynccontextmanager
async def open_relay_harness(db: Database, fake: process.FakeDiscord) -> AsyncIterator[RelayHarness]:
    """An office whose client is logged in, without the Gateway."""
    restore = endpoints.override(fake.api_url, fake.gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(process.TOKEN)
        yield RelayHarness(db, client)
    finally:
        await client.close()
        restore()


def message_texts(messages: list[dict[str, Any]]) -> list[str]:
    """The texts of a channel's messages, as `plan` made them."""
    return [m["payload"]["components"][0]["components"][0]["content"] for m in messages]
