"""/help: every command in one line, grouped by what a reader wants."""

from __future__ import annotations

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Words
from bot.client.views.post_text import Mention

READING = ("digest", "top", "topic", "author", "paper", "saved", "trends")
FOLLOWING = ("alerts add", "alerts list", "alerts pause", "alerts remove")
CHANNEL = (
    "daily setup",
    "daily list",
    "daily edit",
    "daily preview",
    "daily now",
    "daily pause",
    "daily remove",
)
SERVICE = ("status", "why", "sources", "help")


def help_view(words: Words, mention: Mention, *, manages: bool) -> ui.LayoutView:
    """Return the guide. The commands for a channel come first for those who manage the server."""
    message = message_builder.Sheet()
    message.text(f"### {words('help-heading')}\n{words('help-intro')}")
    groups: list[tuple[str, tuple[str, ...]]] = [("help-reading", READING), ("help-following", FOLLOWING)]
    channel: list[tuple[str, tuple[str, ...]]] = [("help-channel", CHANNEL)]
    for heading, names in channel + groups if manages else groups + channel:
        message.text("\n".join([f"**{words(heading)}**", *(_line(words, mention, name) for name in names)]))
    message.text("\n".join(_line(words, mention, name) for name in SERVICE))
    return message.view


def _line(words: Words, mention: Mention, name: str) -> str:
    return f"{mention(name)} {words('help-' + name.replace(' ', '-'))}"
