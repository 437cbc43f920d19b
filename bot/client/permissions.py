"""Permissions at the moment of a button or command: a person's to share and to manage, and the bot's to post in a channel.

A custom id is only a claim: its channel has to be one of the interaction's server, and rights may have changed since a
preview or a notice was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import discord

from bot.client.context import Interaction, Request
from bot.client.router import UserError

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is for finding a message again after its reply from Discord was lost."""

INVITED = discord.Permissions(
    **dict.fromkeys(REQUIRED, True),
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
)
"""What an invitation asks for; `docs/install.md` says what for."""

Channel = Any
"""A channel or thread of a server, as discord.py caches it."""


def invitation_url(application_id: int) -> str:
    """Return the address with which somebody who manages a server invites the bot."""
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=INVITED, scopes=scopes)


def may_share(interaction: Interaction) -> bool:
    """Return whether the user may write in this channel. Always False in direct messages."""
    if interaction.guild_id is None:
        return False
    permissions = interaction.permissions
    if isinstance(interaction.channel, discord.Thread):
        return permissions.send_messages_in_threads
    return permissions.send_messages


def require_may_share(interaction: Interaction) -> None:
    """Raise UserError unless the user may write in this channel."""
    if not may_share(interaction):
        raise UserError("may-not-share")


def is_manager(interaction: Interaction) -> bool:
    """Return whether the user manages this server. Always False in direct messages."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild


def require_manager(interaction: Interaction) -> None:
    """Raise UserError unless the user manages this server."""
    if interaction.guild_id is None:
        raise UserError("only-in-servers")
    if not is_manager(interaction):
        raise UserError("needs-manage-server")


async def require_may_mention(interaction: Interaction, channel: Channel, role_id: int | None) -> None:
    """Raise UserError unless the user may mention the role in the channel. A deleted role cannot be mentioned."""
    role = None if role_id is None else channel.guild.get_role(role_id)
    if role is None or role.mentionable:
        return
    member = await fetch_member(interaction, channel.guild.id)
    if not channel.permissions_for(member).mention_everyone:
        raise UserError("needs-mention-role", role=role.mention, channel=channel.mention)


def require_channel(guild: discord.Guild | None, channel_id: int) -> Channel:
    """Return a channel of the server. Raises UserError for a channel of another one, or one that is gone."""
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel is None:
        raise UserError("channel-not-here")
    return channel


async def require_bot_may_post(
    request: Request, channel: Channel, permissions: Iterable[str] = REQUIRED
) -> None:
    """Raise UserError, which names the missing permissions, unless the bot may post in the channel."""
    granted = channel.permissions_for(channel.guild.me)
    missing = [name for name in permissions if not getattr(granted, name)]
    if missing:
        names = ", ".join(request.texts(f"permission-{name.replace('_', '-')}") for name in missing)
        raise UserError("bot-lacks-permissions", channel=channel.mention, permissions=names)


async def require_alert_channel(request: Request, guild_id: int | None, channel_id: int) -> None:
    """Raise UserError unless alerts can go to the channel, and the user manages its messages."""
    await request.interaction.client.prepare_guild(guild_id)
    guild = None if guild_id is None else request.interaction.client.get_guild(guild_id)
    channel = require_channel(guild, channel_id)
    if not isinstance(channel, discord.TextChannel):
        raise UserError("alert-no-such-channel")
    member = await fetch_member(request.interaction, channel.guild.id)
    if not channel.permissions_for(member).manage_messages:
        raise UserError("needs-manage-messages", channel=channel.mention)
    await require_bot_may_post(request, channel)


async def require_manager_of(interaction: Interaction, guild_id: int) -> None:
    """Raise UserError unless the user manages that server now, also from a direct message."""
    member = await fetch_member(interaction, guild_id)
    if not member.guild_permissions.manage_guild:
        raise UserError("needs-manage-server")


async def fetch_member(interaction: Interaction, guild_id: int) -> discord.Member:
    """Return the user as a member of a server: from the interaction, else from Discord, once in an interaction.

    Raises UserError for someone who has left, and if Discord gives no answer.
    """
    user: Any = interaction.user
    if isinstance(user, discord.Member) and user.guild.id == guild_id:
        return user
    fetched: dict[int, discord.Member] = interaction.extras.setdefault("members", {})
    if guild_id in fetched:
        return fetched[guild_id]
    try:
        client = interaction.client
        guild = client.get_guild(guild_id) or await client.fetch_guild(guild_id)
        fetched[guild_id] = await guild.fetch_member(user.id)
        return fetched[guild_id]
    except discord.HTTPException as error:
        # An answer without Discord's own code, such as a proxy's page, says nothing about the person.
        is_verdict = isinstance(error, discord.NotFound | discord.Forbidden) and error.code
        raise UserError("needs-manage-server" if is_verdict else "rights-unknown") from error
    except (OSError, TimeoutError) as error:
        raise UserError("rights-unknown") from error
