"""Which permissions a daily post needs in its channel, and which style a channel can take. Asks Discord nothing."""

from __future__ import annotations

import discord

from bot.client.views.subscriptions import PermissionCheck
from storage import models

REQUIRED = ("view_channel", "send_messages", "read_message_history")
"""The history is read to find out whether a message arrived, when Discord's answer was lost."""

REQUIRED_BY_STYLE = {
    models.Style.THREAD: ("create_public_threads", "send_messages_in_threads"),
    models.Style.FORUM: ("send_messages_in_threads",),
    models.Style.ANNOUNCEMENT: ("embed_links",),
}

PostableChannel = discord.TextChannel | discord.ForumChannel


def check_permissions(channel: PostableChannel, style: models.Style) -> list[PermissionCheck]:
    """Return what a post of this style needs in the channel, and whether the bot has it."""
    granted = channel.permissions_for(channel.guild.me)
    names = (*REQUIRED, *REQUIRED_BY_STYLE.get(style, ()))
    return [PermissionCheck(name.replace("_", "-"), getattr(granted, name)) for name in names]


def default_style(channel: PostableChannel) -> models.Style:
    """Return the style that suits a kind of channel when none was chosen."""
    if isinstance(channel, discord.ForumChannel):
        return models.Style.FORUM
    return models.Style.ANNOUNCEMENT if channel.is_news() else models.Style.COMPACT


def supports_style(channel: PostableChannel, style: models.Style) -> bool:
    """Tell whether a channel can take a style: forums take only posts, posts go only into forums, news are published."""
    if isinstance(channel, discord.ForumChannel) or style is models.Style.FORUM:
        return isinstance(channel, discord.ForumChannel) and style is models.Style.FORUM
    return style is not models.Style.ANNOUNCEMENT or channel.is_news()
