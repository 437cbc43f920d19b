"""The Discord client: intents, caches, commands, and what happens when an interaction fails. Starts nothing long-lived."""

from __future__ import annotations

from typing import Any

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.client import command_names, controls, custom_ids, failures, items, renderer, translations
from bot.client.cogs import (
    alerts,
    daily,
    digests,
    lookup,
    orders,
    papers,
    places,
    rules,
    service,
    sources,
    trends,
    why,
)
from bot.client.translations import Words
from bot.services.services import Services
from storage import models

log = structlog.get_logger(__name__)

COGS = (
    digests.DigestsCog,
    lookup.LookupCog,
    papers.PapersCog,
    alerts.AlertsCog,
    rules.RulesCog,
    daily.DailyCog,
    orders.OrdersCog,
    service.ServiceCog,
    trends.TrendsCog,
    why.WhyCog,
    sources.SourcesCog,
    places.PlacesCog,
)


class Tree(app_commands.CommandTree["PaperroundBot"]):
    """The commands, with our answer to whatever goes wrong in one."""

    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the reader kindly."""
        await failures.explain(interaction, error)


class PaperroundBot(commands.AutoShardedBot):
    """Paperround on Discord.

    Give `shard_count` only where there is no gateway to ask (tests, the demo), and `locale` only where the readers'
    clients don't say their language: then every answer is in it.
    """

    def __init__(
        self,
        services: Services,
        texts: translations.Translations,
        mentions: command_names.CommandMentions,
        posts: renderer.DiscordRenderer,
        *,
        shard_count: int | None = None,
        locale: models.Locale | None = None,
    ) -> None:
        # We never speak; discord.py would warn at each start that it could not.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
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
        self.texts = texts
        self.mentions = mentions
        self.renderer = posts
        self._locale = locale
        self.controls = controls.Controls()

    async def setup_hook(self) -> None:
        """Load the commands and controls, and put the commands up on Discord if they have changed."""
        await self.tree.set_translator(translations.CommandTranslator(self.texts))
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.controls.add(cog)
        self.add_dynamic_items(items.Control)
        await command_names.synchronise(self.tree, self.services.database, self.mentions)

    async def words_for(self, interaction: discord.Interaction[Any]) -> Words:
        """Return the texts in the asker's language: the client's, else the one they once chose, else the server's."""
        spoken = self.spoken(interaction)
        if spoken is None:
            reader = await self.services.readers.get(interaction.user.id)
            spoken = reader.locale if reader is not None else None
        return self.texts.of(
            spoken or translations.locale_of(interaction.guild_locale) or self.services.locale
        )

    def spoken(self, interaction: discord.Interaction[Any]) -> models.Locale | None:
        """Return the language of the asker's client; None when it is none of ours."""
        return self._locale or translations.locale_of(interaction.locale)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Answer what discord.py drops silently: foreign custom ids, and modals that outlived a restart."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.controls.run(interaction, custom_ids.unpack(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.TEMPLATE.fullmatch(
            custom_id
        ):
            await failures.explain(interaction, failures.Refusal("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what went wrong in an event; there is nobody to answer."""
        log.exception("event_failed", event_name=event_method)
