"""Overrides the REST and Gateway addresses of discord.py, for a proxy or a local fake."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import yarl
from discord import gateway, http

BotGateway = tuple[int, str, Any]
"""Result of GET /gateway/bot: shard count, Gateway URL, session start limit."""


def override(api_url: str | None, gateway_url: str | None) -> Callable[[], None]:
    """Set discord.py's addresses in this process (None keeps the default) and return a function that restores them.

    Must be called before the first client is created. `gateway_url` replaces the URL from GET /gateway/bot.
    """
    before = (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY, http.HTTPClient.get_bot_gateway)
    if api_url is not None:
        http.Route.BASE = api_url.rstrip("/")
    if gateway_url is not None:
        gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
        _replace_bot_gateway(_with_gateway_url(before[2], gateway_url))

    def restore() -> None:
        http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY = before[0], before[1]
        _replace_bot_gateway(before[2])

    return restore


def _with_gateway_url(fetch: Callable[..., Coroutine[Any, Any, BotGateway]], url: str) -> Callable[..., Any]:
    async def get_bot_gateway(client: http.HTTPClient) -> BotGateway:
        shards, _, limit = await fetch(client)
        return shards, url, limit

    return get_bot_gateway


def _replace_bot_gateway(method: Callable[..., Any]) -> None:
    # A sharded client has no setting for this: it connects to the URL that this method returns.
    http.HTTPClient.get_bot_gateway = method  # type: ignore[method-assign]
