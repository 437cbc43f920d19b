"""Searches a channel's history or a forum's posts for a message whose outcome is unknown.

Works without the Gateway: data missing from the client's cache is requested.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.services.outbox.discord_errors import HISTORY_UNREADABLE, DeliveryError
from bot.services.outbox.sender import SendRequest
from storage.models import Receipt

PAGE_SIZE = 100
MAX_PAGES = 10
"""Search at most the last 1000 messages; older ones count as unverifiable."""

CLOCK_SKEW = timedelta(seconds=60)
"""Tolerated difference between the local clock and Discord's, which message ids contain."""


async def find_message(client: discord.Client, request: SendRequest, since: datetime) -> Receipt | None:
    """Return the bot's message with the request's marker, or None if it is certainly absent. Raises DeliveryError."""
    await _check_may_read_history(client, request)
    # Newest first, without a lower bound: a local clock that was ahead would put the message before the bound.
    before: int | None = None
    for _ in range(MAX_PAGES):
        page = await client.http.logs_from(request.channel_id, PAGE_SIZE, before=before)
        for message in page:
            if _is_ours(client, request, message):
                return Receipt(int(message["id"]), request.channel_id)
        if len(page) < PAGE_SIZE or not _is_newer(int(page[-1]["id"]), since):
            return None
        before = int(page[-1]["id"])
    raise DeliveryError(HISTORY_UNREADABLE, "too many messages were posted since")


async def find_forum_post(client: discord.Client, request: SendRequest, since: datetime) -> Receipt | None:
    """Return the bot's post whose first message has the marker, or None if it is certainly absent. Raises DeliveryError."""
    await _check_may_read_history(client, request)
    async for thread in _list_threads(client, request):
        thread_id = int(thread["id"])
        same_name = thread["name"] == request.payload["name"]
        if int(thread.get("owner_id") or 0) != _bot_user_id(client) or not (
            same_name or _is_newer(thread_id, since)
        ):
            continue
        try:
            first = await client.http.get_message(thread_id, thread_id)
        except discord.NotFound:
            continue
        if _is_ours(client, request, first):
            return Receipt(thread_id, thread_id)
    return None


async def _list_threads(client: discord.Client, request: SendRequest) -> AsyncIterator[Any]:
    if request.guild_id is not None:
        for thread in (await client.http.get_active_threads(request.guild_id))["threads"]:
            if thread["parent_id"] == str(request.channel_id):
                yield thread
    for thread in (await client.http.get_public_archived_threads(request.channel_id, limit=PAGE_SIZE))[
        "threads"
    ]:
        yield thread


def _is_ours(client: discord.Client, request: SendRequest, message: Any) -> bool:
    by_bot = int(message["author"]["id"]) == _bot_user_id(client)
    return by_bot and request.marker is not None and _has_marker(message, request.marker)


def _has_marker(message: Any, marker: str) -> bool:
    """Whether a message has the marker where views put it: at the start of a custom id, or as a link's fragment."""
    if f"#{marker}>)" in (message.get("content") or ""):
        return True
    if any((embed.get("url") or "").endswith(f"#{marker}") for embed in message.get("embeds") or ()):
        return True
    return any(custom_id.startswith(marker) for custom_id in _list_custom_ids(message))


def _list_custom_ids(component: Any) -> Iterator[str]:
    if "custom_id" in component:
        yield component["custom_id"]
    children = [*(component.get("components") or ()), component.get("accessory") or {}]
    for child in children:
        if child:
            yield from _list_custom_ids(child)


def _is_newer(snowflake: int, since: datetime) -> bool:
    return discord.utils.snowflake_time(snowflake) >= since - CLOCK_SKEW


def _bot_user_id(client: discord.Client) -> int:
    return client.user.id if client.user is not None else 0


async def _check_may_read_history(client: discord.Client, request: SendRequest) -> None:
    if request.marker is None:
        raise DeliveryError(HISTORY_UNREADABLE, "the message has no marker to look for")
    if request.guild_id is not None and not await _may_read_history(
        client, request.guild_id, request.channel_id
    ):
        raise DeliveryError(HISTORY_UNREADABLE, "the channel's history may not be read")


async def _may_read_history(client: discord.Client, guild_id: int, channel_id: int) -> bool:
    guild = client.get_guild(guild_id)
    channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
    if guild is None or channel is None:
        return await _fetch_may_read_history(client, guild_id, channel_id)
    permissions = channel.permissions_for(guild.me)
    return permissions.view_channel and permissions.read_message_history


async def _fetch_may_read_history(client: discord.Client, guild_id: int, channel_id: int) -> bool:
    guild = await client.fetch_guild(guild_id, with_counts=False)
    me = await guild.fetch_member(_bot_user_id(client))
    channel: Any = await guild.fetch_channel(channel_id)
    if isinstance(channel, discord.Thread):
        # A thread inherits the permissions of its parent.
        channel = await guild.fetch_channel(channel.parent_id)
    permissions = channel.permissions_for(me)
    return bool(permissions.view_channel and permissions.read_message_history)
