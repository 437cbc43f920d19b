"""Clocks, time zones, and time slices for long work.

All other code is given a `Clock`, so that tests can set the time.
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
from storage.models import Locale

Clock = Callable[[], datetime]
"""A function that returns the current time as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Return the machine's current time as an aware datetime in UTC."""
    return datetime.now(UTC)


def count_seconds() -> float:
    """Return the seconds of a monotonic clock, if possible of one that keeps counting while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


MAX_ERROR = timedelta(seconds=5)
"""Tolerated difference from Discord's time: responses give whole seconds and take time to arrive."""

MAX_MACHINE_ERROR = timedelta(minutes=1)
"""The difference of the machine's time from Discord's beyond which the operator is told."""


class DiscordClock:
    """Discord's time: the time of its last response plus the seconds that `count` measured since then.

    Before the first response, it returns the machine's time, so nothing may be planned yet.
    """

    def __init__(self, machine: Clock, count: Callable[[], float] = count_seconds) -> None:
        self._count, self._machine = count, machine
        self._set_at, self._set_to = count(), machine()
        self.is_set = False

    def __call__(self) -> datetime:
        """Return the current time (UTC)."""
        return self._set_to + timedelta(seconds=self._count() - self._set_at)

    def is_machine_wrong(self) -> bool:
        """Return whether the machine's time differs from Discord's by over a minute."""
        return self.is_set and abs(self._machine() - self()) > MAX_MACHINE_ERROR

    def set(self, answered_at: datetime, seconds: float = 0.0) -> None:
        """Set the clock to the time of a response (UTC) if they differ by more than MAX_ERROR.

        The response was given at some moment of the last `seconds`: the machine may have slept before it was read.
        """
        error = self() - answered_at
        self.is_set = True
        if not -MAX_ERROR <= error <= MAX_ERROR + timedelta(seconds=seconds):
            self._set_at, self._set_to = self._count(), answered_at
            # Imported here because it takes a tenth of the time of a lookup in the shell.
            import structlog

            log = structlog.get_logger(__name__)
            log.warning("clock set to Discord's time", seconds_ahead=round(error.total_seconds()))


def latest_date(now: datetime) -> date:
    """Return the last plausible date of a digest at `now` (UTC): tomorrow, for time zones ahead of UTC.

    A digest with a later date is stored, but is neither the newest digest nor posted until that date.
    """
    return now.date() + timedelta(days=1)


SLICE_SECONDS = 0.003
"""The longest time between yields to the event loop, not counting one step of work.

A transaction takes about fifteen turns of the loop, and a delivery's transaction must end within 100 ms.
"""


class TimeSlices:
    """Splits long work on the event loop into slices of about SLICE_SECONDS, measured by `timer`."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._ends_at = timer() + SLICE_SECONDS

    async def pause(self) -> None:
        """Yield to the event loop if the slice is over. Call this after each step."""
        if self._timer() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = self._timer() + SLICE_SECONDS


_MAX_ZONE_LENGTH = 60


_NO_REGIONS = re.compile(r"(?i)(right|posix|SystemV)/|(localtime|posixrules|Factory)\Z")
"""Zone files that are not IANA regions: the machine's own zone, zones with leap seconds, a placeholder."""


def load_zone(name: str) -> ZoneInfo:
    """Return the time zone with exactly this IANA name. Raises ValueError for any other name."""
    try:
        # zoneinfo also looks the name up as a package resource, so a long name would be slow.
        if not _NO_REGIONS.match(name) and len(name) <= _MAX_ZONE_LENGTH:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"{name[:_MAX_ZONE_LENGTH]!r} is not an IANA time zone")


@lru_cache(maxsize=1024)
def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone with this IANA name. Raises UsageError with an example of a valid name."""
    try:
        return load_zone(name.strip())
    except ValueError as error:
        raise errors.UsageError(f"{error}. Example: Asia/Seoul.", "zone-unknown", text=name[:40]) from None


def default_zone(locale: Locale, configured: str) -> str:
    """Return the zone of who has none: the `configured` one, or Seoul for Korean if that is UTC."""
    return "Asia/Seoul" if locale is Locale.KO and configured == "UTC" else configured


def stored_zone(name: str) -> ZoneInfo:
    """Return the zone of a stored name, or UTC if this machine does not know it: another one may have stored it."""
    try:
        return parse_zone(name)
    except errors.UsageError:
        return ZoneInfo("UTC")


def parse_http_date(text: str) -> datetime | None:
    """Return the time (UTC) of a date in an HTTP header, which is in UTC if it has no zone, or None if it is invalid."""
    # Not needed by a lookup in the shell.
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def local_date(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


_MAX_RETRY_AFTER = timedelta(days=1)


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Parse a Retry-After header, in seconds or as a date, to a time (UTC) at most a day ahead, or None if invalid."""
    text = (value or "").strip()[:100]
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _MAX_RETRY_AFTER)
    at = parse_http_date(text)
    return at and max(now, min(at, now + _MAX_RETRY_AFTER))
