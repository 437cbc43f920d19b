"""Parses arguments of commands."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar

from bot import errors
from bot.cli import context
from bot.clock import system_clock

Choice = TypeVar("Choice", bound=StrEnum)


def parse_date(text: str) -> date:
    """Parse a day as people type it (`2025-02-06`, `yesterday`, `dec 30`), in the zone of the settings. Raises UsageError."""
    from bot.text.queries import typed_dates

    span = typed_dates.read(text, system_clock().astimezone(context.load_timezone()).date())
    if span is None or span[0] != span[1]:
        raise errors.UsageError(
            f"{text[:20]!r} is no date. Use YYYY-MM-DD, such as 2025-02-06, or today or yesterday."
        )
    return span[0]


def parse_time(text: str | None) -> str | None:
    """Parse a time of day as people type it (`9am`, `21:30`) to `HH:MM`; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client.interactions import time_texts

    found = time_texts.find_time(text)
    if found is None:
        raise errors.UsageError(
            f"{text[:20]!r} is no time of day. Use HH:MM on 24 hours, such as 09:00, or 9am."
        )
    return found


def parse_zone(text: str | None) -> str | None:
    """Parse the name of a time zone (`Asia/Seoul`, `seoul`) to its IANA name; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client.interactions import time_texts

    found = time_texts.find_zone(text)
    if found is None:
        raise errors.UsageError(f"{text[:40]!r} is no time zone. Use an IANA name, such as Asia/Seoul.")
    return found


def parse_choice(choices: type[Choice], text: str, noun: str) -> Choice:
    """Return the enum member with this value, in any case. Raises UsageError that lists the values."""
    try:
        return choices(text.strip().lower())
    except ValueError:
        values = [choice.value for choice in choices]
        hint = " or ".join(values) if len(values) == 2 else f"one of {', '.join(values)}"
        raise errors.UsageError(f"{text[:40]!r} is no {noun}. Use {hint}.") from None
