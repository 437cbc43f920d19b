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


class Texts:
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

    def format_date(self, day: date) -> str:
        """Return a date as a reader of this language writes it in a headline."""
        return babel.dates.format_date(day, format="long", locale=self.locale.value)


class Translations:
    """The texts of all languages. Each file is read when it is first needed: parsing one takes a tenth of a second."""

    def __init__(self, read_source: Callable[[str], str]) -> None:
        self._read_source = read_source
        self._texts_by_name: dict[str, Texts] = {}

    def for_locale(self, locale: models.Locale) -> Texts:
        """Return the texts of a language."""
        return self._load(locale, locale.value)

    @property
    def command_texts(self) -> Texts:
        """The Korean names and descriptions of commands."""
        return self._load(models.Locale.KO, "ko.commands")

    def _load(self, locale: models.Locale, name: str) -> Texts:
        if name not in self._texts_by_name:
            self._texts_by_name[name] = Texts(locale, self._read_source(name))
        return self._texts_by_name[name]


def load() -> Translations:
    """Return the texts that are part of the package."""
    return Translations(read_source)


def read_source(name: str) -> str:
    """Return one Fluent file of `locales/`, by its name without `.ftl`."""
    return (resources.files("bot.client") / "locales" / f"{name}.ftl").read_text(encoding="utf-8")


def from_discord_locale(discord_locale: discord.Locale | None) -> models.Locale | None:
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
        self._korean = translations.command_texts

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the text in `locale`, or None to leave it to the default."""
        ours = from_discord_locale(locale)
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
        return f"{_slugify(data.qualified_name)}.name"
    if place in (where.command_description, where.group_description):
        return f"{_slugify(data.qualified_name)}.description"
    if place is where.parameter_name:
        return f"{_slugify(data.command.qualified_name)}.option-{_slugify(data.name)}"
    if place is where.parameter_description:
        return f"{_slugify(data.command.qualified_name)}.option-{_slugify(data.name)}-description"
    return f"choice.{_slugify(str(data.value)).replace(',', '-')}"


def _slugify(name: str) -> str:
    return name.lower().replace(" ", "-").replace("_", "-")
