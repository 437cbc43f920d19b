"""Parsers of typed options and form fields: dates, times, time zones and numbers. Each raises UserError."""

from __future__ import annotations

import re
from datetime import date, timedelta

from bot.client.interactions import time_texts
from bot.client.interactions.errors import UserError
from bot.rendering.discord_text import escape

_DATE = re.compile(r"([0-9]{4})[-./ ]{1,2}([0-9]{1,2})[-./ ]{1,2}([0-9]{1,2})\.?")
_DAYS_AGO = {"today": 0, "오늘": 0, "yesterday": 1, "어제": 1}


def parse_date(text: str, today: date) -> date:
    """Parse a date: ISO, with dots or slashes, or a word such as `today` or `어제`. Raises UserError."""
    folded = text.strip().casefold()
    if folded in _DAYS_AGO:
        return today - timedelta(days=_DAYS_AGO[folded])
    match = _DATE.fullmatch(folded)
    try:
        return date(*map(int, match.groups())) if match else date.fromisoformat(folded)
    except ValueError:
        raise UserError("no-date", example=today.isoformat()) from None


def parse_time(text: str) -> str:
    """Parse a time of day (`9:00`, `9am`, `오전 9시`, `아침`) to `HH:MM`. Raises UserError."""
    found = time_texts.find_time(text)
    if found is None:
        raise UserError("time-not-understood", text=_escaped_input(text))
    return found


def parse_zone(text: str) -> str:
    """Parse the name of a time zone: an IANA name, a city, a country or an abbreviation. Raises UserError."""
    found = time_texts.find_zone(text)
    if found is None:
        raise UserError("zone-unknown", text=_escaped_input(text))
    return found


def parse_number(text: str, key: str, low: int, high: int) -> int:
    """Parse an integer from `low` to `high`. Raises UserError with `key`."""
    value = text.strip()
    if not value.isdecimal() or len(value) > 6 or not low <= int(value) <= high:
        raise UserError(key, low=low, high=high)
    return int(value)


def _escaped_input(text: str) -> str:
    return escape.escape_text(text[:40])
