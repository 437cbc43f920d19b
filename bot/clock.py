"""The system clock. All other code receives a `Clock`, so that tests can set the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


def system_clock() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)
