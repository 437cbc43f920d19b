"""The permissions that a daily post needs in its channel, checked against the cached channel."""

from __future__ import annotations

from bot.client.post_styles import STYLES, PostableChannel
from bot.client.views.subscriptions import PermissionCheck
from storage import models

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is searched for a message whose reply from Discord was lost."""


def check_permissions(channel: PostableChannel, style: models.Style) -> list[PermissionCheck]:
    """Return the permissions for a post of this style in the channel, each with whether the bot has it."""
    granted = channel.permissions_for(channel.guild.me)
    names = (*REQUIRED, *STYLES[style].permissions)
    return [PermissionCheck(name.replace("_", "-"), getattr(granted, name)) for name in names]
