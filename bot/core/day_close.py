"""When a day's list of papers closes.

Hugging Face's list for a day is complete at 21:30 New York time. Source: another project read the lists of
233 weekdays. They were complete by 01:30 UTC of the next day in summer and by 02:30 UTC in winter, and 1.4 to
2.2 % of the papers arrived after 00:10 UTC. An operator can set another time with PAPERROUND_DAY_CLOSES.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core import clock

DEFAULT_SETTING = "21:30 America/New_York"
LATE_PERIOD = timedelta(hours=6)
"""How long a day's list is still polled for late papers after its close."""
SILENT_PERIOD = timedelta(days=3)
"""How long posts wait for a list that cannot be read, or for a source without new lists."""

_DAY = timedelta(days=1)
_WINDOW_BEFORE, _WINDOW_AFTER = timedelta(minutes=10), timedelta(minutes=40)
_WINDOW_INTERVAL, _RETRY_INTERVAL = timedelta(minutes=5), timedelta(minutes=1)
_OUTAGE_INTERVAL = timedelta(minutes=30)
"""The longest time between failing reads, since posts wait for the list of a closed day."""
_QUIET_BEFORE = timedelta(minutes=2)
"""No read starts this shortly before the close, since an incomplete response could arrive after it."""
_READ_AFTER = timedelta(seconds=1)
_PATTERN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s+(\S+)")


class DayClose:
    """The time of day, in a time zone, at which the day's list closes.

    The writer then has `writing_period` to write the day's digest.
    """

    def __init__(self, at: time, zone: ZoneInfo, writing_period: timedelta = timedelta()) -> None:
        self._at = at
        self._zone = zone
        self.writing_period = writing_period

    def closes_at(self, day: date) -> datetime:
        """Return when a day's list closes (UTC). A time skipped by a clock change is moved by the length of the gap."""
        return datetime.combine(day, self._at, self._zone).astimezone(UTC)

    def last_closed(self, moment: datetime) -> date:
        """Return the latest day whose list has closed by `moment`."""
        day = moment.astimezone(UTC).date() + _DAY
        while self.closes_at(day) > moment:
            day -= _DAY
        return day

    def written_by(self, day: date) -> datetime:
        """Return the writer's deadline for a day's digest (UTC)."""
        return self.closes_at(day) + self.writing_period

    def is_list_growing(self, day: date, moment: datetime) -> bool:
        """Return whether papers may still join a day's list, up to LATE_PERIOD after its close."""
        return moment < self.closes_at(day) + LATE_PERIOD

    def next_read_at(self, planned_at: datetime, now: datetime, *, has_failed: bool) -> datetime:
        """Return when to read the list next: `planned_at`, or earlier where posts wait for the list.

        - Far from a close: at the latest when its window begins, 10 minutes before it; after a failure, in 30 minutes.
        - In the window, until 40 minutes after the close: in 5 minutes; if the list is closed and a read failed, in 1.
        - Not within 2 minutes before the close nor across it, but just after it.
        """
        day = self.last_closed(now - _WINDOW_AFTER) + _DAY
        close = self.closes_at(day)
        interval = _RETRY_INTERVAL if has_failed and now >= close else _WINDOW_INTERVAL
        if now + interval > close + _WINDOW_AFTER:
            close = self.closes_at(day + _DAY)
        latest = max(now + interval, close - _WINDOW_BEFORE)
        if has_failed:
            latest = min(latest, now + _OUTAGE_INTERVAL)
        read_at, after_close = min(planned_at, latest), close + _READ_AFTER
        is_too_close = now < after_close and read_at > close - _QUIET_BEFORE
        return after_close if is_too_close else read_at


class Closings:
    """The complete days, whose lists were read after their close. `reads` are the last reads by day (UTC)."""

    def __init__(self, rule: DayClose, reads: Mapping[date, datetime]) -> None:
        self.rule = rule
        self._reads = reads

    def is_complete(self, day: date) -> bool:
        """Return whether a day's list was read after its close."""
        read_at = self._reads.get(day)
        return read_at is not None and read_at >= self.rule.closes_at(day)

    def newest_complete(self, now: datetime) -> date:
        """Return the latest complete day that has closed by `now` (UTC), or else date.min.

        Checks `now` because a list may seem to have been read after a future close if the clock was ahead.
        """
        closed = self.rule.last_closed(now)
        return max((day for day in self._reads if day <= closed and self.is_complete(day)), default=date.min)

    def has_read_since(self, moment: datetime) -> bool:
        """Return whether any list was read at or after a moment (UTC)."""
        return any(read_at >= moment for read_at in self._reads.values())


MISSED_DAYS = 2
"""How many expected days without papers mean that papers have stopped."""
EXPECTED_WEEKS = 4
"""How many weeks show on which weekdays papers are to be expected."""


def find_missed_days(listed: Sequence[date], closed_on: date) -> list[date]:
    """Return the days after the newest one with papers, up to `closed_on`, on which papers were expected.

    `listed` are days with papers, newest first. A weekday is expected if at least half of the last four weeks with
    papers had some on it: Monday to Friday for a daily list, its own day for a weekly one.
    """
    if not listed:
        return []
    newest = listed[0]
    recent = [day for day in listed if newest - day < EXPECTED_WEEKS * 7 * _DAY]
    weeks = (newest - recent[-1]).days // 7 + 1
    counts = Counter(day.isoweekday() for day in recent)
    days = (newest + number * _DAY for number in range(1, (closed_on - newest).days + 1))
    return [day for day in days if counts[day.isoweekday()] * 2 >= weeks]


def parse(text: str, writing_period: timedelta = timedelta()) -> DayClose:
    """Parse a setting such as `21:30 America/New_York`. Raises ValueError."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time and zone. Example: {DEFAULT_SETTING}")
    try:
        zone = clock.load_zone(match[3])
    except ValueError as error:
        raise ValueError(f"{error}. Example: America/New_York") from None
    return DayClose(time(int(match[1]), int(match[2])), zone, writing_period)


def default() -> DayClose:
    """Return the closing time of Hugging Face's list."""
    return parse(DEFAULT_SETTING)
