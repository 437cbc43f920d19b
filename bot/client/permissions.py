"""Permissions when a button or command is used: a person's to share and to manage, and the bot's to post.

Custom ids can be forged, so their channel must belong to the interaction's server. Permissions may have changed
since a preview or a notice was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import discord

from bot.client.handler_context import Interaction, Request
from bot.client.refusals import UserError
from storage import accounts, models
from storage.alerts import OwnerRight

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is needed to find a message whose reply from Discord was lost."""

INVITED = discord.Permissions(
    **dict.fromkeys(REQUIRED, True),
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    send_polls=True,
    create_events=True,
)
"""The permissions that an invitation requests. `docs/install.md` explains them."""

Channel = Any
"""A server's channel or thread, as discord.py caches it."""


def invitation_url(application_id: int) -> str:
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=INVITED, scopes=scopes)


def may_share(interaction: Interaction) -> bool:
    """Return whether the user may write in this channel. False in direct messages."""
    if interaction.guild_id is None:
        return False
    permissions = interaction.permissions
    if isinstance(interaction.channel, discord.Thread):
        return permissions.send_messages_in_threads
    return permissions.send_messages


def require_may_share(interaction: Interaction) -> None:
    """Raise UserError if the user may not write in this channel."""
    if not may_share(interaction):
        raise UserError("may-not-share")


def is_manager(interaction: Interaction) -> bool:
    """Return whether the user manages this server. False in direct messages."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild


def may_see(interaction: Interaction, channel_id: int) -> bool:
    """Return whether the user may see a channel of the server. Only managers see unknown channels."""
    if channel_id == interaction.channel_id or is_manager(interaction):
        return True
    channel = None if interaction.guild is None else interaction.guild.get_channel_or_thread(channel_id)
    member = interaction.user
    if channel is None or not isinstance(member, discord.Member):
        return False
    return channel.permissions_for(member).view_channel


def name_channels(interaction: Interaction, channel_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of the channels that the bot can see, keyed by channel id."""
    channels = map(interaction.client.get_channel, channel_ids)
    return {channel.id: channel.name for channel in channels if isinstance(channel, discord.abc.GuildChannel)}


def require_manager(interaction: Interaction) -> None:
    """Raise UserError if the user does not manage this server."""
    if not is_manager(interaction):
        raise UserError("needs-manage-server")


async def require_may_mention(
    interaction: Interaction, channel: Channel, role_id: int | None, *, or_deleted: bool = False
) -> None:
    """Raise UserError if the user may not mention the role in the channel, or if it is not known, unless `or_deleted`."""
    role = None if role_id is None else channel.guild.get_role(role_id)
    if role is None and role_id is not None and not or_deleted:
        raise UserError("rights-unknown")
    if role is None or role.mentionable:
        return
    member = await fetch_member(interaction, channel.guild.id)
    if not channel.permissions_for(member).mention_everyone:
        raise UserError("needs-mention-role", role=role.mention, channel=channel.mention)


MEMBERSHIP_KEPT = timedelta(minutes=1)
"""The time for which Discord's answer is kept."""


MAX_ASKED = 25
"""For how many servers Discord is asked in that time, for each reader."""


async def is_member(interaction: Interaction, guild_id: int) -> bool:
    """Return whether the user is a member of a server of the bot.

    Raises UserError if Discord does not say, or was asked for MAX_ASKED other servers within the last minute.
    """
    client, user_id = interaction.client, interaction.user.id
    if guild_id == interaction.guild_id:
        return client.is_in_server(interaction)
    if (kept := recall_membership(interaction, guild_id)) is not None:
        return kept
    guild = await client.services.database.fetch(accounts.get_guild, guild_id)
    if guild is None or guild.left_at is not None:
        return False
    now = client.services.clock()
    valid = {key: row for key, row in client.memberships.items() if row[0] + MEMBERSHIP_KEPT >= now}
    if sum(asker == user_id for asker, _ in valid) >= MAX_ASKED:
        raise UserError("rights-unknown")
    client.memberships = {**valid, (user_id, guild_id): (now, None)}
    answer = await _ask_for_membership(interaction, guild_id)
    client.memberships[user_id, guild_id] = (now, answer)
    return answer


async def _ask_for_membership(interaction: Interaction, guild_id: int) -> bool:
    """Ask Discord whether the user is a member of a server. Raises UserError if Discord does not say."""
    try:
        with _map_refusals():
            await interaction.client.http.get_member(guild_id, interaction.user.id)
    except UserError as error:
        if error.key == "rights-unknown":
            raise
        return False
    return True


