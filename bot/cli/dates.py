"""Reads dates that people type as arguments."""

from __future__ import annotations

from datetime import date

from bot import errors


def parse(text: str) -> date:
    """Read `YYYY-MM-DD`. Raises UsageError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise errors.UsageError(f"{text[:20]!r} is no date. Use YYYY-MM-DD, such as 2025-02-06.") from None
