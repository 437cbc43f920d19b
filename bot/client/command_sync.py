"""Register slash commands with Discord, check the bot's token, and complete its application."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.client import permissions, rest
from bot.client.wording import COMMAND_IDS, CommandMentions
from bot.core.clock import Clock, system_clock
from bot.core.settings import Settings
from bot.i18n import texts
from bot.outbox.request_pacing import AnswerListener, HttpAnswer
from storage import key_values, models
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


Changes = Mapping[str, dict[str, Any]]
"""The settings that an application's pages in the portal lack, as requests that set them, keyed by their names there."""


class Application(NamedTuple):
    """A bot's name, its application id for the invitation link, and what its pages in the portal say.

    `seconds_ahead` is how far this machine's clock was ahead of Discord's when Discord answered.
    """

    name: str
    id: int
    pages: discord.AppInfo
    seconds_ahead: float = 0.0


async def identify(settings: Settings, machine: Clock = system_clock) -> Application:
    """Return the token's application. Raises PaperroundError as `_log_in`."""
    answers = list[HttpAnswer]()
    async with _log_in(settings, answers.append) as (client, application):
        times = [answer.answered_at for answer in answers if answer.is_discords and answer.answered_at]
        seconds_ahead = (machine() - times[-1]).total_seconds() if times else 0.0
        return Application(str(client.user), application.id, application, seconds_ahead)


async def complete(settings: Settings, changes: Changes) -> dict[str, str]:
    """Change the token's application. Returns the names of what Discord refused, with its reason.

    Raises PaperroundError as `_log_in`.
    """
    refused = {}
    async with _log_in(settings) as (client, _):
        for name, payload in changes.items():
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await client.http.edit_application_info(reason=None, payload=payload)
            except (discord.HTTPException, OSError) as error:
                refused[name] = str(error) or NO_ANSWER
    return refused


async def find_wrong_channels(settings: Settings, places: Iterable[tuple[int, int]]) -> list[str]:
    """Return a sentence for each channel that Discord does not have in its server, given by the ids of both.

    Raises PaperroundError as `_log_in`.
    """
    wrong = list[str]()
    async with _log_in(settings) as (client, _):
        for server, channel in places:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    found = await client.http.get_channel(channel)
            except discord.NotFound:
                wrong.append(
                    f"Discord has no channel {channel} (its server: {server}). Are the two ids swapped?"
                )
            except discord.Forbidden:
                wrong.append(f"The bot may not see the channel {channel}. Is it in the server {server}?")
            else:
                if str(found.get("guild_id")) != str(server):
                    wrong.append(f"The channel {channel} is not in the server {server}.")
    return wrong


_INSTALLS = {
    "0": ({"applications.commands", "bot"}, permissions.INVITED),  # in a server
    "1": ({"applications.commands"}, discord.Permissions.none()),  # for an account
}


def find_lacking(application: discord.AppInfo, icon: bytes) -> Changes:
    """Return the settings that are not made yet, with a PNG as the icon. Scopes and permissions that are set stay."""
    lacking: dict[str, dict[str, Any]] = {}
    configs, has_all = {}, True
    given = application.guild_integration_config, application.user_integration_config
    for (kind, (scopes, wanted)), config in zip(_INSTALLS.items(), given, strict=True):
        params = config.oauth2_install_params if config else None
        had, allowed = (set(params.scopes), params.permissions) if params else (set(), discord.Permissions())
        has_all = has_all and scopes <= had and wanted <= allowed
        installed = {"scopes": sorted(scopes | had), "permissions": (wanted | allowed).value}
        configs[kind] = {"oauth2_install_params": installed}
    if not has_all:
        lacking["installation"] = {"integration_types_config": configs}
    if not application.description:
        by_locale = {locale: texts.for_locale(locale)("application-description") for locale in models.Locale}
        localized = {
            locale.value: text for locale, text in by_locale.items() if locale is not models.Locale.EN
        }
        lacking["description"] = {
            "description": {"default": by_locale[models.Locale.EN], "localizations": localized}
        }
    if application.icon is None:
        lacking["icon"] = {"icon": f"data:image/png;base64,{base64.b64encode(icon).decode()}"}
    return lacking


@asynccontextmanager
async def _log_in(
    settings: Settings, on_answer: AnswerListener = lambda _: None
) -> AsyncIterator[tuple[discord.Client, discord.AppInfo]]:
    """Log in over REST, without the Gateway, for the block. `on_answer` gets each answer.

    Raises PaperroundError if the token is invalid or Discord is unreachable.
    """
    assert settings.discord_token is not None
    restore = rest.override_endpoints(settings.discord_api_url, settings.discord_gateway_url)
    observer, way = rest.HttpObserver(), rest.describe_way(settings.proxy)
    observer.on_answer(on_answer)
    client = discord.Client(intents=discord.Intents.none(), http_trace=observer.trace, proxy=settings.proxy)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.login(settings.discord_token.get_secret_value())
        assert client.application is not None  # set by the login
        yield client, client.application
    except discord.LoginFailure as error:
        reason = f"Discord cannot be reached{way}: a proxy or firewall in between answered with 401."
        raise PaperroundError(WRONG_TOKEN if observer.is_last_discords else reason) from error
    except TimeoutError as error:
        raise PaperroundError(f"{NO_ANSWER}{way and f' It was asked{way}.'}") from error
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise PaperroundError(f"Discord cannot be reached{way}: {error}.") from error
    finally:
        await client.close()
        restore()
