"""Register slash commands with Discord, and check the bot's token."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

import discord
import structlog
from discord import app_commands

from bot.client import rest
from bot.client.messages import COMMAND_IDS, CommandMentions
from bot.core.settings import Settings
from storage import key_values
from storage.database import Database
from storage.errors import PaperroundError

log = structlog.get_logger(__name__)


async def sync_commands(
    tree: app_commands.CommandTree[Any], database: Database, mentions: CommandMentions
) -> None:
    """Register the commands with Discord and store their ids.

    Raises discord.py's errors; the commands registered before then keep working.
    """
    ids = {command.name: command.id for command in await tree.sync()}
    await database.write(key_values.set_value, COMMAND_IDS, json.dumps(ids))
    mentions.update(ids)
    log.info("commands synchronised", count=len(ids))


WRONG_TOKEN = (
    "Discord does not accept DISCORD_TOKEN. Copy it again from your application's Bot page (Reset Token)."
)
NO_ANSWER = (
    "Discord did not answer within 15 s, or is limiting requests. The token may be right; try again later."
)

ANSWER_SECONDS = 15.0
"""Needed because discord.py waits out any rate limit, and retries a failed request for a minute."""


def find_operator(application: discord.AppInfo | None) -> int | None:
    """Return the Discord id of an application's owner, or of its team's owner. None before the login."""
    if application is None:
        return None
    return application.owner.id if application.team is None else application.team.owner_id


class Application(NamedTuple):
    """A bot's name, and its application id for the invitation link."""

    name: str
    id: int


async def identify(settings: Settings) -> Application:
    """Return the token's application after logging in over REST, without the Gateway.

    Raises PaperroundError if the token is invalid or Discord is unreachable.
    """
    assert settings.discord_token is not None
    restore = rest.override_endpoints(settings.discord_api_url, settings.discord_gateway_url)
    observer = rest.HttpObserver()
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.login(settings.discord_token.get_secret_value())
        assert client.application is not None  # set by the login
        return Application(str(client.user), client.application.id)
    except discord.LoginFailure as error:
        reason = "Discord cannot be reached: a proxy or firewall in between answered with 401."
        raise PaperroundError(WRONG_TOKEN if observer.is_last_discords else reason) from error
    except TimeoutError as error:
        raise PaperroundError(NO_ANSWER) from error
    except (discord.HTTPException, OSError) as error:
        raise PaperroundError(f"Discord cannot be reached: {error}.") from error
    finally:
        await client.close()
        restore()
