"""Guild events: keeps the servers table up to date and resumes destinations whose permissions were restored."""

from __future__ import annotations

import discord
import structlog
from discord.ext import commands

from bot.client import translations
from bot.client.context import Client
from bot.services.posts.contents import Reason

log = structlog.get_logger(__name__)


class GuildEventsCog(commands.Cog):
    """Listeners to changes of servers, channels, roles and the bot's own membership."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._guilds = bot.services.guilds
        self._resumer = bot.services.destination_resumer

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Catch up with changes made while the bot was offline. Idempotent, since Discord may send it repeatedly."""
        await self._guilds.reconcile([guild.id for guild in self._bot.guilds])
        known = await self._guilds.list_ids()
        for guild in self._bot.guilds:
            if guild.id not in known and not guild.unavailable:
                await self._store_guild(guild)
        await self._resume(None)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Store a server that invited the bot, perhaps not for the first time."""
        await self._store_guild(guild)
        await self._resume(guild.id)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Store a server after an outage, or one that loads late. During start-up `on_ready` resumes its posts."""
        if await self._guilds.get(guild.id) is None:
            await self._store_guild(guild)
        if self._bot.is_ready():
            await self._resume(guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Pause a server's posts when the bot is removed. Discord does not send this event for an outage."""
        await self._guilds.mark_left([guild.id])

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Store a changed language or system channel."""
        if (before.preferred_locale, before.system_channel) != (after.preferred_locale, after.system_channel):
            await self._store_guild(after)

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Resume after a change of a channel's permissions or settings."""
        await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """Resume after a thread was locked or unlocked."""
        if before.locked != after.locked:
            await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """Resume after a change of a role's permissions."""
        if before.permissions != after.permissions:
            await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Resume after a role was deleted, with everything that it denied."""
        await self._resume(role.guild.id)

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """Resume after the bot was given or lost a role. Without the members intent Discord reports the bot alone."""
        if after == after.guild.me:
            await self._resume(after.guild.id)

    async def _store_guild(self, guild: discord.Guild) -> None:
        system_channel = guild.system_channel
        # American English is also the default of servers that never chose a language.
        locale = translations.from_discord_locale(guild.preferred_locale)
        await self._guilds.update(
            guild.id,
            locale=locale if guild.preferred_locale is not discord.Locale.american_english else None,
            system_channel_id=system_channel.id if system_channel is not None else None,
        )

    async def _resume(self, guild_id: int | None) -> None:
        channels = await self._resumer.resume(self._may_post, self._bot.services.clock(), guild_id=guild_id)
        if channels:
            log.info("destinations resumed", channels=sorted(channels))

    def _may_post(self, guild_id: int, channel_id: int, reason: str) -> bool | None:
        guild = self._bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
        if guild is None or guild.unavailable or channel is None:
            return None
        allowed = channel.permissions_for(guild.me)
        is_thread = isinstance(channel, discord.Thread)
        may_send = allowed.send_messages_in_threads if is_thread else allowed.send_messages
        if not (allowed.view_channel and may_send):
            return False
        match reason:
            case Reason.NO_THREADS:
                return allowed.create_public_threads and allowed.send_messages_in_threads
            case Reason.THREAD_LOCKED:
                return isinstance(channel, discord.Thread) and not channel.locked
            case Reason.TAG_NEEDED:
                return isinstance(channel, discord.ForumChannel) and _accepts_posts(channel)
            case Reason.WRONG_CHANNEL_KIND:
                return False
        return True


def _accepts_posts(forum: discord.ForumChannel) -> bool:
    """Return whether a post needs no tag in the forum, or the forum has a tag that is not moderated."""
    return not forum.flags.require_tag or any(not tag.moderated for tag in forum.available_tags)
