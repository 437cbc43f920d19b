"""The languages of Discord's clients, and the Korean names of commands."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.i18n import texts
from storage import models

Location = app_commands.TranslationContextLocation


def from_discord_locale(discord_locale: discord.Locale | None) -> models.Locale | None:
    """Return the language for a Discord locale, or None if there is no translation."""
    if discord_locale is discord.Locale.korean:
        return models.Locale.KO
    if discord_locale in (discord.Locale.american_english, discord.Locale.british_english):
        return models.Locale.EN
    return None


class CommandTranslator(app_commands.Translator):
    """Translates the names and descriptions of commands, options and choices into Korean.

    Keys in `ko.ftl`: `command-alerts-add` with the attributes `.name` and `.description`; `command-alerts.option-topic` and
    `.option-topic-description` for an option of all commands in a group; `command-choice.<value>` for a choice.
    """

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the text in `locale`, or None to use the default."""
        target = from_discord_locale(locale)
        if target is models.Locale.KO:
            return texts.for_locale(target).find(command_key(string, context))
        # If British English had no texts, Discord might show another language.
        return string.message if target is models.Locale.EN else None


def command_key(string: app_commands.locale_str, context: app_commands.TranslationContextTypes) -> str:
    """Return the key of a command's text in `ko.ftl`."""
    data: Any = context.data
    match context.location:
        case Location.command_name | Location.group_name:
            return f"command-{_slugify(data.qualified_name)}.name"
        case Location.command_description | Location.group_description:
            return f"command-{_slugify(data.qualified_name)}.description"
        case Location.parameter_name:
            return f"command-{_slugify(_top_name(data.command))}.option-{_slugify(data.name)}"
        case Location.parameter_description:
            return f"command-{_slugify(_top_name(data.command))}.option-{_slugify(data.name)}-description"
        case _:
            return f"command-choice.{_slugify(str(data.value)).replace(',', '-')}"


def _top_name(command: app_commands.Command[Any, Any, Any]) -> str:
    """Return the name of a command's group, or of the command itself if it is in no group."""
    return (command.root_parent or command).name


def _slugify(name: str) -> str:
    return name.lower().replace(" ", "-").replace("_", "-")
