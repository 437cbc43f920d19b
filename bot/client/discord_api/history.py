"""Looks in Discord for a message that may have been sent: in a channel's history, or among a forum's posts.

Needs no Gateway: what the client's cache does not hold is asked for. `pace` is awaited before each request.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.services.outbox import discord_errors, sender

Pace = Callable[[], Awaitable[None]]

PAGE = 100
PAGES = 10
"""How far back is looked at most: a thousand messages. Beyond that nobody can tell, and nothing is sent blindly."""

SKEW = timedelta(seconds=60)
"""How far our clock and Discord's, which message ids carry, may be apart."""


async def find_message(
    client: discord.Client, order: sender.Order, since: datetime, pace: Pace
) -> sender.Accepted | None:
    """Return our message with the order's marker, or None when it surely is not there."""
    await _check_may_look(client, order, pace)
    # Newest first and without a lower bound: were our clock ahead when the attempt was made, a bound would hide it.
    before: int | None = None
    for _ in range(PAGES):
        await pace()
        page = await client.http.logs_from(order.channel_id, PAGE, before=before)
        for message in page:
            if _is_ours(client, order, message):
                return sender.Accepted(int(message["id"]), order.channel_id)
        if len(page) < PAGE or not _is_newer(int(page[-1]["id"]), since):
            return None
        before = int(page[-1]["id"])
    raise discord_errors.DeliveryError(discord_errors.MAY_NOT_LOOK, "too many messages were posted since")


async def find_forum_post(
    client: discord.Client, order: sender.Order, since: datetime, pace: Pace
) -> sender.Accepted | None:
    """Return our post whose first message holds the order's marker, or None when it surely is not there."""
    await _check_may_look(client, order, pace)
    async for thread in _list_posts(client, order, pace):
        thread_id = int(thread["id"])
        same_name = thread["name"] == order.payload["name"]
        if int(thread.get("owner_id") or 0) != _own_id(client) or not (
            same_name or _is_newer(thread_id, since)
        ):
            continue
        await pace()
        try:
            first = await client.http.get_message(thread_id, thread_id)
        except discord.NotFound:
            continue
        if _is_ours(client, order, first):
            return sender.Accepted(thread_id, thread_id)
    return None


async def _list_posts(client: discord.Client, order: sender.Order, pace: Pace) -> AsyncIterator[Any]:
    if order.guild_id is not None:
        await pace()
        for thread in (await client.http.get_active_threads(order.guild_id))["threads"]:
            if thread["parent_id"] == str(order.channel_id):
                yield thread
    await pace()
    for thread in (await client.http.get_public_archived_threads(order.channel_id, limit=PAGE))["threads"]:
        yield thread


def _is_ours(client: discord.Client, order: sender.Order, message: Any) -> bool:
    mine = int(message["author"]["id"]) == _own_id(client)
    return mine and order.marker is not None and order.marker in json.dumps(message)


def _is_newer(snowflake: int, since: datetime) -> bool:
    return discord.utils.snowflake_time(snowflake) >= since - SKEW


def _own_id(client: discord.Client) -> int:
    return client.user.id if client.user is not None else 0


async def _check_may_look(client: discord.Client, order: sender.Order, pace: Pace) -> None:
    if order.marker is None:
        raise discord_errors.DeliveryError(
            discord_errors.MAY_NOT_LOOK, "the message has no marker to look for"
        )
    if order.guild_id is not None and not await _may_read_history(
        client, order.guild_id, order.channel_id, pace
    ):
        raise discord_errors.DeliveryError(
            discord_errors.MAY_NOT_LOOK, "the channel's history may not be read"
        )


async def _may_read_history(client: discord.Client, guild_id: int, channel_id: int, pace: Pace) -> bool:
    guild = client.get_guild(guild_id)
    channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
    if guild is None or channel is None:
        return await _ask_may_read_history(client, guild_id, channel_id, pace)
    permissions = channel.permissions_for(guild.me)
    return permissions.view_channel and permissions.read_message_history


async def _ask_may_read_history(client: discord.Client, guild_id: int, channel_id: int, pace: Pace) -> bool:
    await pace()
    guild = await client.fetch_guild(guild_id, with_counts=False)
    await pace()
    me = await guild.fetch_member(_own_id(client))
    await pace()
    channel: Any = await guild.fetch_channel(channel_id)
    if isinstance(channel, discord.Thread):
        # A thread takes its permissions from its parent.
        await pace()
        channel = await guild.fetch_channel(channel.parent_id)
    permissions = channel.permissions_for(me)
    return bool(permissions.view_channel and permissions.read_message_history)
