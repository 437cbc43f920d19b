"""The harness of the client tests: the bot in a simulated server, with users of different permissions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import discord
import simcord
from discord.http import MultipartParameters

from bot.app.container import Container
from bot.client.bot import PaperroundBot
from bot.client.interactions.errors import UserError
from bot.client.translations import Texts, Translations
from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.posts import contents
from bot.settings import Settings
from storage import models
from storage.database import Database
from tests.fake_discord import validation

SIMCORD_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Start of SimCord's clock."""


@dataclass
class SimulatedClock:
    """A clock that shows SimCord's time, so that the bot and Discord agree."""

    env: simcord.Env | None = None

    def __call__(self) -> datetime:
        return SIMCORD_EPOCH if self.env is None else self.env.now()


@dataclass
class World:
    """The running bot, its server and users. `manager` manages the server; in `readonly_channel` no member may write."""

    env: simcord.Env
    container: Container
    bot: PaperroundBot
    guild: Any
    channel: Any
    reader: Any
    manager: Any
    readonly_channel: Any
    texts: Texts
    expected_errors: list[type[BaseException]] = field(default_factory=lambda: [UserError])

    @property
    def user(self) -> Any:
        """The reader outside the server."""
        return self.reader.user

    def unexpected_errors(self) -> list[BaseException]:
        """Return the errors whose types the test does not expect."""
        return [
            error
            for error in self.env.errors
            if not isinstance(getattr(error, "original", error), tuple(self.expected_errors))
        ]


@asynccontextmanager
async def open_world(database: Database, locale: models.Locale, texts: Translations) -> AsyncIterator[World]:
    """Start the bot in a new server; all users have the given locale."""
    clock = SimulatedClock()
    core = Container(Settings(locale=locale.value), database, clock)
    core.texts = texts
    bot = core.create_bot(shard_count=1, locale=locale)
    # Not `simcord.run`: the teardown of a fixture runs in another context than its setup, which that does not support.
    env = simcord.Env(bot, check_errors=False)
    await env.start()
    clock.env = env
    try:
        yield _populate(env, core, bot, locale)
    finally:
        await env.shutdown()


def _populate(env: simcord.Env, core: Container, bot: PaperroundBot, locale: models.Locale) -> World:
    guild = env.create_guild("Paper Club", owner=env.create_user("owner"))
    channel = guild.create_text_channel("papers")
    permissions = discord.Permissions(manage_guild=True, manage_messages=True)
    managers = guild.create_role("managers", permissions=permissions)
    reader = guild.add_member(env.create_user("reader"))
    manager = guild.add_member(env.create_user("manager"), roles=[managers])
    read_only: dict[Any, discord.PermissionOverwrite] = {
        guild.default_role: discord.PermissionOverwrite(send_messages=False)
    }
    readonly_channel = guild.create_text_channel("quiet", overwrites=read_only)
    return World(
        env, core, bot, guild, channel, reader, manager, readonly_channel, core.texts.for_locale(locale)
    )


def shown_text(message: Any) -> str:
    """Return all visible text of a message, one line per text, label, placeholder or option."""
    lines = []
    for component in raw_components(message):
        lines += [str(component[key]) for key in ("content", "label", "placeholder") if component.get(key)]
        lines += [option["label"] for option in component.get("options", ())]
    return "\n".join(lines)


def component_ids(message: Any) -> list[str]:
    """Return the custom ids of a message."""
    return [component["custom_id"] for component in raw_components(message) if component.get("custom_id")]


def raw_components(message: Any) -> list[dict[str, Any]]:
    """Return all components of a message, nested ones included, as Discord's JSON."""
    top_level = [
        component if isinstance(component, dict) else component.to_dict() for component in message.components
    ]
    return list(validation.walk_components(top_level))


def last_response(result: Any) -> Any:
    """Return the last message of the response to an interaction."""
    return result.followups[-1] if result.followups else result.response


async def post_daily(world: World, **options: Any) -> Any:
    """Add a subscription and post its preview. Returns the last message."""
    subscription = await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale, **options),
        created_by=world.manager.id,
    )
    post = await world.bot.services.on_demand_posts.preview(subscription)
    parts = world.bot.renderer.render_daily(replace(post, marker=f"daily:{subscription.id}:2026-01-01"))
    return await send_parts(world, world.channel.id, *parts)


async def send_parts(world: World, channel_id: int, *parts: contents.RenderedPart) -> Any:
    """Send rendered messages as the sender does; return the last one, fetched from the channel."""
    sent: Any = None
    for part in parts:
        body = MultipartParameters(payload=dict(part.payload), multipart=None, files=None)
        sent = await world.bot.http.send_message(channel_id, params=body)
    await world.env.settle()
    return await world.bot.get_partial_messageable(channel_id).fetch_message(int(sent["id"]))
