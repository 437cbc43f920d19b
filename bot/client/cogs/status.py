"""/status and /help, and keeping track of the servers that the bot comes into and leaves."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import translations
from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters.subscriptions import require_manager
from bot.client.views import help as help_view
from bot.client.views import notices
from bot.client.views import status as status_view


class StatusCog(commands.Cog):
    """How things stand, and how things work."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._services = bot.services
        self._mentions = bot.mentions

    @app_commands.command(
        name="status", description="What came, what was posted, what comes next, and what is stuck"
    )
    async def status(self, interaction: Interaction) -> None:
        """Answer with the status of this channel and of the reader's alerts."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._status_view(interaction))

    @app_commands.command(name="help", description="What Paperround can do")
    async def help(self, interaction: Interaction) -> None:
        """Answer with the commands, each with an example."""
        words = await interaction.client.texts_for(interaction)
        manages = interaction.guild_id is not None and interaction.permissions.manage_guild
        await responses.reply_privately(
            interaction, help_view.help_view(words, self._mentions, can_manage=manages)
        )

    @component_router.handles(notices.SHOW_STATUS)
    async def show_status(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the status, privately."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._status_view(interaction))

    @component_router.handles(status_view.REPEAT_POST)
    async def post_again(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post once more what nobody knows to have arrived."""
        require_manager(interaction)
        await responses.acknowledge(interaction)
        assert interaction.guild_id is not None  # require_manager saw to it
        if not await self._services.status.resend(action.number, guild_id=interaction.guild_id):
            raise UserError("nothing-to-post-again")
        words = await interaction.client.texts_for(interaction)
        await responses.update_message(interaction, notices.text_view(words("posting-again")))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Keep where a new server wants to be told things."""
        await self._store_guild(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Keep a server that was in an outage when the bot came."""
        if await self._services.guilds.get(guild.id) is None:
            await self._store_guild(guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Pause a server's posts when the bot is removed (an outage does not come here)."""
        await self._services.guilds.mark_left([guild.id])

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Keep what changed of a server."""
        if (before.preferred_locale, before.system_channel) != (after.preferred_locale, after.system_channel):
            await self._store_guild(after)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Catch up with servers joined and left while the bot was away. It may come repeatedly and changes nothing then."""
        await self._services.guilds.reconcile([guild.id for guild in self._bot.guilds])
        known = await self._services.guilds.list_ids()
        for guild in self._bot.guilds:
            if guild.id not in known and not guild.unavailable:
                await self._store_guild(guild)

    async def _store_guild(self, guild: discord.Guild) -> None:
        system_channel = guild.system_channel
        # Servers that chose no language say American English, so that says nothing.
        spoken = translations.from_discord_locale(guild.preferred_locale)
        await self._services.guilds.update(
            guild.id,
            locale=spoken if guild.preferred_locale is not discord.Locale.american_english else None,
            system_channel_id=system_channel.id if system_channel is not None else None,
        )

    async def _status_view(self, interaction: Interaction) -> discord.ui.LayoutView:
        words = await interaction.client.texts_for(interaction)
        report = await self._services.status.report(
            user_id=interaction.user.id, guild_id=interaction.guild_id, channel_id=interaction.channel_id
        )
        manages = interaction.guild_id is not None and interaction.permissions.manage_guild
        return status_view.status_view(words, report, guild_id=interaction.guild_id, can_manage=manages)
