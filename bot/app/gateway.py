"""Logs in to Discord and keeps the Gateway connected: retries while Discord is unreachable, and ends if it rejects the bot."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import aiohttp
import discord
import structlog

from bot import errors
from bot.client.bot import PaperroundBot
from bot.client.discord_api import token_check

log = structlog.get_logger(__name__)

RECONNECT_DELAYS = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between attempts to reach Discord; the last one repeats."""

REJECTIONS = {
    4004: token_check.WRONG_TOKEN,
    4010: "Discord's Gateway refuses the shard (close code 4010). Update Paperround, or report this.",
    4011: "Discord's Gateway asks for more shards (close code 4011). Start Paperround again: it asks for their number.",
    4012: "Discord's Gateway no longer knows this API version (close code 4012). Update Paperround.",
    4013: "Discord's Gateway does not know the requested intents (close code 4013). Update Paperround.",
    4014: "Discord does not allow this application the requested intents (close code 4014). Check the Bot page of your"
    " application at https://discord.com/developers/applications, or update Paperround.",
}
"""What to do after each close code that connecting again does not mend (Discord docs, topics/opcodes-and-status-codes)."""


async def log_in(bot: PaperroundBot, token: str, on_attempt: Callable[[], None]) -> None:
    """Log in, and retry while Discord is unreachable. Raises PaperroundError for a wrong token."""
    unreachable = (discord.HTTPException, OSError, TimeoutError)

    async def attempt() -> None:
        on_attempt()
        try:
            await bot.login(token)
        except discord.LoginFailure as error:  # a page with status 401 is another error: see `RequestGate`
            raise errors.PaperroundError(token_check.WRONG_TOKEN) from error
        except unreachable:
            # Each login opens a session on the connector, which closing the session closes too.
            await bot.http.close()
            bot.http.connector = discord.utils.MISSING
            raise

    await _retry_while_unreachable(attempt, unreachable, "Discord is unreachable")


async def connect(bot: PaperroundBot) -> None:
    """Keep the Gateway connected. Raises PaperroundError if the Gateway rejects the bot, or if the client was closed."""

    async def attempt() -> None:
        try:
            await bot.connect(reconnect=True)
        except discord.PrivilegedIntentsRequired as error:
            raise errors.PaperroundError(REJECTIONS[4014]) from error
        except discord.ConnectionClosed as error:
            text = REJECTIONS.get(
                error.code, f"Discord's Gateway ended the connection (close code {error.code})."
            )
            raise errors.PaperroundError(text) from error
        except discord.GatewayNotFound as error:
            if getattr(error.__cause__, "status", None) == 401:
                raise errors.PaperroundError(token_check.WRONG_TOKEN) from error
            raise
        raise errors.PaperroundError(
            "The connection to Discord's Gateway was closed. Start Paperround again."
        )

    # discord.py reconnects by itself, but gives up when it cannot look up the gateway's address.
    unreachable = (discord.GatewayNotFound, aiohttp.ClientError, OSError, TimeoutError)
    await _retry_while_unreachable(attempt, unreachable, "the gateway is unreachable")


async def _retry_while_unreachable(
    attempt: Callable[[], Awaitable[None]], unreachable: tuple[type[Exception], ...], event: str
) -> None:
    """Repeat `attempt` with growing delays while it raises one of the errors in `unreachable`."""
    for delay in itertools.chain(RECONNECT_DELAYS, itertools.repeat(RECONNECT_DELAYS[-1])):
        try:
            await attempt()
            return
        except unreachable as error:
            log.warning(event, error=repr(error), retry_in_seconds=delay)
            await asyncio.sleep(delay)
