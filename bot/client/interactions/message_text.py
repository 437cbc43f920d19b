"""The text of a message, for commands of its menu: its own, that of link previews, and that of forwarded messages."""

from __future__ import annotations

from collections.abc import Iterator

import discord

from bot.client.interactions import component_router

MAX_LENGTH = 20_000
"""Characters that are read: five times the longest message."""


def read_text(message: discord.Message) -> str:
    """Return all text and addresses of a message, one part a line, shortened."""
    return "\n".join(_parts(message))[:MAX_LENGTH]


def _parts(message: discord.Message) -> Iterator[str]:
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield part.content
        for embed in part.embeds:
            yield from filter(None, (embed.url, embed.title, embed.description))
            yield from (field.value or "" for field in embed.fields)
        for component in component_router.walk_components(part.components):
            yield from filter(None, (getattr(component, name, None) for name in ("content", "url")))
