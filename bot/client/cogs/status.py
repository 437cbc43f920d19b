"""/status and /help, and the button that repeats a delivery with an unknown outcome."""

from __future__ import annotations

from discord import app_commands, ui
from discord.ext import commands

from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.views import help as help_view
from bot.client.views import notices
from bot.client.views import status as status_view


class StatusCog(commands.Cog):
    """Status of the channel and its posts, and help."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._mentions = bot.mentions

    @component_router.command(
        name="status", description="What arrived, what was posted, what comes next, and what is stuck"
    )
    async def status(self, request: Request) -> ui.LayoutView:
        """Show the status of this channel and of the user's alerts."""
        return await self._status_view(request)

    @component_router.command(name="help", description="What Paperround can do", way=responses.AT_ONCE)
    async def help(self, request: Request) -> ui.LayoutView:
        """Show the commands, each with an example."""
        tree = request.interaction.client.tree
        names = [
            command.qualified_name
            for command in tree.walk_commands()
            if isinstance(command, app_commands.Command)
        ]
        can_manage = checks.is_manager(request.interaction)
        return help_view.help_view(request.texts, names, self._mentions, can_manage=can_manage)

    @component_router.handles(notices.SHOW_STATUS, responses.PRIVATELY)
    async def show_status(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the status privately."""
        return await self._status_view(request)

    @component_router.handles(status_view.REPEAT_POST, check=checks.require_manager)
    async def post_again(self, request: Request, action: Action) -> ui.LayoutView:
        """Repeat a delivery whose outcome is unknown."""
        interaction = request.interaction
        assert interaction.guild_id is not None  # require_manager checked it
        delivery = await self._services.status.find_uncertain(action.number, guild_id=interaction.guild_id)
        if delivery is None or delivery.channel_id is None:
            raise UserError("nothing-to-post-again")
        channel = checks.require_channel(interaction.guild, delivery.channel_id)
        await checks.require_bot_may_post(request, channel)
        if not await self._services.status.resend(delivery.id, guild_id=interaction.guild_id):
            raise UserError("nothing-to-post-again")
        return notices.text_view(request.texts("posting-again"))

    async def _status_view(self, request: Request) -> ui.LayoutView:
        interaction = request.interaction
        report = await self._services.status.report(
            user_id=request.user_id, guild_id=interaction.guild_id, channel_id=interaction.channel_id
        )
        can_manage = checks.is_manager(interaction)
        is_budget_spent = can_manage and await self._services.writer.has_spent_budget()
        return status_view.status_view(
            request.texts,
            report,
            guild_id=interaction.guild_id,
            can_manage=can_manage,
            writer_command=self._mentions("write status") if is_budget_spent else "",
        )
