"""The Discord client with its cogs, commands and error handlers, and the renderer of posts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any

import discord
import structlog
import yarl
from discord import app_commands
from discord.ext import commands

from bot.app.features import FEATURES
from bot.client import command_sync, custom_ids, message_builder, refusals, router, translations
from bot.client import texts as client_texts
from bot.client.context import Client
from bot.client.messages import MentionLookup, PostWording
from bot.core import isolation
from bot.outbox import contents, outcomes
from bot.rendering.templates import Templates
from storage import accounts, models, outbox

log = structlog.get_logger(__name__)

WELCOME_PERIOD = timedelta(days=1)
"""How long after an invitation the bot still welcomes a server: it may have been offline."""


class GuildEventsCog(commands.Cog):
    """Keeps the stored servers current, and retries refused deliveries after a channel or server changes."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        # Without a Gateway (tests, the demo) the number is given; the bot is never invited there.
        self._has_gateway = bot.shard_count is None
        self._guilds = bot.services.guilds
        self._known_ids: set[int] | None = None
        self._storing = asyncio.Lock()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Catch up with changes made while the bot was offline. Idempotent: Discord may repeat the event."""
        await self._guilds.mark_left(await self._guilds.list_ids() - {guild.id for guild in self._bot.guilds})
        self._known_ids = None
        await self._store(self._bot.guilds)

    @commands.Cog.listener("on_guild_join")
    @commands.Cog.listener("on_guild_available")
    async def on_guild(self, guild: discord.Guild) -> None:
        """Store a server that invited the bot or became available again. At startup, Discord sends this for every server."""
        await self._store([guild])

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Pause a server's posts when the bot is removed. Discord does not send this event during an outage."""
        async with self._storing:
            # The server may have invited the bot again, and that event may have been handled before this one.
            if self._bot.get_guild(guild.id) is None:
                await self._guilds.mark_left([guild.id])
                self._known_ids = None

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Store a changed language or system channel."""
        if (before.preferred_locale, before.system_channel) != (after.preferred_locale, after.system_channel):
            await self._guilds.update({after.id: _guild_settings(after)})

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Retry refused deliveries to a channel or its threads, as permissions or tags may have changed."""
        threads = getattr(after, "threads", ())
        await self._guilds.try_refused(channel_id=[after.id, *(thread.id for thread in threads)])

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """Retry refused deliveries to a thread, which may have been reopened."""
        await self._guilds.try_refused(channel_id=[payload.thread_id])

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """Retry refused deliveries to a server's channels if a role's permissions changed."""
        if before.permissions != after.permissions:
            await self._guilds.try_refused(guild_id=[after.guild.id])

    async def _store(self, guilds: Iterable[discord.Guild]) -> None:
        """Store and welcome new servers. `on_ready` retries a server that could not be stored."""
        async with self._storing:
            # At startup Discord sends an event for each server.
            stored_ids = self._known_ids = self._known_ids or set(await self._guilds.list_ids())
            new = {guild.id: guild for guild in guilds if not (guild.unavailable or guild.id in stored_ids)}
            if self._has_gateway:
                await self.welcome(new.values())
            await self._guilds.update({id_: _guild_settings(guild) for id_, guild in new.items()})
            stored_ids.update(new)

    async def welcome(self, guilds: Iterable[discord.Guild]) -> None:
        """Plan a welcome message in each server that recently invited the bot, if it may write there.

        The delivery's key identifies the invitation, so retrying after a crash plans no second message.
        """
        services = self._bot.services
        now = services.clock()
        for guild in guilds:
            # A first start may find thousands of servers, so check the date before the permissions.
            joined_at = getattr(guild.me, "joined_at", None)
            if joined_at is None or abs(now - joined_at) > WELCOME_PERIOD:
                continue
            channels = (guild.system_channel, *guild.text_channels)
            if (channel := next(filter(_may_write, channels), None)) is None:
                continue
            post = contents.NoticePost(
                marker=f"notice:w{guild.id}:{int(joined_at.timestamp())}",
                locale=_guild_settings(guild)["locale"] or services.locale,
                kind=contents.NoticeKind.WELCOME,
            )
            delivery = services.deliveries.build_post(
                outcomes.NOTICE, post, now, guild_id=guild.id, channel_id=channel.id
            )
            async with services.database.transaction() as connection:
                # A server that returns before its settings expire knows the bot.
                if await accounts.get_guild(connection, guild.id) is None:
                    await outbox.add(connection, delivery)


def _guild_settings(guild: discord.Guild) -> accounts.GuildSettings:
    # American English is also the default of servers that never chose a language.
    is_default = guild.preferred_locale is discord.Locale.american_english
    system_channel = guild.system_channel
    return {
        "locale": None if is_default else translations.from_discord_locale(guild.preferred_locale),
        "system_channel_id": system_channel.id if system_channel is not None else None,
    }


