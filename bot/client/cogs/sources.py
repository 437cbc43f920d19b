"""/sources: the sources of digests, with the last and the next fetch. Operators manage sources on the command line."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.views import sources as sources_view


class SourcesCog(commands.Cog):
    """Sources of digests, with their health."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @app_commands.command(
        name="sources",
        description="Where the digests come from, when the last one came and when the next check is",
    )
    async def sources(self, interaction: Interaction) -> None:
        """Show all sources with their health."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._page_view(interaction, 0))

    @component_router.handles_itself(sources_view.SHOW)
    async def turn_page(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of sources."""
        await responses.update_message(interaction, await self._page_view(interaction, action.number))

    async def _page_view(self, interaction: Interaction, page: int) -> discord.ui.LayoutView:
        texts = await interaction.client.texts_for(interaction)
        inbox = self._services.inbox
        return sources_view.sources_view(
            texts,
            await self._services.sources.list_rows(),
            page,
            inbox=inbox.resolve().name if inbox is not None else None,
            extent=await self._services.search.get_extent(),
            now=self._services.clock(),
        )
