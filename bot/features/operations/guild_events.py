"""Discord's events about servers: invitations, removals and changed permissions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import discord
import structlog
from discord.ext import commands

from bot.client import translations
from bot.client.handler_context import Client
from bot.outbox import contents, outcomes
from storage import accounts, outbox

log = structlog.get_logger(__name__)

WELCOME_PERIOD = timedelta(days=1)
"""The time after an invitation in which the bot still welcomes a server: it may have been offline."""
_NEEDED = discord.Permissions(view_channel=True, send_messages=True)


class GuildEventsCog(commands.Cog):
    """Keeps the stored servers current, and retries refused deliveries after a channel or server changes."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        # Without a Gateway (tests, the demo) the number is given; the bot is never invited there.
        self._has_gateway = bot.shard_count is None
        self._guilds = bot.services.guilds
        self._known_ids: set[int] | None = None
        self._storing = asyncio.Lock()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Catch up with changes made while the bot was offline. Idempotent: Discord may repeat the event."""
        await self._guilds.mark_left(await self._guilds.list_ids() - {guild.id for guild in self._bot.guilds})
        self._known_ids = None
        await self._store(self._bot.guilds)

    @commands.Cog.listener("on_guild_join")
    @commands.Cog.listener("on_guild_available")
    async def on_guild(self, guild: discord.Guild) -> None:
        """Store a server that invited the bot or became available again. At startup, Discord sends this for every server."""
        await self._store([guild])

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Pause a server's posts when the bot is removed. Discord does not send this event during an outage."""
        async with self._storing:
            # The server may have invited the bot again, and that event may have been handled before this one.
            if self._bot.get_guild(guild.id) is None:
                await self._guilds.mark_left([guild.id])
                self._known_ids = None
                log.info("removed from a server", guild=guild.id)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Notice a post of another bot with this token. The outbox's messages alone have nonces, unique among installations."""
        if message.author == self._bot.user and message.nonce is not None:
            database = self._bot.services.database
            if not await database.fetch(outbox.has_nonce, str(message.nonce)):
                self._bot.observe_interaction(True)

    @commands.Cog.listener()
    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Store a changed name, language or system channel."""
        if (changed := _guild_settings(after)) != _guild_settings(before):
            await self._guilds.update({after.id: changed})

    @commands.Cog.listener()
    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Retry refused deliveries to a channel or its threads, as permissions or tags may have changed."""
        threads = getattr(after, "threads", ())
        await self._guilds.try_refused(channel_id=[after.id, *(thread.id for thread in threads)])

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """Retry refused deliveries to a thread, which may have been reopened."""
        await self._guilds.try_refused(channel_id=[payload.thread_id])

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """Retry refused deliveries to a server's channels if a role's permissions changed."""
        if before.permissions != after.permissions:
            await self._guilds.try_refused(guild_id=[after.guild.id])

    async def _store(self, guilds: Iterable[discord.Guild]) -> None:
        """Store and welcome new servers. `on_ready` retries a server that could not be stored."""
        async with self._storing:
            # At startup Discord sends an event for each server.
            stored_ids = self._known_ids = self._known_ids or set(await self._guilds.list_ids(named=True))
            new = {guild.id: guild for guild in guilds if not (guild.unavailable or guild.id in stored_ids)}
            if self._has_gateway:
                await self.welcome(new.values())
            await self._guilds.update({id_: _guild_settings(guild) for id_, guild in new.items()})
            stored_ids.update(new)

    async def welcome(self, guilds: Iterable[discord.Guild]) -> None:
        """Plan a welcome message in each server that recently invited the bot, if it may write there.

        The delivery's key identifies the invitation, so retrying after a crash plans no second message.
        """
        services = self._bot.services
        now = services.clock()
        for guild in guilds:
            # A first start may find thousands of servers, so check the date before the permissions.
            joined_at = getattr(guild.me, "joined_at", None)
            if joined_at is None or abs(now - joined_at) > WELCOME_PERIOD:
                continue
            channels = [one for one in (guild.system_channel, *guild.text_channels) if one is not None]
            writable = [one for one in channels if one.permissions_for(guild.me) >= _NEEDED]
            if not writable:
                continue
            post = contents.NoticePost(
                marker=f"notice:w{guild.id}:{int(joined_at.timestamp())}",
                locale=_guild_settings(guild)["locale"] or services.locale,
                kind=contents.NoticeKind.WELCOME,
            )
            delivery = services.deliveries.build_post(
                outcomes.NOTICE, post, now, guild_id=guild.id, channel_id=writable[0].id
            )
            async with services.database.transaction() as connection:
                # A server that returns before its settings expire knows the bot.
                if await accounts.get_guild(connection, guild.id) is None:
                    await outbox.add(connection, delivery)


def _guild_settings(guild: discord.Guild) -> accounts.GuildSettings:
    # American English is also the default of servers that never chose a language.
    is_default = guild.preferred_locale is discord.Locale.american_english
    system_channel = guild.system_channel
    return {
        "locale": None if is_default else translations.from_discord_locale(guild.preferred_locale),
        "system_channel_id": system_channel.id if system_channel is not None else None,
        "name": guild.name,
    }
