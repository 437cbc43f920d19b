"""The Discord client with its cogs, commands and error handlers."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot import isolation
from bot.client import translations
from bot.client.cogs import (
    alert_buttons,
    alert_drafts,
    alerts,
    digests,
    guild_events,
    me,
    papers,
    search,
    shelf,
    sources,
    status,
    subscription_buttons,
    subscriptions,
    today,
    trends,
    why,
    write,
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
    today.TodayCog,
    me.MeCog,
    shelf.ShelfCog,
    alerts.AlertsCog,
    alert_buttons.AlertButtonsCog,
    alert_drafts.AlertDraftsCog,
    subscriptions.SubscriptionsCog,
    subscription_buttons.SubscriptionButtonsCog,
    status.StatusCog,
    trends.TrendsCog,
    why.WhyCog,
    sources.SourcesCog,
    write.WriteCog,
    guild_events.GuildEventsCog,
)


class PaperroundCommandTree(app_commands.CommandTree["PaperroundBot"]):
    """Command tree that reports errors to the user."""

    async def on_error(
        self, interaction: discord.Interaction[PaperroundBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Report the error of a command to the user."""
        await errors.handle_error(interaction, error)


class PaperroundBot(Client):
    """The client with all cogs, their components and commands."""

    tree_class = PaperroundCommandTree

    @cached_property
    def component_router(self) -> component_router.ComponentRouter:
        """Router of buttons, select menus and modals."""
        return component_router.ComponentRouter()

    async def ask_for_time(self) -> None:
        """Make a small request: any answer has Discord's time. Errors do not matter, because it is asked again."""
        with suppress(discord.HTTPException, aiohttp.ClientError, OSError):
            await self.http.request(discord.http.Route("GET", "/users/@me"))

    def is_gateway_connected(self) -> bool:
        """Return whether the bot has been ready and every shard's connection is open. `is_ready` alone stays true."""
        return (
            self.is_ready()
            and not self.is_closed()
            and not any(shard.is_closed() for shard in self.shards.values())
        )

    async def setup_hook(self) -> None:
        """Load the cogs. Without a Gateway (tests, the demo) the commands are synchronised too, when they have changed.

        Elsewhere that is done in the background: Discord may hold it up for minutes.
        """
        await self.tree.set_translator(translations.CommandTranslator(self.translations))
        for cog_class in COGS:
            cog = cog_class(self)
            await self.add_cog(cog)
            self.component_router.register(cog)
        self.add_dynamic_items(dynamic_item.DynamicComponent)
        if self.shard_count is not None:
            with isolation.isolated(log, "commands not synchronised"):
                await command_sync.sync_commands(self.tree, self.services.database, self.mentions)

    async def on_interaction(self, interaction: discord.Interaction[PaperroundBot]) -> None:
        """Handle what discord.py ignores: unknown custom ids, and modals opened before a restart."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await self.component_router.dispatch(interaction, custom_ids.unpack(custom_id))
        elif interaction.type is discord.InteractionType.component and not custom_ids.TEMPLATE.fullmatch(
            custom_id
        ):
            await errors.handle_error(interaction, errors.UserError("outdated-control"))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log the exception of an event listener."""
        log.exception("event handler failed", event_name=event_method)
