"""Computes when subscriptions are due and converts local times to UTC. Pure.

A local time skipped by the clock becomes the first minute after the gap. A repeated local time means its
first occurrence. A date skipped by a zone (Samoa, 2011-12-30) has no post.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.core import day_close
from bot.core.clock import local_date, stored_zone
from storage import errors
from storage.models import Subscription

DAY = timedelta(days=1)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_NAMES = tuple(name[:3] for name in _WEEKDAYS)
DEFAULT_TIME = "09:00"
"""The earliest time for a post without a time of day, which waits for the day's list."""
AT_TIME_PATTERN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Slot(NamedTuple):
    """A local date, its due time (UTC), and the complete day that the post covers (None for a post with a time of day)."""

    on: date
    at: datetime
    day: date | None = None


WAIT = timedelta(hours=12)
"""How long a due post waits for papers or for its day's list."""
CLOSE_WAIT = timedelta(hours=6)
"""How long after DEFAULT_TIME a post without a time waits for a list to close."""
_LONGEST_GAP = 9 * DAY
"""The longest time between two posts: they are at least weekly, and a zone may skip a date."""


def schedule_key(subscription: Subscription) -> tuple[str, str, tuple[int, ...]]:
    """Return the settings that determine when a subscription is due: time of day, zone and weekdays."""
    return subscription.at_time, subscription.timezone, subscription.days


def parse_time(text: str) -> time:
    """Parse `HH:MM` (24 hours). Raises UsageError."""
    match = AT_TIME_PATTERN.fullmatch(text.strip())
    if match is None:
        raise errors.UsageError(
            f"{text[:20]!r} is not a time of day. Use HH:MM (24-hour clock), such as 09:00.",
            "time-not-understood",
            text=text[:40],
        )
    return time(int(match[1]), int(match[2]))


def parse_days(text: str) -> tuple[int, ...]:
    """Parse weekdays such as `mon,tue` or `mon-fri` into sorted ISO weekdays; "" means every day. Raises UsageError."""
    days: set[int] = set()
    for word in filter(None, re.split(r"[,\s]+", text.strip().lower())):
        names = [_find_weekday(name) for name in word.split("-")]
        places = [place for place in names if place is not None]
        if len(names) > 2 or len(places) < len(names):
            raise errors.UsageError(
                f"{word[:20]!r} is not a weekday. Use mon, tue, wed, thu, fri, sat, sun, as in mon-fri or sat,sun."
            )
        first, last = places[0], places[-1]
        days.update((first + step) % 7 + 1 for step in range((last - first) % 7 + 1))
    return tuple(sorted(days)) or EVERY_DAY


def _find_weekday(name: str) -> int | None:
    """Return a weekday's place in the week, from 0, by at least three letters of its English name (mon, thurs), or None."""
    bare = name.removesuffix("s")
    places = (place for place, whole in enumerate(_WEEKDAYS) if whole.startswith(bare) and len(bare) >= 3)
    return next(places, None)


@lru_cache(maxsize=4096)
def wall_clock_to_utc(on: date, at: time, zone: ZoneInfo) -> datetime:
    """Convert a local time to UTC. The module's docstring explains gaps and repeated times."""
    wall = datetime.combine(on, at)
    while True:
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
        wall += timedelta(minutes=1)


def date_exists(on: date, zone: ZoneInfo) -> bool:
    return wall_clock_to_utc(on, time(0), zone).astimezone(zone).date() == on


def time_since_date_before(subscription: Subscription, on: date) -> timedelta:
    """Return how long before a date the subscription's weekdays had the one before: one to seven days."""
    return next(n * DAY for n in range(1, 8) if (on - n * DAY).isoweekday() in subscription.days)


class Rule(NamedTuple):
    """A schedule: a time zone, and a time of day and at least one ISO weekday in that zone."""

    at: time
    zone: ZoneInfo
    days: tuple[int, ...] = EVERY_DAY

    def due_at(self, on: date) -> datetime:
        """Return the due time (UTC) of a local date."""
        return wall_clock_to_utc(on, self.at, self.zone)


