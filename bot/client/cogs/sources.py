"""/sources: the sources of digests, with the last and the next fetch. Operators manage sources on the command line."""

from __future__ import annotations

from discord import ui
from discord.ext import commands

from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import component_router
from bot.client.views import sources as sources_view


class SourcesCog(commands.Cog):
    """Sources of digests, with their health."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @component_router.command(
        name="sources",
        description="Where the digests come from, when the last one came and when the next check is",
    )
    async def sources(self, request: Request) -> ui.LayoutView:
        """Show all sources with their health."""
        return await self._page_view(request, 0)

    @component_router.handles(sources_view.SHOW)
    async def turn_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of sources."""
        return await self._page_view(request, action.number)

    async def _page_view(self, request: Request, page: int) -> ui.LayoutView:
        inbox = self._services.inbox
        return sources_view.sources_view(
            request.texts,
            await self._services.sources.list_rows(),
            page,
            inbox=inbox.resolve().name if inbox is not None else None,
            extent=await self._services.search.get_extent(),
            now=self._services.clock(),
        )
