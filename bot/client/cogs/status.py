"""/status and /help, and the button that repeats a delivery with an unknown outcome."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import channel_permissions
from bot.client.views import help as help_view
from bot.client.views import notices
from bot.client.views import status as status_view


class StatusCog(commands.Cog):
    """Status of the channel and its posts, and help."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    @app_commands.command(
        name="status", description="What arrived, what was posted, what comes next, and what is stuck"
    )
    async def status(self, interaction: Interaction) -> None:
        """Show the status of this channel and of the user's alerts."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._status_view(interaction))

    @app_commands.command(name="help", description="What Paperround can do")
    async def help(self, interaction: Interaction) -> None:
        """Show the commands, each with an example."""
        texts = await interaction.client.texts_for(interaction)
        await responses.reply_privately(
            interaction, help_view.help_view(texts, self._mentions, can_manage=checks.is_manager(interaction))
        )

    @component_router.handles_itself(notices.SHOW_STATUS, first=responses.defer)
    async def show_status(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the status privately."""
        await responses.reply_privately(interaction, await self._status_view(interaction))

    @component_router.handles_itself(status_view.REPEAT_POST, check=checks.require_manager)
    async def post_again(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Repeat a delivery whose outcome is unknown."""
        assert interaction.guild_id is not None  # require_manager checked it
        delivery = await self._services.status.find_uncertain(action.number, guild_id=interaction.guild_id)
        if delivery is None or delivery.channel_id is None:
            raise UserError("nothing-to-post-again")
        channel = channel_permissions.require_channel(interaction.guild, delivery.channel_id)
        await channel_permissions.require_bot_may_post(interaction, channel)
        if not await self._services.status.resend(delivery.id, guild_id=interaction.guild_id):
            raise UserError("nothing-to-post-again")
        texts = await interaction.client.texts_for(interaction)
        await responses.update_message(interaction, notices.text_view(texts("posting-again")))

    async def _status_view(self, interaction: Interaction) -> discord.ui.LayoutView:
        texts = await interaction.client.texts_for(interaction)
        report = await self._services.status.report(
            user_id=interaction.user.id, guild_id=interaction.guild_id, channel_id=interaction.channel_id
        )
        can_manage = checks.is_manager(interaction)
        is_budget_spent = can_manage and await self._services.writer.has_spent_budget()
        return status_view.status_view(
            texts,
            report,
            guild_id=interaction.guild_id,
            can_manage=can_manage,
            writer_command=self._mentions("write status") if is_budget_spent else "",
        )
