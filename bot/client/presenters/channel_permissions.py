"""The permissions that a daily post needs in its channel, checked against the cached channel."""

from __future__ import annotations

from bot.client.post_styles import STYLES, PostableChannel
from storage import models

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is for finding a message again after its reply from Discord was lost."""


def check_permissions(channel: PostableChannel, style: models.Style) -> dict[str, bool]:
    """Return the permissions that posts of this style need in the channel, each with whether the bot has it."""
    granted = channel.permissions_for(channel.guild.me)
    return {name: getattr(granted, name) for name in (*REQUIRED, *STYLES[style].permissions)}