def rule_of(at_time: str | None, zone: str, days: tuple[int, ...] = EVERY_DAY) -> Rule:
    """Return a schedule from stored texts. Without a time of day it is DEFAULT_TIME."""
    return Rule(parse_time(at_time or DEFAULT_TIME), stored_zone(zone), days)


def iter_due_times(first: date, rule: Rule) -> Iterator[Slot]:
    """Yield all due times from a local date onwards."""
    on = first
    while on < date.max - DAY:
        if on.isoweekday() in rule.days and date_exists(on, rule.zone):
            yield Slot(on, rule.due_at(on))
        on += DAY


@lru_cache(maxsize=4096)
def next_due(after: datetime, rule: Rule) -> Slot:
    """Return the first due time after a given time (UTC)."""
    # Start a day early, because a time in a gap at midnight belongs to the previous date.
    first = local_date(after, rule.zone) - DAY
    return next(due for due in iter_due_times(first, rule) if due.at > after)


def last_due(now: datetime, rule: Rule) -> Slot:
    """Return the last due time up to a given time (UTC)."""
    due = next_due(now - _LONGEST_GAP, rule)
    while (following := next_due(due.at, rule)).at <= now:
        due = following
    return due


def _rule(row: Subscription) -> Rule:
    return rule_of(row.at_time, row.timezone, row.days)


class Calendar:
    """The dates of subscriptions as of `now` (UTC). Computes each schedule once.

    `closings` has the complete days. If it is None, no source has lists, and posts without a time are due at
    DEFAULT_TIME.
    """

    def __init__(
        self, now: datetime, rule: day_close.DayClose, closings: day_close.Closings | None = None
    ) -> None:
        self.now = now
        self.closed_on = rule.last_closed(now)
        """The newest day whose list has closed."""
        self._rule = rule
        self._closings = closings
        self._slots: dict[object, tuple[Slot, Slot]] = {}

    def at(self, moment: datetime) -> Calendar:
        """Return a calendar for another time (UTC) that has the same complete days."""
        return Calendar(moment, self._rule, self._closings)

    def newest(self, row: Subscription) -> Slot:
        """Return a subscription's latest date that is already due."""
        return self._look_up(row)[0]

    def following(self, row: Subscription) -> Slot:
        """Return the first date of a subscription that is neither due yet nor finished."""
        slot = self._look_up(row)[1]
        if row.last_on is None or row.last_on < slot.on:
            return slot
        # Today's post has been made, although its time was moved to later today.
        return self._slot(row, next(iter_due_times(row.last_on + DAY, _rule(row))))

    def is_open(self, row: Subscription) -> bool:
        """Return whether a subscription's newest date is not finished: its post waits for papers or a list."""
        return row.last_on is None or row.last_on < self.newest(row).on

    def find_due(self, row: Subscription) -> Slot | None:
        """Return the due date whose post should be sent as soon as there are papers, or None."""
        slot = self.newest(row)
        is_whole = slot.day is None or self._closings is None or self._closings.is_complete(slot.day)
        return slot if self.is_open(row) and (is_whole or self.is_over(slot)) else None

    def is_over(self, slot: Slot) -> bool:
        """Return whether a date's post no longer waits for papers or a list."""
        return self.now >= slot.at + WAIT

    def _look_up(self, row: Subscription) -> tuple[Slot, Slot]:
        key = schedule_key(row)
        if key not in self._slots:
            rule = _rule(row)
            start = local_date(self.now, rule.zone) - _LONGEST_GAP
            slots = (self._slot(row, due) for due in iter_due_times(start, rule))
            past, following = next(pair for pair in pairwise(slots) if pair[1].at > self.now)
            self._slots[key] = past, following
        return self._slots[key]

    def _slot(self, row: Subscription, due: Slot) -> Slot:
        if row.at_time or self._closings is None:
            return due
        day = self._rule.last_closed(due.at + CLOSE_WAIT)
        return Slot(due.on, max(due.at, self._rule.closes_at(day)), day)
