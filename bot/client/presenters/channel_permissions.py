"""Which permissions a daily post needs in its channel, and which style a channel can take. Asks Discord nothing."""

from __future__ import annotations

import discord

from bot.client.views.subscriptions import Check
from storage import models

ALWAYS = ("view_channel", "send_messages", "read_message_history")
"""The history is read to find out whether a message arrived, when Discord's answer was lost."""

BY_STYLE = {
    models.Style.THREAD: ("create_public_threads", "send_messages_in_threads"),
    models.Style.FORUM: ("send_messages_in_threads",),
    models.Style.ANNOUNCEMENT: ("embed_links",),
}

Channel = discord.TextChannel | discord.ForumChannel


def check(channel: Channel, style: models.Style) -> list[Check]:
    """Return what a post of this style needs in the channel, and whether the bot has it."""
    granted = channel.permissions_for(channel.guild.me)
    names = (*ALWAYS, *BY_STYLE.get(style, ()))
    return [Check(name.replace("_", "-"), getattr(granted, name)) for name in names]


def usual_style(channel: Channel) -> models.Style:
    """Return the style that suits a kind of channel when none was chosen."""
    if isinstance(channel, discord.ForumChannel):
        return models.Style.FORUM
    return models.Style.ANNOUNCEMENT if channel.is_news() else models.Style.COMPACT


def takes(channel: Channel, style: models.Style) -> bool:
    """Tell whether a channel can take a style: forums take only posts, posts go only into forums, news are published."""
    if isinstance(channel, discord.ForumChannel) or style is models.Style.FORUM:
        return isinstance(channel, discord.ForumChannel) and style is models.Style.FORUM
    return style is not models.Style.ANNOUNCEMENT or channel.is_news()
