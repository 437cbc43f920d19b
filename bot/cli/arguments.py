"""Parses arguments of commands."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar

from bot import errors

Choice = TypeVar("Choice", bound=StrEnum)


def parse_date(text: str) -> date:
    """Parse `YYYY-MM-DD`. Raises UsageError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise errors.UsageError(f"{text[:20]!r} is no date. Use YYYY-MM-DD, such as 2025-02-06.") from None


def parse_choice(choices: type[Choice], text: str, noun: str) -> Choice:
    """Return the enum member with this value, in any case. Raises UsageError that lists the values."""
    try:
        return choices(text.strip().lower())
    except ValueError:
        values = [choice.value for choice in choices]
        hint = " or ".join(values) if len(values) == 2 else f"one of {', '.join(values)}"
        raise errors.UsageError(f"{text[:40]!r} is no {noun}. Use {hint}.") from None