def recall_membership(interaction: Interaction, guild_id: int) -> bool | None:
    """Return whether the user was a member of a server within the last minute; None if Discord has not said so."""
    client = interaction.client
    asked_at, answer = client.memberships.get((interaction.user.id, guild_id), (models.NEVER, None))
    return answer if asked_at + MEMBERSHIP_KEPT >= client.services.clock() else None


def require_channel(guild: discord.Guild | None, channel_id: int) -> Channel:
    """Return a channel of the server.

    Raises UserError if it was deleted or belongs to another server, or if the Gateway has not sent the server's channels yet.
    """
    if guild is not None and guild.unavailable:
        raise UserError("rights-unknown")
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    if channel is None:
        raise UserError("channel-not-here")
    return channel


async def require_known_channel(request: Request, guild_id: int, channel_id: int) -> Channel:
    """Return a channel of a server that need not be the interaction's; see `require_channel`."""
    guild = request.interaction.client.get_guild(guild_id)
    if guild is None:
        raise UserError("rights-unknown")
    return require_channel(guild, channel_id)


async def require_bot_may_post(
    request: Request, channel: Channel, permissions: Iterable[str] = REQUIRED
) -> None:
    """Raise UserError with the missing permissions if the bot may not post in the channel."""
    granted = channel.permissions_for(channel.guild.me)
    missing = [name for name in permissions if not getattr(granted, name)]
    if missing:
        names = ", ".join(request.texts(f"permission-{name.replace('_', '-')}") for name in missing)
        raise UserError("bot-lacks-permissions", channel=channel.mention, permissions=names)


async def require_manage_messages(
    request: Request, guild_id: int | None, channel_id: int
) -> discord.TextChannel:
    """Return a text channel. Raises UserError unless the user may manage messages there."""
    guild = None if guild_id is None else request.interaction.client.get_guild(guild_id)
    channel = require_channel(guild, channel_id)
    if not isinstance(channel, discord.TextChannel):
        raise UserError("alert-no-such-channel")
    member = await fetch_member(request.interaction, channel.guild.id)
    if not channel.permissions_for(member).manage_messages:
        raise UserError("needs-manage-messages", channel=channel.mention)
    return channel


async def require_alert_channel(request: Request, guild_id: int | None, channel_id: int) -> None:
    """Raise UserError unless the bot may post alerts in the channel and the user may manage messages there."""
    await require_bot_may_post(request, await require_manage_messages(request, guild_id, channel_id))


RIGHTS_SECONDS = 10.0
"""The maximum time that planning waits for an answer of Discord."""


async def find_right(client: discord.Client, user_id: int, guild_id: int, channel_id: int) -> OwnerRight:
    guild = client.get_guild(guild_id)
    channel = None if guild is None else guild.get_channel(channel_id)
    if guild is None or channel is None:
        return OwnerRight.UNKNOWN
    try:
        async with asyncio.timeout(RIGHTS_SECONDS):
            member = await guild.fetch_member(user_id)
    except discord.NotFound as error:  # a proxy's page has no code
        return OwnerRight.LEFT if error.code else OwnerRight.UNKNOWN
    except (discord.HTTPException, OSError, TimeoutError):
        return OwnerRight.UNKNOWN
    may_manage = channel.permissions_for(member).manage_messages
    return OwnerRight.GRANTED if may_manage else OwnerRight.MISSING


async def require_manager_of(interaction: Interaction, guild_id: int) -> None:
    """Raise UserError if the user does not manage the server. Works in direct messages too."""
    member = await fetch_member(interaction, guild_id)
    if not member.guild_permissions.manage_guild:
        raise UserError("needs-manage-server")


async def fetch_member(interaction: Interaction, guild_id: int) -> discord.Member:
    """Return the user as a member of a server, from the interaction or from Discord.

    Raises UserError if the user has left or Discord does not respond.
    """
    user: Any = interaction.user
    if isinstance(user, discord.Member) and user.guild.id == guild_id:
        return user
    with _map_refusals():
        client = interaction.client
        guild = client.get_guild(guild_id) or await client.fetch_guild(guild_id)
        return await guild.fetch_member(user.id)


@contextmanager
def _map_refusals() -> Iterator[None]:
    """Raise UserError for an error of Discord: `rights-unknown` if it says nothing about the user."""
    try:
        yield
    except discord.HTTPException as error:
        # A response without a Discord error code, such as a proxy's page, says nothing about the user.
        is_verdict = isinstance(error, discord.NotFound | discord.Forbidden) and error.code
        raise UserError("needs-manage-server" if is_verdict else "rights-unknown") from error
    except (OSError, TimeoutError) as error:
        raise UserError("rights-unknown") from error
