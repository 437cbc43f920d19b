"""/sources: what is fetched, when it last came and when it is asked next. Adding and removing is the operator's, in the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import controls, custom_ids, replies
from bot.client.views import empty, source_list

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]


class SourcesCog(commands.Cog):
    """Where the digests come from."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services

    @app_commands.command(name="sources", description="Where the digests come from, when last and when next")
    async def sources(self, interaction: Interaction) -> None:
        """Answer with all sources and how each is."""
        await replies.think(interaction)
        await replies.privately(interaction, await self._page(interaction, 0))

    @controls.handles(source_list.VERB)
    async def turn(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of them."""
        await replies.hold(interaction)
        await replies.in_place(interaction, await self._page(interaction, action.number))

    async def _page(self, interaction: Interaction, page: int) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        extent = await self._services.lookup.extent()
        inbox = self._services.inbox
        listed = source_list.SourceList(
            rows=await self._services.sources.list_rows(),
            inbox=inbox.resolve().name if inbox is not None else None,
            extent=empty.Extent(extent.first_on, extent.last_on, extent.papers),
            now=self._services.clock(),
        )
        return source_list.sources_view(words, listed, page)
