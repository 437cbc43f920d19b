"""Which tags a forum's post gets: one that speaks of papers where there is one, else the first that a forum demands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import discord
from discord import http

from bot.client.discord_api.history import AcquireSlot
from bot.text.analysis import normalisation

REQUIRE_TAG = 1 << 4
"""The channel flag by which a forum demands a tag (D:resources/channel)."""
PREFERRED_TERMS = ("paper", "논문", "digest", "daily", "research", "연구", "arxiv", "ml", "ai")
"""Words in a tag's name that fit, the best first."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that a forum offers. A moderated one can be set only by those who manage threads."""

    id: str
    name: str
    moderated: bool


def choose_tags(tags: Iterable[Tag], *, required: bool) -> list[str]:
    """Return the ids of the tags to set: the best fitting one, or the first when one is demanded and none fits."""
    open_tags = [tag for tag in tags if not tag.moderated]
    for word in PREFERRED_TERMS:
        for tag in open_tags:
            name = normalisation.fold(tag.name)
            if (
                word in name.split()
                or (len(word) > 2 and word in name)
                or (not word.isascii() and word in name)
            ):
                return [tag.id]
    return [open_tags[0].id] if required and open_tags else []


async def tags_for(client: discord.Client, channel_id: int, acquire: AcquireSlot) -> list[str]:
    """Return the tags for a post in a forum, from the cache or by asking once. Raises discord.HTTPException."""
    cached = client.get_channel(channel_id)
    if isinstance(cached, discord.ForumChannel):
        offered = [Tag(str(tag.id), tag.name, tag.moderated) for tag in cached.available_tags]
        return choose_tags(offered, required=cached.flags.require_tag)
    await acquire()
    route = http.Route("GET", "/channels/{channel_id}", channel_id=channel_id)
    channel = await client.http.request(route)
    offered = [
        Tag(str(tag["id"]), str(tag["name"]), bool(tag.get("moderated")))
        for tag in channel.get("available_tags") or ()
    ]
    return choose_tags(offered, required=bool(int(channel.get("flags") or 0) & REQUIRE_TAG))
