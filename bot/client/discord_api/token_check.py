"""Validates the bot token with a REST login, without the Gateway."""

from __future__ import annotations

import asyncio
import re

import discord

from bot import errors
from bot.client.discord_api import endpoints, request_gate
from bot.settings import Settings

WRONG_TOKEN = (
    "Discord does not accept DISCORD_TOKEN. Copy it again from your application's Bot page (Reset Token)."
)
NO_ANSWER = "Discord has not answered in 15 s, or limits requests at the moment. The token may be right: try again later."

NOT_A_TOKEN = (
    "DISCORD_TOKEN cannot be a bot's token, which has three parts with dots between them. Copy it again from your"
    " application's Bot page (Reset Token)."
)
_TOKEN = re.compile(r"[\w-]{4,}\.[\w-]{4,}\.[\w-]{10,}")
"""The form of a bot's token: three parts in URL-safe Base64, the first of which is the application's id."""

ANSWER_SECONDS = 15.0
"""discord.py would wait for as long as a rate limit says, and repeat a failed request for a minute."""


def is_wrong_token(error: discord.LoginFailure) -> bool:
    """Whether Discord itself refused the token; a proxy's page with status 401 says nothing about it."""
    cause = error.__cause__
    return not (isinstance(cause, discord.HTTPException) and request_gate.is_foreign(cause))


def has_token_form(token: str) -> bool:
    """Return whether a text has the form of a bot's token, which needs no network to tell."""
    return _TOKEN.fullmatch(token.strip()) is not None


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
        if is_wrong_token(error):
            raise errors.PaperroundError(WRONG_TOKEN) from error
        raise errors.PaperroundError(
            "Discord cannot be reached: something between answered with 401."
        ) from error
    except TimeoutError as error:
        raise errors.PaperroundError(NO_ANSWER) from error
    except (discord.HTTPException, OSError) as error:
        reason = f"Discord cannot be reached: {error}."
        if not has_token_form(settings.discord_token.get_secret_value()):
            reason += f" {NOT_A_TOKEN}"
        raise errors.PaperroundError(reason) from error
    finally:
        await client.close()
        restore()
