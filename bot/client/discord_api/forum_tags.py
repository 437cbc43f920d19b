"""Chooses the tags of a forum post: one about papers if there is one, else the first if a tag is required."""

from __future__ import annotations

from collections.abc import Iterable

import discord
from discord import http

from bot.text.analysis import normalisation

REQUIRE_TAG = 1 << 4
"""Channel flag of a forum that requires a tag (Discord docs, resources/channel)."""
PREFERRED_TERMS = ("paper", "논문", "digest", "daily", "research", "연구", "arxiv", "ml", "ai")
"""Words of suitable tag names, best first."""


Tag = tuple[str, str, bool]
"""The id and the name of a forum's tag, and whether it is moderated: then it requires the permission to manage threads."""


def choose_tags(tags: Iterable[Tag], *, required: bool) -> list[str]:
    """Return the ids of the tags to set: the best match, or the first tag if one is required and none matches."""
    open_tags = [(tag_id, name) for tag_id, name, is_moderated in tags if not is_moderated]
    for term in PREFERRED_TERMS:
        for tag_id, tag_name in open_tags:
            name = normalisation.fold(tag_name)
            # Short Latin terms such as `ai` must be whole words.
            if term in (name.split() if len(term) <= 2 and term.isascii() else name):
                return [tag_id]
    return [open_tags[0][0]] if required and open_tags else []


async def tags_for(client: discord.Client, channel_id: int) -> list[str]:
    """Return the tag ids for a post in a forum, from the cache or one request. Raises discord.HTTPException."""
    cached = client.get_channel(channel_id)
    if isinstance(cached, discord.ForumChannel):
        tags = [(str(tag.id), tag.name, tag.moderated) for tag in cached.available_tags]
        return choose_tags(tags, required=cached.flags.require_tag)
    route = http.Route("GET", "/channels/{channel_id}", channel_id=channel_id)
    channel = await client.http.request(route)
    tags = [
        (str(tag["id"]), str(tag["name"]), bool(tag.get("moderated")))
        for tag in channel.get("available_tags") or ()
    ]
    return choose_tags(tags, required=bool(int(channel.get("flags") or 0) & REQUIRE_TAG))
