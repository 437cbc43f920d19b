"""Chooses the tags of a forum post.

Those named like the post's topic or a word of it; without such, one about papers; without that, the first if a tag is
required.
"""

from __future__ import annotations

from collections.abc import Iterable

import discord
from discord import http

from bot.text import query_parser
from bot.text.analysis import normalisation

REQUIRE_TAG = 1 << 4
"""Channel flag of a forum that requires a tag (Discord docs, resources/channel)."""
PREFERRED_TERMS = ("paper", "논문", "digest", "daily", "research", "연구", "arxiv", "ml", "ai")
"""Words of suitable tag names, best first."""


TOPIC_FIELD = "topic"
"""Field of a stored forum post with its topic. It is not sent."""
MAX_TAGS = 5
"""Discord's limit on the tags of a post."""

Tag = tuple[str, str, bool]
"""The id and the name of a forum's tag, and whether it is moderated: then it requires the permission to manage threads."""


def choose_tags(tags: Iterable[Tag], *, required: bool, topic: str = "") -> list[str]:
    """Return the ids of the tags to set, by the rules at the head of this module."""
    open_tags = [(tag_id, name) for tag_id, name, is_moderated in tags if not is_moderated]
    if on_topic := _tags_on_topic(open_tags, topic):
        return on_topic
    for term in PREFERRED_TERMS:
        for tag_id, tag_name in open_tags:
            name = normalisation.fold(tag_name)
            # Short Latin terms such as `ai` must be whole words.
            if term in (name.split() if len(term) <= 2 and term.isascii() else name):
                return [tag_id]
    return [open_tags[0][0]] if required and open_tags else []


def _tags_on_topic(tags: Iterable[tuple[str, str]], topic: str) -> list[str]:
    """Return the tags named like a topic, in any case and spacing, then those named like one of its words."""
    query = query_parser.parse_query(topic)
    terms = [
        *query.phrases,
        query.text,
        *query.text.split(),
        *(word for text in query.phrases for word in text.split()),
    ]
    by_name = {_key(name): tag_id for tag_id, name in tags}
    found = (by_name.get(_key(term)) for term in terms if _key(term))
    return list(dict.fromkeys(tag_id for tag_id in found if tag_id is not None))[:MAX_TAGS]


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, normalisation.fold(text)))


async def tags_for(client: discord.Client, channel_id: int, topic: str = "") -> list[str]:
    """Return the tag ids for a post in a forum, from the cache or one request. Raises discord.HTTPException."""
    cached = client.get_channel(channel_id)
    if isinstance(cached, discord.ForumChannel):
        tags = [(str(tag.id), tag.name, tag.moderated) for tag in cached.available_tags]
        return choose_tags(tags, required=cached.flags.require_tag, topic=topic)
    route = http.Route("GET", "/channels/{channel_id}", channel_id=channel_id)
    channel = await client.http.request(route)
    tags = [
        (str(tag["id"]), str(tag["name"]), bool(tag.get("moderated")))
        for tag in channel.get("available_tags") or ()
    ]
    return choose_tags(tags, required=bool(int(channel.get("flags") or 0) & REQUIRE_TAG), topic=topic)
