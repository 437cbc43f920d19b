"""Notices when a channel that Discord had barred can be posted to again, and lets its posts go on. Has no commands."""

from __future__ import annotations

import discord
import structlog
from discord.ext import commands

from bot.client.context import Client
from bot.services.posts.contents import Reason

log = structlog.get_logger(__name__)


class ResumeCog(commands.Cog):
    """Listens for changed permissions. It looks at storage alone, which holds few paused things."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._resumer = bot.services.destination_resumer

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Catch up with what was changed while the bot was away."""
        await self._resume(None)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was invited, perhaps again."""
        await self._resume(guild.id)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server came back from an outage, or later than the others; until they are all there `on_ready` will do."""
        if self._bot.is_ready():
            await self._resume(guild.id)

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """A channel's permissions or settings were changed."""
        await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """A thread was locked or unlocked."""
        if before.locked != after.locked:
            await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """A role's permissions were changed."""
        if before.permissions != after.permissions:
            await self._resume(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """A role went, and what it was denied went with it."""
        await self._resume(role.guild.id)

    @commands.Cog.listener()
    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """The bot was given or lost a role; Discord tells of other members only with an intent that we don't ask for."""
        if after == after.guild.me:
            await self._resume(after.guild.id)

    async def _resume(self, guild_id: int | None) -> None:
        channels = await self._resumer.resume(self._may_post, self._bot.services.clock(), guild_id=guild_id)
        if channels:
            log.info("posting goes on", channels=sorted(channels))

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
    """Whether a post needs no tag there, or finds one that everybody may set."""
    return not forum.flags.require_tag or any(not tag.moderated for tag in forum.available_tags)
