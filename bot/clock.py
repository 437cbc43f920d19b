"""The only place that asks the machine what time it is. Everything else is given a `Clock`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment: aware, in UTC."""


def system_clock() -> datetime:
    """Return the machine's present moment, aware and in UTC."""
    return datetime.now(UTC)
