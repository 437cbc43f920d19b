"""Autocomplete callbacks, within Discord's limits of 25 choices with 100 characters each."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog
from discord import app_commands

from bot.client.handler_context import Interaction
from bot.core import admission
from bot.i18n import typed_values
from bot.rendering import discord_text
from bot.rendering.discord_text import shorten_label

log = structlog.get_logger(__name__)

Choices = list[app_commands.Choice[str]]
Completer = Callable[[Interaction, str], Coroutine[Any, Any, Choices]]
TIMEOUT_SECONDS = 2.5
"""Discord only accepts a response within three seconds."""
PATIENCE_SECONDS = 0.5


def guarded(complete: Completer) -> Completer:
    """Wrap a callback to cut the typed text, and to return no choices on a timeout or error (logged).

    It also returns no choices while the bot is busy with lookups, since late choices are useless.
    """

    @functools.wraps(complete)
    async def run(interaction: Interaction, current: str) -> Choices:
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                interaction.client.services.lookups.admitted(interaction.user.id, PATIENCE_SECONDS),
            ):
                return await complete(interaction, current[: discord_text.CHOICE_NAME])
        except admission.BusyError:
            return []
        except Exception as error:  # noqa: BLE001 - an autocomplete cannot show an error; the command still works
            log.warning("autocomplete failed", kind=type(error).__name__, error=str(error))
            return []

    return run


def complete_last_of(complete: Completer) -> Completer:
    """Return a callback that completes the last of several comma-separated texts."""

    async def complete_last(interaction: Interaction, current: str) -> Choices:
        head, comma, last = current.rpartition(",")
        choices = await complete(interaction, last.strip())
        begin = f"{head.strip()}, " if comma else ""
        return make_choices((begin + choice.name, begin + str(choice.value)) for choice in choices)

    return complete_last


@guarded
async def timezones(_: Interaction, current: str) -> Choices:
    """Complete time zones whose name contains the typed text, common zones first."""
    return make_choices((zone, zone) for zone in typed_values.list_matching_zones(current))


@guarded
async def times(_: Interaction, current: str) -> Choices:
    """Complete the typed time, and full and half hours that start with it, from 06:00 on."""
    query = current.strip()
    typed, zone = typed_values.split_zone(query)
    meant = typed_values.find_time(typed)
    if meant and zone:
        meant = f"{meant} {zone}"
    all_hours = [*range(6, 24), *range(6)]
    all_times = (f"{hour:02}:{minute:02}" for hour in all_hours for minute in (0, 30))
    listed = (time for time in all_times if time.startswith(query) or time.lstrip("0").startswith(query))
    return make_choices((time, time) for time in ([meant] if meant else []) + list(listed))


def make_choices(pairs: Iterable[tuple[str, str]]) -> Choices:
    """Return (name, value) pairs as at most 25 choices, shortening long names and skipping long values."""
    choices: dict[str, app_commands.Choice[str]] = {}
    for name, value in pairs:
        label = shorten_label(name, discord_text.CHOICE_NAME)
        if label and 0 < len(value) <= discord_text.CHOICE_VALUE:
            choices.setdefault(value, app_commands.Choice(name=label, value=value))
        if len(choices) == discord_text.AUTOCOMPLETE_CHOICES:
            break
    return list(choices.values())
