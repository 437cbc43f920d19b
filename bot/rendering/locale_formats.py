"""Days of the week, times and time zones as each language writes them."""

from __future__ import annotations

from datetime import time
from typing import Literal

import babel.dates

from storage import models

WORKDAYS = (1, 2, 3, 4, 5)


def render_weekday(day: int, locale: str, width: Literal["abbreviated", "wide"]) -> str:
    """Return the name of an ISO weekday, 1 for Monday."""
    names: dict[int, str] = dict(babel.dates.get_day_names(width, locale=locale))
    return names[day - 1]


def render_time(at: str, locale: str) -> str:
    """Format a time of day, given as `HH:MM`, like Discord: `9:00 AM`, `오전 9:00`."""
    pattern = "aaaa h:mm" if locale == models.Locale.KO else "h:mm aaaa"
    return babel.dates.format_time(time.fromisoformat(at), pattern, locale=locale)


def render_zone(name: str, locale: str) -> str:
    """Return an IANA zone's city in the given language (`서울`), or the zone's name if it has no city."""
    try:
        city: str = babel.dates.get_timezone_location(name, locale=locale, return_city=True)
    except (LookupError, ValueError):
        return name
    return city if "/" in name and not name.startswith("Etc/") else name
