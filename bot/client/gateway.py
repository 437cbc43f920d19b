"""Log in and keep the Gateway connected, however long Discord is away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import discord
import structlog

from bot.client import command_sync, rest
from bot.client.handler_context import Client
from storage import errors

log = structlog.get_logger(__name__)

RECONNECT_DELAYS = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between attempts to reach Discord. The last delay repeats."""

REJECTIONS = {
    4004: command_sync.WRONG_TOKEN,
    4014: "Discord does not allow this application the requested intents (close code 4014). Check the Bot page of your"
    " application at https://discord.com/developers/applications, or update Paperround.",
}
"""Advice on close codes that make reconnecting useless. For other codes: update Paperround."""


async def log_in(bot: Client, token: str, on_attempt: Callable[[], None]) -> None:
    """Log in, and retry while Discord is unreachable. Raises PaperroundError for a wrong token."""
    # discord.py mistakes a proxy's 401 for a wrong token, and raises TypeError for a proxy's page with 200.
    unreachable = (discord.HTTPException, discord.LoginFailure, aiohttp.ClientError, OSError, TypeError)

    async def attempt() -> None:
        on_attempt()
        try:
            await bot.login(token)
        except unreachable as error:
            if isinstance(error, discord.LoginFailure) and bot.observer.is_last_discords:
                raise errors.PaperroundError(command_sync.WRONG_TOKEN) from error
            # Each login opens a session; closing it also closes the connector.
            await bot.http.close()
            bot.http.connector = discord.utils.MISSING
            raise

    way = rest.describe_way(bot.http.proxy)
    await retry_while_unreachable(attempt, unreachable, f"Discord is unreachable{way}")


async def connect(bot: Client) -> None:
    """Keep the Gateway connected. Raises PaperroundError if it rejects the bot or the client was closed."""

    async def attempt() -> None:
        try:
            await _connect_until_closed(bot)
        except discord.PrivilegedIntentsRequired as error:
            raise errors.PaperroundError(REJECTIONS[4014]) from error
        except discord.ConnectionClosed as error:
            text = REJECTIONS.get(
                error.code,
                f"Discord's Gateway ended the connection (close code {error.code}). Restart or update Paperround;"
                " if it happens again, report the code.",
            )
            raise errors.PaperroundError(text) from error
        except discord.GatewayNotFound as error:
            if getattr(error.__cause__, "status", None) == 401 and bot.observer.is_last_discords:
                raise errors.PaperroundError(command_sync.WRONG_TOKEN) from error
            raise
        raise errors.PaperroundError("The connection to Discord's Gateway was closed. Restart Paperround.")

    # discord.py reconnects by itself, but gives up if it cannot look up the Gateway's address.
    unreachable = (discord.GatewayNotFound, aiohttp.ClientError, OSError, TimeoutError)
    way = rest.describe_way(bot.http.proxy)
    await retry_while_unreachable(attempt, unreachable, f"the Gateway is unreachable{way}")


async def _connect_until_closed(bot: Client) -> None:
    """Connect the client, and close it if cancelled.

    discord.py ignores a cancellation while it reconnects a shard, so the client is closed as well. The task
    is cancelled first: on a close discord.py would log a failed first connection and retry it.
    """
    connecting = asyncio.ensure_future(bot.connect(reconnect=True))
    try:
        await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.cancel()
        await close_client(bot)
        await asyncio.gather(connecting, return_exceptions=True)
        raise


async def retry_while_unreachable(
    attempt: Callable[[], Awaitable[None]], unreachable: tuple[type[Exception], ...], event: str
) -> None:
    """Repeat `attempt` with growing delays while it raises an error in `unreachable`."""
    delays = itertools.chain(RECONNECT_DELAYS, itertools.repeat(RECONNECT_DELAYS[-1]))
    while True:
        try:
            await attempt()
            return
        except unreachable as error:
            delay = next(delays)
            log.warning(event, error=str(error) or type(error).__name__, retry_in_seconds=delay)
            await asyncio.sleep(delay)


async def close_client(bot: Client) -> None:
    """Close the client's connections within two seconds."""
    with suppress(Exception):  # errors of closing a broken socket do not matter at shutdown
        async with asyncio.timeout(2):
            # discord.py closes only once: a timeout here must not cancel a close that another caller awaits.
            await asyncio.shield(bot.close())
