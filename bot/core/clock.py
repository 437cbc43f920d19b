"""The system clock, Discord's clock, time zones, and the division of long work into slices.

All other code receives a `Clock`, so that tests can set the time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage import errors

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


def system_clock() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def count_seconds() -> float:
    """Return the seconds of a monotonic clock, if possible one that counts while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


MAX_ERROR = timedelta(seconds=5)
"""Tolerated difference from Discord's time: its answers give whole seconds and take time to arrive."""


class DiscordClock:
    """Discord's time, as of its last answer, counted on by `count` (seconds). Until the first answer it is the machine's
    time.

    No stored time can be wrong as long as nothing is planned before the first answer.
    """

    def __init__(self, machine: Clock = system_clock, count: Callable[[], float] = count_seconds) -> None:
        self._count = count
        self._set_at, self._set_to = count(), machine()
        self.is_set = False

    def __call__(self) -> datetime:
        """Return the current time (UTC)."""
        return self._set_to + timedelta(seconds=self._count() - self._set_at)

    def set(self, answered_at: datetime) -> None:
        """Take the time of an answer (UTC) if it differs by more than MAX_ERROR."""
        error = self() - answered_at
        self.is_set = True
        if abs(error) > MAX_ERROR:
            self._set_at, self._set_to = self._count(), answered_at
            # Imported here: it takes a tenth of the time of a command that only looks something up.
            import structlog

            log = structlog.get_logger(__name__)
            log.warning("the clock was set to Discord's time", seconds_ahead=round(error.total_seconds()))


def latest_date(now: datetime) -> date:
    """Return the last valid date of a digest at `now` (UTC): tomorrow, because of zones ahead of UTC.

    Digests with a later date are stored, but do not count as newest until that day.
    """
    return now.date() + timedelta(days=1)


SLICE_SECONDS = 0.003
"""Time that work takes at once; a step may take longer, so steps must be small.

A transaction takes about fifteen turns of the event loop, and one of delivery must take less than 100 ms.
"""


class TimeSlices:
    """Divides a task's work on the event loop into slices of about SLICE_SECONDS, by `timer`."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._ends_at = timer() + SLICE_SECONDS

    async def pause(self) -> None:
        """Give control to the event loop if the slice is over. Call it after each step."""
        if self._timer() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = self._timer() + SLICE_SECONDS


_MAX_ZONE_LENGTH = 60


_NO_REGIONS = re.compile(r"(?i)(right|posix|SystemV)/|(localtime|posixrules|Factory)\Z")
"""Zone files other than IANA's regions: the machine's zone, zones with leap seconds, and a placeholder."""


def load_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA region or UTC by its exact name. Raises ValueError."""
    try:
        # A name is sought as a module too, with a package for each dot.
        if not _NO_REGIONS.match(name) and len(name) <= _MAX_ZONE_LENGTH:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"{name[:_MAX_ZONE_LENGTH]!r} is not an IANA time zone")


@lru_cache(maxsize=1024)
def parse_zone(name: str) -> ZoneInfo:
    """Return the IANA zone of a name. Raises UsageError, which names a valid one."""
    try:
        return load_zone(name.strip())
    except ValueError as error:
        raise errors.UsageError(f"{error}. Example: Asia/Seoul.") from None


def is_known_zone(name: str) -> bool:
    """Return whether this machine has the rules of a zone. A stored name may come from another machine."""
    try:
        parse_zone(name)
    except errors.UsageError:
        return False
    return True


def local_date(now: datetime, zone: ZoneInfo) -> date:
    """Return the zone's date at a moment."""
    return now.astimezone(zone).date()
