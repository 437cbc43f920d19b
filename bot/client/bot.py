"""The Discord client: intents, caches, commands, and what happens when an interaction fails. Starts nothing long-lived."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.client import translations
from bot.client.cogs import (
    alert_buttons,
    alerts,
    digests,
    guild_events,
    papers,
    search,
    sources,
    status,
    subscription_buttons,
    subscriptions,
    trends,
    why,
)
from bot.client.components import custom_ids, dynamic_item
from bot.client.context import Client
from bot.client.discord_api import command_sync
from bot.client.interactions import component_router, errors

log = structlog.get_logger(__name__)

COGS = (
    digests.DigestsCog,
    search.SearchCog,
    papers.PapersCog,
    alerts.AlertsCog,
    alert_buttons.AlertButtonsCog,
    subscriptions.SubscriptionsCog,
    subscription_buttons.SubscriptionButtonsCog,
    status.StatusCog,
    trends.TrendsCog,
    why.WhyCog,
    sources.SourcesCog,
    guild_events.GuildEventsCog,
)


class PaperroundCommandTree(app_commands.CommandTree["PaperroundBot"]):
    """The commands, with our answer to whatever goes wrong in one."""

    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the reader kindly."""
        await errors.handle_error(interaction, error)


class PaperroundBot(Client):
    """Paperround on Discord: the client with its cogs, controls and commands."""

    tree_class = PaperroundCommandTree

    @cached_property
    def component_router(self) -> component_router.ComponentRouter:
        """The handlers of buttons, menus and forms."""
        return component_router.ComponentRouter()

    async def setup_hook(self) -> None:
        """Load the commands and controls, and put the commands up on Discord if they have changed."""
        await self.tree.set_translator(translations.CommandTranslator(self.translations))
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.component_router.register(cog)
        self.add_dynamic_items(dynamic_item.DynamicComponent)
        await command_sync.sync_commands(self.tree, self.services.database, self.mentions)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Answer what discord.py drops silently: foreign custom ids, and modals that outlived a restart."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.component_router.dispatch(interaction, custom_ids.unpack(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.TEMPLATE.fullmatch(
            custom_id
        ):
            await errors.handle_error(interaction, errors.UserError("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what went wrong in an event; there is nobody to answer."""
        log.exception("event_failed", event_name=event_method)
