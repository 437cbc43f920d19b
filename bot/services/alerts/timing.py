"""When the message of a match is due. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import assert_never

from bot.services.daily import schedule
from storage import models

GATHERING_TIME = timedelta(minutes=3)
"""An alert that is sent at once waits for this time, so that what matches meanwhile is in the same message."""


def due_at(alert: models.Alert, now: datetime) -> datetime:
    """Return when a match of `now` (UTC) is due: soon, or at the next time of day of a daily or weekly alert.

    A time that does not exist or exists twice on a date is one moment, as for daily posts.
    """
    match alert.timing:
        case models.AlertTiming.AT_ONCE:
            return now + GATHERING_TIME
        case models.AlertTiming.DAILY:
            return _next_slot(alert.at_time, alert.timezone, schedule.EVERY_DAY, now)
        case models.AlertTiming.WEEKLY:
            return _next_slot(alert.at_time, alert.timezone, (alert.weekday,), now)
        case _:
            assert_never(alert.timing)


@lru_cache(maxsize=1024)
def _next_slot(at_time: str, timezone: str, days: tuple[int, ...], now: datetime) -> datetime:
    # The name of a zone may come from a machine with newer rules.
    zone = schedule.parse_zone(timezone if schedule.is_known_zone(timezone) else str(UTC))
    return schedule.next_due(now, schedule.parse_time(at_time), zone, days).at
