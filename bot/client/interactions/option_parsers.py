"""Parsers of typed options and form fields: dates, times, time zones and numbers. Each raises UserError."""

from __future__ import annotations

from datetime import date

from bot.client.interactions import time_texts
from bot.client.interactions.errors import UserError
from bot.rendering.discord_text import escape
from bot.text.queries import typed_dates


def parse_dates(text: str, today: date) -> tuple[date, date]:
    """Parse a date or a period (`2025-12-30`, `dec 30`, `어제`, `지난주`) to its first and last day. Raises UserError."""
    found = typed_dates.read(text, today)
    if found is None:
        raise UserError("no-date", example=today.isoformat())
    return found


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