def _may_write(channel: discord.TextChannel | None) -> bool:
    if channel is None:
        return False
    granted = channel.permissions_for(channel.guild.me)
    return granted.view_channel and granted.send_messages


DISCORD_PARTS = [feature.load_discord() for feature in FEATURES]
COGS = (*(cog for parts in DISCORD_PARTS for cog in parts.cogs), GuildEventsCog)


class PaperroundCommandTree(app_commands.CommandTree["PaperroundBot"]):
    """A command tree that reports errors to the user."""

    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Report a command's error to the user."""
        await refusals.handle_error(interaction, error)


MIN_SESSION_STARTS = 10
"""For each shard. A tenth of all session starts is enough, too."""
SESSION_STARTS_SECONDS = 600.0


class _ShardNotConnectedError(Exception):
    """Raised to make a shard connect again.

    discord.py recurses in its own error handler: during an outage each log entry repeats all earlier errors,
    and after some hundred attempts the stack overflows.
    """


class PaperroundBot(Client):
    """The client with all cogs, components and commands."""

    tree_class = PaperroundCommandTree

    @cached_property
    def component_router(self) -> router.ComponentRouter:
        """The router for buttons, select menus and modals."""
        return router.ComponentRouter()

    @cached_property
    def _launching_ids(self) -> set[int]:
        """The shards that are connecting for the first time."""
        return set()

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Start a shard once Discord allows enough sessions, and retry until it connects."""
        if shard_id in self._launching_ids:
            raise _ShardNotConnectedError
        self._launching_ids.add(shard_id)
        try:
            while True:
                await self._wait_for_session_starts()
                with suppress(_ShardNotConnectedError):
                    await super().launch_shard(gateway, shard_id, initial=initial)
                    return
                initial = False
        finally:
            self._launching_ids.discard(shard_id)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Start a new session once Discord allows enough of them."""
        if not initial:
            await self._wait_for_session_starts()
        await super().before_identify_hook(shard_id, initial=initial)

    async def _wait_for_session_starts(self) -> None:
        """Wait while few of the day's IDENTIFYs are left: Discord resets the token after the last one."""
        while True:
            shards, _, limit = await self.http.get_bot_gateway()
            if limit["remaining"] >= min(
                MIN_SESSION_STARTS * (self.shard_count or shards), limit["total"] // 10
            ):
                return
            seconds = limit["reset_after"] / 1000
            log.warning(
                "few session starts left; waiting for Discord to allow more before connecting to the Gateway",
                remaining=limit["remaining"],
                resets_in_seconds=round(seconds),
            )
            await asyncio.sleep(min(seconds, SESSION_STARTS_SECONDS))

    def is_gateway_connected(self) -> bool:
        """Return whether the bot was ready and all shards are connected; `is_ready` ignores disconnects."""
        return (
            self.is_ready()
            and not self.is_closed()
            and not any(shard.is_closed() for shard in self.shards.values())
        )

    async def setup_hook(self) -> None:
        """Load the cogs; without a Gateway (tests, the demo), also register the commands.

        Otherwise a background task registers them, since Discord may delay that for minutes.
        """
        await self.tree.set_translator(translations.CommandTranslator())
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.component_router.register(cog)
        self.add_dynamic_items(message_builder.DynamicComponent)
        if self.shard_count is not None:
            with isolation.isolated(log, "commands not synchronised"):
                await command_sync.sync_commands(self.tree, self.services.database, self.mentions)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Count interactions, and handle those that discord.py ignores: unknown custom ids, modals opened before a restart."""
        if interaction.type is not discord.InteractionType.autocomplete:
            self.observe_interaction(False)
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.component_router.dispatch(interaction, custom_ids.unpack_custom_id(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.CUSTOM_ID.fullmatch(
            custom_id
        ):
            await refusals.handle_error(interaction, refusals.UserError("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log an event listener's exception."""
        error = sys.exc_info()[1]
        assert error is not None
        isolation.log_error(log, "event handler failed", error, event_name=event_method)


RENDERERS = {kind: render for parts in DISCORD_PARTS for kind, render in parts.renderers.items()}


class DiscordRenderer:
    """Renders posts as messages for the outbox. `mention` returns the mention of a command, such as `daily edit`."""

    def __init__(self, templates: Templates, mention: MentionLookup, web_url: str | None = None) -> None:
        self._wordings = {
            locale: PostWording(client_texts.for_locale(locale), templates, mention, web_url)
            for locale in models.Locale
        }

    def wording_for(self, locale: models.Locale) -> PostWording:
        """Return the texts of posts in a language, for replies that show a post again."""
        return self._wordings[locale]

    def render(self, post: contents.Post) -> tuple[contents.RenderedPart, ...]:
        """Return a post's messages in sending order."""
        return RENDERERS[type(post)](self._wordings[post.locale], post)
