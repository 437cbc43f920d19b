"""/sources: what is fetched, when it last came and when it is asked next. Adding and removing is the operator's, in the shell."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.views import sources as sources_view


class SourcesCog(commands.Cog):
    """Where the digests come from."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @app_commands.command(name="sources", description="Where the digests come from, when last and when next")
    async def sources(self, interaction: Interaction) -> None:
        """Answer with all sources and how each is."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._page_view(interaction, 0))

    @component_router.handles(sources_view.SHOW)
    async def turn_page(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of them."""
        await responses.acknowledge(interaction)
        await responses.update_message(interaction, await self._page_view(interaction, action.number))

    async def _page_view(self, interaction: Interaction, page: int) -> discord.ui.LayoutView:
        words = await interaction.client.texts_for(interaction)
        inbox = self._services.inbox
        return sources_view.sources_view(
            words,
            await self._services.sources.list_rows(),
            page,
            inbox=inbox.resolve().name if inbox is not None else None,
            extent=await self._services.search.get_extent(),
            now=self._services.clock(),
        )
