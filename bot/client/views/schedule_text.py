"""A standing order's schedule in words, for the interface. What a post itself says is worded by the templates."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Texts
from bot.rendering.wording import filters


def format_schedule(words: Texts, at_time: str, timezone: str, chosen: Sequence[int]) -> str:
    """Return a schedule in words: `Every day at 09:00 (Seoul)`."""
    return words("schedule", days=format_days(words, chosen), time=at_time, zone=format_zone(words, timezone))


def format_days(words: Texts, chosen: Sequence[int]) -> str:
    """Return ISO weekdays in words."""
    if tuple(chosen) == filters.EVERY_DAY:
        return words("every-day")
    if tuple(chosen) == filters.WORKDAYS:
        return words("workdays")
    return words("on-days", days="·".join(format_weekday(words, day) for day in chosen))


def format_weekday(words: Texts, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return filters.render_weekday(day, words.locale.value)


def format_zone(words: Texts, name: str) -> str:
    """Return the city of an IANA zone in the reader's language, or its own name."""
    return filters.render_zone(name, words.locale.value)
