"""A standing order's schedule in words, for the interface. What a post itself says is worded by the templates."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Words
from bot.rendering.wording import filters


def when(words: Words, at_time: str, timezone: str, chosen: Sequence[int]) -> str:
    """Return a schedule in words: `Every day at 09:00 (Seoul)`."""
    return words("schedule", days=days(words, chosen), time=at_time, zone=zone(words, timezone))


def days(words: Words, chosen: Sequence[int]) -> str:
    """Return ISO weekdays in words."""
    if tuple(chosen) == filters.EVERY_DAY:
        return words("every-day")
    if tuple(chosen) == filters.WORKDAYS:
        return words("workdays")
    return words("on-days", days="·".join(weekday(words, day) for day in chosen))


def weekday(words: Words, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return filters.render_weekday(day, words.locale.value)


def zone(words: Words, name: str) -> str:
    """Return the city of an IANA zone in the reader's language, or its own name."""
    return filters.render_zone(name, words.locale.value)
