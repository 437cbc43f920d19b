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
    yield message.content
    yield from _embed_parts(message.embeds)
    for component in component_router.walk_components(message.components):
        yield from filter(None, (getattr(component, name, None) for name in ("content", "url")))
    for snapshot in message.message_snapshots:
        yield snapshot.content
        yield from _embed_parts(snapshot.embeds)


def _embed_parts(embeds: list[discord.Embed]) -> Iterator[str]:
    for embed in embeds:
        yield from filter(None, (embed.url, embed.title, embed.description))
        yield from (field.value or "" for field in embed.fields)
