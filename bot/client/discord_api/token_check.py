"""Validates the bot token with a REST login, without the Gateway."""

from __future__ import annotations

import discord

from bot import errors
from bot.client.discord_api import endpoints
from bot.settings import Settings

WRONG_TOKEN = (
    "Discord does not accept DISCORD_TOKEN. Copy it again from your application's Bot page (Reset Token)."
)


async def check_token(settings: Settings) -> str:
    """Return the bot's name. Raises PaperroundError if the token is invalid or Discord is unreachable."""
    assert settings.discord_token is not None
    restore = endpoints.override(settings.discord_api_url, settings.discord_gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(settings.discord_token.get_secret_value())
        return str(client.user)
    except discord.LoginFailure as error:
        raise errors.PaperroundError(WRONG_TOKEN) from error
    except (discord.HTTPException, OSError, TimeoutError) as error:
        raise errors.PaperroundError(f"Discord cannot be reached: {error}.") from error
    finally:
        await client.close()
        restore()
