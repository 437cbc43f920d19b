"""The filters of templates: votes, authors, dates and times in the reader's language, the template's `locale`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

import babel.dates
import babel.numbers
from jinja2 import pass_context
from jinja2.runtime import Context

from bot.rendering.discord_text import escape, split
from bot.rendering.discord_text.escape import SafeMarkdown

MAX_AUTHORS = 3
MAX_NAME_LENGTH = 80
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WORKDAYS = (1, 2, 3, 4, 5)


def render_votes(votes: int | None) -> str:
    """Return `▲ 81`, or `▲ –` for unknown votes."""
    return f"▲ {'–' if votes is None else votes}"


def render_authors(names: Sequence[str], truncated: bool = False) -> str:
    """Return the first three names and the number of others; `+…` if the digest shortened the list."""
    shown = ", ".join(
        split.shorten(escape.to_single_line(name), MAX_NAME_LENGTH, markdown=False)
        for name in names[:MAX_AUTHORS]
    )
    more = len(names) - MAX_AUTHORS
    if more > 0:
        return f"{shown} +{more}{'…' if truncated else ''}"
    return f"{shown} +…" if truncated and shown else shown


def render_day(day: date, locale: str) -> str:
    """Return a date in full: `2025년 2월 12일`, `February 12, 2025`."""
    return babel.dates.format_date(day, format="long", locale=locale)


def render_weekday(day: int, locale: str) -> str:
    """Return the short name of an ISO weekday (1 is Monday)."""
    names: dict[int, str] = dict(babel.dates.get_day_names("abbreviated", locale=locale))
    return names[day - 1]


def render_zone(name: str, locale: str) -> str:
    """Return the city of an IANA zone in the language (`서울`), or the zone's name if it has no city."""
    try:
        city: str = babel.dates.get_timezone_location(name, locale=locale, return_city=True)
    except (LookupError, ValueError):
        return name
    return city if "/" in name and not name.startswith("Etc/") else name


def render_timestamp(at: datetime, style: str = "f") -> SafeMarkdown:
    """Return a Discord timestamp, shown in the reader's time zone. Styles: t T d D f F R (resources/reference)."""
    return SafeMarkdown(f"<t:{int(at.timestamp())}:{style}>")


@pass_context
def _day(context: Context, day: date) -> str:
    return render_day(day, context["locale"])


@pass_context
def _weekdays(context: Context, days: Iterable[int], separator: str = ", ") -> str:
    return separator.join(render_weekday(day, context["locale"]) for day in days)


@pass_context
def _zone(context: Context, name: str) -> str:
    return render_zone(name, context["locale"])


@pass_context
def _number(context: Context, number: int) -> str:
    return babel.numbers.format_decimal(number, locale=context["locale"])


def _iso_days(days: Iterable[date], most: int = 5) -> str:
    dates = [day.isoformat() for day in days]
    return ", ".join(dates[-most:])


FILTERS: dict[str, Callable[..., object]] = {
    "votes": render_votes,
    "authors": render_authors,
    "day": _day,
    "iso_days": _iso_days,
    "weekdays": _weekdays,
    "zone": _zone,
    "number": _number,
    "moment": render_timestamp,
    "ago": lambda at: render_timestamp(at, "R"),
    "link": escape.masked_link,
    "safe": SafeMarkdown,
    "trim": lambda text: SafeMarkdown(text.strip()) if isinstance(text, SafeMarkdown) else str(text).strip(),
    "shorten": lambda text, limit: split.shorten(str(text), limit, markdown=isinstance(text, SafeMarkdown)),
}
"""The filters of all templates by name, in addition to jinja2's own."""
