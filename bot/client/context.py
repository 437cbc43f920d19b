"""The Discord client as commands and buttons use it: services, texts and renderer, and the reader's language."""

from __future__ import annotations

from typing import Any, ClassVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import renderer, translations
from bot.client.discord_api import command_sync
from bot.client.translations import Texts
from bot.services.bundle import Services
from storage import models


class Client(commands.AutoShardedBot):
    """Base of `PaperroundBot`: everything that cogs, presenters and error handling need of the client.

    Give `shard_count` only where there is no gateway to ask (tests, the demo), and `locale` only where Discord clients
    do not send their language: then every answer is in it.
    """

    tree_class: ClassVar[type[app_commands.CommandTree[Any]]] = app_commands.CommandTree
    """The class of the command tree; `PaperroundBot` sets one that explains errors."""

    def __init__(
        self,
        services: Services,
        texts: translations.Translations,
        mentions: command_sync.CommandMentions,
        post_renderer: renderer.DiscordRenderer,
        *,
        shard_count: int | None = None,
        locale: models.Locale | None = None,
    ) -> None:
        # We never speak; discord.py would warn at each start that it could not.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=self.tree_class,
            intents=discord.Intents(guilds=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            shard_count=shard_count,
        )
        self.services = services
        self.translations = texts
        self.mentions = mentions
        self.renderer = post_renderer
        self._locale = locale

    async def texts_for(self, interaction: discord.Interaction[Any]) -> Texts:
        """Return the texts in the reader's language: their client's, else the one they once chose, else the server's."""
        locale = self.client_locale(interaction)
        if locale is None:
            reader = await self.services.readers.get(interaction.user.id)
            locale = reader.locale if reader is not None else None
        return self.translations.for_locale(
            locale or translations.from_discord_locale(interaction.guild_locale) or self.services.locale
        )

    def client_locale(self, interaction: discord.Interaction[Any]) -> models.Locale | None:
        """Return the language of the reader's Discord client; None for one that has no translation."""
        return self._locale or translations.from_discord_locale(interaction.locale)


Interaction = discord.Interaction[Client]
"""An interaction with this client."""
