"""`/help`: every command on a line, grouped by task."""

from __future__ import annotations

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views.post_text import MentionLookup

READING_COMMANDS = ("today", "digest", "top", "topic", "author", "paper", "trends")
SHELF_COMMANDS = ("saved list", "saved export", "saved import")
ALERT_COMMANDS = ("alerts add", "alerts list", "alerts pause", "alerts remove")
SUBSCRIPTION_COMMANDS = (
    "daily setup",
    "daily list",
    "daily edit",
    "daily preview",
    "daily now",
    "daily pause",
    "daily remove",
    "write status",
)
GENERAL_COMMANDS = ("status", "why", "sources", "me news", "me data", "me forget", "help")


def help_view(texts: Texts, mention: MentionLookup, *, can_manage: bool) -> ui.LayoutView:
    """Return the help text. Members who manage the server get the commands for channels first."""
    message = message_builder.MessageBuilder()
    message.add_text(f"### {texts('help-heading')}\n{texts('help-intro')}")
    reader = [
        ("help-reading", READING_COMMANDS),
        ("help-keeping", SHELF_COMMANDS),
        ("help-following", ALERT_COMMANDS),
    ]
    channel = [("help-channel", SUBSCRIPTION_COMMANDS)]
    for heading, names in [*channel, *reader] if can_manage else [*reader, *channel]:
        lines = [_command_line(texts, mention, name) for name in names]
        if names is READING_COMMANDS:
            lines.append(texts("help-look-up"))
        message.add_text("\n".join([f"**{texts(heading)}**", *lines]))
    message.add_text("\n".join(_command_line(texts, mention, name) for name in GENERAL_COMMANDS))
    return message.view


def _command_line(texts: Texts, mention: MentionLookup, name: str) -> str:
    return f"{mention(name)} {texts('help-' + name.replace(' ', '-'))}"
