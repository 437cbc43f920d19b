"""Dependencies of commands: the base class of the Discord client, and requests for handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import rest, translations
from bot.client.services import Services
from bot.client.wording import CommandMentions, PostWording
from bot.core import clock
from bot.i18n import texts as i18n_texts
from bot.i18n.texts import Texts
from storage import accounts, daily, models

GUILD_LOOKS = 20
"""How often, each half second, a handler looks for the server's channels, which the Gateway sends after it has connected."""


class Client(commands.AutoShardedBot):
    """The base class of `PaperroundBot`, on which cogs and error handlers depend.

    `shard_count` is set for clients without a Gateway (tests, the demo). `wording_for` returns the texts of
    posts in a language. `locale` overrides the language of every interaction, for Discord clients that do not
    send one.
    """

    tree_class: ClassVar[type[app_commands.CommandTree[Any]]] = app_commands.CommandTree
    """The class of the command tree; `PaperroundBot` sets one that reports errors."""

    def __init__(
        self,
        services: Services,
        mentions: CommandMentions,
        wording_for: Callable[[models.Locale], PostWording],
        *,
        observer: rest.HttpObserver,
        proxy: str | None = None,
        shard_count: int | None = None,
        locale: models.Locale | None = None,
    ) -> None:
        # Otherwise discord.py warns at every start that voice libraries are missing.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=self.tree_class,
            # Of messages, Discord gives the text only to whom they mention.
            intents=discord.Intents(guilds=True, guild_messages=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            shard_count=shard_count,
            http_trace=observer.trace,
            proxy=proxy,
        )
        self.observer = observer
        self.services = services
        self.mentions = mentions
        self.wording_for = wording_for
        self._locale = locale
        self.shared: dict[tuple[int, str], int] = {}
        """By message and button: what was last shared by them, as the id of the public message, or 0 while it is being sent."""
        self.memberships: dict[tuple[int, int], tuple[datetime, bool | None]] = {}
        """By user and server: when Discord was asked whether the user is a member (UTC), and its answer, if it gave one."""
        self.observe_interaction: Callable[[bool], None] = lambda _: None
        """Called with False for each interaction, and with True if another process has answered it, or has posted."""

    async def on_message(self, message: discord.Message) -> None:
        """Ignore a message: there are no text commands. Listeners of cogs run all the same."""

    async def complete_guild(self, interaction: discord.Interaction[Any]) -> None:
        """Attach the server's channels and roles to an interaction that came before the Gateway sent them."""
        for _ in range(GUILD_LOOKS):
            guild = self.get_guild(interaction.guild_id or 0)
            if guild is None or not guild.unavailable:
                break
            await asyncio.sleep(0.5)
        if guild is not None:
            channel = guild.get_channel_or_thread(interaction.channel_id or 0)
            interaction.channel = channel or interaction.channel
            assert isinstance(interaction.user, discord.Member)
            interaction.user.guild = guild

    def is_in_server(self, interaction: discord.Interaction[Any]) -> bool:
        """Return whether the bot is in an interaction's server, where a reader may use an installation of their own."""
        if interaction.guild_id is None or interaction.is_guild_integration():
            return interaction.guild_id is not None
        return self.get_guild(interaction.guild_id) is not None

    async def texts_for(self, interaction: discord.Interaction[Any]) -> Texts:
        """Return texts in the language of the user's client, otherwise the stored one, otherwise the server's."""
        locale = self._locale or translations.from_discord_locale(interaction.locale)
        if locale is None:
            reader = await self.services.database.fetch(accounts.get_reader, interaction.user.id)
            locale = reader.locale if reader is not None else None
        return i18n_texts.for_locale(
            locale or translations.from_discord_locale(interaction.guild_locale) or self.services.locale
        )

    async def timezone_for(self, interaction: discord.Interaction[Any], *, of_server: bool = False) -> str:
        """Return the time zone for a time typed without one: the reader's, or else the server's.

        The server's is that of its newest daily post that has a time, whose zone readers see. If `of_server`, it comes first.
        If neither has a zone, the language or the settings determine it.
        """
        reader = await self.services.database.fetch(accounts.get_reader, interaction.user.id)
        of_reader, of_guild = reader and reader.timezone, None
        if interaction.guild_id is not None and (of_server or not of_reader):
            rows = await self.services.database.fetch(daily.list_rows, guild_id=interaction.guild_id)
            of_guild = next((row.timezone for row in reversed(rows) if row.at_time), None)
        if known := (of_guild or of_reader if of_server else of_reader or of_guild):
            return known
        texts = await self.texts_for(interaction)
        return clock.default_zone(texts.locale, self.services.timezone)

    async def today_for(self, interaction: discord.Interaction[Any]) -> date:
        name = await self.timezone_for(interaction)
        return clock.local_date(self.services.clock(), clock.stored_zone(name))


Interaction = discord.Interaction[Client]


@dataclass(frozen=True, slots=True)
class Request:
    """An interaction and the texts in the user's language, for command, component and modal handlers."""

    interaction: Interaction
    texts: Texts

    @property
    def user_id(self) -> int:
        return self.interaction.user.id

    @property
    def services(self) -> Services:
        return self.interaction.client.services
