"""Servers that a process without the Gateway fetches from Discord."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import structlog

from bot.client import discord_internals
from bot.client.handler_context import Client

log = structlog.get_logger(__name__)

GUILD_SECONDS = 60.0
"""The time for which a server's fetched channels and roles stay valid."""


class GuildDirectory:
    """Fetches servers with channels, threads, roles and the bot's member, and caches them for a minute.

    The servers are put into the client's cache, which the Gateway would otherwise fill, so that `get_guild`
    and `get_channel` work.
    """

    def __init__(self, client: Client, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._loaded_at: dict[int, float] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}

    async def load(self, guild_id: int) -> None:
        """Load a server into the cache, or remove it if Discord does not return it."""
        now = self._monotonic()
        # Kept for longer than it is valid: other requests may still be using it.
        for other_id in [id_ for id_, at in self._loaded_at.items() if now - at > 2 * GUILD_SECONDS]:
            self._forget(other_id)
        if now - self._loaded_at.get(guild_id, -math.inf) <= GUILD_SECONDS:
            return
        if (task := self._loading.get(guild_id)) is None:
            task = self._loading[guild_id] = asyncio.create_task(self._request(guild_id))
            task.add_done_callback(lambda _: self._loading.pop(guild_id, None))
        await asyncio.shield(task)

    async def _request(self, guild_id: int) -> None:
        http, user = self._client.http, self._client.user
        assert user is not None
        try:
            # Fetched first: if the bot is not in the server (only user-installed), other requests are
            # invalid.
            guild = await http.get_guild(guild_id, with_counts=False)
            channels, member, threads = await asyncio.gather(
                http.get_all_guild_channels(guild_id),
                http.get_member(guild_id, user.id),
                http.get_active_threads(guild_id),
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.warning("could not fetch a server's channels and roles", guild=guild_id, reason=str(error))
            self._forget(guild_id)
            if isinstance(error, discord.Forbidden | discord.NotFound):
                # Failures are cached too, or one reader could use up everyone's requests.
                self._loaded_at[guild_id] = self._monotonic()
            return
        data: Any = {**guild, "channels": channels, "members": [member], "threads": threads["threads"]}
        discord_internals.add_guild(self._client, data)
        self._loaded_at[guild_id] = self._monotonic()

    def _forget(self, guild_id: int) -> None:
        self._loaded_at.pop(guild_id, None)
        if (guild := self._client.get_guild(guild_id)) is not None:
            discord_internals.remove_guild(self._client, guild)
