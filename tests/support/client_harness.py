"""A server with the bot in it, people of different rights, and a small archive: where commands are tried out."""

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
"""Where SimCord's clock begins."""


@dataclass
class SimulatedClock:
    """Gives SimCord's time, so that ours and Discord's agree."""

    env: simcord.Env | None = None

    def __call__(self) -> datetime:
        return SIMCORD_EPOCH if self.env is None else self.env.now()


@dataclass
class World:
    """The running bot and those who talk to it. `manager` manages the server; in `quiet` nobody may write."""

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
        """Return what went wrong that no test said it would."""
        return [
            error
            for error in self.env.errors
            if not isinstance(getattr(error, "original", error), tuple(self.expected_errors))
        ]


@asynccontextmanager
async def open_world(database: Database, locale: models.Locale, texts: Translations) -> AsyncIterator[World]:
    """Start the bot in a new world whose readers speak one language."""
    clock = SimulatedClock()
    core = Container(Settings(locale=locale.value), database, clock)
    core.texts = texts
    bot = core.create_bot(shard_count=1, locale=locale)
    # Not `simcord.run`: a fixture's end runs in another context than its beginning, which that does not bear.
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
    rights = discord.Permissions(manage_guild=True, manage_messages=True)
    managers = guild.create_role("managers", permissions=rights)
    reader = guild.add_member(env.create_user("reader"))
    manager = guild.add_member(env.create_user("manager"), roles=[managers])
    silence: dict[Any, discord.PermissionOverwrite] = {
        guild.default_role: discord.PermissionOverwrite(send_messages=False)
    }
    quiet = guild.create_text_channel("quiet", overwrites=silence)
    return World(env, core, bot, guild, channel, reader, manager, quiet, core.texts.for_locale(locale))


def shown_text(message: Any) -> str:
    """Return everything that a message shows, a component a line: texts, labels, placeholders, options."""
    shown = []
    for component in raw_components(message):
        shown += [str(component[key]) for key in ("content", "label", "placeholder") if component.get(key)]
        shown += [option["label"] for option in component.get("options", ())]
    return "\n".join(shown)


def component_ids(message: Any) -> list[str]:
    """Return the custom ids of a message."""
    return [one["custom_id"] for one in raw_components(message) if one.get("custom_id")]


def raw_components(message: Any) -> list[dict[str, Any]]:
    """Return a message's components as Discord's JSON, nested ones too."""
    plain = [one if isinstance(one, dict) else one.to_dict() for one in message.components]
    return list(validation.walk_components(plain))


def last_response(result: Any) -> Any:
    """Return the last message that an interaction was answered with."""
    return result.followups[-1] if result.followups else result.response


async def post_daily(world: World, **wishes: Any) -> Any:
    """Set up a daily post and post it at once, as the outbox would. Returns the last message."""
    order = await world.bot.services.subscriptions.add(
        guild_id=world.guild.id,
        channel_id=world.channel.id,
        options=SubscriptionOptions(locale=world.texts.locale, **wishes),
        created_by=world.manager.id,
    )
    post = await world.bot.services.on_demand_posts.preview(order)
    parts = world.bot.renderer.render_daily(replace(post, marker=f"daily:{order.id}:2026-01-01"))
    return await send_parts(world, world.channel.id, *parts)


async def send_parts(world: World, channel_id: int, *parts: contents.RenderedPart) -> Any:
    """Send rendered messages as the sender does, and return the last of them as it stands in the channel."""
    sent: Any = None
    for part in parts:
        body = MultipartParameters(payload=dict(part.payload), multipart=None, files=None)
        sent = await world.bot.http.send_message(channel_id, params=body)
    await world.env.settle()
    return await world.bot.get_partial_messageable(channel_id).fetch_message(int(sent["id"]))
