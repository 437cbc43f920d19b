"""The interface's texts in English and Korean (Fluent files in `locales/`)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import babel.dates
from fluent.runtime import FluentBundle, FluentResource

from bot.core import data
from bot.rendering import discord_text, locale_formats
from storage import models

_DAYS_WITHOUT_YEAR = 365
MAX_ARGUMENT_LENGTH = 2_500
"""Longer arguments are cut, since Fluent rejects them. A message has 4,000 characters."""
Argument = str | int | float


class Texts:
    """The texts in one language, keyed by Fluent id."""

    def __init__(self, locale: models.Locale, source: str) -> None:
        self.locale = locale
        self._bundle = FluentBundle([locale.value], use_isolating=False)
        self._bundle.add_resource(FluentResource(source))

    def __call__(self, key: str, **arguments: Argument) -> str:
        """Return the text of `key`. Long arguments are shortened.

        Raises KeyError for an unknown key and ValueError for a missing argument.
        """
        name, _, attribute = key.partition(".")
        message = self._bundle.get_message(name)
        pattern = message.attributes[attribute] if attribute else message.value
        assert pattern is not None, key
        for name, value in arguments.items():
            if isinstance(value, str) and len(value) > MAX_ARGUMENT_LENGTH:
                arguments[name] = discord_text.shorten(value, MAX_ARGUMENT_LENGTH)
        text, problems = self._bundle.format_pattern(pattern, arguments)
        if problems:
            raise ValueError(f"{key} in {self.locale}: {problems}")
        return str(text)

    def find(self, key: str) -> str | None:
        """Return the text of `key` (`name` or `name.attribute`), or None if the key is unknown."""
        try:
            return self(key)
        except LookupError:
            return None

    def list_attributes(self, key: str) -> list[str]:
        """Return the names of a key's attributes, in the order of the file."""
        return list(self._bundle.get_message(key).attributes)

    def name_command(self, name: str) -> str:
        """Return a command's name in this language as code. Its mention is unreadable to those who may not use it."""
        words = name.split()
        keys = ["-".join(("command", *words[: count + 1])) for count in range(len(words))]
        shown = " ".join(self.find(f"{key}.name") or word for key, word in zip(keys, words, strict=True))
        return f"`/{shown}`"

    def format_date(self, day: date) -> str:
        return babel.dates.format_date(day, format="long", locale=self.locale.value)

    def format_time(self, at: str) -> str:
        return locale_formats.render_time(at, self.locale.value)

    def format_day(self, day: date, today: date) -> str:
        """Return a short date: Today, Yesterday or Dec 30; with the year if a year ago or in the future."""
        days_ago = (today - day).days
        if days_ago in (0, 1):
            return self("day-yesterday" if days_ago else "day-today")
        skeleton = "MMMd" if 0 <= days_ago < _DAYS_WITHOUT_YEAR else "yMMMd"
        return babel.dates.format_skeleton(skeleton, day, locale=self.locale.value)

    def format_period(self, first: date | None, last: date | None) -> str:
        """Return a period in this language: a year, a month, or two dates, one of which may be open; "" if both are."""
        if first is None or first == date.min or last is None:
            key, edge = ("period-since", first) if last is None else ("period-until", last)
            return self(key, date=self.format_date(edge)) if edge else ""
        if first == last:
            return self.format_date(first)
        if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
            return babel.dates.format_skeleton("y", first, locale=self.locale.value)
        if first.day == 1 and last.month == first.month and (last + timedelta(days=1)).day == 1:
            return babel.dates.format_skeleton("yMMMM", first, locale=self.locale.value)
        return babel.dates.format_interval(first, last, "yMMMd", locale=self.locale.value)


@cache
def for_locale(locale: models.Locale) -> Texts:
    """Return the texts in this language, whose file is parsed once, which takes about 0.1 s."""
    return Texts(locale, read_source(locale))


def read_source(locale: models.Locale) -> str:
    """Return the content of a language's Fluent file, with a no-break space after `▲`."""
    return discord_text.tie_marks(data.read_text(f"i18n/locales/{locale.value}.ftl"))
