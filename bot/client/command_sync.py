"""Registers slash commands with Discord when they have changed, and checks the bot's token."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
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

HASH_KEY = "commands.hash"

log = structlog.get_logger(__name__)


async def sync_commands(
    tree: app_commands.CommandTree[Any], database: Database, mentions: CommandMentions
) -> bool:
    """Register the commands with Discord if they differ from the registered ones. Returns whether it did.

    Discord is asked, since a restored backup, or another version with the same token, knows others than Discord has.
    Raises what discord.py raises; the registered commands keep working.
    """
    await mentions.load(database)
    commands_hash = await hash_commands(tree)
    async with database.read() as connection:
        if await key_values.get(connection, HASH_KEY) == commands_hash:
            return False
    registered = await tree.sync()
    commands_hash = await hash_commands(tree)
    ids = {command.name: command.id for command in registered}
    async with database.transaction() as connection:
        await key_values.set_value(connection, HASH_KEY, commands_hash)
        await key_values.set_value(connection, COMMAND_IDS, json.dumps(ids))
    mentions.update(ids)
    log.info("commands synchronised", count=len(ids))
    return True


async def hash_commands(tree: app_commands.CommandTree[Any]) -> str:
    """Return a hash of the application's id, all commands with their translations, and what Discord has of them."""
    registered = await tree.client.http.get_global_commands(tree.client.application_id or 0)
    payloads = [
        await command.get_translated_payload(tree, tree.translator)
        if tree.translator is not None
        else command.to_dict(tree)
        for command in sorted(tree.get_commands(), key=lambda command: command.name)
    ]
    versions = [[command["id"], command.get("version")] for command in registered]
    text = json.dumps(
        [str(tree.client.application_id), payloads, versions], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


WRONG_TOKEN = (
    "Discord does not accept DISCORD_TOKEN. Copy it again from your application's Bot page (Reset Token)."
)
NO_ANSWER = (
    "Discord did not answer within 15 s, or is limiting requests. The token may be right; try again later."
)

NOT_A_TOKEN = (
    "DISCORD_TOKEN does not look like a bot's token, which has three long parts with dots between them. Copy it again from your"
    " application's Bot page (Reset Token)."
)
_TOKEN = re.compile(r"[\w-]{4,}\.[\w-]{4,}\.[\w-]{10,}")
"""The form of a bot's token: three parts in URL-safe Base64, the first of which is the application's id."""

ANSWER_SECONDS = 15.0
"""discord.py would wait for as long as a rate limit says, and repeat a failed request for a minute."""


def has_token_form(token: str) -> bool:
    """Return whether a text has the form of a bot's token, which needs no network to tell."""
    return _TOKEN.fullmatch(token.strip()) is not None


class Application(NamedTuple):
    """The bot of a token, and the id of its application, which the address of an invitation names."""

    name: str
    id: int


async def identify(settings: Settings) -> Application:
    """Log in by REST, without the Gateway.

    Raises PaperroundError if the token is invalid or Discord is unreachable.
    """
    assert settings.discord_token is not None
    restore = rest.override_endpoints(settings.discord_api_url, settings.discord_gateway_url)
    observer = rest.HttpObserver()
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.login(settings.discord_token.get_secret_value())
        assert client.application is not None  # the login asked for it
        return Application(str(client.user), client.application.id)
    except discord.LoginFailure as error:
        reason = "Discord cannot be reached: a proxy or firewall in between answered with 401."
        raise PaperroundError(WRONG_TOKEN if observer.is_last_discords else reason) from error
    except TimeoutError as error:
        raise PaperroundError(NO_ANSWER) from error
    except (discord.HTTPException, OSError) as error:
        reason = f"Discord cannot be reached: {error}."
        if not has_token_form(settings.discord_token.get_secret_value()):
            reason += f" {NOT_A_TOKEN}"
        raise PaperroundError(reason) from error
    finally:
        await client.close()
        restore()
