"""Points discord.py at another REST and Gateway address: a proxy, a mirror, a local fake. Sends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import yarl
from discord import gateway, http

BotGateway = tuple[int, str, Any]
"""What GET /gateway/bot says: how many shards, the Gateway's URL, the session start limit."""


def override(api_url: str | None, gateway_url: str | None) -> Callable[[], None]:
    """Make discord.py use these addresses in this process; None keeps Discord's own.

    To be called before the first client is made: discord.py composes each address when a route is built. A given
    `gateway_url` is used instead of what GET /gateway/bot says. Returns what puts Discord's own addresses back.
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


def _with_gateway_url(ask: Callable[..., Coroutine[Any, Any, BotGateway]], url: str) -> Callable[..., Any]:
    async def get_bot_gateway(client: http.HTTPClient) -> BotGateway:
        shards, _, limit = await ask(client)
        return shards, url, limit

    return get_bot_gateway


def _replace_bot_gateway(method: Callable[..., Any]) -> None:
    # discord.py offers no setting for this when it shards by itself: it dials whatever this method answers.
    http.HTTPClient.get_bot_gateway = method  # type: ignore[method-assign]
