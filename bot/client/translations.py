"""The interface's texts in English and Korean (Fluent), and the names of commands in Korean for Discord.

The texts stand in `locales/`; a post's own wording is in the templates, and a digest's text is never translated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import resources
from typing import Any

import babel.dates
import discord
from discord import app_commands
from fluent.runtime import FluentBundle, FluentResource

from storage import models

Argument = str | int | float


class Words:
    """One language's texts, by key."""

    def __init__(self, locale: models.Locale, source: str) -> None:
        self.locale = locale
        self._bundle = FluentBundle([locale.value], use_isolating=False)
        self._bundle.add_resource(FluentResource(source))

    def __call__(self, key: str, **arguments: Argument) -> str:
        """Return the text of `key`. Raises KeyError for an unknown key and ValueError for a missing argument."""
        name, _, attribute = key.partition(".")
        message = self._bundle.get_message(name)
        pattern = message.attributes[attribute] if attribute else message.value
        if pattern is None:
            raise KeyError(key)
        text, problems = self._bundle.format_pattern(pattern, arguments)
        if problems:
            raise ValueError(f"{key} in {self.locale}: {problems}")
        return str(text)

    def find(self, key: str) -> str | None:
        """Return the text of `key` (`name.attribute`), or None where there is none."""
        name, _, attribute = key.partition(".")
        if not self._bundle.has_message(name):
            return None
        message = self._bundle.get_message(name)
        present = attribute in message.attributes if attribute else message.value is not None
        return self(key) if present else None

    def date(self, day: date) -> str:
        """Return a date as a reader of this language writes it in a headline."""
        return babel.dates.format_date(day, format="long", locale=self.locale.value)


class Translations:
    """The texts of all languages. Each file is read when it is first needed: parsing one takes a tenth of a second."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._words: dict[str, Words] = {}

    def of(self, locale: models.Locale) -> Words:
        """Return the texts of a language."""
        return self._file(locale, locale.value)

    @property
    def commands(self) -> Words:
        """The Korean names and descriptions of commands."""
        return self._file(models.Locale.KO, "ko.commands")

    def _file(self, locale: models.Locale, name: str) -> Words:
        if name not in self._words:
            self._words[name] = Words(locale, self._read(name))
        return self._words[name]


def load() -> Translations:
    """Return the texts that are part of the package."""
    return Translations(read_source)


def read_source(name: str) -> str:
    """Return one Fluent file of `locales/`, by its name without `.ftl`."""
    return (resources.files("bot.client") / "locales" / f"{name}.ftl").read_text(encoding="utf-8")


def locale_of(discord_locale: discord.Locale | None) -> models.Locale | None:
    """Return our language for one of Discord's: Korean or English; None for a language that we do not speak."""
    if discord_locale is discord.Locale.korean:
        return models.Locale.KO
    if discord_locale in (discord.Locale.american_english, discord.Locale.british_english):
        return models.Locale.EN
    return None


class CommandTranslator(app_commands.Translator):
    """Gives Discord the Korean names and descriptions of commands, options and choices; English is the default.

    The keys in `ko.commands.ftl` follow from where a text stands: `alerts-add`, with the attributes `.name`,
    `.description`, and an option's `.option-topic` and `.option-topic-description`; a choice is `choice.<its value>`.
    """

    def __init__(self, translations: Translations) -> None:
        self._korean = translations.commands

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the text in `locale`, or None to leave it to the default."""
        ours = locale_of(locale)
        if ours is models.Locale.KO:
            return self._korean.find(command_key(string, context))
        # Without its own entry British English may be shown as another language's.
        return string.message if ours is models.Locale.EN else None


def command_key(string: app_commands.locale_str, context: app_commands.TranslationContextTypes) -> str:
    """Return the key of a command's text in `ko.commands.ftl`."""
    place = context.location
    data: Any = context.data
    where = app_commands.TranslationContextLocation
    if place in (where.command_name, where.group_name):
        return f"{_slug(data.qualified_name)}.name"
    if place in (where.command_description, where.group_description):
        return f"{_slug(data.qualified_name)}.description"
    if place is where.parameter_name:
        return f"{_slug(data.command.qualified_name)}.option-{_slug(data.name)}"
    if place is where.parameter_description:
        return f"{_slug(data.command.qualified_name)}.option-{_slug(data.name)}-description"
    return f"choice.{_slug(str(data.value)).replace(',', '-')}"


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-").replace("_", "-")
