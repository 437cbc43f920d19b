"""Validates the bot token with a REST login, without the Gateway."""

from __future__ import annotations

import asyncio

import discord

from bot import errors
from bot.client.discord_api import endpoints
from bot.settings import Settings

WRONG_TOKEN = (
    "Discord does not accept DISCORD_TOKEN. Copy it again from your application's Bot page (Reset Token)."
)
NO_ANSWER = "Discord has not answered in 15 s, or limits requests at the moment. The token may be right: try again later."

ANSWER_SECONDS = 15.0
"""discord.py would wait for as long as a rate limit says, and repeat a failed request for a minute."""


async def check_token(settings: Settings) -> str:
    """Return the bot's name. Raises PaperroundError if the token is invalid or Discord is unreachable."""
    assert settings.discord_token is not None
    restore = endpoints.override(settings.discord_api_url, settings.discord_gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.login(settings.discord_token.get_secret_value())
        return str(client.user)
    except discord.LoginFailure as error:
        raise errors.PaperroundError(WRONG_TOKEN) from error
    except TimeoutError as error:
        raise errors.PaperroundError(NO_ANSWER) from error
    except (discord.HTTPException, OSError) as error:
        raise errors.PaperroundError(f"Discord cannot be reached: {error}.") from error
    finally:
        await client.close()
        restore()
