"""/write: what the writer of digests does. It is set up by operators; managers may look."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.context import Client, Request
from bot.client.interactions import checks, component_router
from bot.client.views import write_status


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class WriteCog(commands.GroupCog, name="write", description="Digests that Paperround writes itself"):
    """The writer's status."""

    def __init__(self, bot: Client) -> None:
        self._writer = bot.services.writer

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Require a manager, even if the server's command settings allow others."""
        checks.require_manager(interaction)
        return True

    @component_router.command(
        name="status", description="What is being written, what was refused, tokens today"
    )
    async def status(self, request: Request) -> ui.LayoutView:
        """Show the drafts of the newest day and the token budget."""
        drafts, tokens = await self._writer.list_drafts(), await self._writer.get_tokens()
        return write_status.write_status_view(request.texts, self._writer, drafts, tokens)
