"""When the list of a day closes.

Hugging Face's daily papers of a day are complete at 21:30 New York time of that day. Source: another project read the lists of
233 weekdays. They were complete by 01:30 UTC of the next day in summer and by 02:30 UTC in winter, and 1.4 to 2.2 % of the papers
came after 00:10 UTC. The rule learns nothing from what it sees; an operator replaces it with PAPERROUND_DAY_CLOSES.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core import clock

DEFAULT_SETTING = "21:30 America/New_York"
LATE_PERIOD = timedelta(hours=6)
"""How long after its close a day's list is still read at each poll, for late papers."""
SILENT_PERIOD = timedelta(days=3)
"""How long an unreadable day is waited for after its close, and a silent source of lists."""

_DAY = timedelta(days=1)
_WINDOW_BEFORE, _WINDOW_AFTER = timedelta(minutes=10), timedelta(minutes=40)
_WINDOW_INTERVAL, _RETRY_INTERVAL = timedelta(minutes=5), timedelta(minutes=1)
_OUTAGE_INTERVAL = timedelta(minutes=30)
"""Longest time between reads while they fail: posts wait for the list of a day that has closed."""
_QUIET_BEFORE = timedelta(minutes=2)
"""No read begins within this time before the close: its answer could arrive after the close and be incomplete."""
_READ_AFTER = timedelta(seconds=1)
_PATTERN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s+(\S+)")


class DayClose:
    """A time of day at which the list of that day closes, by the rules of a time zone.

    After its close, the digest of a day may be written for `writing_period` before the day counts as complete.
    """

    def __init__(self, at: time, zone: ZoneInfo, writing_period: timedelta = timedelta()) -> None:
        self._at = at
        self._zone = zone
        self.writing_period = writing_period

    def closes_at(self, day: date) -> datetime:
        """Return when the list of a day closes (UTC). A time that the clock skips is later by the length of the gap."""
        return datetime.combine(day, self._at, self._zone).astimezone(UTC)

    def last_closed(self, moment: datetime) -> date:
        """Return the newest day whose list has closed at a moment."""
        day = moment.astimezone(UTC).date() + _DAY
        while self.closes_at(day) > moment:
            day -= _DAY
        return day

    def written_by(self, day: date) -> datetime:
        """Return the end of the time to write a day's digest (UTC)."""
        return self.closes_at(day) + self.writing_period

    def is_list_growing(self, day: date, moment: datetime) -> bool:
        """Return whether papers may still be added to the list of a day, within LATE_PERIOD of its close."""
        return moment < self.closes_at(day) + LATE_PERIOD

    def next_read_at(self, planned_at: datetime, now: datetime, *, has_failed: bool = False) -> datetime:
        """Return when a list is read next: at `planned_at` or earlier, often around the close, and right after it."""
        day = self.last_closed(now - _WINDOW_AFTER) + _DAY
        close = self.closes_at(day)
        interval = _RETRY_INTERVAL if has_failed and now >= close else _WINDOW_INTERVAL
        in_window = max(now + interval, close - _WINDOW_BEFORE)
        if in_window > close + _WINDOW_AFTER:
            close = self.closes_at(day + _DAY)
            in_window = close - _WINDOW_BEFORE
        planned_at = min(planned_at, in_window)
        if has_failed:
            planned_at = min(planned_at, now + _OUTAGE_INTERVAL)
        after_close = close + _READ_AFTER
        if now < after_close and planned_at > close - _QUIET_BEFORE:
            return after_close
        return planned_at


class Closings:
    """Tells which days are complete: those whose list was read after its close. `reads` are the last reads by day (UTC)."""

    def __init__(self, rule: DayClose, reads: Mapping[date, datetime]) -> None:
        self.rule = rule
        self._reads = reads

    def is_complete(self, day: date) -> bool:
        """Return whether a day's list was read after the day closed. A list read earlier proves nothing."""
        read_at = self._reads.get(day)
        return read_at is not None and read_at >= self.rule.closes_at(day)

    def newest_complete(self, now: datetime) -> date:
        """Return the newest complete day that has closed by `now` (UTC); date.min if there is none.

        If the clock was ahead, a list may have been read "after" a close that is still to come.
        """
        closed = self.rule.last_closed(now)
        return max((day for day in self._reads if day <= closed and self.is_complete(day)), default=date.min)

    def has_read_since(self, moment: datetime) -> bool:
        """Return whether any list was read since a moment (UTC)."""
        return any(read_at >= moment for read_at in self._reads.values())


def parse(text: str, writing_period: timedelta = timedelta()) -> DayClose:
    """Parse `21:30 America/New_York`. Raises ValueError."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time and zone. Example: {DEFAULT_SETTING}")
    try:
        zone = clock.load_zone(match[3])
    except ValueError as error:
        raise ValueError(f"{error}. Example: America/New_York") from None
    return DayClose(time(int(match[1]), int(match[2])), zone, writing_period)


def default() -> DayClose:
    """Return the default rule."""
    return parse(DEFAULT_SETTING)
