"""Permissions of the person behind an interaction: sharing in the channel and managing the server."""

from __future__ import annotations

from typing import Any

import discord

from bot.client.interactions.errors import UserError

Interaction = discord.Interaction[Any]


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
