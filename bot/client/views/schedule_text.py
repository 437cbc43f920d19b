"""A standing order's schedule in texts, for the interface. What a post itself says is worded by the templates."""

from __future__ import annotations

from collections.abc import Sequence

from bot.client.translations import Texts
from bot.rendering.wording import filters


def format_schedule(texts: Texts, at_time: str, timezone: str, chosen: Sequence[int]) -> str:
    """Return a schedule in words: `Every day at 09:00 (Seoul)`."""
    return texts("schedule", days=format_days(texts, chosen), time=at_time, zone=format_zone(texts, timezone))


def format_days(texts: Texts, chosen: Sequence[int]) -> str:
    """Return ISO weekdays in texts."""
    if tuple(chosen) == filters.EVERY_DAY:
        return texts("every-day")
    if tuple(chosen) == filters.WORKDAYS:
        return texts("workdays")
    return texts("on-days", days="·".join(format_weekday(texts, day) for day in chosen))


def format_weekday(texts: Texts, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return filters.render_weekday(day, texts.locale.value)


def format_zone(texts: Texts, name: str) -> str:
    """Return the city of an IANA zone in the reader's language, or its own name."""
    return filters.render_zone(name, texts.locale.value)
