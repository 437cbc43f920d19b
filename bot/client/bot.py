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
    papers,
    resume,
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
    search.LookupCog,
    papers.PapersCog,
    alerts.AlertsCog,
    alert_buttons.RulesCog,
    subscriptions.DailyCog,
    subscription_buttons.OrdersCog,
    status.ServiceCog,
    trends.TrendsCog,
    why.WhyCog,
    sources.SourcesCog,
    resume.PlacesCog,
)


class Tree(app_commands.CommandTree["PaperroundBot"]):
    """The commands, with our answer to whatever goes wrong in one."""

    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the reader kindly."""
        await errors.explain(interaction, error)


class PaperroundBot(Client):
    """Paperround on Discord: the client with its cogs, controls and commands."""

    tree_class = Tree

    @cached_property
    def controls(self) -> component_router.Controls:
        """The handlers of buttons, menus and forms."""
        return component_router.Controls()

    async def setup_hook(self) -> None:
        """Load the commands and controls, and put the commands up on Discord if they have changed."""
        await self.tree.set_translator(translations.CommandTranslator(self.texts))
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.controls.add(cog)
        self.add_dynamic_items(dynamic_item.Control)
        await command_sync.synchronise(self.tree, self.services.database, self.mentions)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Answer what discord.py drops silently: foreign custom ids, and modals that outlived a restart."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.controls.run(interaction, custom_ids.unpack(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.TEMPLATE.fullmatch(
            custom_id
        ):
            await errors.explain(interaction, errors.Refusal("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what went wrong in an event; there is nobody to answer."""
        log.exception("event_failed", event_name=event_method)
